use keyward_core::{EntryId, MAX_SEGMENT, StoreId, escape, segments, unescape};

/// Every name has one encoding: as a file name, as bytes, as digits.
pub fn names(bytes: &[u8]) {
    if let Ok(entry) = EntryId::from_bytes(bytes) {
        assert_eq!(entry.to_bytes(), bytes);
    }
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    if let Some(id) = StoreId::parse(text) {
        assert_eq!(id.to_string(), text.to_ascii_lowercase());
    }
    if let Some(name) = unescape(text) {
        assert_eq!(escape(&name), text);
    }
    let escaped = escape(text);
    assert_eq!(unescape(&escaped).as_deref(), Some(text));
    is_cut_well(&escaped);
}

/// The pieces are short, and joined they are the whole text.
fn is_cut_well(escaped: &str) {
    let pieces: Vec<_> = segments(escaped).collect();
    let (last, folders) = pieces.split_last().expect("there is one piece at least");
    let begun = folders.iter().map(|piece| piece.strip_suffix('+').expect("it is continued"));
    assert_eq!(begun.collect::<String>() + last, escaped);
    assert!(pieces.iter().all(|piece| piece.len() <= MAX_SEGMENT));
    assert!(!last.ends_with('+'));
}
