//! The keys of a store.

use std::io::Write;
use std::sync::Arc;

use keyward_core::{Error, ErrorKind, KeyId, Result, Secret, SecretWriter, StoreKey};
use keyward_fs::random;

use crate::cursor::Bytes;

const VERSION: u8 = 1;
const ID: usize = 8;
const KEY: usize = 32;
const MAX_KEYS: usize = 1024;

/// Random 256-bit keys with random ids. One is primary: new seals use it.
///
/// In a keyset that is `rotating`, entries may still be sealed with keys other than the primary
/// one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Keyset {
    keys: Vec<StoreKey>,
    primary: usize,
    pub(crate) rotating: bool,
}

impl Keyset {
    pub(crate) fn generate() -> Result<Self> {
        Ok(Self { keys: vec![generate_key()?], primary: 0, rotating: false })
    }

    pub(crate) fn primary(&self) -> &StoreKey {
        &self.keys[self.primary]
    }

    pub(crate) fn find(&self, id: &[u8]) -> Option<&StoreKey> {
        self.keys.iter().find(|key| key.id.as_bytes() == id)
    }

    /// Returns the number of keys besides the primary one.
    pub(crate) fn old_key_count(&self) -> usize {
        self.keys.len() - 1
    }

    /// Adds a key that is not primary yet, so that every process knows it before it is used.
    pub(crate) fn add(&mut self) -> Result<()> {
        if self.keys.len() == MAX_KEYS {
            return Err(Error::new(ErrorKind::Full, "rotate")
                .because("the keyset is full")
                .hint("Delete the old ones with `keyward store rotate --retire`"));
        }
        self.keys.push(generate_key()?);
        self.rotating = true;
        Ok(())
    }

    /// Makes the newest key the primary one.
    pub(crate) fn promote(&mut self) {
        self.primary = self.keys.len() - 1;
    }

    /// Whether the newest key is the primary one.
    pub(crate) fn is_promoted(&self) -> bool {
        self.primary == self.keys.len() - 1
    }

    /// Removes every key except the primary one. This ends an interrupted rotation: the next
    /// rotation must add a new key.
    pub(crate) fn retire(&mut self) {
        self.rotating = false;
        let primary = self.keys.swap_remove(self.primary);
        self.keys = vec![primary];
        self.primary = 0;
    }

    /// Encodes the keyset: version, whether it is rotating, number of keys, index of the primary
    /// one, then each id and key.
    pub(crate) fn encode(&self) -> Result<Secret> {
        let mut out = SecretWriter::new();
        let mut write =
            |bytes: &[u8]| out.write_all(bytes).map_err(|error| Error::io("encode", error));
        write(&[VERSION, u8::from(self.rotating)])?;
        write(&(self.keys.len() as u16).to_be_bytes())?;
        write(&(self.primary as u16).to_be_bytes())?;
        for key in &self.keys {
            write(key.id.as_bytes())?;
            write(key.key.expose())?;
        }
        Ok(out.finish())
    }

    pub(crate) fn decode(bytes: &Secret) -> Result<Self> {
        let corrupt = || Error::corrupt("keyset");
        let mut bytes = Bytes::new(bytes.expose(), "keyset");
        bytes.expect(&[VERSION])?;
        let rotating = match bytes.array()? {
            [0] => false,
            [1] => true,
            _ => return Err(corrupt()),
        };
        let count = usize::from(u16::from_be_bytes(bytes.array()?));
        let primary = usize::from(u16::from_be_bytes(bytes.array()?));
        if primary >= count || count > MAX_KEYS {
            return Err(corrupt());
        }
        let mut keys = Vec::with_capacity(count);
        for _ in 0..count {
            let id = KeyId::new(bytes.take(ID)?)?;
            keys.push(StoreKey::new(id, Secret::from(bytes.take(KEY)?)));
        }
        bytes.end()?;
        Ok(Self { keys, primary, rotating })
    }
}

fn generate_key() -> Result<StoreKey> {
    Ok(StoreKey::new(KeyId::new(&random::<ID>()?)?, Secret::from(&random::<KEY>()?[..])))
}

/// The keyset that was last read.
pub(crate) struct CachedKeyset {
    /// Its wrapped form in the storage; empty if it exists only in this process.
    pub(crate) blob: Vec<u8>,
    pub(crate) keyset: Arc<Keyset>,
    /// Whether it need not be read again.
    pub(crate) is_current: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_keyset_is_read_as_it_was_written() {
        let mut keyset = Keyset::generate().unwrap();
        keyset.add().unwrap();
        assert_eq!(Keyset::decode(&keyset.encode().unwrap()).unwrap(), keyset);
        assert!(!keyset.is_promoted());
        keyset.promote();
        let newest = keyset.primary().clone();
        keyset.retire();
        assert_eq!(
            (keyset.primary(), keyset.old_key_count(), keyset.rotating),
            (&newest, 0, false)
        );
    }

    proptest::proptest! {
        #[test]
        fn whatever_is_read_is_written_the_same(bytes: Vec<u8>) {
            let bytes = Secret::new([&[VERSION][..], &bytes].concat());
            if let Ok(keyset) = Keyset::decode(&bytes) {
                proptest::prop_assert!(keyset.encode().unwrap() == bytes);
            }
        }
    }

    #[test]
    fn what_is_no_keyset_is_refused() {
        let good = Keyset::generate().unwrap().encode().unwrap();
        for length in 0..good.len() {
            assert!(Keyset::decode(&Secret::from(&good.expose()[..length])).is_err());
        }
        let mut longer = good.expose().to_vec();
        longer.push(0);
        assert!(Keyset::decode(&Secret::new(longer)).is_err());
        let mut no_primary = good.expose().to_vec();
        no_primary[5] = 1;
        assert!(Keyset::decode(&Secret::new(no_primary)).is_err());
    }
}
