//! Lists the entries of a store.

use keyward_core::{EntryId, Error, Query, Result};

use crate::store::Store;

impl Store {
    /// Returns all entries of one user or of all users, page by page.
    pub fn entries<'a>(&'a self, user: Option<&'a str>) -> Entries<'a> {
        let query = Query::default().with_user(user);
        Entries { store: self, query, page: Vec::new().into_iter(), reserved: false, done: false }
    }

    /// Returns all entries that the storage can list, including the reserved ones.
    pub(crate) fn all_entries(&self) -> Entries<'_> {
        let done = !self.parts.storage.backend.abilities().lists;
        Entries { reserved: true, done, ..self.entries(None) }
    }
}

/// The entries of a store, fetched page by page.
#[derive(Debug)]
pub struct Entries<'a> {
    store: &'a Store,
    query: Query<'a>,
    page: std::vec::IntoIter<EntryId>,
    reserved: bool,
    done: bool,
}

impl Iterator for Entries<'_> {
    type Item = Result<EntryId>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(id) = self.page.next() {
                return Some(Ok(id));
            }
            if self.done {
                return None;
            }
            let page = if self.reserved {
                let listed = self.store.storage().and_then(|storage| storage.list(&self.query));
                self.store.in_storage(listed)
            } else {
                self.store.list(&self.query)
            };
            match page {
                Ok(page) if page.next.is_some() && page.next == self.query.cursor => {
                    self.done = true;
                    let endless = Error::corrupt("list").because("its pages repeat");
                    return Some(self.store.in_storage(Err(endless)));
                }
                Ok(page) => {
                    self.page = page.entries.into_iter();
                    self.done = page.next.is_none();
                    self.query.cursor = page.next;
                }
                Err(error) => {
                    self.done = true;
                    return Some(Err(error));
                }
            }
        }
    }
}
