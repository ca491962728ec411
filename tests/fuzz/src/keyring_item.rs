/// This module is private to its crate, so it is included here.
#[path = "../../../plugins/keyward-keyring/src/item.rs"]
#[expect(dead_code, reason = "the addresses of items are not used here")]
mod item;

/// Bytes that are read as an item of a keyring are the bytes that are written for it.
pub fn keyring_item(bytes: &[u8]) {
    if let Ok(item) = item::unpack(bytes) {
        let revision = item.revision.as_bytes().try_into().expect("as long as all of them");
        assert_eq!(item::pack(revision, &item.id, &item.blob), bytes);
    }
}
