//! Asks the user through another program, as ssh does with `SSH_ASKPASS`.

use std::path::PathBuf;
use std::process::{Command, Stdio};

use keyward_config::{Config, SettingKey};
use keyward_core::{Error, ErrorKind, Result, Secret};

/// The longest answer, in bytes.
const MAX: usize = 1 << 20;

/// The program of the setting `prompt.askpass`. It gets the question as its only argument, and prints
/// the answer.
pub(crate) struct Askpass(PathBuf);

impl Askpass {
    /// Returns the program, if the user has set one.
    ///
    /// # Errors
    /// `Invalid` for a relative path, which would name another program in each folder.
    pub(crate) fn configured(config: &Config) -> Result<Option<Self>> {
        const KEY: &str = "prompt.askpass";
        let Some(text) = config.settings().text(KEY) else { return Ok(None) };
        let path = match text.strip_prefix("~/") {
            Some(rest) => config.places().home.join(rest),
            None => PathBuf::from(text),
        };
        if path.is_absolute() {
            return Ok(Some(Self(path)));
        }
        let key = SettingKey::parse(KEY)?;
        let place = config.settings().get(&key).map_or(KEY, |setting| setting.place.as_str());
        Err(Error::invalid("config", format!("{place}: the path must be absolute")))
    }

    /// Asks a question, and returns the answer without its last line end.
    ///
    /// # Errors
    /// `Locked` if the program fails or prints nothing: it is how a user cancels.
    pub(crate) fn ask(&self, question: &str) -> Result<Secret> {
        let failed = |why: String| {
            let why = format!("the program {} {why}", self.0.display());
            Error::new(ErrorKind::Locked, "prompt").because(why)
        };
        let mut child = Command::new(&self.0)
            .arg(question)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|error| failed(format!("cannot be started: {error}")))?;
        let answer = child.stdout.take().map(|output| Secret::read_from(output, MAX));
        if !matches!(answer, Some(Ok(_))) {
            // It has ended already if this fails.
            drop(child.kill());
        }
        let status = child.wait().map_err(|error| failed(error.to_string()))?;
        let mut answer = answer
            .unwrap_or_else(|| Ok(Secret::default()))
            .map_err(|error| failed(format!("printed no answer: {error}")))?;
        answer.strip_line_end();
        match status.success() {
            true if answer.is_empty() => Err(failed("printed no answer".into())),
            true => Ok(answer),
            false => Err(failed(format!("gave no answer ({status})"))),
        }
    }
}
