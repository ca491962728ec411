//! Which kinds of credentials which stored verifiers can serve.

use keyward_core::{PresentedKind, VerifierForm};

/// The kinds that a portal checks with verifiers, and the forms of these, the preferred ones first.
const SERVED: &[(PresentedKind, &[VerifierForm])] = {
    use VerifierForm::{
        Certificate, Ha1, Md5, OneTimePassword, PasswordHash, Plaintext, RecoveryCode, ScramSha1,
        ScramSha256, Token,
    };
    &[
        (PresentedKind::PASSWORD, &[PasswordHash, ScramSha256, ScramSha1, Ha1, Plaintext]),
        (PresentedKind::SCRAM_SHA_256, &[ScramSha256, Plaintext]),
        (PresentedKind::SCRAM_SHA_1, &[ScramSha1, Plaintext]),
        (PresentedKind::DIGEST, &[Ha1, Plaintext]),
        (PresentedKind::CRAM_MD5, &[Plaintext]),
        (PresentedKind::APOP, &[Plaintext]),
        (PresentedKind::PB, &[Md5, Plaintext]),
        (PresentedKind::ONE_TIME_PASSWORD, &[OneTimePassword, RecoveryCode]),
        (PresentedKind::TOKEN, &[Token]),
        (PresentedKind::CLIENT_CERTIFICATE, &[Certificate]),
    ]
};

/// Returns the forms of verifiers with which a portal checks credentials of this kind, the preferred
/// ones first. There are none for a kind that only checkers check.
pub fn forms_for(kind: &PresentedKind) -> &'static [VerifierForm] {
    let served = SERVED.iter().find(|(served, _)| served == kind);
    served.map_or(&[], |(_, forms)| forms)
}

/// Whether a kind is too weak to be offered without an explicit switch: its proof can be computed
/// from a stolen challenge with little work, and the server must keep the password itself.
pub fn is_legacy(kind: &PresentedKind) -> bool {
    [PresentedKind::CRAM_MD5, PresentedKind::APOP, PresentedKind::PB].contains(kind)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_serves_a_kind_and_each_kind_is_known() {
        let forms: Vec<_> = PresentedKind::ALL.iter().flat_map(forms_for).collect();
        for form in [
            VerifierForm::Plaintext,
            VerifierForm::PasswordHash,
            VerifierForm::ScramSha256,
            VerifierForm::ScramSha1,
            VerifierForm::Ha1,
            VerifierForm::Md5,
            VerifierForm::OneTimePassword,
            VerifierForm::RecoveryCode,
            VerifierForm::Token,
            VerifierForm::Certificate,
        ] {
            assert!(forms.contains(&&form), "{form:?} serves nothing");
        }
        let by_checkers: Vec<_> =
            PresentedKind::ALL.iter().filter(|kind| forms_for(kind).is_empty()).collect();
        let names: Vec<_> = by_checkers.iter().map(|kind| kind.name()).collect();
        assert_eq!(names, ["ssh-signature", "anonymous", "circumstances", "conversation"]);
    }
}
