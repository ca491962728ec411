//! Checker `htdigest`: the users of a file of `htdigest`.
//!
//! A user can log in with HTTP Digest in each realm for which there is a line, and with the password,
//! which is right if it is that of one realm. The realm can be limited.

use std::path::PathBuf;
use std::sync::Arc;

use keyward_plugin::{
    Account, Backend, Checker, Host, Info, Result, Secret, Verifier, VerifierForm, options,
};
use keyward_verifier::files::{Format, LiveUsers};
use keyward_verifier::ha1::Ha1;

keyward_plugin::register!(checker: Htdigest);

options! {
    /// Where the users are.
    pub struct Options {
        /// The file; others must not be able to read it, because with a hash one can log in.
        pub file: PathBuf,
        /// The realm whose lines count; all if it is not given.
        pub realm: Option<String>,
    }
}

/// The checker `htdigest`.
#[derive(Debug)]
pub struct Htdigest {
    users: LiveUsers,
    realm: Option<String>,
    host: Arc<dyn Host>,
}

impl Backend for Htdigest {
    const INFO: Info =
        Info::new("htdigest", "The users of a file of htdigest").serving(&["password", "digest"]);
    type Options = Options;

    fn open(options: Options, host: &Arc<dyn Host>) -> Result<Self> {
        let users = LiveUsers::new(options.file, Format::Htdigest, false);
        Ok(Self { users, realm: options.realm, host: Arc::clone(host) })
    }
}

impl Checker for Htdigest {
    fn stores(&self) -> &[VerifierForm] {
        &[VerifierForm::Ha1]
    }

    fn account(&self, user: &str, form: VerifierForm) -> Result<Option<Account>> {
        let account = self.users.account(user, form, self.host.now())?;
        Ok(account.and_then(|mut account| {
            account.verifiers.retain(|verifier| self.is_in_realm(&verifier.value));
            // A user of other realms is not one of this realm.
            let is_known = self.realm.is_none() || !account.verifiers.is_empty();
            is_known.then_some(account)
        }))
    }

    fn example(&self, pick: u64, form: VerifierForm) -> Result<Option<Verifier>> {
        let example = self.users.example(pick, form, self.host.now())?;
        // All verifiers of this form have the same size, but for the realm.
        Ok(example.map(|example| self.in_realm(example)))
    }
}

impl Htdigest {
    fn is_in_realm(&self, stored: &Secret) -> bool {
        let Some(realm) = &self.realm else { return true };
        Ha1::parse(stored).is_ok_and(|ha1| ha1.realm == *realm)
    }

    fn in_realm(&self, example: Verifier) -> Verifier {
        match (&self.realm, Ha1::parse(&example.value)) {
            (Some(realm), Ok(ha1)) => {
                let ha1 = Ha1 { realm: realm.clone(), ..ha1 };
                Verifier::new(VerifierForm::Ha1, ha1.write())
            }
            _ => example,
        }
    }
}

#[cfg(test)]
mod tests {
    use keyward_plugin::Host;
    use keyward_testkit::{Scratch, TestHost};
    use keyward_verifier::password;

    use super::*;

    /// The password is `secret`.
    const USERS: &str = "ann:a:c178f75717afb06aa2472ee5819560f2\nann:b:77791636a247267c0065a5ca1989cd67\nbob:b:5f434cd64387b7c67607a1a28275bfb2\n";

    keyward_testkit::checker_suite!(
        Htdigest,
        |scratch| {
            Values::new().with("file", Value::Text(scratch.file("users", USERS.as_bytes())))
        },
        host = |_| {
            TestHost::new()
                .client(Client::new(Presented::password("ann", "secret-of-ann")))
                .client(Client::new(Presented::password("bob", "secret-of-bob")))
        },
    );

    fn verifiers(realm: Option<&str>, user: &str) -> Option<usize> {
        let scratch = Scratch::new();
        let file = scratch.file("htdigest", USERS.as_bytes()).into();
        let host: Arc<dyn Host> = Arc::new(TestHost::new());
        let options = Options { file, realm: realm.map(str::to_owned) };
        let checker = Htdigest::open(options, &host).unwrap();
        let example = checker.example(1, VerifierForm::Ha1).unwrap().unwrap();
        assert!(realm.is_none_or(|realm| Ha1::parse(&example.value).unwrap().realm == realm));
        let account = checker.account(user, VerifierForm::Ha1).unwrap()?;
        for verifier in &account.verifiers {
            assert_eq!(password(verifier, user, &"secret".into()), Ok(true));
            assert_eq!(password(verifier, user, &"Secret".into()), Ok(false));
        }
        Some(account.verifiers.len())
    }

    #[test]
    fn a_user_has_a_verifier_for_each_realm() {
        assert_eq!(verifiers(None, "ann"), Some(2));
        assert_eq!(verifiers(Some("a"), "ann"), Some(1));
        assert_eq!(verifiers(Some("b"), "bob"), Some(1));
        assert_eq!(verifiers(Some("a"), "bob"), None);
        assert_eq!(verifiers(None, "carl"), None);
    }
}
