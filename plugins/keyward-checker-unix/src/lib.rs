//! Checker `unix`: the users of `/etc/passwd` and `/etc/shadow`.
//!
//! It compares passwords with the hashes of the two files, and refuses accounts that are locked or expired
//! or whose password must be changed. It uses neither PAM nor NIS: the checker `pam` does. Only root and the
//! group `shadow` can read the hashes.

mod shadow;
#[cfg(test)]
mod tests;

use std::path::PathBuf;
use std::sync::Arc;

use keyward_plugin::{
    Account, Backend, Checker, Host, Identity, Info, Result, Verifier, VerifierForm, options,
};
use keyward_verifier::files::LiveFile;
use shadow::Table;

keyward_plugin::register!(checker: Unix);

options! {
    /// Where the users are.
    pub struct Options {
        /// The file with the users.
        pub passwd: PathBuf = "/etc/passwd",
        /// The file with the hashes.
        pub shadow: PathBuf = "/etc/shadow",
        /// Whether to accept DES crypt too.
        pub legacy: bool = false,
    }
}

/// The checker `unix`.
#[derive(Debug)]
pub struct Unix {
    passwd: LiveFile<Table>,
    shadow: LiveFile<Table>,
    host: Arc<dyn Host>,
}

impl Backend for Unix {
    const INFO: Info = Info::new("unix", "The users of /etc/passwd and /etc/shadow, without PAM")
        .serving(&["password"]);
    type Options = Options;

    fn open(options: Options, host: &Arc<dyn Host>) -> Result<Self> {
        let parse = move |content: &[u8]| Ok(Table::parse(content, options.legacy));
        Ok(Self {
            passwd: LiveFile::new(options.passwd, parse),
            shadow: LiveFile::new(options.shadow, parse),
            host: Arc::clone(host),
        })
    }
}

impl Checker for Unix {
    fn stores(&self) -> &[VerifierForm] {
        &[VerifierForm::PasswordHash]
    }

    fn account(&self, user: &str, form: VerifierForm) -> Result<Option<Account>> {
        let now = self.host.now();
        // Both files are read for every name, known or not.
        let (passwd, shadow) = (self.passwd.get(now)?, self.shadow.get(now)?);
        let Some(entry) = passwd.get(user) else { return Ok(None) };
        let mut account = Account::new(Identity::new(user)?, Vec::new());
        // `x` means that the hash is in the other file.
        let Some(entry) = (if entry.in_shadow { shadow.get(user) } else { Some(entry) }) else {
            return Ok(Some(account));
        };
        account.denied = entry.denied(now);
        if form == VerifierForm::PasswordHash {
            account.verifiers.extend(entry.verifier.clone());
        }
        Ok(Some(account))
    }

    fn example(&self, pick: u64, form: VerifierForm) -> Result<Option<Verifier>> {
        let now = self.host.now();
        let (passwd, shadow) = (self.passwd.get(now)?, self.shadow.get(now)?);
        if form != VerifierForm::PasswordHash {
            return Ok(None);
        }
        let (first, second) = (shadow.examples(), passwd.examples());
        let Some(at) = pick.checked_rem((first.len() + second.len()) as u64) else {
            return Ok(None);
        };
        Ok(first.iter().chain(second).nth(at as usize).cloned())
    }
}
