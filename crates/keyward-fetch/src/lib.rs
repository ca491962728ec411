//! Downloads and uploads with the credential that a URL needs, over HTTP; downloads over FTP and SFTP, too.
//!
//! [`Fetcher`] finds the provider of a URL, sends the request without a credential, and, if the server
//! asks for one, with the credential that the provider names. Each redirect begins again.
//!
//! # Security
//! A credential is sent only to an origin to which its record is bound. What was added to a request
//! is not sent to the URL of a redirect.

mod body;
mod curl;
mod download;
mod draft;
mod exchanges;
mod fetcher;
mod file;
mod hash;
mod part;
mod request;
mod s3;
mod sender;
mod write;

#[cfg(test)]
mod tests;

pub use body::Body;
pub use curl::{option as curl_option, user as curl_user};
pub use download::{Download, Options, check_status, file_name};
pub use draft::Progress;
pub use fetcher::{Answer, Fetcher};
pub use hash::{HashName, WantedHash};
pub use write::Stat;
