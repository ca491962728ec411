//! Runs command lines that the user configures, such as `$EDITOR`, and quotes words for a shell.

use std::borrow::Cow;
use std::ffi::{OsStr, OsString};
use std::process::{Command, ExitStatus};

use keyward_config::Environment;

/// Returns the value of the first of these variables that is not blank, else `default`.
pub(crate) fn command_line(
    environment: &Environment,
    variables: &[&str],
    default: &str,
) -> OsString {
    let is_blank = |line: &OsString| line.as_encoded_bytes().trim_ascii().is_empty();
    let mut lines = variables.iter().filter_map(|name| environment.get(name));
    lines.find(|line| !is_blank(line)).unwrap_or_else(|| default.into())
}

/// Returns a command that has the shell run this line, followed by the arguments that the caller
/// adds. As with git, the line may contain options, quotes and variables.
pub(crate) fn command(line: &OsStr) -> Command {
    let mut script = line.to_owned();
    script.push(" \"$@\"");
    let mut command = Command::new("sh");
    command.arg("-c").arg(script).arg(line);
    command
}

/// Quotes a word for a shell, if it needs quotes. A word with a NUL, which no shell can read, stays
/// as it is.
pub(crate) fn quoted(word: &str) -> Cow<'_, str> {
    shlex::try_quote(word).unwrap_or(Cow::Borrowed(word))
}

/// Whether the shell could not find the program or could not run it.
pub(crate) fn is_missing(status: ExitStatus) -> bool {
    matches!(status.code(), Some(126 | 127))
}
