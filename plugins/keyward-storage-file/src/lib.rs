//! keyward-storage-file
