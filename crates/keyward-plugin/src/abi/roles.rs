//! The methods of each role, over any backend that plays it.

pub(super) mod encryption;
pub(super) mod key;
pub(super) mod serializer;
pub(super) mod storage;
