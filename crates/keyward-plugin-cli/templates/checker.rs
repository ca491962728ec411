//! Checker `sample`: the users and password hashes of a file.
//!
//! A line is `USER:HASH`, and the hash is one of crypt(3). The file is read for each login, so a change
//! counts at once. Change this into a question to your own database.

use std::path::PathBuf;
use std::sync::Arc;

use keyward_plugin::{
    Account, Backend, Checker, Error, ErrorKind, Host, Identity, Info, Result, Secret, Verifier,
    VerifierForm, options,
};

keyward_plugin::register!(checker: SampleChecker);

/// The largest file, in bytes.
const LARGEST: usize = 16 << 20;

options! {
    /// Where the users are.
    pub struct Options {
        /// The file of users and hashes.
        pub path: PathBuf,
    }
}

/// The checker `sample`.
#[derive(Debug)]
pub struct SampleChecker {
    path: PathBuf,
}

impl Backend for SampleChecker {
    const INFO: Info = Info::new("sample", "The users and password hashes of a file");
    type Options = Options;

    fn open(options: Options, _: &Arc<dyn Host>) -> Result<Self> {
        let checker = Self { path: options.path };
        checker.read()?;
        Ok(checker)
    }
}

/// It hands over hashes: the caller compares a password with them, and takes as long for a user who
/// does not exist.
impl Checker for SampleChecker {
    fn stores(&self) -> &[VerifierForm] {
        &[VerifierForm::PasswordHash]
    }

    fn account(&self, user: &str, form: VerifierForm) -> Result<Option<Account>> {
        let file = self.read()?;
        let Some((_, hash)) = users(&file).find(|(name, _)| *name == user) else {
            return Ok(None);
        };
        // A name that cannot be an identity is not that of a user.
        let Ok(identity) = Identity::new(user) else { return Ok(None) };
        let has = form == VerifierForm::PasswordHash;
        let verifiers = has.then(|| Verifier::new(form, hash)).into_iter().collect();
        Ok(Some(Account::new(identity, verifiers)))
    }

    fn example(&self, pick: u64, form: VerifierForm) -> Result<Option<Verifier>> {
        let file = self.read()?;
        let count = users(&file).count() as u64;
        if count == 0 || form != VerifierForm::PasswordHash {
            return Ok(None);
        }
        let picked = users(&file).nth((pick % count) as usize);
        Ok(picked.map(|(_, hash)| Verifier::new(form, hash)))
    }
}

impl SampleChecker {
    /// Reads the file. If that fails, this is an error: it does not mean that a user is unknown.
    fn read(&self) -> Result<Secret> {
        let failed = |why: &str| {
            let why = format!("{} {why}", self.path.display());
            Error::new(ErrorKind::Unavailable, "read").because(why)
        };
        let content = std::fs::read(&self.path).map(Secret::from);
        let content = content.map_err(|error| failed("cannot be read").caused_by(error))?;
        if content.len() > LARGEST || content.expose_str().is_none() {
            return Err(failed("is too large, or is not UTF-8"));
        }
        Ok(content)
    }
}

/// Iterates over the users and their hashes. A line that is not valid is left out.
fn users(file: &Secret) -> impl Iterator<Item = (&str, &str)> {
    let lines = file.expose_str().unwrap_or_default().lines();
    lines.filter_map(|line| line.split_once(':')).filter(|(name, hash)| {
        let is_hash = hash.starts_with('$') && hash.bytes().all(|byte| byte.is_ascii_graphic());
        !name.is_empty() && !name.starts_with('#') && is_hash
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    keyward_testkit::checker_suite!(
        SampleChecker,
        |scratch| {
            let users = b"# a comment\nann:$6$salt$made-up-hash\nbob:$6$salt$other-hash\nbroken:\n";
            Values::new().with("path", Value::Text(scratch.file("users", users)))
        },
        host = |_| {
            TestHost::new()
                .client(Client::new(Presented::password("ann", "made-up-password")))
                .client(Client::new(Presented::password("bob", "other-password")))
        },
    );
}
