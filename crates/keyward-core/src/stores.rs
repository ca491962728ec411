use std::fmt::Debug;
use std::sync::Arc;

use crate::{EntryId, Record, Result, Source};

/// Opens stores by name, for code that cannot depend on the crate that implements them.
pub trait Stores: Debug + Send + Sync {
    /// Opens the store of this name.
    ///
    /// # Errors
    /// [`Invalid`](crate::ErrorKind::Invalid) if there is no such store, or if the store that needs
    /// it is needed by it in turn; else those of opening it. They are never a miss.
    fn open(&self, name: &str) -> Result<Arc<dyn Source>>;
}

/// Makes a record usable: requests a new value from its service for one that has expired, such as an
/// access token.
///
/// # Contract
/// - A record that is usable is returned as it is, and nothing is written.
/// - However many processes request the same record at once, one of them asks the service; the
///   others wait for its result. They order themselves by [`Source::lock`].
/// - The new record is in the source before it is returned. A record that was changed meanwhile so
///   that it no longer contains what was renewed is left alone.
/// - A record of a kind that cannot be renewed is returned as it is, also if it has expired.
///
/// # Errors
/// - [`NotFound`](crate::ErrorKind::NotFound): there is no such entry.
/// - [`Unauthorized`](crate::ErrorKind::Unauthorized): the service refused; the user must log in
///   again.
/// - [`Unavailable`](crate::ErrorKind::Unavailable): the service cannot be reached; the record in
///   the source is as it was, or marked as being in doubt.
/// - The errors of the source.
pub trait Renewer: Debug + Send + Sync {
    /// Returns the record of this entry of the source, renewed if that is necessary.
    #[expect(clippy::missing_errors_doc, reason = "the trait's own page says it")]
    fn renew(&self, source: &dyn Source, id: &EntryId) -> Result<Record>;
}
