use std::io::Write;

use base64::Engine;
use base64::prelude::{BASE64_STANDARD_NO_PAD, BASE64_URL_SAFE_NO_PAD};
use keyward_core::{Field, Record, Secret, SecretWriter};
use keyward_kinds::fields;
use percent_encoding::percent_encode;

use crate::client::{FORM, text};

/// The fields of records and the parameters of requests whose values are secret, however they are
/// marked.
const NAMES: [&str; 15] = [
    "access_token",
    "actor_token",
    "assertion",
    "client_assertion",
    "client_secret",
    "code",
    "code_verifier",
    "developer_token",
    "device_code",
    "id_token",
    "password",
    "private_key",
    "refresh_token",
    "subject_token",
    "token",
];

/// The secrets that a server may know: those of the record that a request is for, and those that the
/// request contains besides. The server's answer must not bring any of them into a message.
#[derive(Clone, Debug, Default)]
pub(crate) struct Secrets(Vec<Secret>);

impl From<&Record> for Secrets {
    fn from(record: &Record) -> Self {
        let is_secret = |name: &str, field: &Field| field.secret || NAMES.contains(&name);
        let fields = record.fields.iter().filter(|(name, field)| is_secret(name, field));
        let secrets = Self::default().with(fields.map(|(_, field)| &field.value));
        secrets.with(&basic_pairs(record))
    }
}

impl Secrets {
    /// Returns these and more. An empty value is no secret: every text contains it.
    pub(crate) fn with<'a>(mut self, more: impl IntoIterator<Item = &'a Secret>) -> Self {
        self.0.extend(more.into_iter().filter(|value| !value.is_empty()).cloned());
        self
    }

    /// Returns these and those among the parameters of a request.
    pub(crate) fn with_parameters(self, parameters: &[(&str, Secret)]) -> Self {
        let secret = parameters.iter().filter(|(name, _)| NAMES.contains(name));
        self.with(secret.map(|(_, value)| value))
    }

    /// Whether a text contains one of them, as it is or as a form or a header contains it.
    pub(crate) fn are_in(&self, text: &str) -> bool {
        let decoded = |text: &str| percent_encoding::percent_decode_str(text).collect::<Vec<_>>();
        // A form may contain `+` for a space.
        let forms = [text.as_bytes().to_vec(), decoded(text), decoded(&text.replace('+', " "))];
        let has = |part: &[u8]| {
            forms.iter().any(|text| text.windows(part.len()).any(|window| window == part))
        };
        has(b"Basic ") || self.0.iter().any(|secret| has(secret.expose()))
    }
}

/// Returns the name and the secret of a client as the header `Authorization` contains them, escaped
/// (RFC 6749 section 2.3.1) and not. There is no padding, so that text with it contains them too.
fn basic_pairs(record: &Record) -> Vec<Secret> {
    let Some(secret) = record.field(fields::CLIENT_SECRET) else { return Vec::new() };
    let id = text(record, fields::CLIENT_ID).unwrap_or_default();
    let mut plain = SecretWriter::new();
    let written = write!(plain, "{id}:").and_then(|()| plain.write_all(secret.value.expose()));
    written.expect("memory can be written");
    let mut escaped = SecretWriter::new();
    let (id, secret) = (id.as_bytes(), secret.value.expose());
    write!(escaped, "{}:{}", percent_encode(id, FORM), percent_encode(secret, FORM))
        .expect("memory can be written");
    let encoded = |pair: Secret| {
        [BASE64_STANDARD_NO_PAD.encode(pair.expose()), BASE64_URL_SAFE_NO_PAD.encode(pair.expose())]
    };
    let pairs = [plain.finish(), escaped.finish()].into_iter().flat_map(encoded);
    pairs.map(Secret::from).collect()
}
