//! A store: combines a serializer, an encryption and a storage.
//!
//! A [`Store`] turns a record into bytes, adds the envelope, seals it to a blob and gives that to
//! the storage. To read a record, it does the reverse. No other component is involved. Stores with a
//! symmetric encryption keep their keys in a separate keyset, wrapped by a key source.
//!
//! Use this crate to assemble stores from backends yourself. Applications use `keyward`, which does
//! that from configuration.

mod binding;
mod blobs;
mod change;
mod conditions;
mod cursor;
mod entries;
mod entry_lock;
mod envelope;
#[doc(hidden)]
pub mod fuzz;
mod keyset;
mod keyset_cache;
mod keyset_file;
mod lease;
mod lifecycle;
mod owner;
mod parts;
mod reseal;
mod rewrap;
mod rotate;
mod seal;
mod sentinel;
mod store;
mod verify;

pub use entries::Entries;
pub use entry_lock::StoreEntryLock;
pub use parts::{Named, Parts};
pub use rotate::Rotated;
pub use store::Store;
pub use verify::Verified;
