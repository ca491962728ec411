//! The lines of passwd(5) and shadow(5).

use std::collections::BTreeMap;

use keyward_plugin::{Denial, Secret, Timestamp, Verifier, VerifierForm};
use keyward_verifier::hash::Hash;

/// The users of a file.
#[derive(Debug, Default)]
pub(crate) struct Table {
    users: BTreeMap<String, Entry>,
    examples: Vec<Verifier>,
}

/// What a line says about a user.
#[derive(Debug)]
pub(crate) struct Entry {
    /// The hash, if it is one that may be used.
    pub(crate) verifier: Option<Verifier>,
    /// Whether the hash is in the file of shadow(5).
    pub(crate) in_shadow: bool,
    /// Whether the hash begins with `!` or `*`, a number cannot be read, or the user is in several lines: it cannot be known which one is
    /// meant.
    is_locked: bool,
    /// The fields of shadow(5) from the third on, in days; `None` where they are empty.
    last_change: Option<u64>,
    maximum: Option<u64>,
    inactive: Option<u64>,
    expires: Option<u64>,
}

/// The longest line.
const MAX_LINE: usize = 4096;

/// In files that have this many days as the maximum age of a password, it never ends.
const FOREVER: u64 = 99_999;

impl Table {
    /// Reads a file. A line that cannot be read has no user, and one with a number that cannot be read
    /// is that of a locked user.
    pub(crate) fn parse(content: &[u8], legacy: bool) -> Self {
        let mut table = Self::default();
        for line in content.split(|byte| *byte == b'\n') {
            let text = (line.len() <= MAX_LINE).then(|| str::from_utf8(line).ok()).flatten();
            let Some((name, fields)) = text.and_then(|text| text.split_once(':')) else { continue };
            // Lines of NIS begin with + and -.
            if !name.is_empty() && !name.starts_with(['#', '+', '-']) {
                let entry = Entry::parse(fields, legacy);
                let twice = |first: &mut Entry| {
                    (first.is_locked, first.verifier) = (true, None);
                };
                table.users.entry(name.to_owned()).and_modify(twice).or_insert(entry);
            }
        }
        let users = table.users.values();
        table.examples = users.filter_map(|entry| entry.verifier.clone()).collect();
        table
    }

    pub(crate) fn get(&self, user: &str) -> Option<&Entry> {
        self.users.get(user)
    }

    /// The verifiers of all users.
    pub(crate) fn examples(&self) -> &[Verifier] {
        &self.examples
    }
}

impl Entry {
    fn parse(fields: &str, legacy: bool) -> Self {
        let mut fields = fields.split(':');
        let hash = fields.next().unwrap_or_default();
        let in_shadow = hash == "x";
        let mut is_locked = hash.starts_with(['!', '*']);
        let verifier = verifier(hash, legacy);
        let mut days = || match fields.next().unwrap_or_default() {
            "" => None,
            field => {
                let days = field.parse().ok();
                // Its author wanted a limit.
                is_locked |= days.is_none();
                days
            }
        };
        let (last_change, _minimum, maximum) = (days(), days(), days());
        let (_warning, inactive, expires) = (days(), days(), days());
        Self { verifier, in_shadow, is_locked, last_change, maximum, inactive, expires }
    }

    /// Why the user is not let in today, by the rules of `pam_unix`.
    pub(crate) fn denied(&self, now: Timestamp) -> Option<Denial> {
        if self.is_locked { Some(Denial::Disabled) } else { self.age(now) }
    }

    fn age(&self, now: Timestamp) -> Option<Denial> {
        let today = now.as_unix() / 86_400;
        if self.expires.is_some_and(|day| today >= day) {
            return Some(Denial::Expired);
        }
        let last_change = self.last_change?;
        if last_change == 0 {
            return Some(Denial::PasswordChangeDue);
        }
        let age = today.saturating_sub(last_change);
        let maximum = self.maximum.filter(|days| *days < FOREVER)?;
        let last = self.inactive.map(|inactive| maximum.saturating_add(inactive));
        if last.is_some_and(|last| age > last) {
            return Some(Denial::Expired);
        }
        (age > maximum).then_some(Denial::PasswordChangeDue)
    }
}

/// Reads a hash of crypt(3): nothing else is in these files.
fn verifier(text: &str, legacy: bool) -> Option<Verifier> {
    let stored = Secret::from(text);
    let hash = Hash::parse(&stored).ok().filter(|_| !text.starts_with('{'))?;
    let is_allowed = legacy || !hash.scheme().is_legacy();
    is_allowed.then(|| Verifier::new(VerifierForm::PasswordHash, stored))
}
