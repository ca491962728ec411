use std::time::Duration;

use keyward_config::Environment;
use keyward_core::{Error, Result, Secret};

use crate::program::failure;
use crate::run::{run, without_repository};

/// How long git may take to read its configuration.
const LIMIT: Duration = Duration::from_secs(20);

/// Returns the settings whose names begin with `prefix`, from git's configuration of the system and
/// of the user. Later ones overrule earlier ones. The configuration of a repository is not read, nor
/// settings in the environment, such as those of `git -c`.
///
/// The section and the variable of a name have lower-case letters. A setting without a value is left
/// out.
///
/// # Errors
/// - [`Unavailable`](keyward_core::ErrorKind::Unavailable): git is missing, or took too long.
/// - [`Invalid`](keyward_core::ErrorKind::Invalid): git does not understand its configuration.
pub fn user_settings(environment: &Environment, prefix: &str) -> Result<Vec<(String, Secret)>> {
    let pattern = format!("^{}", prefix.replace('.', "\\."));
    let mut git = without_repository(environment);
    git.env("LC_ALL", "C");
    for variable in ["GIT_CONFIG", "GIT_CONFIG_COUNT", "GIT_CONFIG_PARAMETERS"] {
        git.env_remove(variable);
    }
    git.args(["config", "-z", "--get-regexp", &pattern]);
    let answer = run(&mut git, &Secret::default(), LIMIT)?;
    match answer.status.code() {
        Some(0 | 1) => read(answer.output.expose()),
        _ => Err(failure(&answer)),
    }
}

/// Parses git's list. A newline separates the name of a setting from its value.
fn read(listed: &[u8]) -> Result<Vec<(String, Secret)>> {
    let mut settings = Vec::new();
    for setting in listed.split(|byte| *byte == 0) {
        let Some(at) = setting.iter().position(|byte| *byte == b'\n') else { continue };
        let name = String::from_utf8(setting[..at].to_vec()).map_err(|_| {
            Error::invalid("config", "the name of a setting in git's configuration is not UTF-8")
        })?;
        settings.push((name, Secret::from(&setting[at + 1..])));
    }
    Ok(settings)
}
