//! What a value contains: an entry, its revision, when it expires, and its blob.

use keyward_core::{EntryId, MAX_NAME, MAX_USER, Result, Revision, Timestamp};
use keyward_fs::random;

/// The magic number and the version of this format. The numbers after it are big-endian.
const MAGIC: &[u8] = b"kwvalue\x01";

/// The length of a revision: 128 random bits, which no other state of any entry has.
const REVISION: usize = 16;

/// The greatest number of bytes before a blob: magic, kind, revision, expiry, user and name with their
/// lengths.
pub(super) const MAX_HEAD: usize = MAGIC.len() + 1 + REVISION + 8 + 4 + MAX_USER + MAX_NAME;

/// The state of an entry.
#[derive(Debug, PartialEq)]
pub(super) struct Frame {
    pub(super) revision: Revision,
    pub(super) id: EntryId,
    pub(super) content: Content,
}

#[derive(PartialEq)]
pub(super) enum Content {
    /// The entry was deleted.
    Deleted,
    /// The entry is there, until it expires.
    Blob { expires: Option<Timestamp>, blob: Vec<u8> },
}

/// Shows no blob.
impl std::fmt::Debug for Content {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Deleted => f.write_str("Deleted"),
            Self::Blob { expires, blob } => write!(f, "Blob({} bytes, {expires:?})", blob.len()),
        }
    }
}

impl Frame {
    /// Makes a new state of an entry.
    pub(super) fn new(id: &EntryId, content: Content) -> Result<Self> {
        Ok(Self { revision: Revision::new(&random::<REVISION>()?)?, id: id.clone(), content })
    }

    pub(super) fn encode(&self) -> Vec<u8> {
        let (kind, expires, blob) = match &self.content {
            Content::Deleted => (0, 0, &[][..]),
            Content::Blob { expires: None, blob } => (1, 0, &blob[..]),
            Content::Blob { expires: Some(at), blob } => (2, at.as_unix(), &blob[..]),
        };
        let expires = u64::to_be_bytes(expires);
        [MAGIC, &[kind], self.revision.as_bytes(), &expires, &self.id.to_bytes(), blob].concat()
    }

    /// Reads what [`encode`](Self::encode) wrote. Returns `None` for anything else.
    pub(super) fn decode(value: &[u8]) -> Option<Self> {
        let (&kind, rest) = value.strip_prefix(MAGIC)?.split_first()?;
        let (revision, rest) = rest.split_at_checked(REVISION)?;
        let (&expires, rest) = rest.split_first_chunk()?;
        let (user, rest) = part(rest)?;
        let (name, blob) = part(rest)?;
        let id = EntryId::restore(user, name).ok()?;
        let content = match (kind, u64::from_be_bytes(expires)) {
            (0, 0) if blob.is_empty() => Content::Deleted,
            (1, 0) => Content::Blob { expires: None, blob: blob.to_vec() },
            (2, at) => {
                Content::Blob { expires: Some(Timestamp::from_unix(at)), blob: blob.to_vec() }
            }
            _ => return None,
        };
        Some(Self { revision: Revision::new(revision).ok()?, id, content })
    }
}

/// Reads a text that follows its length. Returns the text and the rest.
fn part(bytes: &[u8]) -> Option<(&str, &[u8])> {
    let (length, rest) = bytes.split_first_chunk()?;
    let (text, rest) = rest.split_at_checked(u16::from_be_bytes(*length).into())?;
    Some((std::str::from_utf8(text).ok()?, rest))
}
