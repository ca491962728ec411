//! Runs git with limits on time and output.

use std::io;
use std::process::Command;
use std::time::Duration;

use keyward_config::Environment;
use keyward_core::{Error, ErrorKind, Result, Secret};
use keyward_plugin::process::{Answer, Failure, ask_with_errors};

/// The largest output and the largest configuration that is read, in bytes.
pub(crate) const MAX: usize = 4 << 20;

/// Runs git with this input, for as long as `limit`, and returns what it printed. That may be a
/// whole configuration, with the secrets in it.
pub(crate) fn run(command: &mut Command, input: &Secret, limit: Duration) -> Result<Answer> {
    ask_with_errors(command, input, MAX, limit).map_err(|failure| error_of(failure, limit))
}

/// Returns a git that runs in this environment outside of any repository and does not prompt.
pub(crate) fn without_repository(environment: &Environment) -> Command {
    let mut command = Command::new("git");
    if let Some(variables) = environment.fixed_variables() {
        command.env_clear().envs(variables);
    }
    command
        .env("GIT_TERMINAL_PROMPT", "0")
        // Set, but empty: then git does not use another variable or setting.
        .env("GIT_ASKPASS", "")
        .env("SSH_ASKPASS", "")
        .env_remove("GIT_DIR")
        .env_remove("GIT_COMMON_DIR")
        .current_dir("/");
    command
}

/// Returns the error for git that did not run to its end.
pub(crate) fn error_of(failure: Failure, limit: Duration) -> Error {
    let unavailable = |why: String| Error::new(ErrorKind::Unavailable, "run git").because(why);
    match failure {
        Failure::NotStarted(error) if error.kind() == io::ErrorKind::NotFound => {
            unavailable("git is not installed, or is not on PATH".into())
        }
        Failure::NotStarted(error) => unavailable(format!("git cannot be started: {error}")),
        Failure::Late => {
            unavailable(format!("Keyward ended git after {:.1} seconds", limit.as_secs_f64()))
        }
        Failure::TooMuch => unavailable("git printed too much".into()),
        Failure::Io(error) => Error::io("run git", error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMIT: Duration = Duration::from_millis(300);

    fn shell(script: &str) -> Result<Answer> {
        run(Command::new("sh").args(["-c", script]), &Secret::default(), LIMIT)
    }

    #[test]
    fn a_git_that_hangs_is_ended_together_with_what_it_started() {
        let scratch = tempfile::tempdir().unwrap();
        let mark = scratch.path().join("mark");
        let error = shell(&format!("(sleep 1; touch '{}') & wait", mark.display())).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unavailable);
        assert_eq!(error.message(), "Keyward ended git after 0.3 seconds");
        std::thread::sleep(Duration::from_millis(1500));
        assert!(!mark.exists());
    }

    #[test]
    fn a_git_that_is_not_there_is_named() {
        let error = run(&mut Command::new("/nowhere/git"), &Secret::default(), LIMIT).unwrap_err();
        assert_eq!(error.message(), "git is not installed, or is not on PATH");
    }
}
