//! Checker `htpasswd`: the users of a file of `htpasswd`.
//!
//! It reads bcrypt, Argon2, SHA-crypt, yescrypt, Apache's MD5, `{SHA}`, `{SSHA}` and more: all that
//! [`Hash::parse`](keyward_verifier::hash::Hash::parse) reads. A line that it cannot read concerns its user
//! only. A change of the file is seen within a second.

use std::path::PathBuf;
use std::sync::Arc;

use keyward_plugin::{
    Account, Backend, Checker, Host, Info, Result, Verifier, VerifierForm, options,
};
use keyward_verifier::files::{Format, LiveUsers};

keyward_plugin::register!(checker: Htpasswd);

options! {
    /// Where the users are.
    pub struct Options {
        /// The file; only its owner can write it.
        pub file: PathBuf,
        /// Whether to accept DES crypt and passwords after `{PLAIN}` too.
        pub legacy: bool = false,
    }
}

/// The checker `htpasswd`.
#[derive(Debug)]
pub struct Htpasswd {
    users: LiveUsers,
    legacy: bool,
    host: Arc<dyn Host>,
}

impl Backend for Htpasswd {
    const INFO: Info =
        Info::new("htpasswd", "The users of a file of htpasswd").serving(&["password"]);
    type Options = Options;

    fn open(options: Options, host: &Arc<dyn Host>) -> Result<Self> {
        let users = LiveUsers::new(options.file, Format::Htpasswd, options.legacy);
        Ok(Self { users, legacy: options.legacy, host: Arc::clone(host) })
    }
}

impl Checker for Htpasswd {
    fn stores(&self) -> &[VerifierForm] {
        match self.legacy {
            true => &[VerifierForm::PasswordHash, VerifierForm::Plaintext],
            false => &[VerifierForm::PasswordHash],
        }
    }

    fn account(&self, user: &str, form: VerifierForm) -> Result<Option<Account>> {
        self.users.account(user, form, self.host.now())
    }

    fn example(&self, pick: u64, form: VerifierForm) -> Result<Option<Verifier>> {
        self.users.example(pick, form, self.host.now())
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use keyward_plugin::{Denial, ErrorKind, Host, VerifierForm};
    use keyward_testkit::{Scratch, TestHost};

    use super::*;

    const HASH: &str = "$2y$05$a0TI74IKRXywo3woahkJ6OtwjKx7Hh922.inIYOSetHrpb2GbYHrq";

    /// Another salt.
    const OTHER: &str = "$2y$05$VnPdSXsTzYmnBhad/grNSudzzCIntyYNM3zW7fzo4We4UJVFqLIZe";

    keyward_testkit::checker_suite!(
        Htpasswd,
        |scratch| {
            let users = format!("ann:{HASH}\nbob:{OTHER}\ncarl:{HASH}\ncarl:{HASH}\nbroken\n");
            Values::new().with("file", Value::Text(scratch.file("users", users.as_bytes())))
        },
        host = |_| {
            TestHost::new()
                .client(Client::new(Presented::password("ann", "secret-of-ann")))
                .client(Client::new(Presented::password("bob", "secret-of-bob")))
                .client(Client::new(Presented::password("carl", "secret-of-ann")).disabled())
        },
    );

    fn open(file: &str, legacy: bool) -> Htpasswd {
        let host: Arc<dyn Host> = Arc::new(TestHost::new());
        Htpasswd::open(Options { file: file.into(), legacy }, &host).unwrap()
    }

    fn verifiers(checker: &Htpasswd, user: &str) -> Option<usize> {
        let account = checker.account(user, VerifierForm::PasswordHash).unwrap();
        account.map(|account| account.verifiers.len())
    }

    #[test]
    fn a_broken_line_concerns_its_user_only() {
        let scratch = Scratch::new();
        let content =
            format!("ann:{HASH}\nbob:broken\ncarl:zYqFZfoOTm4Eo\ndora:{HASH}\ndora:{HASH}\n");
        let file = scratch.file("htpasswd", content.as_bytes());
        let checker = open(&file, false);
        assert_eq!(verifiers(&checker, "ann"), Some(1));
        assert_eq!(verifiers(&checker, "bob"), Some(0));
        assert_eq!(verifiers(&checker, "carl"), Some(0));
        assert_eq!(verifiers(&checker, "eve"), None);
        assert_eq!(verifiers(&open(&file, true), "carl"), Some(1));
        let dora = checker.account("dora", VerifierForm::PasswordHash).unwrap().unwrap();
        assert_eq!(dora.denied, Some(Denial::Disabled));
        let example = checker.example(5, VerifierForm::PasswordHash).unwrap().unwrap();
        assert_eq!(example.value.expose_str(), Some(HASH));
    }

    #[test]
    fn a_change_is_seen_and_an_outage_is_an_error() {
        let scratch = Scratch::new();
        let file = scratch.file("htpasswd", b"");
        let checker = open(&file, false);
        assert_eq!(verifiers(&checker, "ann"), None);
        fs::remove_file(&file).unwrap();
        scratch.file("htpasswd", format!("ann:{HASH}\n").as_bytes());
        assert_eq!(verifiers(&checker, "ann"), Some(1));
        fs::remove_file(&file).unwrap();
        let error = checker.account("ann", VerifierForm::PasswordHash).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unavailable);
        let error = checker.example(0, VerifierForm::PasswordHash).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unavailable);
    }
}
