use std::path::Path;

use keyward_core::{Digest, Door, Error, Pin, Result};
use keyward_loader::{Content, Inspection, inspect};
use keyward_plugin::json::values_from_json;
use serde::{Deserialize, Serialize};

/// The file to check, and the options, secrets, variables and answers for it. All of them are for
/// the test only.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Plan {
    /// The library or program.
    pub file: PinnedFile,
    /// The libraries that a library needs.
    pub needs: Vec<PinnedFile>,
    /// Whether the file is a library.
    pub is_library: bool,
    /// The arguments of a program.
    pub arguments: Vec<String>,
    /// The options of the backends, as JSON. `%scratch%` is a new private folder for each case.
    pub options: String,
    /// The secrets that key sources return: pairs of source and value.
    pub secrets: Vec<(String, String)>,
    /// Environment variables that are set: pairs of name and value.
    pub variables: Vec<(String, String)>,
    /// The answers to prompts; the last one also answers all further prompts.
    pub answers: Vec<String>,
}

/// A file that must not change before it is used.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct PinnedFile {
    /// Its path.
    pub path: String,
    /// Its SHA-256, in hexadecimal.
    pub sha256: String,
}

impl Plan {
    /// Inspects the files, and runs none of them. The plan has no options, secrets, variables and
    /// answers yet.
    ///
    /// # Errors
    /// - Those of [`inspect`].
    /// - [`Invalid`](keyward_core::ErrorKind::Invalid): a library has arguments, or a program needs
    ///   libraries.
    pub fn new<P: AsRef<Path>>(path: &Path, needs: &[P], arguments: Vec<String>) -> Result<Self> {
        let found = inspect_real(path)?;
        let is_library = matches!(found.content, Content::Library(_));
        let needs = needs.iter().map(|path| Ok(PinnedFile::from(inspect_real(path.as_ref())?)));
        let plan = Self {
            needs: needs.collect::<Result<_>>()?,
            file: found.into(),
            is_library,
            arguments,
            options: "{}".to_owned(),
            secrets: Vec::new(),
            variables: Vec::new(),
            answers: Vec::new(),
        };
        if is_library && !plan.arguments.is_empty() {
            return Err(Error::invalid("usage", "a library takes no arguments"));
        }
        if !is_library && !plan.needs.is_empty() {
            let why = "a program finds the libraries that it needs: --needs is for libraries only";
            return Err(Error::invalid("usage", why));
        }
        Ok(plan)
    }

    /// Returns the plan with these options, as JSON.
    ///
    /// # Errors
    /// [`Invalid`](keyward_core::ErrorKind::Invalid) if they are not an object of options.
    pub fn with_options(self, options: String) -> Result<Self> {
        values_from_json(options.as_bytes())?;
        Ok(Self { options, ..self })
    }

    /// Returns how the file is attached.
    #[must_use]
    pub fn door(&self) -> Door {
        if self.is_library { Door::Loaded } else { Door::Run }
    }
}

impl PinnedFile {
    /// Returns its path and digest.
    ///
    /// # Errors
    /// [`Invalid`](keyward_core::ErrorKind::Invalid) if the digest is not hexadecimal.
    pub fn pin(&self) -> Result<Pin> {
        Ok(Pin { path: self.path.clone().into(), digest: self.sha256.parse::<Digest>()? })
    }
}

impl From<Inspection> for PinnedFile {
    fn from(found: Inspection) -> Self {
        Self { path: found.path.display().to_string(), sha256: found.digest.to_string() }
    }
}

/// Reads `NAME=VALUE`.
///
/// # Errors
/// [`Invalid`](keyward_core::ErrorKind::Invalid) if it has no name or no `=`.
pub fn pair(text: &str) -> Result<(String, String)> {
    let parts = text.split_once('=').filter(|(name, _)| !name.is_empty());
    let parts = parts.map(|(name, value)| (name.to_owned(), value.to_owned()));
    parts.ok_or_else(|| Error::invalid("usage", "--secret and --variable take NAME=VALUE"))
}

/// Inspects a file, at its path without symbolic links.
fn inspect_real(path: &Path) -> Result<Inspection> {
    let real = path.canonicalize();
    // If the file does not exist, the error contains the path that was passed.
    inspect(real.as_deref().unwrap_or(path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pair_has_a_name() {
        let owned = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        assert_eq!(pair("a=b=c").unwrap(), owned("a", "b=c"));
        assert_eq!(pair("a=").unwrap(), owned("a", ""));
        assert!(pair("=b").is_err() && pair("ab").is_err());
    }
}
