/// This module is private to its crate, so it is included here.
#[path = "../../../crates/keyward-plugin/src/keyed/frame.rs"]
#[expect(dead_code, reason = "no new values are made here")]
mod frame;

/// Bytes that are read as the value of an entry are the bytes that are written for it.
pub fn keyed_value(bytes: &[u8]) {
    if let Some(value) = frame::Frame::decode(bytes) {
        assert!(value.encode() == bytes, "{value:?}");
    }
}
