//! The users of the servers.

use std::sync::Arc;

use keyward_core::{
    Account, Checker, Identity, PresentedKind, Result, Secret, Verifier, VerifierForm,
};
use keyward_portal::mechanisms::digest::{Algorithm, DigestHash};
use keyward_portal::{AuthSpec, Chain, IdentityRealm, Portal};
use keyward_testkit::TestHost;

use crate::helpers::home::Home;

pub(super) const USER: &str = "ann";
pub(super) const PASSWORD: &str = "open: \"sesame\", \u{e9}";
pub(super) const TOKEN: &str = "mF_9.B5f-4.1JqM";
pub(super) const REALM: &str = "a \"realm\", with a comma";

/// The checker of a file `users` with passwords, for [`chain`].
pub(super) const PASSWORDS: &str = "file:%DIR%/users:delim=|";

/// The same for a file with hashes and SCRAM verifiers.
pub(super) const HASHES: &str = "file:%DIR%/users:delim=|:hash=auto";

/// Makes a home with a file of users, and the chain of checkers that are given as in `--auth`.
pub(super) fn chain(users: &str, checkers: &[&str]) -> (Home, Chain) {
    let home = Home::in_memory();
    home.write("users", users);
    let keyward = home.library();
    let mut chain = Chain::new();
    for text in checkers {
        let spec = AuthSpec::parse(&text.replace("%DIR%", home.folder().to_str().unwrap()));
        let spec = spec.unwrap();
        let checker = spec.open(keyward.registry(), &keyward.host(), PresentedKind::ALL).unwrap();
        chain = chain.with(spec.name(), checker);
    }
    (home, chain)
}

/// Returns the line of the user with the password.
pub(super) fn password() -> String {
    format!("{USER}|{PASSWORD}\n")
}

/// Makes a portal of a chain that offers Digest for a realm with these hashes.
pub(super) fn portal(chain: Chain, realm: &str, hashes: &[DigestHash]) -> Portal<IdentityRealm> {
    let host = Arc::new(TestHost::new().on_system_time());
    let algorithms: Vec<_> = hashes.iter().copied().map(Algorithm::from).collect();
    Portal::new(IdentityRealm, chain, host).unwrap().with_digest(realm, &algorithms).unwrap()
}

/// A checker that knows one token or certificate, and whose it is.
#[derive(Debug)]
pub(super) struct One {
    forms: [VerifierForm; 1],
    fingerprint: Secret,
}

impl One {
    pub(super) fn token() -> Self {
        Self::with(VerifierForm::Token, TOKEN.as_bytes())
    }

    pub(super) fn certificate(der: &[u8]) -> Self {
        Self::with(VerifierForm::Certificate, der)
    }

    fn with(form: VerifierForm, bytes: &[u8]) -> Self {
        Self { forms: [form], fingerprint: keyward_verifier::fingerprint(bytes) }
    }
}

impl Checker for One {
    fn stores(&self) -> &[VerifierForm] {
        &self.forms
    }

    /// The owner is found by the fingerprint.
    fn account(&self, fingerprint: &str, form: VerifierForm) -> Result<Option<Account>> {
        let verifiers = vec![Verifier::new(form, self.fingerprint.clone())];
        let is_known = self.fingerprint.expose_str() == Some(fingerprint);
        is_known.then(|| Ok(Account::new(Identity::new(USER)?, verifiers))).transpose()
    }
}
