//! The types and traits that all crates of Keyward share.
//!
//! It defines what a secret is ([`Secret`]), what is kept ([`Record`]), under which name
//! ([`EntryId`]), how things fail ([`Error`]), what a backend does (the roles [`Serializer`],
//! [`Encryption`], [`Key`], [`Storage`], [`Authenticator`] and [`Checker`]) and how it is found ([`Registry`]). This crate does no
//! I/O.
//!
//! Use this crate to extend Keyward itself. Authors of backends import `keyward-plugin`,
//! applications import `keyward`.

mod authenticator;
mod caught;
mod checker;
mod duration;
mod encryption;
mod entry;
mod error;
mod escape;
pub mod hex;
mod host;
mod key;
mod limits;
mod network;
mod no_proxy;
mod options;
mod origin;
mod pin;
mod printable;
mod query;
mod question;
mod record;
mod registration;
mod registry;
mod report;
mod roles;
mod secret;
mod serializer;
mod source;
mod storage;
mod stores;
mod swap;
mod time;
pub mod wire;

pub use authenticator::{
    Additions, Authenticator, Event, HashKind, Header, MAX_ASKS, MAX_BODY_START, MAX_STEPS,
    MAX_SUB_BODY, Refusal, RefusalCause, RequestHead, ResponseHead, State, Step, SubRequest,
    SubResponse,
};
pub use caught::{catch_panic, panic_is_caught};
pub use checker::{
    Account, Attempt, Checker, Denial, Identity, Presented, PresentedKind, Round, Verifier,
    VerifierForm,
};
pub use duration::{parse_duration, write_duration};
pub use encryption::{Context, Encryption, EncryptionAbilities, KeyId, Keys, StoreId, StoreKey};
pub use entry::{EntryId, MAX_NAME, MAX_USER, canonical};
pub use error::{Error, ErrorKind, Result};
pub use escape::{MAX_SEGMENT, escape, segments, unescape};
pub use host::{Host, Level, Prompt};
pub use key::{Created, Key, Loaded, Ownership};
pub use limits::{MAX_BLOB, MAX_ITEMS, MAX_RECORD};
pub use network::Network;
#[doc(hidden)]
pub use network::without_user_info;
pub use options::{
    NoOptions, OptionError, OptionSpec, OptionType, OptionValue, Options, SecretRef, StoreRef,
    Value, Values,
};
pub use origin::Origin;
pub use pin::{Digest, Pin};
pub use printable::{Printable, needs_escape, printable};
pub use query::{Cursor, Page, Query};
pub use question::Question;
pub use record::{Derivation, Field, Form, Record};
pub use registration::{Backend, Door, Info, Open, Registration};
pub use registry::{Offer, Registry};
pub use roles::{Factory, Role, RoleTrait};
pub use secret::{Secret, SecretWriter};
pub use serializer::Serializer;
pub use source::{Change, EntryLock, Source};
pub use storage::{
    Bulk, BulkLimits, Exclusion, Expect, Guard, LockMode, Locks, MANY_BYTES, Operation,
    Persistence, Put, Revision, Sharing, Storage, StorageAbilities, Stored, Swaps, get_each,
};
pub use stores::{Renewer, Stores};
#[doc(hidden)]
pub use swap::{swap, update_by_swaps};
pub use time::Timestamp;

#[doc(hidden)]
pub use inventory;
