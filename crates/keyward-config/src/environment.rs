use std::collections::{BTreeMap, BTreeSet};
use std::ffi::{OsStr, OsString};
use std::fmt;
use std::path::PathBuf;

use keyward_core::{Error, Result, Secret};

/// The environment variables: those of the process, or a fixed set for a test.
///
/// # Security
/// In a program that runs with more rights than its caller has (setuid, setgid), the variables of
/// Keyward itself, and those for certificates and proxies, count as unset, because the caller has
/// set them.
#[derive(Clone)]
pub struct Environment(Option<BTreeMap<String, OsString>>);

impl Environment {
    /// Returns the environment of the process.
    pub fn current() -> Self {
        Self(None)
    }

    /// Returns an environment with these variables and no others.
    pub fn new<K: Into<String>, V: Into<OsString>>(
        variables: impl IntoIterator<Item = (K, V)>,
    ) -> Self {
        Self(Some(variables.into_iter().map(|(name, value)| (name.into(), value.into())).collect()))
    }

    /// Returns a variable, if it is set.
    pub fn get(&self, name: &str) -> Option<OsString> {
        let Some(variables) = &self.0 else { return variable_of_process(name) };
        variables.get(name).cloned()
    }

    /// Returns the names of the variables that begin with this prefix, sorted.
    pub fn names_with_prefix(&self, prefix: &str) -> BTreeSet<String> {
        match &self.0 {
            Some(variables) => {
                variables.keys().filter(|name| name.starts_with(prefix)).cloned().collect()
            }
            None => names_in_process(prefix),
        }
    }

    /// Returns the same environment with one more variable, or another value for it.
    #[must_use]
    pub fn with(&self, name: &str, value: impl Into<OsString>) -> Self {
        let mut variables = match &self.0 {
            Some(variables) => variables.clone(),
            #[expect(
                clippy::disallowed_methods,
                reason = "the one place that reads the environment"
            )]
            None => std::env::vars_os()
                .filter_map(|(name, value)| Some((name.into_string().ok()?, value)))
                .collect(),
        };
        variables.insert(name.to_owned(), value.into());
        Self(Some(variables))
    }

    /// Returns all variables, for a child process. Names and values need not be text.
    pub fn variables(&self) -> Vec<(OsString, OsString)> {
        match &self.0 {
            Some(variables) => {
                variables.iter().map(|(name, value)| (name.into(), value.clone())).collect()
            }
            #[expect(
                clippy::disallowed_methods,
                reason = "the one place that reads the environment"
            )]
            None => std::env::vars_os().collect(),
        }
    }

    /// Returns the variables of a fixed set. `None` for the environment of the process, which its
    /// children inherit in any case.
    pub fn fixed_variables(&self) -> Option<impl Iterator<Item = (&str, &OsStr)>> {
        let variables = self.0.as_ref()?;
        Some(variables.iter().map(|(name, value)| (name.as_str(), value.as_os_str())))
    }

    /// Returns a variable that is text and not empty.
    ///
    /// # Errors
    /// [`Invalid`](keyward_core::ErrorKind::Invalid) if it is not UTF-8: Keyward would not do what
    /// the user asked for if it ignored the variable.
    pub fn text(&self, name: &str) -> Result<Option<String>> {
        let Some(value) = self.get(name) else { return Ok(None) };
        // The value is not quoted: it may be a secret that was put into the wrong variable.
        let text = value.into_string().map_err(|_| {
            Error::invalid("config", format!("the environment variable {name} is not UTF-8"))
        })?;
        Ok(Some(text).filter(|text| !text.is_empty()))
    }

    /// Returns a variable that is an absolute path. A relative one is ignored, as the XDG base
    /// directory specification requires.
    pub fn path(&self, name: &str) -> Option<PathBuf> {
        self.get(name).map(PathBuf::from).filter(|path| path.is_absolute())
    }
}

/// Whether a variable can have this name in every shell.
pub fn is_variable_name(name: &str) -> bool {
    !name.starts_with(|first: char| first.is_ascii_digit())
        && !name.is_empty()
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

/// The variables that say which servers are trusted and through which proxies they are reached.
const NETWORK: [&str; 9] = [
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "https_proxy",
    "HTTPS_PROXY",
    "http_proxy",
    "all_proxy",
    "ALL_PROXY",
    "no_proxy",
    "NO_PROXY",
];

fn variable_of_process(name: &str) -> Option<OsString> {
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the environment")]
    let value = std::env::var_os(name)?;
    if is_ignored(name) { None } else { Some(value) }
}

/// Whether a variable counts as unset, because a caller with fewer rights has set it.
fn is_ignored(name: &str) -> bool {
    let steers = name.starts_with("KEYWARD_") || NETWORK.contains(&name);
    steers && has_more_rights_than_caller()
}

fn names_in_process(prefix: &str) -> BTreeSet<String> {
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the environment")]
    let variables = std::env::vars_os();
    let names = variables.filter_map(|(name, value)| {
        // The copy of the value is wiped.
        drop(Secret::new(value.into_encoded_bytes()));
        let name = name.into_string().ok()?;
        let is_wanted = name.starts_with(prefix) && !is_ignored(&name);
        is_wanted.then_some(name)
    });
    names.collect()
}

/// The names alone: values may be secrets.
impl fmt::Debug for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = self.0.as_ref().map(|variables| variables.keys());
        f.debug_tuple("Environment").field(&names).finish()
    }
}

/// Whether the process runs with the rights of another user or group than the one that started it.
fn has_more_rights_than_caller() -> bool {
    use rustix::process::{getegid, geteuid, getgid, getuid};
    getuid() != geteuid() || getgid() != getegid()
}

#[cfg(test)]
mod tests {
    use std::os::unix::ffi::OsStringExt;

    use super::*;

    #[test]
    fn text_that_is_not_utf8_is_an_error_and_not_quoted() {
        let environment = Environment::new([
            ("LATIN", OsString::from_vec(b"canary b\xe4r".to_vec())),
            ("TEXT", "b\u{e4}r".into()),
            ("EMPTY", "".into()),
        ]);
        assert_eq!(environment.text("TEXT").unwrap().as_deref(), Some("b\u{e4}r"));
        assert_eq!(environment.text("EMPTY").unwrap(), None);
        assert_eq!(environment.text("UNSET").unwrap(), None);
        let error = environment.text("LATIN").unwrap_err().to_string();
        assert!(error.contains("LATIN") && !error.contains("canary"), "{error}");
    }
}
