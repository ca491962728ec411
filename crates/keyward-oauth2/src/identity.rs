//! What tokens were issued for.

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use keyward_core::{Field, Record};
use keyward_kinds::fields;
use sha2::{Digest, Sha256};

use crate::client::text;

/// What a request for tokens depends on. The user is another part of the digest, and the scopes are
/// sorted. Neither the secret of a client nor its key is here: to replace one changes no token.
const FIELDS: [&str; 13] = [
    fields::ISSUER,
    fields::TOKEN_URL,
    fields::CLIENT_ID,
    fields::AUDIENCE,
    fields::RESOURCE,
    fields::GRANT,
    fields::PARAMETERS,
    fields::SUBJECT_TOKEN,
    fields::SUBJECT_TOKEN_TYPE,
    fields::ACTOR_TOKEN,
    fields::ACTOR_TOKEN_TYPE,
    fields::REQUESTED_TOKEN_TYPE,
    fields::DEVELOPER_TOKEN,
];

/// A digest of everything that a record asks tokens for. A token that was issued for one identity
/// must not be given to who asks for another one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Identity {
    asked: String,
    /// The account, which a record may name after its tokens were issued.
    user: Option<String>,
}

impl Identity {
    /// Returns the identity of what a record asks for.
    pub(crate) fn wanted(record: &Record) -> Self {
        let mut asked = Sha256::new();
        for name in FIELDS {
            add(&mut asked, text(record, name).unwrap_or_default());
        }
        let scopes = text(record, fields::SCOPE).unwrap_or_default();
        let mut scopes: Vec<_> = scopes.split_whitespace().collect();
        scopes.sort_unstable();
        scopes.dedup();
        scopes.iter().for_each(|scope| add(&mut asked, scope));
        let user = text(record, fields::USERNAME).map(|user| short(&Sha256::digest(user)));
        Self { asked: short(&asked.finalize()), user }
    }

    /// Whether the tokens of a record were issued for what it asks for now. A record that does not
    /// say what they were issued for is another program's, and is trusted.
    pub(crate) fn is_own(record: &Record) -> bool {
        let Some(issued_for) = text(record, fields::ISSUED_FOR) else { return true };
        let wanted = Self::wanted(record);
        let (asked, user) = issued_for.split_once('.').unwrap_or((issued_for, ""));
        asked == wanted.asked && (user.is_empty() || Some(user) == wanted.user.as_deref())
    }

    /// Returns the record with the note that the server has refused this, and without an access
    /// token that was issued for something else.
    pub(crate) fn write_refused(&self, mut record: Record) -> Record {
        if !Self::is_own(&record) {
            record.fields.remove(fields::ACCESS_TOKEN);
        }
        self.write(record)
    }

    /// Returns the record with the note that its tokens were issued for this.
    pub(crate) fn write(&self, record: Record) -> Record {
        let user = self.user.iter().flat_map(|user| [".", user]);
        let text = [self.asked.as_str()].into_iter().chain(user).collect::<String>();
        record.with(fields::ISSUED_FOR, Field::open(text))
    }
}

/// Adds a text with its length, so that no two lists of texts are the same.
fn add(digest: &mut Sha256, text: &str) {
    digest.update(u64::try_from(text.len()).unwrap_or(u64::MAX).to_be_bytes());
    digest.update(text);
}

fn short(digest: &[u8]) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(&digest[..16])
}
