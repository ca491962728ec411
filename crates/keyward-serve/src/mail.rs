//! Logins for mail servers.

pub mod auth_http;
pub mod checkpassword;
pub(crate) mod config;
pub mod dovecot;
mod lines;
mod login;
pub mod saslauthd;

pub use config::{AuthHttpConfig, DovecotConfig, MailConfig, SaslauthdConfig};

#[cfg(test)]
mod tests;
