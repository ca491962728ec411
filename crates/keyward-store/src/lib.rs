//! A store: a serializer, an encryption and a storage that work as one.
//!
//! What is put into a [`Store`] goes record → bytes → envelope → seal → blob → storage; what is
//! got comes back the same way, and nothing else stands on that path. Stores with a symmetric
//! encryption keep their keys in a keyset of their own, wrapped by a key source.
//!
//! You want this crate if you assemble stores from backends yourself. Applications use
//! `keyward`, which does that from configuration.

mod anchor;
mod binding;
mod envelope;
mod keyset;
mod keyset_file;
mod lifecycle;
mod owner;
mod parse;
mod reseal;
#[doc(hidden)]
pub mod rewrite;
mod rotate;
mod seal;
mod store;
mod verify;

pub use rotate::Rotated;
pub use store::{Entries, Named, Parts, Store};
pub use verify::Verified;
