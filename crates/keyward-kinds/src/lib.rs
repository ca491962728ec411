//! The kinds of Keyward's records.
//!
//! A [`Kind`] is a table: its name, what it is for, and its fields. [`Kinds`] has all of them: the
//! built-in ones, those of linked crates ([`register!`](register)), and those of configuration. The
//! names of the built-in kinds and of their fields are in [`names`] and [`fields`]; no other crate
//! spells them. A type for each kind, such as [`UserPassword`], reads a record, and writes into it.
//!
//! # Security
//! A field is secret if the record or the table says so. A check never quotes a value.

mod built_in;
mod changes;
mod exchange;
mod field;
pub mod fields;
mod file;
mod kind;
mod kinds;
pub mod labels;
pub mod names;
mod otp;
mod registration;
mod rules;
mod view;
mod views;

#[doc(hidden)]
pub use inventory;

pub use changes::Changes;
pub use exchange::{Exchange, ExchangeRegistration, find_exchange, has_exchanges};
pub use field::{FieldSpec, Format, Shape};
pub use kind::Kind;
pub use kinds::Kinds;
pub use otp::{Moving, OneTimeCode, OtpAuth};
pub use registration::KindRegistration;
pub use rules::MAX_FIELDS;
pub use view::other_kind;
pub use views::{
    ApiKey, Aws, ClientCertificate, File, HttpAuthorization, KeyPair, Note, OAuth2, S3, SshKey,
    Token, Totp, UserPassword,
};

#[cfg(test)]
mod tests;
