//! An item of the keyring: its address and its content.

use keyward_plugin::{EntryId, Error, Result, Revision, StoreId, hex};
use sha2::{Digest, Sha256};

/// The service of all entries.
pub(crate) const SERVICE: &str = "keyward";

/// The address of an item.
#[derive(Clone, Debug)]
pub(crate) struct Address {
    pub(crate) service: String,
    pub(crate) user: String,
    /// The attribute that all items of one store share, if the keyring can search by it.
    pub(crate) store: Option<String>,
}

impl Address {
    /// Makes the address of this entry of the store. It does not reveal the entry's name.
    pub(crate) fn entry(store: StoreId, id: &EntryId) -> Self {
        let user = format!("{}{}", prefix(store), hash(id));
        Self { service: SERVICE.to_owned(), user, store: Some(store.to_string()) }
    }
}

/// Returns the start of the user of every item of this store.
pub(crate) fn prefix(store: StoreId) -> String {
    format!("{store}:")
}

/// Returns 128 bits that identify an entry, in hexadecimal.
fn hash(id: &EntryId) -> String {
    hex::encode(&Sha256::digest(id.to_bytes())[..16])
}

/// The content of an item: magic and version, revision, entry, blob.
#[derive(Debug, PartialEq)]
pub(crate) struct Item {
    pub(crate) revision: Revision,
    pub(crate) id: EntryId,
    pub(crate) blob: Vec<u8>,
}

const MAGIC: &[u8] = b"keyward\x01";
const REVISION: usize = 16;

/// The greatest number of bytes before a blob.
pub(crate) const MAX_HEAD: usize =
    MAGIC.len() + REVISION + 4 + keyward_plugin::MAX_USER + keyward_plugin::MAX_NAME;

pub(crate) fn pack(revision: &[u8; REVISION], id: &EntryId, blob: &[u8]) -> Vec<u8> {
    [MAGIC, revision, &id.to_bytes(), blob].concat()
}

/// Reads what [`pack`] wrote.
pub(crate) fn unpack(value: &[u8]) -> Result<Item> {
    read(value).ok_or_else(|| {
        Error::corrupt("get").because("an item of this store in the keyring is damaged")
    })
}

fn read(value: &[u8]) -> Option<Item> {
    let rest = value.strip_prefix(MAGIC)?;
    let (revision, rest) = rest.split_at_checked(REVISION)?;
    let (user, rest) = part(rest)?;
    let (name, blob) = part(rest)?;
    Some(Item {
        revision: Revision::new(revision).ok()?,
        id: EntryId::restore(user, name).ok()?,
        blob: blob.to_vec(),
    })
}

/// Reads a text that follows its length. Returns the text and the rest.
fn part(bytes: &[u8]) -> Option<(&str, &[u8])> {
    let (length, rest) = bytes.split_first_chunk()?;
    let (text, rest) = rest.split_at_checked(u16::from_be_bytes(*length).into())?;
    Some((std::str::from_utf8(text).ok()?, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unpack_returns_what_pack_was_given() {
        for id in [
            EntryId::new("ann", None).unwrap(),
            EntryId::new(&"ü".repeat(127), Some(&"n".repeat(1024))).unwrap(),
            EntryId::reserved("keyset"),
        ] {
            for blob in [&b""[..], b"\0blob"] {
                let value = pack(&[7; 16], &id, blob);
                let revision = Revision::new(&[7; 16]).unwrap();
                let expected = Item { revision, id: id.clone(), blob: blob.to_vec() };
                assert_eq!(unpack(&value).unwrap(), expected);
                assert!(value.len() <= MAX_HEAD + blob.len());
            }
        }
    }

    #[test]
    fn a_cut_or_foreign_value_is_corrupt() {
        let id = EntryId::new("ann", Some("work")).unwrap();
        let value = pack(&[7; 16], &id, b"");
        for cut in 0..value.len() {
            assert!(unpack(&value[..cut]).is_err(), "{cut}");
        }
        assert!(unpack(b"hunter2").is_err());
        assert!(unpack(&[MAGIC, &[7; 16], b"\0\x01\xff\0\0"].concat()).is_err());
    }

    #[test]
    fn an_address_does_not_contain_the_entry() {
        let store = StoreId([0xab; 16]);
        let address = Address::entry(store, &EntryId::new("ann", Some("work")).unwrap());
        let (found, hash) = address.user.split_once(':').unwrap();
        assert_eq!((found, hash.len()), (store.to_string().as_str(), 32));
        assert!(hash.bytes().all(|byte| byte.is_ascii_hexdigit()));
    }
}
