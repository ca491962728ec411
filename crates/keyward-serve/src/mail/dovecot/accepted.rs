use std::collections::HashMap;
use std::fmt::{self, Debug};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use keyward_core::{Identity, Result, Secret};

/// How long a master may take to ask who has logged in.
const PATIENCE: Duration = Duration::from_secs(60);

/// The most logins for which masters have not asked yet.
const MAX: usize = 10_000;

/// The logins that were accepted, until a master asks for them.
#[derive(Debug, Default)]
pub struct Accepted(Mutex<HashMap<Key, Login>>);

/// What a master must know to learn who has logged in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Key {
    /// The cookie of the client's connection.
    pub cookie: Cookie,
    /// The process id of the client.
    pub process: u32,
    /// The number of the login on the client's connection.
    pub login: u32,
}

/// 128 random bits, which only the client of a connection gets.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Cookie(u128);

#[derive(Debug)]
struct Login {
    identity: Identity,
    until: Instant,
}

impl Cookie {
    pub(crate) fn random() -> Result<Self> {
        keyward_fs::random().map(u128::from_be_bytes).map(Self)
    }

    pub(crate) fn text(self) -> Secret {
        format!("{:032x}", self.0).into()
    }

    pub(super) fn parse(text: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(text).ok().filter(|text| text.len() == 32)?;
        u128::from_str_radix(text, 16).ok().map(Self)
    }
}

impl Debug for Cookie {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Cookie")
    }
}

impl Accepted {
    /// Remembers a login; returns whether there was room.
    pub(crate) fn add(&self, key: Key, identity: Identity) -> bool {
        let now = Instant::now();
        let mut logins = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if logins.len() >= MAX {
            logins.retain(|_, login| login.until > now);
        }
        let has_room = logins.len() < MAX;
        if has_room {
            logins.insert(key, Login { identity, until: now + PATIENCE });
        }
        has_room
    }

    /// Returns who has logged in, and forgets it.
    pub(crate) fn take(&self, key: &Key) -> Option<Identity> {
        let mut logins = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let login = logins.remove(key)?;
        (login.until > Instant::now()).then_some(login.identity)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_login_is_told_once_to_who_knows_the_cookie() {
        let accepted = Accepted::default();
        let cookie = Cookie::random().unwrap();
        assert_eq!(Cookie::parse(cookie.text().expose()), Some(cookie));
        let key = |cookie, login| Key { cookie, process: 1, login };
        let ann = Identity::new("ann").unwrap();
        assert!(accepted.add(key(cookie, 1), ann.clone()));
        assert_eq!(accepted.take(&key(cookie, 2)), None);
        assert_eq!(accepted.take(&key(Cookie::random().unwrap(), 1)), None);
        assert_eq!(accepted.take(&key(cookie, 1)), Some(ann));
        assert_eq!(accepted.take(&key(cookie, 1)), None);
    }

    #[test]
    fn there_is_an_end_to_what_is_remembered() {
        let accepted = Accepted::default();
        let add = |login| {
            let key = Key { cookie: Cookie(0), process: 1, login };
            accepted.add(key, Identity::new("ann").unwrap())
        };
        let most = u32::try_from(MAX).unwrap();
        assert!((0..most).all(add));
        assert!(!add(most));
    }

    #[test]
    fn only_a_cookie_is_read_as_one() {
        for text in
            ["", "0123", "+123456789abcdef0123456789abcdef0", "g123456789abcdef0123456789abcdef"]
        {
            assert_eq!(Cookie::parse(text.as_bytes()), None, "{text}");
        }
    }
}
