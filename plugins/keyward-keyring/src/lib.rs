//! Storage and key source `keyring`: the operating system's keyring.
//!
//! On Linux that is the Secret Service of the desktop (GNOME Keyring, KDE Wallet, KeePassXC) or, if
//! selected, the kernel's keyrings; on other systems it is the one that the system provides. As a
//! key source it keeps the key of a store, which a login then unlocks. As a storage it keeps whole
//! records.
//!
//! # What the keyring contains
//! It contains one item for each entry and no index, which every change would have to rewrite. So
//! the cost of an operation on one entry does not grow with the number of entries. An item's
//! attributes are the service `keyward` and the user `STORE-ID:HASH`; the hash is half of the
//! SHA-256 of the entry. Its label repeats the user. The name of an entry is only in the secret,
//! before the blob, so that entries can be listed: the Secret Service finds a store's items by
//! their attribute, the kernel by `/proc/keys`.
//!
//! Keyrings have no compare-and-swap. A writer takes a lock of the operating system in the folder
//! `state`, compares the revision in the item and then writes. A revision is a random number for
//! each write and never occurs again. The lock does not stop programs that write these items in
//! another way.
//!
//! # No prompt, no hang
//! A locked keyring is [`Locked`](keyward_plugin::ErrorKind::Locked) at once; the user is not
//! prompted to unlock it. The Secret Service has ten seconds to respond, or less if the caller has
//! less time; a write that was sent before the timeout may still happen. The store crate that
//! `keyring-core` has for the Secret Service prompts, and waits for ever. So this crate uses the
//! client library below it instead, always with an encrypted session. It does not connect and
//! starts no thread before the first operation.
//!
//! # Limits
//! A blob that is larger than this kind of keyring allows is
//! [`Unsupported`](keyward_plugin::ErrorKind::Unsupported) before anything is written. In addition,
//! the kernel gives ordinary users 200 keys and 20,000 bytes in total, and forgets them at the
//! latest when the machine restarts.

mod item;
mod key;
mod ring;
mod storage;

pub use key::{KeyOptions, KeyringKey};
pub use storage::{Keyring, StorageOptions};

keyward_plugin::register!(storage: Keyring, key: KeyringKey);

/// The name, in both roles.
const NAME: &str = "keyring";
