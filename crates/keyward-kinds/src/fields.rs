//! The names of the fields of the built-in kinds. Kinds that have a field for the same thing call it
//! the same.

/// The name of the account, in records of every kind that has one.
pub const USERNAME: &str = "username";
/// A password.
pub const PASSWORD: &str = "password";
/// The token with which a client gets another password or access token.
pub const REFRESH_TOKEN: &str = "refresh_token";
/// A token that is sent as it is.
pub const TOKEN: &str = "token";
/// A key of a web service.
pub const KEY: &str = "key";
/// The public name of a key.
pub const KEY_ID: &str = "key_id";

/// The issuer of OAuth tokens.
pub const ISSUER: &str = "issuer";
/// The endpoint that issues OAuth tokens.
pub const TOKEN_URL: &str = "token_url";
/// The page on which a user allows an OAuth client to act for them.
pub const AUTHORIZATION_URL: &str = "authorization_url";
/// The endpoint that issues OAuth device codes.
pub const DEVICE_URL: &str = "device_url";
/// The endpoint that revokes OAuth tokens.
pub const REVOCATION_URL: &str = "revocation_url";
/// The endpoint that says what an OAuth token is good for.
pub const INTROSPECTION_URL: &str = "introspection_url";
/// Whether the server names itself when it sends a browser back (RFC 9207): `required`.
pub const CALLBACK_ISSUER: &str = "callback_issuer";
/// How an OAuth client gets tokens.
pub const GRANT: &str = "grant";
/// How an OAuth client authenticates to the token endpoint.
pub const CLIENT_AUTHENTICATION: &str = "client_authentication";
/// How a request for OAuth tokens is written: `form` or `json`.
pub const REQUEST_FORMAT: &str = "request_format";
/// Parameters that a server needs besides those of OAuth, as in a URL's query.
pub const PARAMETERS: &str = "parameters";
/// The URI of the service that a token should be for (RFC 8707).
pub const RESOURCE: &str = "resource";
/// What is known about the next refresh of a token.
pub const REFRESH_STATE: &str = "refresh_state";
/// The name of an OAuth client.
pub const CLIENT_ID: &str = "client_id";
/// The secret of an OAuth client.
pub const CLIENT_SECRET: &str = "client_secret";
/// The scopes of a token, with a blank between them.
pub const SCOPE: &str = "scope";
/// The scopes that the server granted, if it says so.
pub const GRANTED_SCOPE: &str = "granted_scope";
/// Who should accept a token.
pub const AUDIENCE: &str = "audience";
/// An OAuth access token.
pub const ACCESS_TOKEN: &str = "access_token";
/// How an access token is sent.
pub const TOKEN_TYPE: &str = "token_type";
/// How git sends an access token: `basic`, as a password, or `bearer`.
pub const GIT_SCHEME: &str = "git_scheme";
/// An OpenID Connect identity token.
pub const ID_TOKEN: &str = "id_token";
/// A token of a developer, which gets access tokens from a separate service.
pub const DEVELOPER_TOKEN: &str = "developer_token";
/// The URL that gives access tokens for a developer token.
pub const DEVELOPER_TOKEN_URL: &str = "developer_token_url";

/// Whom the assertions of an OAuth client name as their reader, if not its server.
pub const ASSERTION_AUDIENCE: &str = "assertion_audience";
/// A token that an OAuth client exchanges for another one (RFC 8693).
pub const SUBJECT_TOKEN: &str = "subject_token";
/// What a subject token is.
pub const SUBJECT_TOKEN_TYPE: &str = "subject_token_type";
/// The token of who acts for the subject.
pub const ACTOR_TOKEN: &str = "actor_token";
/// What an actor token is.
pub const ACTOR_TOKEN_TYPE: &str = "actor_token_type";
/// What a subject token is exchanged for.
pub const REQUESTED_TOKEN_TYPE: &str = "requested_token_type";
/// A digest of what OAuth tokens were issued for.
pub const ISSUED_FOR: &str = "issued_for";

/// The public part of an access key.
pub const ACCESS_KEY_ID: &str = "access_key_id";
/// The secret part of an access key.
pub const SECRET_ACCESS_KEY: &str = "secret_access_key";
/// The token of a temporary access key.
pub const SESSION_TOKEN: &str = "session_token";
/// The URL of a service.
pub const ENDPOINT: &str = "endpoint";
/// The region of a service.
pub const REGION: &str = "region";

/// A private key.
pub const PRIVATE_KEY: &str = "private_key";
/// A public key.
pub const PUBLIC_KEY: &str = "public_key";
/// The passphrase of a private key.
pub const PASSPHRASE: &str = "passphrase";
/// A certificate, and those that lead from it to a trusted one.
pub const CERTIFICATE: &str = "certificate";
/// An `otpauth://` URI.
pub const URI: &str = "uri";
/// A text.
pub const TEXT: &str = "text";
/// The content of a file.
pub const CONTENT: &str = "content";
/// The name of a file.
pub const FILE_NAME: &str = "file_name";
/// A secret of any sort.
pub const SECRET: &str = "secret";

/// How an `Authorization` header authenticates, such as `Bearer`.
pub const SCHEME: &str = "scheme";
/// What follows the scheme in an `Authorization` header.
pub const CREDENTIAL: &str = "credential";

/// The accounts of an origin.
pub const ACCOUNTS: &str = "accounts";
/// The default account of an origin.
pub const DEFAULT: &str = "default";

/// The hash of a password, as in crypt(3) and PHC.
pub const PASSWORD_HASH: &str = "password_hash";
/// A verifier for SCRAM-SHA-256 (RFC 5803).
pub const SCRAM_SHA_256: &str = "scram_sha_256";
/// A verifier for SCRAM-SHA-1 (RFC 5803).
pub const SCRAM_SHA_1: &str = "scram_sha_1";
/// Hashes A1 of HTTP Digest, one to a line: `ALGORITHM:REALM:HEX`.
pub const HA1: &str = "ha1";
/// The SHA-256 of recovery codes in hexadecimal, one to a line.
pub const RECOVERY_CODES: &str = "recovery_codes";
/// The SHA-256 of tokens in hexadecimal, one to a line.
pub const TOKENS: &str = "tokens";
/// The SHA-256 of certificates in DER form, in hexadecimal, one to a line.
pub const CERTIFICATES: &str = "certificates";
/// SSH keys with their options, one to a line, as in `authorized_keys`.
pub const AUTHORIZED_KEYS: &str = "authorized_keys";
/// Why a user is not let in: `disabled` or `password-change-due`.
pub const DENIED: &str = "denied";
