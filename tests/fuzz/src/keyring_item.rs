/// Private to its crate.
#[path = "../../../plugins/keyward-keyring/src/item.rs"]
#[expect(dead_code, reason = "where items stand is not looked at here")]
mod item;

/// What is read as an item of a keyring was written so.
pub fn keyring_item(bytes: &[u8]) {
    if let Ok(item) = item::unpack(bytes) {
        let revision = item.revision.as_bytes().try_into().expect("as long as all of them");
        assert_eq!(item::pack(revision, &item.id, &item.blob), bytes);
    }
}
