use std::io::{self, Write};
use std::sync::{Mutex, MutexGuard, PoisonError};

use age::armor::{ArmoredWriter, Format};
use age::secrecy::SecretString;
use age::{Decryptor, Encryptor, Identity, Recipient, scrypt, x25519};
use keyward_plugin::{Error, ErrorKind, MAX_BLOB, Result, Secret};

use crate::error::Failure;
use crate::strict::{self, Sealed};

/// scrypt's log N for sealing. It does not depend on the machine's speed, so that a slow machine
/// can open what a fast one sealed.
pub(crate) const WORK_FACTOR: u8 = 18;

/// Lower in this crate's unit tests, which open thousands of altered blobs.
const SEALING_FACTOR: u8 = if cfg!(test) { 2 } else { WORK_FACTOR };

/// Seals to recipients.
pub(crate) fn seal_to<'a>(
    plain: &Secret,
    recipients: impl Iterator<Item = &'a x25519::Recipient>,
    armor: bool,
) -> Result<Vec<u8>> {
    let recipients = recipients.map(|recipient| recipient as &dyn Recipient);
    write(plain, Encryptor::with_recipients(recipients), armor)
}

/// Seals with a passphrase.
pub(crate) fn seal_with(plain: &Secret, passphrase: SecretString, armor: bool) -> Result<Vec<u8>> {
    let mut recipient = scrypt::Recipient::new(passphrase);
    recipient.set_work_factor(SEALING_FACTOR);
    let encryptor = {
        let _lock = lock_scrypt(SEALING_FACTOR).map_err(|failure| failure.into_error("seal"))?;
        Encryptor::with_recipients(std::iter::once(&recipient as &dyn Recipient))
    };
    write(plain, encryptor, armor)
}

/// Opens a blob that is sealed to one of these identities.
pub(crate) fn open(
    blob: &[u8],
    identities: &[x25519::Identity],
    max_work_factor: u8,
) -> Result<Secret, Failure> {
    let identities: Vec<_> = identities.iter().map(|identity| identity as &dyn Identity).collect();
    read(blob, &identities, max_work_factor, MAX_BLOB)
}

/// Opens a blob that is sealed with a passphrase.
pub(crate) fn open_with(
    blob: &[u8],
    passphrase: SecretString,
    max_work_factor: u8,
) -> Result<Secret, Failure> {
    let mut identity = scrypt::Identity::new(passphrase);
    identity.set_max_work_factor(max_work_factor);
    read(blob, &[&identity], max_work_factor, MAX_BLOB)
}

fn write(
    plain: &Secret,
    encryptor: Result<Encryptor, age::EncryptError>,
    armor: bool,
) -> Result<Vec<u8>> {
    let failed = || Error::new(ErrorKind::Other, "seal");
    let encryptor = encryptor.map_err(|_| failed())?;
    let format = if armor { Format::AsciiArmor } else { Format::Binary };
    let written = || -> io::Result<Vec<u8>> {
        let blob = ArmoredWriter::wrap_output(Vec::with_capacity(plain.len() + 512), format)?;
        let mut stream = encryptor.wrap_output(blob)?;
        stream.write_all(plain.expose())?;
        stream.finish()?.finish()
    };
    written().map_err(|_| failed())
}

/// Opens a whole age file, or returns an error and no part of it.
fn read(
    blob: &[u8],
    identities: &[&dyn Identity],
    max_work_factor: u8,
    limit: usize,
) -> Result<Secret, Failure> {
    let file = strict::dearmor(blob)?;
    let sealed = strict::check(&file, max_work_factor)?;
    let decryptor = Decryptor::new_buffered(&file[..])?;
    let reader = {
        let _lock = match sealed {
            Sealed::WithPassphrase(work_factor) => Some(lock_scrypt(work_factor)?),
            Sealed::ToRecipients => None,
        };
        decryptor.decrypt(identities.iter().copied())?
    };
    Secret::read_from(reader, limit).map_err(|_| Failure::Payload)
}

/// An upper limit for the memory that scrypt needs besides its large table.
const SCRYPT_SLACK: u64 = 1 << 20;

/// Waits until no other scrypt runs in this process, and checks that there is enough memory for
/// one.
///
/// scrypt does not check its allocation: if memory is limited, a failed allocation would abort the
/// process.
fn lock_scrypt(work_factor: u8) -> Result<MutexGuard<'static, ()>, Failure> {
    static TURN: Mutex<()> = Mutex::new(());
    let turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    reserve(scrypt_bytes(work_factor))?;
    Ok(turn)
}

/// Returns the memory that scrypt needs: 128 bytes × N × r, and r = 8 in age.
fn scrypt_bytes(work_factor: u8) -> u64 {
    (1024 << work_factor) + SCRYPT_SLACK
}

/// Allocates so many bytes and frees them.
fn reserve(bytes: u64) -> Result<(), Failure> {
    let failed = || Failure::Memory(bytes >> 20);
    let bytes = usize::try_from(bytes).map_err(|_| failed())?;
    let mut memory = Vec::<u8>::new();
    memory.try_reserve_exact(bytes).map_err(|_| failed())?;
    // Without this, an optimising compiler may remove the trial allocation.
    std::hint::black_box(&mut memory);
    Ok(())
}

#[cfg(test)]
mod tests;
