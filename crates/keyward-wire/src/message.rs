//! The messages, as `docs/plugin-protocol.md` specifies them.

pub mod authenticator;
pub mod checker;
pub mod context;
pub mod encryption;
pub mod entry;
pub mod failure;
pub mod hello;
pub mod network;
pub mod pairs;
pub mod secret;
pub mod source;
pub mod storage;
pub mod words;

use keyward_core::{Error, Result, Secret};

use crate::cbor::{Fields, Malformed, Map, Raw, map};
use crate::frame::Gathering;

/// A message of either side.
#[derive(Debug)]
pub enum Message<'a> {
    /// A request. If it has an id, its sender expects an answer.
    Call(Call<'a>),
    /// The result of a call.
    Answer {
        /// The number of the call.
        id: u64,
        /// The fields of the answer, or the error.
        outcome: Result<Map<'a>>,
    },
    /// A message of a later version.
    Unknown {
        /// The number under which an answer is expected, if one is.
        id: Option<u64>,
    },
}

/// A call of either side.
#[derive(Debug)]
pub struct Call<'a> {
    /// The number of the call; without one, its sender expects no answer.
    pub id: Option<u64>,
    /// What to do.
    pub name: &'a str,
    /// The instance that the call is for.
    pub instance: Option<u64>,
    /// The arguments by name.
    pub arguments: Map<'a>,
}

impl<'a> Message<'a> {
    /// Reads a frame.
    ///
    /// # Errors
    /// [`Malformed`] if it is not a message.
    pub fn read(frame: &'a [u8]) -> Result<Self, Malformed> {
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

/// Returns a call as a frame; without an id, its sender expects no answer.
///
/// # Errors
/// [`Unsupported`](keyward_core::ErrorKind::Unsupported) if it is too long for a frame.
pub fn call(
    id: Option<u64>,
    name: &str,
    instance: Option<u64>,
    arguments: impl FnOnce(&mut Fields<'_>),
) -> Result<Secret> {
    let mut out = Gathering::default();
    map(&mut out, |fields| {
        fields.put_some("id", id).put("call", name).put_some("instance", instance);
        fields.put_map("arguments", arguments);
    });
    out.finish(name)
}

/// An answer as a frame.
///
/// # Errors
/// [`Unsupported`](keyward_core::ErrorKind::Unsupported) if it is too long for a frame.
pub fn answer(id: u64, name: &str, write: impl FnOnce(&mut Fields<'_>)) -> Result<Secret> {
    let mut out = Gathering::default();
    map(&mut out, |fields| {
        fields.put("id", id).put_map("answer", write);
    });
    out.finish(name)
}

/// An error as a frame.
pub fn failure(id: u64, error: &Error) -> Secret {
    let mut out = Gathering::default();
    map(&mut out, |fields| {
        fields.put("id", id).put_map("error", |fields| failure::write(fields, error));
    });
    out.finish(error.operation()).expect("an error is cut to what a frame holds")
}

/// Writes no fields.
pub fn nothing(_: &mut Fields<'_>) {}

/// Reads a frame in every way that a message can be read, for fuzzing. Returns whether it is a
/// message.
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
    let _ = (secret::read(&fields), network::read(&fields), source::read_swap(&fields));
    let _ = (storage::read_put(&fields), storage::read_query(&fields));
    let _ = (storage::read_operations(&fields), storage::read_mode(&fields));
    let _ = (storage::read_results(&fields), storage::read_revisions(&fields));
    let _ = (authenticator::Received::read(&fields), authenticator::read_answer(&fields));
    let _ = (checker::read_abilities(&fields), checker::read_round(&fields));
    let _ = (checker::read_check(&fields), checker::read_resume(&fields));
    let _ = checker::read_account_call(&fields);
    for form in checker::forms() {
        let _ = (checker::read_account(&fields, form), checker::read_example(&fields, form));
    }
    let _ = checker::read_example_call(&fields);
    true
}

#[cfg(test)]
mod tests;
