/// The largest encoded record, in bytes: 16 MiB.
pub const MAX_RECORD: usize = 16 << 20;

/// The largest blob that a storage must keep, in bytes: a record, its seal and its envelope.
pub const MAX_BLOB: usize = MAX_RECORD + (64 << 10);

/// The most fields, labels or origins that one record may have.
pub const MAX_ITEMS: usize = 4096;
