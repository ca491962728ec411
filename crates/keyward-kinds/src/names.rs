//! The names of the built-in kinds: the values of [`Record::kind`](keyward_core::Record::kind).

/// A username and a password.
pub const USER_PASSWORD: &str = "user-password";
/// A token that is sent as it is.
pub const TOKEN: &str = "token";
/// A key of a web service.
pub const API_KEY: &str = "api-key";
/// A client of an OAuth 2.0 server, and its tokens.
pub const OAUTH2: &str = "oauth2";
/// An access key of AWS.
pub const AWS: &str = "aws";
/// An access key of a service that speaks S3.
pub const S3: &str = "s3";
/// A public and a private key.
pub const KEY_PAIR: &str = "key-pair";
/// A private key for SSH.
pub const SSH_KEY: &str = "ssh-key";
/// A certificate with which a TLS client authenticates itself.
pub const CLIENT_CERTIFICATE: &str = "client-certificate";
/// The secret of one-time passwords.
pub const TOTP: &str = "totp";
/// A secret text.
pub const NOTE: &str = "note";
/// A secret file.
pub const FILE: &str = "file";
/// Any fields.
pub const GENERIC: &str = "generic";
/// The value of an `Authorization` header.
pub const HTTP_AUTHORIZATION: &str = "http-authorization";
/// What a server keeps of a user's secrets, to recognize the user.
pub const VERIFIERS: &str = "verifiers";
/// The list of the accounts of an origin. It is internal: `keyward-accounts` keeps it.
pub const ACCOUNTS: &str = "accounts";
