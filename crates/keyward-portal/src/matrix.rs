//! Which kinds of credentials which stored verifiers can serve.

use keyward_core::{PresentedKind, VerifierForm};

/// Returns the forms of verifiers with which a portal checks credentials of this kind, the preferred
/// ones first. There are none for a kind that only checkers check.
pub fn forms_for(kind: &PresentedKind) -> &'static [VerifierForm] {
    use VerifierForm::*;
    match kind.name() {
        "password" => &[PasswordHash, ScramSha256, ScramSha1, Ha1, Plaintext],
        "scram-sha-256" => &[ScramSha256, Plaintext],
        "scram-sha-1" => &[ScramSha1, Plaintext],
        "digest" => &[Ha1, Plaintext],
        "cram-md5" | "apop" => &[Plaintext],
        "pb" => &[Md5, Plaintext],
        "one-time-password" => &[OneTimePassword, RecoveryCode],
        "token" => &[Token],
        "client-certificate" => &[Certificate],
        _ => &[],
    }
}

/// Whether a kind is too weak to be offered without an explicit switch: its proof can be computed
/// from a stolen challenge with little work, and the server must keep the password itself.
pub fn is_legacy(kind: &PresentedKind) -> bool {
    matches!(kind.name(), "cram-md5" | "apop" | "pb")
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
        assert_eq!(names, ["ssh-signature", "anonymous", "conversation"]);
    }
}
