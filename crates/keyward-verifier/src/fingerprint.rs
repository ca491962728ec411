use keyward_core::{Secret, hex};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

/// Returns the SHA-256 of a token, a recovery code or a certificate in DER form, in lower-case
/// hexadecimal digits: the forms [`Token`](keyward_core::VerifierForm::Token),
/// [`RecoveryCode`](keyward_core::VerifierForm::RecoveryCode) and
/// [`Certificate`](keyward_core::VerifierForm::Certificate).
///
/// # Security
/// One who sees the hash of a secret can guess it. So it is used only for secrets that a program made:
/// with 128 random bits or more, or valid once.
pub fn fingerprint(secret: &[u8]) -> Secret {
    Secret::from(hex::encode(&Sha256::digest(secret)))
}

/// Whether a stored [`fingerprint`] is that of this secret. Both cases of digits are read. An empty
/// secret has no fingerprint.
pub fn matches_fingerprint(stored: &Secret, secret: &[u8]) -> bool {
    let mut expected = [0; 32];
    let is_read = hex::decode(stored.expose(), &mut expected).is_some();
    let same = bool::from(Sha256::digest(secret)[..].ct_eq(&expected));
    is_read & same & !secret.is_empty()
}
