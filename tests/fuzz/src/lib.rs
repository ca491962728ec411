//! The properties of all code that parses bytes from outside, for any bytes: one target each.
//!
//! A target takes any bytes and panics if a property does not hold. `cargo xtask fuzz` runs
//! libFuzzer, which searches for such bytes. Bytes that it found are kept in `corpus/TARGET/`, and
//! an ordinary test replays them.
//!
//! A new target needs a function here, a line in [`TARGETS`], and a corpus of a few small valid
//! files with which libFuzzer starts. It is called many times in one process, so memory that it
//! keeps is never freed.

mod accounts;
mod auth_string;
mod authorized_keys;
mod challenges;
mod ciphers;
mod config;
mod envelope;
mod git_request;
mod host;
mod imports;
mod jwt;
mod keyed_value;
mod keyring_item;
mod keys;
mod kinds;
mod logins;
mod mail;
mod memory;
mod names;
mod origin;
mod plugins;
mod references;
mod sample;
mod serializers;
mod token_response;
mod verifiers;

pub use accounts::accounts;
pub use auth_string::auth_string;
pub use authorized_keys::{authorized_keys, ssh_signature};
pub use challenges::challenges;
pub use ciphers::{age_keys, blob_aes_gcm, blob_age, blob_age_passphrase};
pub use config::{project_file, settings, store_file};
pub use envelope::{envelope, keyset};
pub use git_request::git_request;
pub use imports::{import_git, import_provider, import_pycred};
pub use jwt::jwt;
pub use keyed_value::keyed_value;
pub use keyring_item::keyring_item;
pub use keys::{key_passphrase, key_supplied};
pub use kinds::{kind_file, otpauth};
pub use logins::{digest_response, sasl_messages};
pub use mail::{auth_http_headers, checkpassword_input, dovecot_lines, saslauthd_frames};
pub use names::names;
pub use origin::origin;
pub use plugins::{plugin_elf, plugin_frames, plugin_message, plugin_record, plugin_table};
pub use references::{env_file, reference, template};
pub use serializers::{serializer_bincode, serializer_cbor, serializer_json, serializer_postcard};
pub use token_response::token_response;
pub use verifiers::{stored_password, user_file};

/// A target takes bytes and panics if a property does not hold.
pub type Target = fn(&[u8]);

/// All targets, by the names of their folders in `corpus/`.
pub const TARGETS: &[(&str, Target)] = &[
    ("accounts", accounts),
    ("age-keys", age_keys),
    ("auth-http-headers", auth_http_headers),
    ("auth-string", auth_string),
    ("authorized-keys", authorized_keys),
    ("blob-aes-gcm", blob_aes_gcm),
    ("blob-age", blob_age),
    ("blob-age-passphrase", blob_age_passphrase),
    ("challenges", challenges),
    ("checkpassword-input", checkpassword_input),
    ("digest-response", digest_response),
    ("dovecot-lines", dovecot_lines),
    ("env-file", env_file),
    ("envelope", envelope),
    ("git-request", git_request),
    ("import-git", import_git),
    ("import-provider", import_provider),
    ("import-pycred", import_pycred),
    ("jwt", jwt),
    ("key-passphrase", key_passphrase),
    ("key-supplied", key_supplied),
    ("keyed-value", keyed_value),
    ("keyring-item", keyring_item),
    ("keyset", keyset),
    ("kind-file", kind_file),
    ("names", names),
    ("origin", origin),
    ("otpauth", otpauth),
    ("plugin-elf", plugin_elf),
    ("plugin-frames", plugin_frames),
    ("plugin-message", plugin_message),
    ("plugin-record", plugin_record),
    ("plugin-table", plugin_table),
    ("project-file", project_file),
    ("reference", reference),
    ("sasl-messages", sasl_messages),
    ("saslauthd-frames", saslauthd_frames),
    ("serializer-bincode", serializer_bincode),
    ("serializer-cbor", serializer_cbor),
    ("serializer-json", serializer_json),
    ("serializer-postcard", serializer_postcard),
    ("settings", settings),
    ("ssh-signature", ssh_signature),
    ("store-file", store_file),
    ("stored-password", stored_password),
    ("template", template),
    ("token-response", token_response),
    ("user-file", user_file),
];
