//! The host at the other end of the pipes.

use std::fmt::{self, Arguments};
use std::sync::{Arc, Weak};
use std::time::Duration;

use keyward_core::{
    Change, EntryId, Error, ErrorKind, Host, Level, Loaded, Network, Page, Prompt, Query, Record,
    Result, Secret, SecretRef, Source, Timestamp, update_by_swaps,
};
use keyward_plugin::cbor::{decode_record, encode_record};
use keyward_plugin::json;

use super::pipe::Pipe;
use crate::process::instance::nothing;
use crate::roles::storage::MAX_PAGE;
use keyward_wire::cbor::{Fields, Malformed, Map, Raw};
use keyward_wire::message::failure::cut;
use keyward_wire::message::words::{LEVELS, word};
use keyward_wire::message::{Message, network, secret, source, storage};

/// The host of an instance.
#[derive(Clone)]
pub(super) struct Remote {
    /// A weak reference, so that a backend that outlives the server does not keep the pipe open.
    pipe: Weak<Pipe>,
    instance: u64,
}

impl Remote {
    pub(super) fn new(pipe: &Arc<Pipe>, instance: u64) -> Self {
        Self { pipe: Arc::downgrade(pipe), instance }
    }

    fn ask<T>(
        &self,
        name: &'static str,
        arguments: impl FnOnce(&mut Fields<'_>),
        read: impl FnOnce(&Map<'_>) -> Result<T, Malformed>,
    ) -> Result<T> {
        let gone =
            || Error::new(ErrorKind::Unavailable, name).because("the host has closed its pipe");
        let pipe = self.pipe.upgrade().ok_or_else(gone)?;
        let frame = pipe.ask(name, self.instance, arguments)?;
        match Message::read(frame.expose()) {
            Ok(Message::Answer { outcome, .. }) => {
                read(&outcome?).map_err(|what| Error::new(ErrorKind::Other, name).because(what.0))
            }
            _ => Err(gone()),
        }
    }
}

impl Host for Remote {
    fn secret(&self, reference: &SecretRef) -> Result<Loaded> {
        let reference = json::reference_to_json(reference);
        let reference = std::str::from_utf8(&reference).expect("JSON is text");
        let write = |fields: &mut Fields<'_>| {
            fields.put("reference", reference);
        };
        self.ask("secret", write, secret::read)
    }

    fn prompt(&self, prompt: &Prompt<'_>) -> Result<Secret> {
        let write = |fields: &mut Fields<'_>| {
            fields.put("text", prompt.text).put("confirm", prompt.confirm);
        };
        self.ask("prompt", write, |answer| answer.get::<&[u8]>("secret").map(Secret::from))
    }

    fn variable(&self, name: &str) -> Option<Secret> {
        let write = |fields: &mut Fields<'_>| {
            fields.put("name", name);
        };
        let read = |answer: &Map<'_>| Ok(answer.find::<&[u8]>("secret")?.map(Secret::from));
        self.ask("variable", write, read).unwrap_or_default()
    }

    fn now(&self) -> Timestamp {
        let read = |answer: &Map<'_>| answer.get("now").map(Timestamp::from_unix);
        self.ask("now", |_| {}, read).unwrap_or_default()
    }

    fn log(&self, level: Level, message: Arguments<'_>) {
        if let Some(pipe) = self.pipe.upgrade() {
            let message = message.to_string();
            pipe.notify("log", self.instance, |fields| {
                fields.put("level", word(&LEVELS, level)).put("message", cut(&message));
            });
        }
    }

    fn remaining(&self) -> Option<Duration> {
        let read = |answer: &Map<'_>| Ok(answer.find("remaining")?.map(Duration::from_millis));
        self.ask("remaining", |_| {}, read).unwrap_or_default()
    }

    fn network(&self) -> Result<Network> {
        self.ask("network", |_| {}, network::read)
    }

    fn source(&self, store: &str) -> Result<Arc<dyn Source>> {
        Ok(Arc::new(RemoteSource { host: self.clone(), store: store.to_owned() }))
    }
}

impl fmt::Debug for Remote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Remote").field("instance", &self.instance).finish_non_exhaustive()
    }
}

/// A store that an option names. The host opens it at the first call.
#[derive(Debug)]
struct RemoteSource {
    host: Remote,
    store: String,
}

impl RemoteSource {
    /// Replaces a record if it is the expected one.
    fn swap(&self, id: &EntryId, expected: Option<&Record>, new: Option<&Record>) -> Result<()> {
        let expected = expected.map(encode_record).transpose()?;
        let new = new.map(encode_record).transpose()?;
        let write = |fields: &mut Fields<'_>| {
            source::write_entry(fields, &self.store, id);
            let [expected, new] =
                [&expected, &new].map(|record| record.as_ref().map(|record| record.expose()));
            source::write_swap(fields, expected, new);
        };
        self.host.ask("source_swap", write, nothing)
    }
}

impl Source for RemoteSource {
    fn get(&self, id: &EntryId) -> Result<Record> {
        self.host.ask(
            "source_get",
            |fields| source::write_entry(fields, &self.store, id),
            |answer| {
                decode_record(answer.get::<Raw<'_>>("record")?.0).map_err(|_| Malformed("record"))
            },
        )
    }

    fn contains(&self, id: &EntryId) -> Result<bool> {
        let write = |fields: &mut Fields<'_>| source::write_entry(fields, &self.store, id);
        self.host.ask("source_contains", write, |answer| answer.get("found"))
    }

    fn update(
        &self,
        id: &EntryId,
        change: &mut dyn FnMut(Option<Record>) -> Result<Change>,
    ) -> Result<()> {
        update_by_swaps(|| self.get(id), |expected, new| self.swap(id, expected, new), change)
    }

    fn list(&self, query: &Query<'_>) -> Result<Page> {
        let write = |fields: &mut Fields<'_>| {
            fields.put("store", self.store.as_str());
            storage::write_query(fields, query, query.limit.min(MAX_PAGE));
        };
        self.host.ask("source_list", write, storage::read_page)
    }
}
