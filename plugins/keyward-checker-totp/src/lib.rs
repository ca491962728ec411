//! Checker `totp`: one-time passwords, by time (RFC 6238) or by counter (RFC 4226).
//!
//! The file has a line `USER:SEED` for each user. The seed is an `otpauth` URI, or the secret alone in
//! Base32. The server remembers which code was used last.

use std::path::PathBuf;
use std::sync::Arc;

use keyward_plugin::{
    Account, Backend, Checker, Host, Info, Result, Verifier, VerifierForm, options,
};
use keyward_verifier::files::{Format, LiveUsers};

keyward_plugin::register!(checker: Totp);

options! {
    /// Where the seeds are.
    pub struct Options {
        /// The file; others must not be able to read it, and cannot write it.
        pub file: PathBuf,
    }
}

/// The checker `totp`.
#[derive(Debug)]
pub struct Totp {
    users: LiveUsers,
    host: Arc<dyn Host>,
}

impl Backend for Totp {
    const INFO: Info = Info::new("totp", "One-time passwords, with the users' seeds in a file")
        .serving(&["one-time-password"]);
    type Options = Options;

    fn open(options: Options, host: &Arc<dyn Host>) -> Result<Self> {
        let users = LiveUsers::new(options.file, Format::OneTimePasswords, false);
        Ok(Self { users, host: Arc::clone(host) })
    }
}

impl Checker for Totp {
    fn stores(&self) -> &[VerifierForm] {
        &[VerifierForm::OneTimePassword]
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
    use keyward_plugin::{Host, Timestamp};
    use keyward_testkit::{Scratch, TestHost};
    use keyward_verifier::otp::match_code;

    use super::*;

    const USERS: &str = "ann:GEZD GNBV GY3T QOJQ GEZD GNBV GY3T QOJQ\n\
        bob:otpauth://totp/Acme:bob?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&digits=8\n\
        carl:not a seed!\ndora:\n";

    keyward_testkit::checker_suite!(
        Totp,
        |scratch| {
            Values::new().with("file", Value::Text(scratch.file("seeds", USERS.as_bytes())))
        },
        host = |_| {
            TestHost::new()
                .client(Client::new(Presented::password("ann", "secret-of-ann")))
                .client(Client::new(Presented::password("bob", "secret-of-bob")))
        },
    );

    #[test]
    fn a_seed_is_a_uri_or_base_32() {
        let scratch = Scratch::new();
        let file = scratch.file("seeds", USERS.as_bytes()).into();
        let host: Arc<dyn Host> = Arc::new(TestHost::new());
        let checker = Totp::open(Options { file }, &host).unwrap();
        let account = |user| checker.account(user, VerifierForm::OneTimePassword).unwrap();
        for (user, code) in [("ann", "287082"), ("bob", "94287082")] {
            let stored = &account(user).unwrap().verifiers[0].value;
            let now = Timestamp::from_unix(59);
            assert_eq!(match_code(stored, &code.into(), now, 1, None), Ok(Some(1)), "{user}");
        }
        assert!(account("carl").unwrap().verifiers.is_empty());
        assert!(account("dora").is_none());
    }
}
