//! keyward-defaults
