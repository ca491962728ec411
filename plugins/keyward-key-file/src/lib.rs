//! keyward-key-file
