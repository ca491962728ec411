use keyward_core::{Result, Secret};

use crate::helper::Helper;
use crate::program::{Git, failure};

/// A credential helper in git's configuration.
#[derive(Debug)]
pub struct Configured {
    /// The configuration file, or git's name for another place.
    pub place: String,
    /// The URLs that it is for; `None` means all.
    pub url: Option<String>,
    /// The helper.
    pub helper: Helper,
}

impl Git {
    /// Returns the credential helpers that git finds from the current folder, in the order in which
    /// git reads them.
    ///
    /// # Errors
    /// Git is not installed, or cannot read its configuration.
    pub fn configured(&self) -> Result<Vec<Configured>> {
        let pattern = r"^credential\.(.*\.)?helper$";
        let arguments = ["config", "-z", "--show-origin", "--get-regexp", pattern];
        let answer = self.run(&mut self.command(&arguments), &Secret::default())?;
        match answer.status.code() {
            Some(0 | 1) => Ok(read(answer.output.expose())),
            _ => Err(failure(&answer)),
        }
    }
}

/// Returns the helpers that git asks, in order: for any URL, or for the URL of one section of the
/// configuration.
pub fn helpers_for<'a>(configured: &'a [Configured], url: Option<&str>) -> Vec<&'a Configured> {
    let is_for = |found: &&Configured| found.url.is_none() || found.url.as_deref() == url;
    let found: Vec<_> = configured.iter().filter(is_for).collect();
    let start = found.iter().rposition(|found| found.helper.is_reset()).map_or(0, |at| at + 1);
    found[start..].to_vec()
}

/// Parses git's list, in which places and settings alternate. A newline separates the key of a
/// setting from its value.
fn read(listed: &[u8]) -> Vec<Configured> {
    let mut parts = listed.split(|byte| *byte == 0);
    let mut configured = Vec::new();
    while let (Some(place), Some(setting)) = (parts.next(), parts.next()) {
        let at = setting.iter().position(|byte| *byte == b'\n').unwrap_or(setting.len());
        let (key, value) = setting.split_at(at);
        let key = String::from_utf8_lossy(key);
        let url = key.strip_prefix("credential.").and_then(|key| key.strip_suffix(".helper"));
        configured.push(Configured {
            place: String::from_utf8_lossy(place.strip_prefix(b"file:").unwrap_or(place))
                .into_owned(),
            url: url.map(str::to_owned),
            helper: Helper::read(value.strip_prefix(b"\n").unwrap_or_default()),
        });
    }
    configured
}
