//! Strict reading of URLs: whom a credential may be given to, and under which name it is kept.
//!
//! A credential that was stored for one [`Origin`](keyward_core::Origin) is given to that origin
//! alone, so everything hangs on two programs reading the same host out of the same text. Where
//! parsers are known to disagree (a backslash, a tab, `https:/x`, an IPv4 address in octal, a
//! percent sign in a host), this one refuses. What it accepts means the same under RFC 3986 and
//! under the WHATWG's URL standard, and the host is the one that the `url` crate would connect to.
//!
//! - [`parse`] reads an origin that a person wrote: `https://example.com`.
//! - [`from_parts`] reads what git's credential protocol sends: a scheme and `host[:port]`.
//! - [`Location`] is where a credential belongs: an origin, an account and a path. Its text is the
//!   name of an entry.
//! - [`Login`] reads a URL that may hold a password, as `.git-credentials` does.
//!
//! No error quotes any part of what was read, for what looks like a host may be half a password.
//!
//! You want this crate if you have a URL and have to decide who gets a credential.
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

pub use location::Location;
pub use login::Login;
pub use origin::{from_parts, parse};

/// The longest URL that is looked at, in bytes.
pub const MAX_URL: usize = 8 << 10;
