//! The methods of each role, for any backend that has the role.

pub(super) mod encryption;
pub(super) mod key;
pub(super) mod serializer;
pub(super) mod storage;
