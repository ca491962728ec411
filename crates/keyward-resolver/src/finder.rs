use std::fmt::Debug;

use keyward_core::{Record, Result};
use keyward_kinds::Kinds;

use crate::Query;

/// One place in which a [`Resolver`](crate::Resolver) looks for credentials.
///
/// # Contract
/// - A finder returns everything that it has for the query, also if that is only a part of a
///   credential: the resolver decides what to do with a part.
/// - A record that has expired is absent, unless the query accepts it.
/// - A record whose kind the finder cannot know has an empty kind.
pub trait Finder: Debug + Send + Sync {
    /// The name of the source in traces and messages, such as `environment` or `store work`.
    fn name(&self) -> String;

    /// Where it looks for the credential: variables, lines of files, or entries. It opens nothing.
    fn places(&self, query: &Query<'_>, kinds: &Kinds) -> Vec<String>;

    /// Returns what the source has.
    ///
    /// # Errors
    /// [`NotFound`](keyward_core::ErrorKind::NotFound) if the credential is absent, which alone lets
    /// the look-up ask the next source. Any other error ends it.
    fn look_up(&self, query: &Query<'_>, kinds: &Kinds) -> Result<Record>;

    /// Does what must be done before a credential that this source has, or has a part of, is given to
    /// the caller.
    ///
    /// # Errors
    /// Then the credential is not given to the caller.
    fn give_out(&self, _query: &Query<'_>) -> Result<()> {
        Ok(())
    }

    /// Returns the fields for which it would ask the user. `None`, which is the default, for a source
    /// that finds credentials without asking for them.
    ///
    /// [`explain`](crate::Resolver::explain) calls this instead of `look_up`.
    ///
    /// # Errors
    /// As [`look_up`](Self::look_up), if it would not ask.
    fn question(&self, _: &Query<'_>, _: &Kinds) -> Option<Result<Vec<String>>> {
        None
    }

    /// Returns what the source has for each of these queries, in their order. A source that can
    /// answer many queries in one call does so here.
    fn look_up_many(&self, queries: &[&Query<'_>], kinds: &Kinds) -> Vec<Result<Record>> {
        queries.iter().map(|query| self.look_up(query, kinds)).collect()
    }
}
