use super::{Git, Helper, failure, run};
use keyward_core::Result;

/// A credential helper, where git finds it.
pub(crate) struct Configured {
    /// The file, or what git says of another place.
    pub(crate) place: String,
    /// For which URLs it is; without one, for all.
    pub(crate) url: Option<String>,
    pub(crate) helper: Helper,
}

impl Git {
    /// Every credential helper that git finds where the process stands, in the order in which it
    /// reads them.
    pub(crate) fn configured(&self) -> Result<Vec<Configured>> {
        let pattern = r"^credential\.(.*\.)?helper$";
        let arguments = ["config", "-z", "--show-origin", "--get-regexp", pattern];
        let ran = run(&mut self.command(&arguments), b"")?;
        match ran.status.code() {
            Some(0 | 1) => Ok(read(ran.out.expose())),
            _ => Err(failure(&ran.err)),
        }
    }
}

/// Whom git asks, in order: about any URL, or about those that a section of the configuration is for.
pub(crate) fn asked<'a>(configured: &'a [Configured], url: Option<&str>) -> Vec<&'a Configured> {
    let is_for = |found: &&Configured| found.url.is_none() || found.url.as_deref() == url;
    let found: Vec<_> = configured.iter().filter(is_for).collect();
    let start = found.iter().rposition(|found| found.helper.is_reset()).map_or(0, |at| at + 1);
    found[start..].to_vec()
}

/// Places and settings by turns; in a setting, a newline stands between key and value.
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
