//! The calls of a child to a store that its options name.

use keyward_core::{Cursor, EntryId, Error, Host, Query, Record, Result, Secret, swap};
use keyward_plugin::cbor::{decode_record, encode_record};
use keyward_wire::cbor::{Fields, Raw};
use keyward_wire::message::{self, Call, entry, source, storage};

use crate::roles::not_valid;
use crate::roles::storage::MAX_PAGE;

/// A call, and the store that it is for.
#[derive(Debug)]
pub(super) struct SourceCall {
    store: String,
    question: Question,
}

#[derive(Debug)]
enum Question {
    Get(EntryId),
    Contains(EntryId),
    List { user: Option<String>, prefix: String, cursor: Option<Cursor>, limit: usize },
    Swap { id: EntryId, expected: Option<Box<Record>>, new: Option<Box<Record>> },
}

impl SourceCall {
    /// Reads a call; `None` if it is not for a store.
    pub(super) fn read(call: &Call<'_>) -> Result<Option<Self>> {
        let arguments = &call.arguments;
        let id = || entry::read(arguments).map_err(not_valid);
        let question = match call.name {
            "source_get" => Question::Get(id()?),
            "source_contains" => Question::Contains(id()?),
            "source_list" => {
                let query = storage::read_query(arguments).map_err(not_valid)?;
                Question::List {
                    user: query.user.map(str::to_owned),
                    prefix: query.prefix.to_owned(),
                    cursor: query.cursor,
                    limit: query.limit.min(MAX_PAGE),
                }
            }
            "source_swap" => {
                let (expected, new) = source::read_swap(arguments).map_err(not_valid)?;
                let record = |bytes| decode_record(bytes).map(Box::new);
                let expected = expected.map(record).transpose()?;
                Question::Swap { id: id()?, expected, new: new.map(record).transpose()? }
            }
            _ => return Ok(None),
        };
        let store = arguments.get::<&str>("store").map_err(not_valid)?.to_owned();
        Ok(Some(Self { store, question }))
    }

    /// Asks the store, and returns the frame of the answer. Only `source_get` looks up an entry.
    pub(super) fn answer(&self, id: u64, host: &dyn Host) -> Result<Secret> {
        let store = host.source(&self.store)?;
        let frame = |name, write: &dyn Fn(&mut Fields<'_>)| message::answer(id, name, write);
        match &self.question {
            Question::Get(entry) => {
                let record = encode_record(&store.get(entry)?)?;
                frame("source_get", &|fields| {
                    fields.put("record", Raw(record.expose()));
                })
            }
            Question::Contains(entry) => {
                let found = store.contains(entry).map_err(Error::not_a_miss)?;
                frame("source_contains", &|fields| {
                    fields.put("found", found);
                })
            }
            Question::List { user, prefix, cursor, limit } => {
                let query = Query::default()
                    .with_user(user.as_deref())
                    .with_prefix(prefix)
                    .with_cursor(cursor.clone())
                    .with_limit(*limit);
                let page = store.list(&query).map_err(Error::not_a_miss)?;
                frame("source_list", &|fields| storage::write_page(fields, &page))
            }
            Question::Swap { id: entry, expected, new } => {
                swap(&*store, entry, expected.as_deref(), new.as_deref())
                    .map_err(Error::not_a_miss)?;
                frame("source_swap", &message::nothing)
            }
        }
    }
}
