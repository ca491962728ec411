//! Reads the fixed binary forms of envelope and keyset, strictly.

use keyward_core::{Error, Result};

/// The rest of some bytes. If bytes are missing, every method returns
/// [`Corrupt`](keyward_core::ErrorKind).
pub(crate) struct Bytes<'a> {
    rest: &'a [u8],
    operation: &'static str,
}

impl<'a> Bytes<'a> {
    pub(crate) fn new(bytes: &'a [u8], operation: &'static str) -> Self {
        Self { rest: bytes, operation }
    }

    pub(crate) fn take(&mut self, length: usize) -> Result<&'a [u8]> {
        let (taken, rest) =
            self.rest.split_at_checked(length).ok_or_else(|| Error::corrupt(self.operation))?;
        self.rest = rest;
        Ok(taken)
    }

    pub(crate) fn array<const N: usize>(&mut self) -> Result<[u8; N]> {
        let (taken, rest) =
            self.rest.split_first_chunk::<N>().ok_or_else(|| Error::corrupt(self.operation))?;
        self.rest = rest;
        Ok(*taken)
    }

    pub(crate) fn expect(&mut self, wanted: &[u8]) -> Result<()> {
        if self.take(wanted.len())? == wanted {
            Ok(())
        } else {
            Err(Error::corrupt(self.operation))
        }
    }

    /// Bytes preceded by their number in one byte.
    pub(crate) fn short(&mut self) -> Result<&'a [u8]> {
        let [length] = self.array()?;
        self.take(length.into())
    }

    /// Text preceded by its length in one byte.
    pub(crate) fn name(&mut self) -> Result<&'a str> {
        std::str::from_utf8(self.short()?).map_err(|_| Error::corrupt(self.operation))
    }

    /// Everything that has not been read.
    pub(crate) fn rest(self) -> &'a [u8] {
        self.rest
    }

    pub(crate) fn end(self) -> Result<()> {
        if self.rest.is_empty() { Ok(()) } else { Err(Error::corrupt(self.operation)) }
    }
}

/// Writes bytes preceded by their number in one byte.
///
/// # Errors
/// `Invalid` if there are more than 255.
pub(crate) fn put_short(out: &mut Vec<u8>, bytes: &[u8]) -> Result<()> {
    let length =
        u8::try_from(bytes.len()).map_err(|_| Error::invalid("seal", "a name is too long"))?;
    out.push(length);
    out.extend_from_slice(bytes);
    Ok(())
}
