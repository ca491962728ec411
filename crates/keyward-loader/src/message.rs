//! The messages, as `docs/plugin-protocol.md` specifies them.

pub(crate) mod context;
pub(crate) mod encryption;
pub(crate) mod entry;
pub(crate) mod failure;
pub(crate) mod hello;
pub(crate) mod storage;
pub(crate) mod words;

use keyward_core::{Error, Result, Secret};

use crate::cbor::{Fields, Keys, Malformed, Map, map};
use crate::frame::Gathering;

/// What one side tells the other.
#[derive(Debug)]
pub(crate) enum Message<'a> {
    /// Do this, and if there is an id, answer.
    Call(Call<'a>),
    /// What came of a call.
    Answer(Result<Map<'a>>),
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
        let (mut id, mut name, mut instance) = (None, None, None);
        let (mut arguments, mut answer, mut error) = (None, None, None);
        let mut keys = Keys::of(frame)?;
        while let Some(key) = keys.key()? {
            match key {
                "id" => id = keys.item("id")?,
                "call" => name = keys.item("call")?,
                "instance" => instance = keys.item("instance")?,
                "arguments" => arguments = keys.item("arguments")?,
                "answer" => answer = keys.item("answer")?,
                "error" => error = keys.item("error")?,
                _ => drop(keys.skip()?),
            }
        }
        keys.end()?;
        if let Some(name) = name {
            let arguments = arguments.unwrap_or_default();
            return Ok(Self::Call(Call { id, name, instance, arguments }));
        }
        let outcome = match (answer, error) {
            (Some(answer), None) => Ok(answer),
            (None, Some(error)) => Err(failure::read(&error)?),
            (None, None) => return Ok(Self::Unknown { id }),
            (Some(_), Some(_)) => return Err(Malformed("it is an answer and an error")),
        };
        id.ok_or(Malformed("id"))?;
        Ok(Self::Answer(outcome))
    }
}

/// The call that a frame answers; none if it looks like something else.
///
/// Where the id comes first, as it should, no more than that is read. Whoever reads all of it learns
/// whether it is a message at all.
pub(crate) fn answered(frame: &[u8]) -> Option<u64> {
    let (mut id, mut is_answer) = (None, false);
    let mut keys = Keys::of(frame).ok()?;
    while id.is_none() || !is_answer {
        match keys.key().ok()?? {
            "id" => id = Some(keys.item("id").ok()??),
            "call" => return None,
            "answer" | "error" if id.is_some() => is_answer = true,
            key => {
                is_answer |= ["answer", "error"].contains(&key);
                keys.skip().ok()?;
            }
        }
    }
    id
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
        Ok(Message::Answer(Ok(fields))) => fields,
        Ok(Message::Answer(_) | Message::Unknown { .. }) => return true,
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
