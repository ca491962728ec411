//! keyward-encryption-clear
