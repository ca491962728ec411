//! That a client has a key: what a right signature shows.

use keyward_plugin::Denial;

use crate::certificate::Certificate;
use crate::key::{Flags, PublicKey, blob_of};
use crate::sshsig::Sshsig;

/// A key or a certificate, with which the client has made a signature.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Proof {
    /// The key or the certificate.
    pub(crate) blob: Vec<u8>,
    pub(crate) key: PublicKey,
    pub(crate) certificate: Option<Certificate>,
    /// What a security key says.
    pub(crate) flags: Option<Flags>,
}

impl Proof {
    /// Verifies what a server presents. A namespace must be one that `accepts`.
    pub(crate) fn of_fields(
        key: Option<&[u8]>,
        signature: &[u8],
        data: Option<&[u8]>,
        accepts: impl Fn(&[u8]) -> bool,
    ) -> Result<Self, Denial> {
        let data = data.ok_or(Denial::Malformed)?;
        if !Sshsig::is_one(signature) {
            let key = key.and_then(blob_of).ok_or(Denial::Malformed)?;
            return Self::new(key, data, signature);
        }
        let proof = Self::of_sshsig(signature, data, accepts)?;
        match key {
            Some(key) if blob_of(key).as_ref() != Some(&proof.blob) => Err(Denial::Secret),
            _ => Ok(proof),
        }
    }

    /// Verifies what `ssh-keygen -Y sign` wrote for a message.
    pub(crate) fn of_sshsig(
        text: &[u8],
        message: &[u8],
        accepts: impl Fn(&[u8]) -> bool,
    ) -> Result<Self, Denial> {
        let signature = Sshsig::parse(text).ok_or(Denial::Malformed)?;
        if !accepts(&signature.namespace) {
            return Err(Denial::Secret);
        }
        let signed = signature.signed(message).ok_or(Denial::Malformed)?;
        Self::new(signature.key, &signed, &signature.signature)
    }

    fn new(blob: Vec<u8>, signed: &[u8], signature: &[u8]) -> Result<Self, Denial> {
        let certificate = match Certificate::is_one(&blob) {
            true => Some(Certificate::parse(&blob).ok_or(Denial::Secret)?),
            false => None,
        };
        let key = match &certificate {
            Some(certificate) => certificate.key.clone(),
            None => PublicKey::parse(&blob).ok_or(Denial::Secret)?,
        };
        let flags = key.verify(signed, signature).ok_or(Denial::Secret)?;
        Ok(Self { blob, key, certificate, flags })
    }
}
