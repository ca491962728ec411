//! Strict parsing of URLs: which server gets a credential, and under which name it is kept.
//!
//! A credential that was stored for one [`Origin`](keyward_core::Origin) is sent to that origin
//! only. So two programs must read the same host from the same text. If parsers are known to
//! disagree (a backslash, a tab, `https:/x`, an IPv4 address in octal, a percent sign in a host),
//! this one refuses the text. What it accepts means the same under RFC 3986 and under the WHATWG's
//! URL standard, and the host is the one that the `url` crate would connect to.
//!
//! - [`parse`] reads an origin that a person wrote: `https://example.com`.
//! - [`from_parts`] reads what git's credential protocol sends: a scheme and `host[:port]`.
//! - [`Location`] is where a credential belongs: an origin, an account and a path. Its text is the
//!   name of an entry.
//! - [`Target`] is the URL of a request: an origin, a path and a query.
//! - [`Login`] reads a URL that may contain a password, as `.git-credentials` does.
//!
//! No error quotes any part of the text, because what looks like a host may be half a password.
//!
//! Use this crate if you have a URL and must decide which server gets a credential.
//!
//! # Examples
//! ```
//! use keyward_origin::Location;
//!
//! let asked = keyward_origin::from_parts("https", "Example.com:443")?;
//! let stored = Location::parse("https://ann@example.com/team/repo.git")?;
//! assert_eq!(stored.origin(), &asked);
//! assert_eq!(stored.account(), Some("ann"));
//! # Ok::<(), keyward_core::Error>(())
//! ```

mod host;
mod location;
mod login;
mod origin;
mod percent;
mod syntax;
mod target;

pub use location::Location;
pub use login::Login;
pub use origin::{from_parts, parse};
pub use target::Target;

/// The length of the longest URL that is parsed, in bytes.
pub const MAX_URL: usize = 8 << 10;
