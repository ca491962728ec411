//! keyward-storage-memory
