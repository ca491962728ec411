use keyward_core::{Field, Record, Secret};

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
        Self::default().with(fields.map(|(_, field)| &field.value))
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
        let text = percent_encoding::percent_decode_str(text).collect::<Vec<_>>();
        let has = |part: &[u8]| text.windows(part.len()).any(|window| window == part);
        has(b"Basic ") || self.0.iter().any(|secret| has(secret.expose()))
    }
}
