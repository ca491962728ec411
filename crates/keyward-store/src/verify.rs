use keyward_core::{EntryId, Error, ErrorKind, Result};

use crate::store::Store;

/// What [`Store::verify`] found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Verified {
    /// Entries that opened.
    pub good: u64,
    /// Entries that somebody else may be able to open: their key is not here.
    pub closed: u64,
    /// Entries that nobody can open: altered, damaged or in the wrong place.
    pub corrupt: u64,
}

impl Store {
    /// Opens every entry and throws the content away.
    ///
    /// `found` is told of each entry as it is done, with the error if it did not open.
    ///
    /// # Errors
    /// Those of the storage; an entry that does not open is a finding, not an error.
    pub fn verify(
        &self,
        user: Option<&str>,
        mut found: impl FnMut(&EntryId, Option<&Error>),
    ) -> Result<Verified> {
        let mut verified = Verified::default();
        for id in self.entries(user) {
            let id = id?;
            match self.get(&id) {
                Ok(_) => {
                    verified.good += 1;
                    found(&id, None);
                }
                // It was removed while we looked.
                Err(error) if error.is_miss() => {}
                Err(error) => {
                    match error.kind() {
                        ErrorKind::NoKey => verified.closed += 1,
                        ErrorKind::Corrupt => verified.corrupt += 1,
                        _ => return Err(error),
                    }
                    found(&id, Some(&error));
                }
            }
        }
        Ok(verified)
    }
}
