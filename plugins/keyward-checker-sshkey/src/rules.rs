//! Whether a proved key or certificate lets a user in.

use keyward_plugin::{Attempt, Denial, Timestamp};

use crate::certificate::Certificate;
use crate::krl::Revoked;
use crate::lines::{Line, LineOptions};
use crate::proof::Proof;

/// The circumstances in which a user wants to be let in.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rules<'a> {
    pub(crate) user: &'a str,
    pub(crate) now: Timestamp,
    pub(crate) attempt: &'a Attempt,
    pub(crate) revoked: Option<&'a Revoked>,
}

impl Rules<'_> {
    /// Decides about a certificate of one of these authorities for this user; `None` for anything else.
    pub(crate) fn vouched(
        &self,
        proof: &Result<Proof, Denial>,
        authorities: &[Line],
    ) -> Option<Result<(), Denial>> {
        let proof = proof.as_ref().ok()?;
        let certificate = proof.certificate.as_ref()?;
        let line = authorities.iter().find(|line| line.key == certificate.authority)?;
        if !certificate.principals.iter().any(|name| name == self.user) {
            return None;
        }
        // The certificate alone says whether a touch is required.
        let options = LineOptions { no_touch_required: true, ..line.options.clone() };
        Some(self.admit(proof, &options))
    }

    /// Decides about a key, or a certificate, with the lines of the user.
    pub(crate) fn listed(
        &self,
        proof: &Result<Proof, Denial>,
        lines: &[Line],
    ) -> Result<(), Denial> {
        let proof = proof.as_ref().map_err(|why| *why)?;
        let mut denial = Denial::Secret;
        for line in lines.iter().filter(|line| self.is_about(line, proof)) {
            match self.admit(proof, &line.options) {
                Ok(()) => return Ok(()),
                Err(why) => denial = why,
            }
        }
        Err(denial)
    }

    /// Whether a line has the key, or the authority of the certificate.
    fn is_about(&self, line: &Line, proof: &Proof) -> bool {
        match (&proof.certificate, line.options.is_authority) {
            (None, false) => line.key == proof.key,
            (Some(certificate), true) => {
                line.key == certificate.authority && self.has_principal(line, certificate)
            }
            _ => false,
        }
    }

    fn has_principal(&self, line: &Line, certificate: &Certificate) -> bool {
        certificate.principals.iter().any(|name| match &line.options.principals {
            Some(wanted) => wanted.contains(name),
            None => name == self.user,
        })
    }

    /// Decides about a key that is listed, or whose authority is.
    fn admit(&self, proof: &Proof, options: &LineOptions) -> Result<(), Denial> {
        let address = self.attempt.address.as_deref();
        let certificate = proof.certificate.as_ref();
        if self.is_revoked(proof) || options.expires.is_some_and(|end| self.now >= end) {
            return Err(Denial::Expired);
        }
        if certificate.is_some_and(|it| !it.is_valid_at(self.now)) {
            return Err(Denial::Expired);
        }
        let is_from = options.from.as_ref().is_none_or(|from| from.match_client(address));
        let source = certificate.and_then(|it| it.source.as_ref());
        if !is_from || source.is_some_and(|source| !source.contain(address)) {
            return Err(Denial::Restricted);
        }
        let Some(flags) = proof.flags else { return Ok(()) };
        let needs_touch =
            !options.no_touch_required || certificate.is_some_and(|it| !it.no_touch_required);
        let needs_check =
            options.verify_required || certificate.is_some_and(|it| it.verify_required);
        if needs_touch && !flags.present || needs_check && !flags.verified {
            return Err(Denial::Restricted);
        }
        Ok(())
    }

    fn is_revoked(&self, proof: &Proof) -> bool {
        let Some(revoked) = self.revoked else { return false };
        match &proof.certificate {
            Some(certificate) => revoked.has_certificate(certificate, &proof.blob),
            None => revoked.has_key(&proof.key),
        }
    }
}
