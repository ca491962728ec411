//! Checker `ldap`: asks an LDAP server.
//!
//! It searches for the entry of the user, with the name in one attribute, and then binds as that entry
//! with the password. If several entries match, that is an error. Referrals are not followed.
//!
//! # Security
//! - A password never leaves this machine without TLS: a URL with `ldap` needs `start_tls`, unless the
//!   server is on this machine. If TLS fails, the check fails.
//! - An empty password is refused before the server is asked, because a bind with one succeeds for
//!   every entry (RFC 4513, section 5.1.2).
//! - The name is escaped (RFC 4515), so it changes nothing of the filter.
//! - For an unknown user, it binds as an entry that does not exist, so that the number of messages is
//!   the same.
//! - The LDAP library copies passwords and does not wipe the copies.

mod refusal;
mod session;
mod tls;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use keyward_plugin::{
    Attempt, Backend, Checker, Denial, Error, ErrorKind, Host, Identity, Info, Presented,
    PresentedKind, Result, Round, Secret, SecretRef, options,
};
use ldap3::{Scope, dn_escape, ldap_escape, parse_filter};
use rustls::ClientConfig;

use session::{Found, Session};

keyward_plugin::register!(checker: Ldap);

/// The longest name that the server is asked for, in bytes.
const LONGEST_USER: usize = 1024;

options! {
    /// Where the users are.
    pub struct Options {
        /// The server, as in `ldaps://ldap.example.com`.
        pub url: String,
        /// The entry below which users are searched, as in `ou=people,dc=example,dc=com`.
        pub base: String,
        /// The attribute that contains the name that a user presents.
        pub attribute: String = "uid",
        /// A filter that the entry of a user must also match, as in `(objectClass=person)`.
        pub filter: Option<String>,
        /// Whether the whole tree below `base` is searched, or only its direct children.
        #[choices("subtree", "one")]
        pub scope: String = "subtree",
        /// The attribute that says who the user is; by default that of the name.
        pub identity: Option<String>,
        /// The entry that searches; without one, the search is anonymous.
        pub bind_dn: Option<String>,
        /// The password of that entry.
        pub bind_password: Option<SecretRef>,
        /// Begins TLS on a connection that starts without, as the port 389 needs.
        pub start_tls: bool = false,
        /// A file with the certificates that are trusted, instead of those of the system.
        pub ca: Option<PathBuf>,
        /// How long a check may take.
        pub timeout: Duration = "10s",
    }
}

/// The checker `ldap`.
#[derive(Debug)]
pub struct Ldap {
    options: Options,
    scope: Scope,
    /// The content of the filter that does not depend on the user.
    filter: String,
    tls: Option<Arc<ClientConfig>>,
    host: Arc<dyn Host>,
}

impl Backend for Ldap {
    const INFO: Info =
        Info::new("ldap", "Asks an LDAP server: it searches for the user, and binds")
            .serving(&["password"]);
    type Options = Options;

    fn open(options: Options, host: &Arc<dyn Host>) -> Result<Self> {
        let invalid = |why: &str| Error::invalid("options", why.to_owned());
        let needs_tls = tls::check_url(&options.url, options.start_tls)?;
        for attribute in [Some(&options.attribute), options.identity.as_ref()].into_iter().flatten()
        {
            if !is_attribute(attribute) {
                return Err(invalid("an attribute consists of letters, digits and `-`"));
            }
        }
        let filter = options.filter.clone().unwrap_or_default();
        if !filter.is_empty() && (!filter.starts_with('(') || parse_filter(&filter).is_err()) {
            return Err(invalid("`filter` must be a filter in parentheses (RFC 4515)"));
        }
        // The filter must stay one operand of the filter that it becomes a part of.
        if !filter.is_empty() && parse_filter(format!("(!{filter})")).is_err() {
            return Err(invalid("`filter` must be one filter in parentheses"));
        }
        if options.bind_dn.is_some() != options.bind_password.is_some() {
            return Err(invalid("`bind_dn` and `bind_password` belong together"));
        }
        let tls = needs_tls.then(|| tls::config(options.ca.as_deref(), &**host)).transpose()?;
        let scope = if options.scope == "one" { Scope::OneLevel } else { Scope::Subtree };
        Ok(Self { options, scope, filter, tls, host: host.clone() })
    }
}

impl Checker for Ldap {
    fn accepts(&self) -> &[PresentedKind] {
        &[PresentedKind::PASSWORD]
    }

    fn check(&self, presented: &Presented, _: &Attempt) -> Result<Round> {
        if !presented.is(&PresentedKind::PASSWORD) {
            return Err(presented.unsupported());
        }
        let (Some(user), Some(password)) = (presented.user(), presented.field("password")) else {
            return Ok(Round::wrong(Denial::Malformed));
        };
        // A password is a text in LDAP, and servers may read it up to the first NUL.
        let text = password.expose_str().filter(|text| !text.contains('\0'));
        let Some(text) = text.filter(|text| !text.is_empty()) else {
            return Ok(Round::wrong(Denial::Secret));
        };
        if user.is_empty() || user.len() > LONGEST_USER || user.contains(char::is_control) {
            return Ok(Round::Unknown);
        }
        self.search_and_bind(user, text)
    }
}

impl Ldap {
    fn search_and_bind(&self, user: &str, password: &str) -> Result<Round> {
        let limit = self.options.timeout;
        let limit = self.host.remaining().map_or(limit, |remaining| remaining.min(limit));
        let mut session = Session::connect(&self.options, self.tls.as_ref(), limit)?;
        if let (Some(name), Some(reference)) = (&self.options.bind_dn, &self.options.bind_password)
        {
            let secret = self.host.secret(reference)?.secret;
            session.bind_to_search(name, secret_text(&secret)?)?;
        }
        let attribute = &self.options.attribute;
        let filter = format!("(&({attribute}={}){})", ldap_escape(user), self.filter);
        let identity = self.options.identity.as_ref().unwrap_or(attribute);
        match session.find(&self.options.base, self.scope, &filter, identity)? {
            None => {
                let name = format!("{attribute}={},{}", dn_escape(user), self.options.base);
                session.bind(&name, password)?;
                Ok(Round::Unknown)
            }
            Some(Found { name, identity }) => {
                let identity = Identity::new(identity.unwrap_or_default()).map_err(|_| {
                    unavailable("the entry of the user has no identity, or one that is not valid")
                })?;
                let denial = session.bind(&name, password)?;
                Ok(denial.map_or(Round::accepted(identity), Round::wrong))
            }
        }
    }
}

/// The password with which it searches. An empty one would make the search anonymous.
fn secret_text(secret: &Secret) -> Result<&str> {
    let text = secret.expose_str().filter(|text| !text.is_empty() && !text.contains('\0'));
    text.ok_or_else(|| Error::invalid("bind", "`bind_password` is empty, or is not a text"))
}

fn is_attribute(name: &str) -> bool {
    let is_part = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
    name.starts_with(|first: char| first.is_ascii_alphabetic()) && name.bytes().all(is_part)
}

fn unavailable(why: &'static str) -> Error {
    Error::new(ErrorKind::Unavailable, "check").because(why)
}

#[cfg(test)]
mod tests;
