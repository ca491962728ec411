use std::collections::BTreeMap;
use std::ops::Range;

use keyward_core::{Error, Field, Origin, Record, Result, printable};
use keyward_kinds::{fields, names};
use serde::Deserialize;

/// The tables of servers that come with Keyward, by their names.
const BUNDLED: [(&str, &str); 9] = [
    ("bitbucket", include_str!("providers/bitbucket.toml")),
    ("forgejo", include_str!("providers/forgejo.toml")),
    ("gitea", include_str!("providers/gitea.toml")),
    ("github", include_str!("providers/github.toml")),
    ("gitlab", include_str!("providers/gitlab.toml")),
    ("google", include_str!("providers/google.toml")),
    ("microsoft", include_str!("providers/microsoft.toml")),
    ("oidc", include_str!("providers/oidc.toml")),
    ("pancloud", include_str!("providers/pancloud.toml")),
];

/// The largest file, in bytes.
const MAX_FILE: usize = 64 << 10;

/// The public settings of an OAuth server: its endpoints, and what its clients usually ask for. There
/// are no clients in it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Provider {
    version: u64,
    /// What it is, in a few words.
    pub help: String,
    issuer: Option<String>,
    authorization_url: Option<String>,
    token_url: Option<String>,
    device_url: Option<String>,
    revocation_url: Option<String>,
    introspection_url: Option<String>,
    developer_token_url: Option<String>,
    client_authentication: Option<String>,
    request_format: Option<String>,
    git_scheme: Option<String>,
    scope: Option<String>,
    parameters: Option<String>,
    #[serde(default)]
    origins: Vec<String>,
    /// The values of `{name}` in the other settings, unless the user says otherwise.
    #[serde(default)]
    pub variables: BTreeMap<String, String>,
}

impl Provider {
    /// Returns the bundled settings of this name.
    ///
    /// # Examples
    /// ```
    /// use keyward_kinds::fields;
    /// use keyward_oauth2::Provider;
    ///
    /// let gitlab = Provider::bundled("gitlab").unwrap();
    /// let own = [("host".to_owned(), "git.example.com".to_owned())].into();
    /// let record = gitlab.record(&own)?;
    /// let url = &record.field(fields::TOKEN_URL).unwrap().value;
    /// assert_eq!(url.expose(), b"https://git.example.com/oauth/token");
    /// # Ok::<(), keyward_core::Error>(())
    /// ```
    pub fn bundled(name: &str) -> Option<Self> {
        let (name, text) = BUNDLED.iter().find(|(known, _)| *known == name)?;
        Self::parse(text, name).ok()
    }

    /// Returns the names of the bundled settings, sorted.
    pub fn bundled_names() -> impl Iterator<Item = &'static str> {
        BUNDLED.iter().map(|(name, _)| *name)
    }

    /// Reads the text of a file; `from` is its path, for messages.
    ///
    /// # Errors
    /// [`Invalid`](keyward_core::ErrorKind::Invalid), with the line if it is known.
    pub fn parse(text: &str, from: &str) -> Result<Self> {
        let wrong = |span: Option<Range<usize>>, why: &str| {
            let before = |span: Range<usize>| text.as_bytes()[..span.start].to_owned();
            let line = |span| before(span).iter().filter(|byte| **byte == b'\n').count() + 1;
            let line = span.map(|span| format!(":{}", line(span))).unwrap_or_default();
            Error::invalid("config", format!("{from}{line}: {}", printable(why)))
        };
        if text.len() > MAX_FILE {
            return Err(wrong(None, &format!("the file is larger than {MAX_FILE} bytes")));
        }
        let provider: Self =
            toml::from_str(text).map_err(|error| wrong(error.span(), error.message().trim()))?;
        if provider.version != 1 {
            return Err(wrong(None, "this version of the file is not known"));
        }
        provider.record(&BTreeMap::new()).map_err(|error| wrong(None, error.message()))?;
        Ok(provider)
    }

    /// Returns a record with these settings, with other values for some of its variables.
    ///
    /// # Errors
    /// [`Invalid`](keyward_core::ErrorKind::Invalid) for a variable that it does not have, or whose
    /// value could change more of a URL than the part in which it is.
    pub fn record(&self, variables: &BTreeMap<String, String>) -> Result<Record> {
        if let Some(name) = variables.keys().find(|name| !self.variables.contains_key(*name)) {
            let known: Vec<_> = self.variables.keys().map(String::as_str).collect();
            let why = format!("there is no variable `{}`", printable(name));
            return Err(Error::invalid("login", why)
                .hint(format!("Its variables are: {}", known.join(", "))));
        }
        let variables: BTreeMap<_, _> = self.variables.iter().chain(variables).collect();
        let is_plain = |value: &str| {
            let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b".-_:".contains(&byte);
            !value.is_empty() && value.bytes().all(is_plain)
        };
        if let Some((name, _)) = variables.iter().find(|(_, value)| !is_plain(value)) {
            let why = format!(
                "the variable `{}` may contain letters, digits and `.-_:`",
                printable(name)
            );
            return Err(Error::invalid("login", why));
        }
        let filled = |text: &str| {
            variables.iter().fold(text.to_owned(), |text, (name, value)| {
                text.replace(&format!("{{{name}}}"), value)
            })
        };
        let values = [
            (fields::ISSUER, &self.issuer),
            (fields::AUTHORIZATION_URL, &self.authorization_url),
            (fields::TOKEN_URL, &self.token_url),
            (fields::DEVICE_URL, &self.device_url),
            (fields::REVOCATION_URL, &self.revocation_url),
            (fields::INTROSPECTION_URL, &self.introspection_url),
            (fields::DEVELOPER_TOKEN_URL, &self.developer_token_url),
            (fields::CLIENT_AUTHENTICATION, &self.client_authentication),
            (fields::REQUEST_FORMAT, &self.request_format),
            (fields::GIT_SCHEME, &self.git_scheme),
            (fields::SCOPE, &self.scope),
            (fields::PARAMETERS, &self.parameters),
        ];
        let values = values.into_iter().filter_map(|(name, value)| Some((name, value.as_ref()?)));
        let record = values.fold(Record::new(names::OAUTH2), |record, (name, value)| {
            record.with(name, Field::open(filled(value)))
        });
        let origins = self.origins.iter().map(|origin| keyward_origin::parse(&filled(origin)));
        Ok(record.with_origins(origins.collect::<Result<Vec<Origin>>>()?))
    }
}

#[cfg(test)]
mod tests {
    use keyward_kinds::Kinds;

    use super::*;

    #[test]
    fn every_bundled_table_is_valid_and_uses_tls() {
        for name in Provider::bundled_names() {
            let (_, text) = BUNDLED.iter().find(|(known, _)| *known == name).unwrap();
            let record = Provider::parse(text, name).unwrap().record(&BTreeMap::new()).unwrap();
            let kinds = Kinds::linked();
            let kind = kinds.find(names::OAUTH2).unwrap();
            for (field, value) in &record.fields {
                kind.field(field, value.value.clone()).unwrap();
                let text = value.value.expose_str().unwrap();
                assert!(!text.contains(['{', '}']), "{name}: {text}");
                assert!(!field.ends_with("_url") || text.starts_with("https://"), "{name}: {text}");
            }
            assert!(name == "oidc" || record.field(fields::TOKEN_URL).is_some(), "{name}");
        }
    }

    #[test]
    fn a_variable_changes_only_its_part_of_a_url() {
        let gitlab = Provider::bundled("gitlab").unwrap();
        let with = |name: &str, value: &str| gitlab.record(&[(name.into(), value.into())].into());
        assert!(with("host", "git.example.com:8443").is_ok());
        for value in ["", "a/b", "x@evil", "a?b", "{host}", "a b"] {
            assert!(with("host", value).is_err(), "{value}");
        }
        let error = with("hots", "x").unwrap_err();
        assert!(error.report().contains("Its variables are: host"), "{}", error.report());
    }

    #[test]
    fn a_wrong_file_is_an_error_with_its_line() {
        for (text, why) in [
            ("version = 1\nhelp = \"x\"\nsecret = 1\n", "x.toml:3: unknown field `secret`"),
            ("version = 2\nhelp = \"x\"\n", "x.toml: this version of the file is not known"),
            ("version = 1\nhelp = 1\n", "x.toml:2: invalid type"),
        ] {
            let error = Provider::parse(text, "x.toml").unwrap_err();
            assert!(error.message().starts_with(why), "{}", error.message());
        }
        let huge = "#".repeat(MAX_FILE + 1);
        assert!(Provider::parse(&huge, "x").is_err());
    }
}
