//! The users of the servers.

use std::sync::Arc;

use keyward_core::{
    Account, Attempt, Checker, Identity, Presented, PresentedKind, Result, Round, Verifier,
    VerifierForm,
};
use keyward_portal::mechanisms::digest::{Algorithm, DigestHash};
use keyward_portal::{Chain, IdentityRealm, Portal};
use keyward_testkit::TestHost;

pub(super) const USER: &str = "ann";
pub(super) const PASSWORD: &str = "open: \"sesame\", \u{e9}";
pub(super) const TOKEN: &str = "mF_9.B5f-4.1JqM";
pub(super) const REALM: &str = "a \"realm\", with a comma";

/// One user, with these verifiers.
#[derive(Debug)]
struct Users {
    forms: Vec<VerifierForm>,
    verifiers: Vec<Verifier>,
}

impl Checker for Users {
    fn stores(&self) -> &[VerifierForm] {
        &self.forms
    }

    fn account(&self, user: &str, form: VerifierForm) -> Result<Option<Account>> {
        let mut verifiers = self.verifiers.clone();
        verifiers.retain(|verifier| verifier.form == form);
        // The owner of a token is found by its fingerprint.
        let is_owner = verifiers.iter().any(|it| it.value.expose_str() == Some(user));
        let identity = Identity::new(USER)?;
        Ok((user == USER || is_owner).then(|| Account::new(identity, verifiers)))
    }

    fn example(&self, _: u64, form: VerifierForm) -> Result<Option<Verifier>> {
        Ok(self.verifiers.iter().find(|verifier| verifier.form == form).cloned())
    }
}

/// Anybody may come in without a name.
#[derive(Debug)]
struct Anybody;

impl Checker for Anybody {
    fn accepts(&self) -> &[PresentedKind] {
        const KINDS: &[PresentedKind] = &[PresentedKind::ANONYMOUS];
        KINDS
    }

    fn check(&self, _: &Presented, _: &Attempt) -> Result<Round> {
        Ok(Round::Accepted { identity: None, last: None })
    }
}

/// Returns the verifier of the password itself.
pub(super) fn password() -> Verifier {
    Verifier::new(VerifierForm::Plaintext, PASSWORD)
}

/// Returns the verifier of the token.
pub(super) fn token() -> Verifier {
    Verifier::new(VerifierForm::Token, keyward_verifier::fingerprint(TOKEN.as_bytes()))
}

/// Makes a chain with a user who has these verifiers.
pub(super) fn chain(verifiers: Vec<Verifier>) -> Chain {
    let forms = verifiers.iter().map(|verifier| verifier.form).collect();
    Chain::new().with("users", Box::new(Users { forms, verifiers }))
}

/// The same, where anybody may come in without a name.
pub(super) fn open_chain(verifiers: Vec<Verifier>) -> Chain {
    chain(verifiers).with("anonymous", Box::new(Anybody))
}

/// Makes a portal of a chain that offers Digest with these hashes.
pub(super) fn portal(chain: Chain, hashes: &[DigestHash]) -> Portal<IdentityRealm> {
    let host = Arc::new(TestHost::new().on_system_time());
    let algorithms: Vec<_> = hashes.iter().copied().map(Algorithm::from).collect();
    Portal::new(IdentityRealm, chain, host).unwrap().with_digest(REALM, &algorithms).unwrap()
}
