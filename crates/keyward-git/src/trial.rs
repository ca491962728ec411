//! Tries whether a call of Keyward in git's configuration works.

use keyward_core::{Result, Secret};
use serde_json::Value;

use crate::helper::Call;
use crate::program::Git;

/// A host for which no credential can exist: names below `invalid` are reserved (RFC 6761).
const REQUEST: &str = "protocol=https\nhost=keyward-check.invalid\n\n";

/// What happened when git asked only this call, for a credential that cannot exist.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trial {
    /// Git got no credential, which is correct.
    Correct,
    /// Git got a credential.
    Credential,
    /// Keyward told git to stop.
    Quit,
    /// Git stopped before it asked.
    NotAsked,
    /// Git could not run the program.
    NotRun,
}

impl Git {
    /// Makes git ask only this call, for a credential that cannot exist.
    ///
    /// # Errors
    /// [`Unavailable`](keyward_core::ErrorKind::Unavailable) if git does not end in time.
    pub fn try_call(&self, call: &Call) -> Result<Trial> {
        let helper = format!("credential.helper={}", call.value);
        let arguments = ["-c", "credential.helper=", "-c", &helper, "credential", "fill"];
        let mut command = self.command(&arguments);
        let answer = self.run(command.env("GIT_TRACE2_EVENT", "1"), &Secret::from(REQUEST))?;
        let errors = String::from_utf8_lossy(answer.errors.expose());
        if errors.contains("told us to quit") {
            return Ok(Trial::Quit);
        }
        Ok(match exit_of_helper(&errors) {
            None => Trial::NotAsked,
            Some(0) if answer.output.is_empty() => Trial::Correct,
            Some(0) => Trial::Credential,
            Some(_) => Trial::NotRun,
        })
    }
}

/// Returns the exit code of the helper, from the trace that git writes (`git help api-trace2`).
fn exit_of_helper(trace: &str) -> Option<i64> {
    let events = trace.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let exit = events.rev().find(|event| event["event"] == "child_exit")?;
    exit["code"].as_i64()
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use keyward_core::ErrorKind;

    use super::*;

    fn try_shell(script: &str, limit: Duration) -> Result<Trial> {
        let call = Call { value: format!("!{script} #"), program: None, store: "git".into() };
        Git::find().unwrap().with_limit(limit).try_call(&call)
    }

    #[test]
    fn a_helper_that_hangs_does_not_hang_the_trial() {
        let started = Instant::now();
        let error = try_shell("sleep 60", Duration::from_millis(500)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unavailable);
        assert!(started.elapsed() < Duration::from_secs(30));
    }

    #[test]
    fn each_answer_is_distinguished() {
        for (script, trial) in [
            ("true", Trial::Correct),
            ("echo username=x; echo password=y", Trial::Credential),
            ("echo quit=1", Trial::Quit),
            ("exit 3", Trial::NotRun),
        ] {
            assert_eq!(try_shell(script, Duration::from_secs(20)).unwrap(), trial, "{script}");
        }
    }
}
