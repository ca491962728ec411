use std::fmt;
use std::io::{self, Read, Write};
use std::mem;

use subtle::ConstantTimeEq;
use zeroize::{Zeroizing, optimization_barrier};

/// Bytes that only their owner may see.
///
/// The bytes are wiped when the value is dropped. They compare in constant time, print as
/// `Secret(..)`, and only [`expose`](Self::expose) gives access to them. There is no `Display` and
/// no `Serialize`: a secret leaves the program only where the code calls `expose`.
///
/// # Security
/// Wiping covers only this buffer. Code that copies the exposed bytes must wipe the copy.
///
/// # Examples
/// ```
/// use keyward_core::Secret;
///
/// let secret = Secret::from("correct horse");
/// assert_eq!(secret.expose(), b"correct horse");
/// assert_eq!(format!("{secret:?}"), "Secret(..)");
/// ```
#[derive(Clone, Default)]
pub struct Secret(Vec<u8>);

impl Secret {
    /// Takes ownership of the bytes. The vector's memory is wiped when the secret is dropped.
    pub fn new(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }

    /// Returns the bytes.
    pub fn expose(&self) -> &[u8] {
        &self.0
    }

    /// Returns the bytes as text, if they are UTF-8.
    pub fn expose_str(&self) -> Option<&str> {
        std::str::from_utf8(&self.0).ok()
    }

    /// Returns the bytes without wiping them. Use it to pass them to code that wipes them.
    pub fn into_bytes(mut self) -> Vec<u8> {
        mem::take(&mut self.0)
    }

    /// How many bytes there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is no byte at all.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Shortens the secret to its first `len` bytes and wipes the rest.
    pub fn truncate(&mut self, len: usize) {
        let keep = len.min(self.0.len());
        self.0[keep..].fill(0);
        self.0.truncate(keep);
    }

    /// Removes one line end, LF or CR LF, from the end: programs and editors add one to what they
    /// write.
    pub fn strip_line_end(&mut self) {
        let text = self.0.strip_suffix(b"\n").map(|text| text.strip_suffix(b"\r").unwrap_or(text));
        if let Some(length) = text.map(<[u8]>::len) {
            self.truncate(length);
        }
    }

    /// Reads `from` to its end and leaves no copy behind.
    ///
    /// # Errors
    /// The reader's errors, and `InvalidData` if there are more than `limit` bytes.
    pub fn read_from(mut from: impl Read, limit: usize) -> io::Result<Self> {
        let mut writer = SecretWriter::limited(limit);
        let mut chunk = Zeroizing::new([0_u8; 4096]);
        loop {
            match from.read(&mut chunk[..]) {
                Ok(0) => return Ok(writer.finish()),
                Ok(read) => writer.write_all(&chunk[..read])?,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }
}

impl Drop for Secret {
    fn drop(&mut self) {
        wipe(&mut self.0);
    }
}

/// Fills all memory of these bytes with zeros, also the part that was cut off.
///
/// `zeroize` does that byte by byte, which takes longer than most operations on a secret.
fn wipe(bytes: &mut Vec<u8>) {
    bytes.clear();
    bytes.resize(bytes.capacity(), 0);
    // To the compiler, the barrier reads the zeros. So it cannot leave out the writes.
    optimization_barrier(&bytes[..]);
}

impl From<Vec<u8>> for Secret {
    fn from(bytes: Vec<u8>) -> Self {
        Self::new(bytes)
    }
}

impl From<String> for Secret {
    fn from(text: String) -> Self {
        Self::new(text.into_bytes())
    }
}

impl From<&str> for Secret {
    fn from(text: &str) -> Self {
        Self::new(text.as_bytes().to_vec())
    }
}

impl From<&[u8]> for Secret {
    fn from(bytes: &[u8]) -> Self {
        Self::new(bytes.to_vec())
    }
}

impl PartialEq for Secret {
    fn eq(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

impl Eq for Secret {}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}

/// A [`Write`] that collects a [`Secret`].
///
/// A growing `Vec` leaves its old buffer behind unwiped; this one wipes it.
#[derive(Debug)]
pub struct SecretWriter {
    gathered: Secret,
    limit: usize,
}

impl SecretWriter {
    /// Makes an empty writer with room for an ordinary record and no limit.
    pub fn new() -> Self {
        Self::limited(usize::MAX)
    }

    /// Makes an empty writer that refuses to grow beyond `limit` bytes.
    pub fn limited(limit: usize) -> Self {
        Self { gathered: Secret::new(Vec::with_capacity(limit.min(512))), limit }
    }

    /// How many bytes were written so far.
    pub fn position(&self) -> usize {
        self.gathered.len()
    }

    /// Overwrites bytes that were written before.
    ///
    /// # Panics
    /// If fewer bytes than that were written from this position on.
    pub fn patch(&mut self, position: usize, bytes: &[u8]) {
        self.gathered.0[position..][..bytes.len()].copy_from_slice(bytes);
    }

    /// Returns the secret that was written so far.
    pub fn finish(self) -> Secret {
        self.gathered
    }

    /// Moves to a larger buffer, with room for `more` bytes.
    #[cold]
    fn grow(&mut self, more: usize) {
        let bytes = &self.gathered.0;
        let mut larger = Vec::with_capacity((bytes.len() + more).max(bytes.capacity() * 2));
        larger.extend_from_slice(bytes);
        self.gathered = Secret::new(larger);
    }
}

impl Default for SecretWriter {
    fn default() -> Self {
        Self::new()
    }
}

impl Write for SecretWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.write_all(bytes).map(|()| bytes.len())
    }

    /// Writes all or nothing. Encoders write byte by byte, so this one does not call `write`.
    #[inline]
    fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        let gathered = &self.gathered.0;
        if bytes.len() > self.limit - gathered.len() {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "too large"));
        }
        if bytes.len() > gathered.capacity() - gathered.len() {
            self.grow(bytes.len());
        }
        self.gathered.0.extend_from_slice(bytes);
        Ok(())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_is_redacted() {
        assert_eq!(format!("{:?}", Secret::from("canary")), "Secret(..)");
    }

    #[test]
    fn one_line_end_is_stripped() {
        for (text, stripped) in [
            ("p", "p"),
            ("p\n", "p"),
            ("p\r\n", "p"),
            ("p\n\n", "p\n"),
            ("p\r", "p\r"),
            ("p\r\r\n", "p\r"),
            ("p\n\r", "p\n\r"),
            ("\r\n", ""),
            ("\n", ""),
            ("", ""),
        ] {
            let mut secret = Secret::from(text);
            secret.strip_line_end();
            assert_eq!(secret.expose_str(), Some(stripped), "{text:?}");
        }
    }

    #[test]
    fn wiped_memory_is_zeros_to_its_end() {
        let mut bytes = b"canary, and what was cut off".to_vec();
        bytes.truncate(6);
        wipe(&mut bytes);
        assert_eq!(bytes, vec![0; bytes.capacity()]);
        assert!(bytes.len() >= 28);
    }

    #[test]
    fn a_writer_keeps_every_byte_while_it_grows() {
        let mut writer = SecretWriter::new();
        let bytes: Vec<u8> = (0..10_000_u32).map(|i| i as u8).collect();
        for chunk in bytes.chunks(7) {
            writer.write_all(chunk).unwrap();
        }
        assert_eq!(writer.finish().expose(), bytes);
    }

    #[test]
    fn reading_stops_at_the_limit() {
        assert!(Secret::read_from(&b"12345"[..], 4).is_err());
        assert_eq!(Secret::read_from(&b"1234"[..], 4).unwrap().expose(), b"1234");
    }

    #[test]
    fn truncate_never_grows() {
        let mut secret = Secret::from("abc");
        secret.truncate(9);
        assert_eq!(secret.expose(), b"abc");
        secret.truncate(1);
        assert_eq!(secret.expose(), b"a");
    }
}
