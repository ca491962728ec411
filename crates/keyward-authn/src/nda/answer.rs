//! What the service answers, in XML.

use html5gum::{Token, Tokenizer};
use keyward_plugin::Secret;

/// The longest text, in bytes.
const MAX: usize = 16 << 10;

/// An answer.
pub(super) enum Answer {
    Keys(Box<Keys>),
    /// Why there are no keys.
    Error(String),
}

/// Keys of AWS, and when they end, in seconds of Unix time.
pub(super) struct Keys {
    pub(super) id: Secret,
    pub(super) secret: Secret,
    pub(super) session: Secret,
    pub(super) expires: u64,
}

/// Reads an answer. Its keys are the texts of the first four elements that contain nothing but text:
/// the id of a key, the key, a token of its session, and when they end.
pub(super) fn read(body: &Secret) -> Option<Answer> {
    let mut texts: Vec<Secret> = Vec::new();
    let mut open: Option<(Vec<u8>, Vec<u8>)> = None;
    // Elements and texts of XML that is so plain are the same in HTML, but for the case of the names.
    for token in Tokenizer::new(body.expose()).flatten() {
        match token {
            Token::StartTag(tag) if !tag.self_closing => open = Some((tag.name.0, Vec::new())),
            Token::String(text) => {
                if let Some((_, known)) = &mut open {
                    known.extend_from_slice(&text);
                    if known.len() > MAX {
                        return None;
                    }
                }
            }
            Token::EndTag(_) => {
                let Some((name, text)) = open.take() else { continue };
                if local(&name) == b"errormessage" {
                    return Some(Answer::Error(String::from_utf8_lossy(&text).into_owned()));
                }
                // An error can come after other elements.
                if texts.len() < 4 {
                    texts.push(Secret::from(text.trim_ascii()));
                }
            }
            _ => {}
        }
    }
    let [id, secret, session, expires] = <[Secret; 4]>::try_from(texts).ok()?;
    let is_key = |text: &&Secret| {
        !text.is_empty() && text.expose().iter().all(|byte| byte.is_ascii_graphic())
    };
    if [&id, &secret, &session].iter().filter(|text| is_key(text)).count() != 3 {
        return None;
    }
    let expires = time(expires.expose_str()?)?;
    Some(Answer::Keys(Box::new(Keys { id, secret, session, expires })))
}

/// Returns a name without its prefix.
fn local(name: &[u8]) -> &[u8] {
    name.rsplit(|byte| *byte == b':').next().unwrap_or(name)
}

/// Reads a time of ISO 8601, as seconds of Unix time. One without a zone is in UTC.
fn time(text: &str) -> Option<u64> {
    let in_utc = || {
        let time = text.parse::<jiff::civil::DateTime>().ok()?;
        jiff::tz::Offset::UTC.to_timestamp(time).ok()
    };
    let time = text.parse::<jiff::Timestamp>().ok().or_else(in_utc)?;
    u64::try_from(time.as_second()).ok()
}
