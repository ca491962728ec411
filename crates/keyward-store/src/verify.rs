use keyward_core::{EntryId, Error, ErrorKind, Keys, Result};

use crate::store::Store;

/// The result of [`Store::verify`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Verified {
    /// Entries that opened.
    pub good: u64,
    /// Entries whose key is not available here. Another user may be able to open them.
    pub closed: u64,
    /// Entries that cannot be opened by any user: altered, damaged or in the wrong place.
    pub corrupt: u64,
}

impl Store {
    /// Opens every entry and discards the content.
    ///
    /// It calls `found` for each entry when that is done, with the error if the entry did not open.
    ///
    /// # Errors
    /// Those of the storage and of the store's key; an entry that does not open is a finding, not
    /// an error. `Refused` if the storage refused entries, after all others.
    pub fn verify(
        &self,
        user: Option<&str>,
        mut found: impl FnMut(&EntryId, Option<&Error>),
    ) -> Result<Verified> {
        // If the store's own keys were loaded, no user has a key that is not among them.
        self.check_key()?;
        let holds_keys = self.parts.encryption.backend.abilities().keys == Keys::Store;
        let mut verified = Verified::default();
        let mut refused = None;
        for blob in self.blobs(self.entries(user)) {
            let (id, stored) = blob?;
            match self.open_blob(&id, stored) {
                Ok(_) => {
                    verified.good += 1;
                    found(&id, None);
                }
                // It was removed during the check.
                Err(error) if error.is_miss() => {}
                Err(mut error) => {
                    if holds_keys && error.kind() == ErrorKind::NoKey {
                        error = Error::corrupt("open").because(error.message());
                    }
                    match error.kind() {
                        ErrorKind::NoKey => verified.closed += 1,
                        ErrorKind::Corrupt => verified.corrupt += 1,
                        ErrorKind::Refused => {}
                        _ => return Err(error),
                    }
                    found(&id, Some(&error));
                    if error.kind() == ErrorKind::Refused {
                        refused = Some(error);
                    }
                }
            }
        }
        refused.map_or(Ok(verified), Err)
    }
}
