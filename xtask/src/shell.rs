//! Starts other programs, and prints their command lines.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

/// The result of a command; the error is one line.
pub type Result<T = ()> = std::result::Result<T, String>;

/// Returns the folder of the workspace.
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("the manifest is one folder below the workspace")
}

/// Returns the folder that cargo builds in, also if `CARGO_TARGET_DIR` or a configuration file sets
/// it.
pub(crate) fn target() -> Result<PathBuf> {
    let this =
        std::env::current_exe().map_err(|e| format!("cannot find this program's own path: {e}"))?;
    let target = this.ancestors().nth(2).ok_or("this program is not in a target folder")?;
    Ok(target.to_owned())
}

/// Returns the platform that the compiler runs on.
pub(crate) fn host() -> Result<String> {
    let version = output(Command::new("rustc").arg("-vV"))?;
    let host = version.lines().find_map(|line| line.strip_prefix("host: "));
    host.map(str::to_owned).ok_or_else(|| "rustc does not say what it runs on".into())
}

pub(crate) fn cargo<S: AsRef<OsStr>>(arguments: impl IntoIterator<Item = S>) -> Command {
    let mut command = Command::new("cargo");
    command.args(arguments).current_dir(root());
    command
}

/// Prints a command and runs it.
pub(crate) fn run(command: &mut Command) -> Result {
    run_as(&shown(command), command)
}

/// Runs a command and prints a shorter form of it.
pub(crate) fn run_as(shown: &str, command: &mut Command) -> Result {
    println!("$ {shown}");
    let status = command.status().map_err(|e| format!("cannot start `{shown}`: {e}"))?;
    if status.success() { Ok(()) } else { Err(format!("`{shown}`: {status}")) }
}

/// Runs a command without printing it and returns its output.
pub(crate) fn output(command: &mut Command) -> Result<String> {
    let shown = shown(command);
    let output = command.output().map_err(|e| format!("cannot start `{shown}`: {e}"))?;
    if !output.status.success() {
        return Err(format!(
            "`{shown}`: {}\n{}",
            output.status,
            String::from_utf8_lossy(&output.stderr)
        ));
    }
    String::from_utf8(output.stdout)
        .map_err(|_| format!("`{shown}` printed something that is not UTF-8"))
}

/// Whether a command can be started and exits with 0. Its output is dropped.
pub(crate) fn succeeds(command: &mut Command) -> bool {
    let quiet = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    quiet.status().is_ok_and(|status| status.success())
}

/// Runs one stage of a command, with a title, and prints how long it took.
pub(crate) fn stage<T>(title: &str, work: impl FnOnce() -> Result<T>) -> Result<T> {
    println!("\n=== {title}");
    let start = Instant::now();
    let done = work();
    let outcome = if done.is_ok() { "ok" } else { "FAILED" };
    println!("=== {title}: {outcome} after {:.1} s", start.elapsed().as_secs_f64());
    done.map_err(|why| format!("{title}: {why}"))
}

/// Makes the message for an operation on a file that failed.
pub(crate) fn failed(what: &str, path: &Path, error: &std::io::Error) -> String {
    format!("cannot {what} {}: {error}", path.display())
}

fn shown(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words.map(OsStr::to_string_lossy).collect::<Vec<_>>().join(" ")
}
