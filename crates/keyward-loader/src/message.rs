//! The messages, as `docs/plugin-protocol.md` specifies them.

pub(crate) mod context;
pub(crate) mod encryption;
pub(crate) mod entry;
pub(crate) mod failure;
pub(crate) mod hello;
pub(crate) mod storage;
pub(crate) mod words;

use keyward_core::{Error, Result, Secret};

use crate::cbor::{Fields, Malformed, Map, Raw, map};
use crate::frame::Gathering;

/// What one side tells the other.
#[derive(Debug)]
pub(crate) enum Message<'a> {
    /// Do this, and if there is an id, answer.
    Call(Call<'a>),
    /// What came of a call.
    Answer { id: u64, outcome: Result<Map<'a>> },
    /// Something of a later version.
    Unknown { id: Option<u64> },
}

/// What one side asks of the other.
#[derive(Debug)]
pub(crate) struct Call<'a> {
    pub(crate) id: Option<u64>,
    pub(crate) name: &'a str,
    pub(crate) instance: Option<u64>,
    pub(crate) arguments: Map<'a>,
}

impl<'a> Message<'a> {
    /// Reads a frame.
    pub(crate) fn read(frame: &'a [u8]) -> Result<Self, Malformed> {
        let fields = Map::read(frame)?;
        let id = fields.find("id")?;
        if let Some(name) = fields.find("call")? {
            let instance = fields.find("instance")?;
            let arguments = fields.find::<Raw<'_>>("arguments")?.map_or(&b"\xa0"[..], |raw| raw.0);
            return Ok(Self::Call(Call { id, name, instance, arguments: Map::read(arguments)? }));
        }
        let outcome = match (fields.find::<Raw<'_>>("answer")?, fields.find::<Raw<'_>>("error")?) {
            (Some(answer), None) => Ok(Map::read(answer.0)?),
            (None, Some(error)) => Err(failure::read(&Map::read(error.0)?)?),
            (None, None) => return Ok(Self::Unknown { id }),
            (Some(_), Some(_)) => return Err(Malformed("it is an answer and an error")),
        };
        Ok(Self::Answer { id: id.ok_or(Malformed("id"))?, outcome })
    }
}

/// A call as a frame; without an id it wants no answer.
pub(crate) fn call(
    id: Option<u64>,
    name: &str,
    instance: Option<u64>,
    arguments: impl FnOnce(&mut Fields<'_>),
) -> Result<Secret> {
    let mut out = Gathering::new();
    map(&mut out, |fields| {
        fields.put_some("id", id).put("call", name).put_some("instance", instance);
        fields.put_map("arguments", arguments);
    });
    out.finish(name)
}

/// An answer as a frame.
pub(crate) fn answer(id: u64, name: &str, write: impl FnOnce(&mut Fields<'_>)) -> Result<Secret> {
    let mut out = Gathering::new();
    map(&mut out, |fields| {
        fields.put("id", id).put_map("answer", write);
    });
    out.finish(name)
}

/// An error as a frame.
pub(crate) fn failure(id: u64, error: &Error) -> Secret {
    let mut out = Gathering::new();
    map(&mut out, |fields| {
        fields.put("id", id).put_map("error", |fields| failure::write(fields, error));
    });
    out.finish(error.operation()).expect("an error is cut to what a frame holds")
}

/// What the child answers with when nothing is to be said.
pub(crate) fn nothing(_: &mut Fields<'_>) {}

/// Reads a frame as everything that it could be, for fuzzing; whether it is a message is the answer.
#[doc(hidden)]
pub fn read_any_message(frame: &[u8]) -> bool {
    let fields = match Message::read(frame) {
        Ok(Message::Call(Call { arguments, .. })) => arguments,
        Ok(Message::Answer { outcome: Ok(fields), .. }) => fields,
        Ok(Message::Answer { .. } | Message::Unknown { .. }) => return true,
        Err(Malformed(_)) => return false,
    };
    let _ = hello::check_version(&fields);
    let _ = (hello::read(&fields), entry::read(&fields), context::Received::read(&fields));
    let _ = (encryption::read_abilities(&fields), encryption::read_key_id(&fields));
    let _ = (storage::read_abilities(&fields), storage::read_page(&fields));
    let _ = (storage::read_put(&fields), storage::read_query(&fields));
    let _ = (storage::read_operations(&fields), storage::read_mode(&fields));
    true
}

#[cfg(test)]
mod tests;
