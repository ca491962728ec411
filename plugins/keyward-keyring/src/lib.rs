//! Storage and key source `keyring`: the operating system's own keyring.
//!
//! On Linux that is the Secret Service of the desktop (GNOME Keyring, KDE Wallet, KeePassXC) or,
//! by choice, the kernel's keyrings; elsewhere what the system brings. As a key source it keeps the
//! key of a store where logging in unlocks it; as a storage it keeps whole records.
//!
//! # What stands in the keyring
//! One item for each entry, and nothing else: no index that would have to be rewritten with every
//! entry, so no operation on one entry grows with the others. An item's attributes are the
//! service `keyward` and the user `STORE-ID:HASH`, the hash being half of the SHA-256 of the
//! entry; its label repeats the user. Names stand in the secret alone, before the blob, so that entries can be
//! listed: the Secret Service finds a store's items by their attribute, the kernel by `/proc/keys`.
//!
//! Keyrings know no compare-and-swap. Writers take a lock of the operating system in the folder
//! `state`, compare the revision that stands in the item and write then; a revision is drawn at random
//! for each write and never comes again. Programs that write these items
//! by other ways are not held off by the lock.
//!
//! # Never a prompt, never a hang
//! A locked keyring is [`Locked`](keyward_plugin::ErrorKind::Locked) at once; nobody is asked to
//! unlock it. The Secret Service has some seconds to answer, fewer if the caller has less time;
//! what it was asked to write when they ran out may still have been written. The store crate that
//! `keyring-core` has for the Secret Service prompts, and waits for ever: this crate uses the
//! client library beneath it instead, always with an encrypted session.
//! Nothing is connected and no thread started before the first operation.
//!
//! # Limits
//! A blob that the keyring has no room for by its kind is
//! [`Unsupported`](keyward_plugin::ErrorKind::Unsupported) before anything is written. Beyond that,
//! the kernel gives ordinary users 200 keys and 20,000 bytes altogether, and forgets them at the
//! latest when the machine restarts.

mod item;
mod key;
mod ring;
mod storage;

pub use key::{KeyOptions, KeyringKey};
pub use storage::{Keyring, StorageOptions};

keyward_plugin::register!(storage: Keyring, key: KeyringKey);

/// The one spelling of the name, in both roles.
const NAME: &str = "keyring";
