//! Signed cookies that name a keycard.
//!
//! A cookie contains the id of a keycard, when it was made, and a mark (HMAC-SHA-256, RFC 2104) with a
//! key that only the copies of a server have. The mark also depends on the audience, such as the host
//! of a site, and, if the server wants it, on the address of the client. So a cookie is of no use
//! elsewhere.
//!
//! # Security
//! A cookie that is right says only that the server has made it. Whether its keycard lives is for the
//! [bouncer](crate::Bouncer::check) to say, at each request.

use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use keyward_core::{Change, EntryId, Error, Field, Record, Result, Secret, Source, Timestamp};
use sha2::Sha256;

use crate::KeycardId;

/// Makes and checks cookies.
#[derive(Debug)]
pub struct Cookies {
    source: Arc<dyn Source>,
    entry: EntryId,
    times: Times,
    keys: RwLock<Keys>,
}

/// How long cookies are good.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Times {
    /// How old a cookie may get before it should be replaced.
    pub fresh: Duration,
    /// How old a cookie may get.
    pub life: Duration,
}

/// What a cookie is worth.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Signed {
    /// It names this keycard.
    Valid(KeycardId),
    /// It names this keycard. If that lives, the client gets a new cookie for it: this one is old, or its
    /// key will be removed.
    Renew(KeycardId),
    /// This server did not make it for this audience and address, or it is too old.
    Invalid,
}

/// The keys, the newest first. Each has the number that its cookies name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Keys(Vec<(u32, Secret)>);

const KIND: &str = "keyward.cookie-keys";

/// How many keys are kept.
const KEPT: usize = 3;

const KEY_SIZE: usize = 32;
const MARK_SIZE: usize = 32;
const BODY_SIZE: usize = 1 + 4 + 16 + 8;
const VERSION: u8 = 1;

/// How far a cookie may come from the future: the clocks of copies differ.
const SKEW: Duration = Duration::from_mins(1);

impl Cookies {
    /// Opens the keys in this entry, and makes the first one if there is none.
    ///
    /// # Errors
    /// Those of the source; [`Corrupt`](keyward_core::ErrorKind::Corrupt) if the entry is something
    /// else.
    pub fn open(source: Arc<dyn Source>, entry: EntryId, times: Times) -> Result<Self> {
        let cookies = Self { source, entry, times, keys: RwLock::default() };
        cookies.change_keys(false)?;
        Ok(cookies)
    }

    /// Makes a new key for all further cookies. Those of the last two keys stay good.
    ///
    /// # Errors
    /// Those of the source.
    pub fn rotate(&self) -> Result<()> {
        self.change_keys(true)
    }

    /// Makes a cookie's value: letters, digits, `-` and `_`.
    ///
    /// # Errors
    /// Those of the source.
    pub fn sign(
        &self,
        id: &KeycardId,
        audience: &str,
        address: Option<&str>,
        now: Timestamp,
    ) -> Result<String> {
        let keys = self.keys();
        let (number, key) = keys.0.first().ok_or_else(|| Error::corrupt("cookie"))?;
        let mut bytes = vec![VERSION];
        bytes.extend_from_slice(&number.to_be_bytes());
        bytes.extend_from_slice(&id.to_bytes());
        bytes.extend_from_slice(&now.as_unix().to_be_bytes());
        let mark = mac(key, &bytes, audience, address).finalize().into_bytes();
        bytes.extend_from_slice(&mark);
        Ok(URL_SAFE_NO_PAD.encode(bytes))
    }

    /// Checks a cookie's value.
    ///
    /// # Errors
    /// Those of the source, which is read if the cookie names a key that is not known yet.
    pub fn check(
        &self,
        cookie: &str,
        audience: &str,
        address: Option<&str>,
        now: Timestamp,
    ) -> Result<Signed> {
        let Some(read) = Read::parse(cookie) else { return Ok(Signed::Invalid) };
        if self.keys().0.first().is_some_and(|(newest, _)| read.key > *newest) {
            self.change_keys(false)?;
        }
        let keys = self.keys();
        let key = keys.0.iter().position(|(number, _)| *number == read.key);
        let Some(place) = key else { return Ok(Signed::Invalid) };
        let mac = mac(&keys.0[place].1, &read.body, audience, address);
        let is_over = |life| read.made.after(life) <= now;
        let is_early = now.after(SKEW) < read.made;
        if mac.verify_slice(&read.mark).is_err() || is_over(self.times.life) || is_early {
            return Ok(Signed::Invalid);
        }
        let is_current = place == 0 && !is_over(self.times.fresh);
        Ok(if is_current { Signed::Valid(read.id) } else { Signed::Renew(read.id) })
    }

    fn keys(&self) -> Keys {
        self.keys.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Reads the keys, and adds one if `wanted` or if there is none.
    fn change_keys(&self, wanted: bool) -> Result<()> {
        let mut keys = Keys::default();
        self.source
            .update(&self.entry, &mut |record| {
                keys = record.as_ref().map(Keys::read).transpose()?.unwrap_or_default();
                if !wanted && !keys.0.is_empty() {
                    return Ok(Change::Leave);
                }
                keys.add()?;
                Ok(Change::Put(Box::new(keys.record())))
            })
            .map_err(Error::not_a_miss)?;
        *self.keys.write().unwrap_or_else(PoisonError::into_inner) = keys;
        Ok(())
    }
}

impl Keys {
    fn add(&mut self) -> Result<()> {
        let number = self.0.first().map_or(1, |(number, _)| number + 1);
        let key = Secret::from(&keyward_fs::random::<KEY_SIZE>()?[..]);
        self.0.insert(0, (number, key));
        self.0.truncate(KEPT);
        Ok(())
    }

    fn read(record: &Record) -> Result<Self> {
        let damaged = || Error::corrupt("cookie").because("the entry contains no keys of cookies");
        if record.kind != KIND {
            return Err(damaged());
        }
        let mut keys = Vec::new();
        for (name, field) in &record.fields {
            let number = name.strip_prefix("key-").and_then(|number| number.parse().ok());
            let number: u32 = number.ok_or_else(damaged)?;
            if field.value.len() != KEY_SIZE || number == u32::MAX {
                return Err(damaged());
            }
            keys.push((number, field.value.clone()));
        }
        keys.sort_by_key(|(number, _)| std::cmp::Reverse(*number));
        Ok(Self(keys))
    }

    fn record(&self) -> Record {
        self.0.iter().fold(Record::new(KIND), |record, (number, key)| {
            record.with(format!("key-{number}"), Field::secret(key.clone()))
        })
    }
}

/// A cookie that has the right form.
struct Read {
    body: [u8; BODY_SIZE],
    key: u32,
    id: KeycardId,
    made: Timestamp,
    mark: [u8; MARK_SIZE],
}

impl Read {
    fn parse(cookie: &str) -> Option<Self> {
        if cookie.len() > 128 {
            return None;
        }
        let bytes = URL_SAFE_NO_PAD.decode(cookie).ok()?;
        let (body, mark) = bytes.split_first_chunk::<BODY_SIZE>()?;
        let (version, rest) = body.split_first()?;
        let (key, rest) = rest.split_first_chunk()?;
        let (id, rest) = rest.split_first_chunk()?;
        let made = u64::from_be_bytes(rest.try_into().ok()?);
        (*version == VERSION).then_some(Self {
            body: *body,
            key: u32::from_be_bytes(*key),
            id: KeycardId::from_bytes(*id),
            made: Timestamp::from_unix(made),
            mark: mark.try_into().ok()?,
        })
    }
}

/// The mark. Each part has its length before it, so that no two inputs are the same.
fn mac(key: &Secret, body: &[u8], audience: &str, address: Option<&str>) -> Hmac<Sha256> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key.expose()).expect("any key fits");
    let address = address.unwrap_or_default();
    for part in [&b"keyward session cookie"[..], body, audience.as_bytes(), address.as_bytes()] {
        mac.update(&(part.len() as u64).to_be_bytes());
        mac.update(part);
    }
    mac
}

#[cfg(test)]
mod tests;
