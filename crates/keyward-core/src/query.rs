//! Which entries a storage lists, page by page.

use std::cmp::Ordering;

use crate::{EntryId, Error, Result};

/// Which entries to list. [`Query::default`] is the first thousand of all.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Query<'a> {
    /// Only entries of this user.
    pub user: Option<&'a str>,
    /// Only entries whose name starts with this.
    pub prefix: &'a str,
    /// Where the last page ended.
    pub cursor: Option<Cursor>,
    /// The greatest number of entries on this page; at least one.
    pub limit: usize,
}

impl<'a> Query<'a> {
    /// Returns the same for the entries of this user, or of all users.
    #[must_use]
    pub fn with_user(self, user: Option<&'a str>) -> Self {
        Self { user, ..self }
    }

    /// Returns the same for the entries whose name starts with this.
    #[must_use]
    pub fn with_prefix(self, prefix: &'a str) -> Self {
        Self { prefix, ..self }
    }

    /// Returns the same for the page after the one that ended here.
    #[must_use]
    pub fn with_cursor(self, cursor: Option<Cursor>) -> Self {
        Self { cursor, ..self }
    }

    /// Returns the same for at most this many entries.
    #[must_use]
    pub fn with_limit(self, limit: usize) -> Self {
        Self { limit, ..self }
    }

    /// Whether the query selects an entry.
    pub fn matches(&self, id: &EntryId) -> bool {
        self.user.is_none_or(|user| user == id.user())
            && id.name_or_empty().starts_with(self.prefix)
    }

    /// Fills the page of a storage that keeps its entries in the order of user and name.
    ///
    /// `from` gets a user and a name, and returns the entries from there on, in the order of their
    /// bytes.
    ///
    /// # Errors
    /// Those of `from` and of its entries; [`Corrupt`](crate::ErrorKind::Corrupt) if they are not
    /// in order, [`Invalid`](crate::ErrorKind::Invalid) if the cursor does not come from these
    /// pages.
    pub fn page_in_order<I: IntoIterator<Item = Result<EntryId>>>(
        &self,
        from: impl FnOnce(&str, &str) -> Result<I>,
    ) -> Result<Page> {
        // The last entry that is not on this page.
        let mut passed = self.resume()?;
        let first = (self.user.unwrap_or_default(), self.user.map_or("", |_| self.prefix));
        let after = passed.as_ref().map(|id| (id.user(), id.name_or_empty()));
        let (user, name) = after.map_or(first, |after| after.max(first));
        let mut page = Page::default();
        for (at, id) in from(user, name)?.into_iter().enumerate() {
            let id = id?;
            match passed.as_ref().max(page.entries.last()).map(|last| last.cmp(&id)) {
                Some(Ordering::Equal) if at == 0 => continue,
                // In a damaged storage, the iteration may loop.
                Some(Ordering::Equal | Ordering::Greater) => return Err(Error::corrupt("list")),
                Some(Ordering::Less) | None => {}
            }
            if !self.matches(&id) {
                // The matching entries of one user are adjacent; those of all users are not.
                if self.user.is_some() {
                    break;
                }
                passed = Some(id);
                continue;
            }
            if page.entries.len() == self.limit {
                page.next = page.entries.last().map(|last| Cursor(last.to_bytes()));
                break;
            }
            page.entries.push(id);
        }
        Ok(page)
    }

    /// The entry at which the last page ended.
    fn resume(&self) -> Result<Option<EntryId>> {
        let id = self.cursor.as_ref().map(|cursor| EntryId::from_bytes(&cursor.0)).transpose();
        id.map_err(|_| Error::invalid("list", "the cursor is not one of this storage"))
    }
}

impl Default for Query<'_> {
    fn default() -> Self {
        Self { user: None, prefix: "", cursor: None, limit: 1000 }
    }
}

/// Where a page ended. Only the storage that made it can interpret it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cursor(pub Vec<u8>);

/// Some of the entries, and where the others begin.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Page {
    /// The entries, in any order.
    pub entries: Vec<EntryId>,
    /// Where to continue, unless this is the last page.
    pub next: Option<Cursor>,
}

impl Page {
    /// Makes a page of these entries, and says where to continue, unless it is the last one.
    pub fn new(entries: Vec<EntryId>, next: Option<Cursor>) -> Self {
        Self { entries, next }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(query: &Query<'_>, names: &[&str]) -> Result<Page> {
        query.page_in_order(|user, name| {
            let ids = names.iter().map(|name| EntryId::new("ann", Some(name)));
            let (user, name) = (user.to_owned(), name.to_owned());
            Ok(ids.skip_while(move |id| {
                let id = id.as_ref().map(|id| (id.user(), id.name_or_empty()));
                id.is_ok_and(|id| id < (&user, &name))
            }))
        })
    }

    #[test]
    fn pages_in_order_show_every_entry_once() {
        let names = ["a", "b", "ba", "bb", "c"];
        for (limit, prefix, shown) in
            [(1, "", &names[..]), (2, "", &names), (5, "", &names), (1, "b", &names[1..4])]
        {
            for user in [None, Some("ann")] {
                let mut query = Query { user, prefix, limit, ..Query::default() };
                let mut found = Vec::new();
                loop {
                    let page = page(&query, &names).unwrap();
                    found.extend(page.entries.iter().map(|id| id.name_or_empty().to_owned()));
                    query.cursor = page.next;
                    if query.cursor.is_none() {
                        break;
                    }
                }
                assert_eq!(found, shown, "{limit} of {prefix}, {user:?}");
            }
        }
    }

    #[test]
    fn an_entry_that_is_listed_twice_is_corrupt() {
        for names in [["a", "b", "a"], ["a", "b", "b"], ["c", "a", "b"]] {
            for prefix in ["", "b"] {
                let query = Query { prefix, ..Query::default() };
                let error = page(&query, &names).unwrap_err();
                assert_eq!(error.kind(), crate::ErrorKind::Corrupt, "{names:?}");
            }
        }
    }

    #[test]
    fn a_cursor_of_another_storage_is_refused() {
        for cursor in [&b""[..], b"x", b"\0\x01\n\0\0"] {
            let query = Query { cursor: Some(Cursor(cursor.into())), ..Query::default() };
            assert_eq!(page(&query, &["a"]).unwrap_err().kind(), crate::ErrorKind::Invalid);
        }
    }
}
