//! A store that cannot be written.

use std::time::Duration;

use keyward_core::{Change, EntryLock, Error, ErrorKind, LockMode, Page, Query, Source};

use super::memory::Memory;
use super::*;
use crate::Wanted;

/// A source whose locks need a file that cannot be made.
#[derive(Debug)]
struct ReadOnly(Memory);

impl Source for ReadOnly {
    fn get(&self, id: &EntryId) -> Result<Record> {
        self.0.get(id)
    }

    fn contains(&self, id: &EntryId) -> Result<bool> {
        self.0.contains(id)
    }

    fn update(
        &self,
        _: &EntryId,
        _: &mut dyn FnMut(Option<Record>) -> Result<Change>,
    ) -> Result<()> {
        Err(Error::new(ErrorKind::Unavailable, "update"))
    }

    fn list(&self, query: &Query<'_>) -> Result<Page> {
        self.0.list(query)
    }

    fn lock(&self, _: &EntryId, _: LockMode, _: Duration) -> Result<Box<dyn EntryLock + '_>> {
        Err(Error::new(ErrorKind::Unavailable, "lock").because("the file system is read-only"))
    }
}

#[test]
fn a_token_that_is_due_is_given_out_from_a_store_that_is_read_only() {
    let world = World::new();
    let tokens = world.tokens(|_| unreachable!("the new tokens could not be stored"));
    let ends = |seconds| Some(Timestamp::from_unix(seconds));
    let due = Field::secret("access-1").with_expires(ends(1_000_001));
    let record = crate::RefreshState::Good { due: ends(999_999) };
    let record = record.write(expired().with(fields::ACCESS_TOKEN, due));
    let source = ReadOnly(Memory::with(record));
    let given = tokens.get(&source, &id(), Wanted::Good).unwrap();
    assert_eq!(given.field(fields::ACCESS_TOKEN).unwrap().value.expose(), b"access-1");
    // Once it has ended, there is nothing to give.
    world.turn_to(1_000_002);
    let error = tokens.get(&source, &id(), Wanted::Good).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
}
