//! The key source `borrowed` of the tests as a shared library.

#[path = "../src/borrowed.rs"]
pub mod borrowed;

keyward_plugin::register!(key: borrowed::Borrowed);
