//! The variables that change how programs run.

use keyward_core::{Error, ErrorKind, Result};

/// The variables with which a file could make a program run other code.
const STEERING: &[&str] = &[
    "BASH_ENV",
    "EDITOR",
    "ENV",
    "GCONV_PATH",
    "HOME",
    "IFS",
    "JAVA_TOOL_OPTIONS",
    "JDK_JAVA_OPTIONS",
    "LESSCLOSE",
    "LESSOPEN",
    "LUA_INIT",
    "MANPAGER",
    "NODE_OPTIONS",
    "OPENSSL_CONF",
    "PAGER",
    "PATH",
    "PROMPT_COMMAND",
    "SHELLOPTS",
    "SSH_ASKPASS",
    "SUDO_ASKPASS",
    "VISUAL",
    "ZDOTDIR",
    "_JAVA_OPTIONS",
];

/// What the names of further ones begin with.
const STEERING_PREFIXES: [&str; 6] = ["DYLD_", "GIT_", "LD_", "PERL", "PYTHON", "RUBY"];

/// Whether a variable of this name could make a program run other code.
pub(in crate::commands) fn steers(name: &str) -> bool {
    STEERING.contains(&name) || STEERING_PREFIXES.iter().any(|prefix| name.starts_with(prefix))
}

/// Refuses a variable of a file that steers programs, unless the command line allows it.
///
/// # Errors
/// [`Refused`](ErrorKind::Refused).
pub(super) fn check_allowed(place: &str, name: &str, allowed: &[String]) -> Result<()> {
    if !steers(name) || allowed.iter().any(|it| it == name) {
        return Ok(());
    }
    let why = format!("{place}: {name} changes how programs run");
    let hint = format!("If the file may set it, add --allow {name}");
    Err(Error::new(ErrorKind::Refused, "run").because(why).hint(hint))
}
