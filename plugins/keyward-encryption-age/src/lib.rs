//! Encryption `age`: records sealed to X25519 recipients, or with a passphrase.
//!
//! It seals to an ordinary age file (<https://age-encryption.org/v1>). With `envelope = false` the
//! programs `age` and `rage` open its records, and it opens theirs. `recipients` and
//! `recipients_file` name the recipients of records, `identity` or `identity_file` the identity
//! that opens them. Each is read only when it is needed, so that sealing needs no identity. With
//! `%user%` in both paths each user's record is sealed to that user's own key. An identity may
//! itself be an age file sealed with a passphrase, as `age-keygen | age -p` makes it. A
//! `passphrase` without recipients seals the records themselves (scrypt, log N 18).
//!
//! # Security
//! With recipients a record is **bound**: anyone who knows a recipient can write a record that
//! opens. The store's envelope binds it, since age has no associated data; it is not authentic,
//! since a recipient is public. In passphrase mode, only a person who knows the passphrase can
//! write a record.
//!
//! This crate checks age files strictly against the format before the crate `age` reads them. It
//! returns no part of a record before it has authenticated the last byte. Hybrid (post-quantum),
//! SSH and plugin recipients are not supported. While it seals, the crate `age` keeps up to 64 KiB
//! of the plaintext in a buffer that it frees without wiping.

mod age;
mod error;
mod keys;
mod strict;

use std::path::PathBuf;
use std::sync::Arc;

use keyward_plugin::{
    Backend, Context, Encryption, EncryptionAbilities, EntryId, Error, Host, Info, KeyId, Keys,
    Result, Secret, SecretRef, options,
};

use crate::keys::{Identities, Passphrase, Recipients, Source};

keyward_plugin::register!(encryption: Age);

options! {
    /// The recipients of records, and the identities that open them.
    pub struct Options {
        /// The X25519 recipients (age1…) that every record is sealed to.
        pub recipients: Vec<String>,
        /// A file of more recipients, one per line; with `%user%`, one file per user.
        pub recipients_file: Option<PathBuf>,
        /// The identities that open records: the content of an identity file.
        pub identity: Option<SecretRef>,
        /// The identity file that opens records; with `%user%`, one file per user.
        pub identity_file: Option<PathBuf>,
        /// Opens an identity that is protected by a passphrase; without recipients, seals the records.
        pub passphrase: Option<SecretRef>,
        /// Whether sealed records are text (ASCII armor).
        pub armor: bool = false,
        /// The highest scrypt work factor (log N) that is accepted, 18 to 22: 256 MiB to 4 GiB.
        pub max_work_factor: u64 = 22,
    }
}

/// The encryption `age`.
#[derive(Debug)]
pub struct Age {
    mode: Mode,
    armor: bool,
    max_work_factor: u8,
}

#[derive(Debug)]
enum Mode {
    Recipients(Recipients, Identities),
    Passphrase(Passphrase),
}

impl Backend for Age {
    const INFO: Info = Info::new("age", "age files, sealed to X25519 recipients or a passphrase");
    type Options = Options;

    fn open(options: Options, host: &Arc<dyn Host>) -> Result<Self> {
        let Ok(max_work_factor @ age::WORK_FACTOR..=22) = u8::try_from(options.max_work_factor)
        else {
            return Err(invalid("`max_work_factor` must be 18 to 22"));
        };
        let identity = match (options.identity, options.identity_file) {
            (Some(_), Some(_)) => {
                return Err(invalid("`identity` and `identity_file` cannot both be set"));
            }
            (Some(reference), None) => Some(Source::Secret(reference)),
            (None, Some(path)) => Some(Source::File(path)),
            (None, None) => None,
        };
        let recipients = Recipients::new(&options.recipients, options.recipients_file)?;
        let passphrase = Passphrase::new(options.passphrase, host);
        let mode = match (recipients, identity) {
            (None, Some(_)) => {
                return Err(invalid("an identity needs `recipients` or `recipients_file`")
                    .hint("Show an identity's recipient with: age-keygen -y FILE"));
            }
            (None, None) if !passphrase.is_given() => {
                return Err(invalid("there are no recipients and no passphrase")
                    .hint("Make an identity and its recipient with: age-keygen -o FILE"));
            }
            (Some(_), None) if passphrase.is_given() => {
                return Err(invalid("`passphrase` needs an identity to open, or no recipients"));
            }
            (None, None) => Mode::Passphrase(passphrase),
            (Some(recipients), identity) => {
                Mode::Recipients(recipients, Identities::new(identity, passphrase, max_work_factor))
            }
        };
        Ok(Self { mode, armor: options.armor, max_work_factor })
    }
}

impl Encryption for Age {
    fn abilities(&self) -> EncryptionAbilities {
        // White space around armor does not count, so a blob can be altered and still open.
        let authenticates = matches!(self.mode, Mode::Passphrase(_)) && !self.armor;
        EncryptionAbilities::new(Keys::Own).authenticates(authenticates)
    }

    fn current_key(&self, entry: &EntryId) -> Result<Option<KeyId>> {
        match &self.mode {
            Mode::Recipients(recipients, _) => recipients.for_entry(entry)?.id().map(Some),
            // An id that depends on the passphrase would help to guess it.
            Mode::Passphrase(_) => KeyId::new(b"passphrase").map(Some),
        }
    }

    fn seal(&self, plain: &Secret, context: &Context<'_>) -> Result<Vec<u8>> {
        match &self.mode {
            Mode::Recipients(recipients, _) => {
                age::seal_to(plain, recipients.for_entry(context.entry)?.iter(), self.armor)
            }
            Mode::Passphrase(passphrase) => {
                age::seal_with(plain, passphrase.ask("the records")?, self.armor)
            }
        }
    }

    fn unseal(&self, blob: &[u8], context: &Context<'_>) -> Result<Secret> {
        let opened = match &self.mode {
            Mode::Recipients(_, identities) => {
                age::open(blob, &identities.for_entry(context.entry)?, self.max_work_factor)
            }
            Mode::Passphrase(passphrase) => {
                age::open_with(blob, passphrase.ask("the records")?, self.max_work_factor)
            }
        };
        opened.map_err(|failure| failure.into_error("unseal"))
    }
}

fn invalid(message: &str) -> Error {
    Error::invalid("options", message)
}

#[cfg(test)]
mod tests;
