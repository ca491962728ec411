//! Lists and removes all values of a store.

use keyward_core::{Cursor, Error, ErrorKind, Level, Page, Query, Result};

use super::{Condition, Found, HASH, Item, KeyValue, Keyed, NAME, escape};

/// The cursor after all entries, if one of the values is damaged or foreign. In every other cursor,
/// a key without its prefix follows the byte.
const DAMAGED: &[u8] = &[1];

/// How many keys are requested at once.
const KEYS: usize = 1000;

impl<T: KeyValue> Keyed<T> {
    pub(super) fn page(&self, query: &Query<'_>) -> Result<Page> {
        let (mut damaged, mut after) = self.resume(query.cursor.as_ref())?;
        let limit = query.limit.max(1);
        let mut page = Page::default();
        loop {
            let keys = self.keys(after.as_deref())?;
            let Some(last) = keys.last().cloned() else { break };
            let prefix = self.service.prefix.len();
            let mut left: Vec<_> =
                keys.into_iter().filter(|key| may_match(query, &key[prefix..])).collect();
            while !left.is_empty() {
                let room = left.len().min(limit - page.entries.len());
                let items = self.items(&left[..room])?;
                let read: Vec<_> = left.drain(..items.len()).collect();
                for (key, item) in items {
                    match item.map(|item| self.open_item("list", &key, item)) {
                        Some(Err(_)) => damaged = true,
                        Some(Ok(found))
                            if self.is_live(&found) && query.matches(&found.frame.id) =>
                        {
                            page.entries.push(found.frame.id);
                        }
                        _ => {}
                    }
                }
                if page.entries.len() == limit {
                    page.next = read.last().map(|key| self.cursor(damaged, key));
                    return Ok(page);
                }
            }
            after = Some(last);
        }
        if damaged {
            page.next = Some(Cursor(DAMAGED.to_vec()));
        }
        Ok(page)
    }

    fn cursor(&self, damaged: bool, last: &str) -> Cursor {
        let last = &last.as_bytes()[self.service.prefix.len()..];
        Cursor([&[u8::from(damaged)], last].concat())
    }

    /// Reads a cursor: whether a value before it is damaged, and the last key before it.
    fn resume(&self, cursor: Option<&Cursor>) -> Result<(bool, Option<String>)> {
        let Some(Cursor(cursor)) = cursor else { return Ok((false, None)) };
        if cursor == DAMAGED {
            return Err(Error::corrupt("list")
                .because("a value in the service is damaged, or is not of this store")
                .hint("If an entry's value is damaged, `keyward set` replaces it"));
        }
        let is_plain = |byte: &u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-');
        match cursor.split_first() {
            Some((damaged @ (0 | 1), key)) if key.iter().all(is_plain) => {
                let key = String::from_utf8_lossy(key);
                Ok((*damaged == 1, Some(self.service.prefix.clone() + &key)))
            }
            _ => Err(Error::invalid("list", "the cursor is not one of this storage")),
        }
    }

    pub(super) fn remove_all(&self) -> Result<()> {
        let (mut after, mut foreign) = (None, 0);
        loop {
            let mut left = self.keys(after.as_deref())?;
            let Some(last) = left.last().cloned() else { break };
            while !left.is_empty() {
                let items = self.items(&left)?;
                left.drain(..items.len());
                for (key, item) in items {
                    foreign += usize::from(!self.remove_value(&key, item)?);
                }
            }
            after = Some(last);
        }
        if foreign > 0 {
            self.host.log(
                Level::Warning,
                format_args!("{foreign} values in the service are not of this store: they stay"),
            );
        }
        Ok(())
    }

    /// Removes a value, unless it is damaged or foreign: then it returns `false`.
    fn remove_value(&self, key: &str, mut item: Option<Item>) -> Result<bool> {
        while let Some(found) = item {
            let Ok(Found { version, .. }) = self.open_item("destroy", key, found) else {
                return Ok(false);
            };
            let condition = match self.service.deletes_on_condition {
                true => Condition::Version(&version),
                false => Condition::Any,
            };
            match self.values.delete_if(key, condition) {
                // Another process changed it.
                Err(error) if error.kind() == ErrorKind::Conflict => item = self.values.get(key)?,
                result => return result.map(|()| true),
            }
        }
        Ok(true)
    }

    /// Returns the next keys of the store. In a service with a fault, listing might not end.
    fn keys(&self, after: Option<&str>) -> Result<Vec<String>> {
        let keys = self.values.keys_after(&self.service.prefix, after, KEYS)?;
        let mut last = after;
        for key in &keys {
            if !key.starts_with(&self.service.prefix)
                || last.is_some_and(|last| key.as_str() <= last)
            {
                return Err(Error::corrupt("list")
                    .because("the service lists keys twice, or keys that it was not asked for"));
            }
            last = Some(key);
        }
        Ok(keys)
    }

    /// Returns the values of the first of these keys, with their keys.
    pub(super) fn items(&self, keys: &[String]) -> Result<Vec<(String, Option<Item>)>> {
        let items = self.values.get_many(keys)?;
        if items.len() > keys.len() || items.is_empty() && !keys.is_empty() {
            return Err(
                Error::corrupt("get").because("the service returns too few or too many values")
            );
        }
        Ok(keys.iter().cloned().zip(items).collect())
    }
}

/// Whether the entry of a key may match a query; `key` is without its prefix.
fn may_match(query: &Query<'_>, key: &str) -> bool {
    let Some(user) = query.user else { return true };
    let name = match key.strip_prefix(&escape(user)) {
        Some("") => return query.prefix.is_empty(),
        Some(rest) => rest.strip_prefix(NAME),
        None => None,
    };
    key.starts_with(HASH) || name.is_some_and(|name| name.starts_with(&escape(query.prefix)))
}
