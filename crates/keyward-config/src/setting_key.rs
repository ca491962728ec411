//! The keys of settings, and what they set.

use std::fmt;

use keyward_core::{Error, MAX_NAME, OptionType, Result, Role, Value, canonical, printable};

use crate::profile_key::{MAX_PROFILE, PROFILES, ProfileKey};
use crate::toml_file::nearest;

/// A setting that does not belong to a backend.
#[derive(Debug)]
pub struct KnownSetting {
    /// Its key.
    pub key: &'static str,
    /// What it does.
    pub help: &'static str,
    /// The environment variable that sets it; `None` if only files of the system or the user do, and
    /// a value of the user is added to that of the system.
    pub variable: Option<&'static str>,
    /// The type of its value. A list may also be written as one text, with commas.
    pub kind: OptionType,
    /// The words that its value consists of; empty if it may contain others.
    pub choices: &'static [&'static str],
    /// Its built-in value.
    pub default: Option<&'static str>,
}

/// The settings that do not belong to a backend.
pub(crate) const KNOWN: &[KnownSetting] = &[
    KnownSetting {
        key: "user",
        help: "The user whose credentials are used by default",
        variable: Some("KEYWARD_USER"),
        kind: OptionType::Text,
        choices: &[],
        default: None,
    },
    KnownSetting {
        key: "store_path",
        help: "The folder of the files that describe stores",
        variable: Some("KEYWARD_STORE_PATH"),
        kind: OptionType::Path,
        choices: &[],
        default: None,
    },
    KnownSetting {
        key: "defaults.store",
        help: "The store that `-` means in commands",
        variable: Some("KEYWARD_DEFAULTS_STORE"),
        kind: OptionType::Text,
        choices: &[],
        default: None,
    },
    KnownSetting {
        key: "defaults.serializer",
        help: "The serializer of new stores",
        variable: Some("KEYWARD_DEFAULTS_SERIALIZER"),
        kind: OptionType::Text,
        choices: &[],
        default: Some("cbor"),
    },
    KnownSetting {
        key: "defaults.encryption",
        help: "The encryption of new stores",
        variable: Some("KEYWARD_DEFAULTS_ENCRYPTION"),
        kind: OptionType::Text,
        choices: &[],
        default: Some("aes-gcm"),
    },
    KnownSetting {
        key: "defaults.storage",
        help: "The storage of new stores",
        variable: Some("KEYWARD_DEFAULTS_STORAGE"),
        kind: OptionType::Text,
        choices: &[],
        default: Some("file"),
    },
    KnownSetting {
        key: "defaults.key",
        help: "The key sources of new stores, a list or one text with commas; the first one that works is used",
        variable: Some("KEYWARD_DEFAULTS_KEY"),
        kind: OptionType::List,
        choices: &[],
        default: Some("keyring,file"),
    },
    KnownSetting {
        key: "profile",
        help: "The profile with which `keyward resolve` looks for credentials",
        variable: Some("KEYWARD_PROFILE"),
        kind: OptionType::Text,
        choices: &[],
        default: None,
    },
    KnownSetting {
        key: "resolve.sources",
        help: "The sources in which `keyward resolve` looks for credentials, in this order, a list or one text with commas",
        variable: Some("KEYWARD_RESOLVE_SOURCES"),
        kind: OptionType::List,
        choices: &[
            "environment",
            "configuration",
            "stores",
            "git",
            "prompt",
            "datalad",
            "pancloud",
            "pancloud-1.2",
        ],
        default: Some("environment,configuration,stores,git,prompt"),
    },
    KnownSetting {
        key: "resolve.stores",
        help: "The stores in which `keyward resolve` looks for credentials, in this order, a list or one text with commas; `-` is the default store",
        variable: Some("KEYWARD_RESOLVE_STORES"),
        kind: OptionType::List,
        choices: &[],
        default: Some("-"),
    },
    KnownSetting {
        key: "auth.checkers",
        help: "The checkers of `keyward auth`, in this order, such as htpasswd:/etc/users, a list or one text with commas",
        variable: Some("KEYWARD_AUTH_CHECKERS"),
        kind: OptionType::List,
        choices: &[],
        default: None,
    },
    KnownSetting {
        key: "auth.policy",
        help: "What a login needs, such as `password and totp`",
        variable: Some("KEYWARD_AUTH_POLICY"),
        kind: OptionType::Text,
        choices: &[],
        default: None,
    },
    KnownSetting {
        key: "audit.file",
        help: "The file that gets a line for each record that is given out, an absolute path; if the system's configuration and yours set it, both files do",
        variable: None,
        kind: OptionType::Path,
        choices: &[],
        default: None,
    },
    KnownSetting {
        key: "prompt.never",
        help: "Whether Keyward fails instead of asking you, as with --no-input",
        variable: Some("KEYWARD_NO_INPUT"),
        kind: OptionType::Flag,
        choices: &[],
        default: None,
    },
    KnownSetting {
        key: "prompt.askpass",
        help: "The program that asks you if there is no terminal: it gets the question as its argument, and prints the answer",
        variable: Some("KEYWARD_ASKPASS"),
        kind: OptionType::Path,
        choices: &[],
        default: None,
    },
    KnownSetting {
        key: "prompt.prefer_askpass",
        help: "Whether the program of `prompt.askpass` asks you also if there is a terminal",
        variable: Some("KEYWARD_PROMPT_PREFER_ASKPASS"),
        kind: OptionType::Flag,
        choices: &[],
        default: None,
    },
    KnownSetting {
        key: "prompt.always",
        help: "The credentials for which `keyward resolve` always asks, a list or one text with commas; `*` is all of them",
        variable: Some("KEYWARD_PROMPT_ALWAYS"),
        kind: OptionType::List,
        choices: &[],
        default: None,
    },
    KnownSetting {
        key: "prompt.repeat",
        help: "Whether you type a new secret twice",
        variable: Some("KEYWARD_PROMPT_REPEAT"),
        kind: OptionType::Flag,
        choices: &[],
        default: Some("true"),
    },
    KnownSetting {
        key: "prompt.echo",
        help: "Whether the terminal shows a secret while you type it",
        variable: Some("KEYWARD_PROMPT_ECHO"),
        kind: OptionType::Flag,
        choices: &[],
        default: Some("false"),
    },
    KnownSetting {
        key: "clip.seconds",
        help: "How many seconds a value stays on the clipboard",
        variable: Some("KEYWARD_CLIP_SECONDS"),
        kind: OptionType::Number,
        choices: &[],
        default: Some("45"),
    },
    KnownSetting {
        key: "network.ca_file",
        help: "The file of the certificates that TLS trusts, in PEM form, instead of the system's",
        variable: Some("KEYWARD_NETWORK_CA_FILE"),
        kind: OptionType::Path,
        choices: &[],
        default: None,
    },
    KnownSetting {
        key: "network.proxy",
        help: "The URL of the proxy, without a password, instead of the one in https_proxy and the like",
        variable: Some("KEYWARD_NETWORK_PROXY"),
        kind: OptionType::Text,
        choices: &[],
        default: None,
    },
    KnownSetting {
        key: "network.no_proxy",
        help: "The hosts that are reached without a proxy, with commas, instead of those in no_proxy",
        variable: Some("KEYWARD_NETWORK_NO_PROXY"),
        kind: OptionType::Text,
        choices: &[],
        default: None,
    },
];

impl KnownSetting {
    /// Whether a value does not replace that of an earlier layer, but is added to it.
    pub const fn is_added(&self) -> bool {
        self.variable.is_none()
    }

    /// Returns the value that a text means.
    ///
    /// # Errors
    /// [`Invalid`](keyward_core::ErrorKind::Invalid) if the setting cannot have it.
    pub fn parse(&self, text: &str) -> Result<Value> {
        let value = match (self.kind, text) {
            (OptionType::Flag, "true" | "1") => Value::Flag(true),
            (OptionType::Flag, "false" | "0") => Value::Flag(false),
            (OptionType::Number, text) => {
                Value::Number(text.parse().map_err(|_| self.wrong(self.key))?)
            }
            _ => Value::Text(text.to_owned()),
        };
        if self.accepts(&value) { Ok(value) } else { Err(self.wrong(self.key)) }
    }

    /// Whether the setting may have this value.
    pub(crate) fn accepts(&self, value: &Value) -> bool {
        match (self.kind, value) {
            (OptionType::Flag, value) => matches!(value, Value::Flag(_)),
            (OptionType::Number, value) => matches!(value, Value::Number(_)),
            (OptionType::List, Value::List(_)) | (_, Value::Text(_)) => {
                let is_choice = |text: &&str| self.choices.contains(text);
                self.choices.is_empty() || texts(value).iter().all(is_choice)
            }
            _ => false,
        }
    }

    /// Returns what values the setting takes.
    pub(crate) fn wanted(&self) -> String {
        match self.kind {
            OptionType::Flag => "true or false".into(),
            OptionType::Number => "a whole number".into(),
            _ if !self.choices.is_empty() => format!("these words: {}", self.choices.join(", ")),
            OptionType::List => "a list of texts".into(),
            _ => "text".into(),
        }
    }

    /// Returns the error for a wrong value of the setting, which is named `name`.
    pub(crate) fn wrong(&self, name: &str) -> Error {
        Error::invalid("config", format!("`{name}` takes {}", self.wanted()))
    }
}

/// Returns the items of a list, which may also be one text with commas.
pub(crate) fn texts(value: &Value) -> Vec<&str> {
    let texts: Vec<&str> = match value {
        Value::Text(text) => text.split(',').collect(),
        Value::List(texts) => texts.iter().map(String::as_str).collect(),
        _ => Vec::new(),
    };
    texts.into_iter().map(str::trim).filter(|text| !text.is_empty()).collect()
}

/// The key of a setting: a path through the tables of the configuration.
///
/// It is written as a dotted key of TOML: `defaults.storage`, or `backends.storage."a.b".path` if a
/// part contains a dot.
///
/// # Examples
/// ```
/// use keyward_config::SettingKey;
///
/// let key = SettingKey::parse("backends.storage.'a.b'.path")?;
/// assert_eq!(key.parts(), ["backends", "storage", "a.b", "path"]);
/// assert_eq!(key.to_string(), "backends.storage.\"a.b\".path");
/// # Ok::<(), keyward_core::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct SettingKey(Vec<String>);

/// What a key sets.
#[derive(Clone, Copy, Debug)]
pub enum SettingTarget<'a> {
    /// A setting of Keyward.
    Known(&'static KnownSetting),
    /// The default of a backend's option in new stores.
    Option {
        /// The backend's role.
        role: Role,
        /// The backend's name.
        backend: &'a str,
        /// The option.
        option: &'a str,
    },
    /// A key of a profile.
    Profile {
        /// The profile.
        profile: &'a str,
        /// The key.
        key: ProfileKey,
    },
    /// A field of a credential, or `kind`.
    Credential {
        /// The credential.
        name: &'a str,
        /// The field.
        field: &'a str,
    },
}

/// The table of the configuration that contains the credentials.
pub(crate) const CREDENTIALS: &str = "credentials";

/// What values a field takes.
pub(crate) const FIELD_VALUES: &str = "text or a reference: \"keyward://STORE/NAME\", or a key source such as { from = \"env\", name = \"…\" }";

/// The key that says of which kind a credential is.
pub(crate) const KIND: &str = "kind";

/// The tables that contain tables with names that the user chooses, with the length of the keys in
/// them.
const NAMED: [(&str, usize); 3] = [("backends", 4), (PROFILES, 3), (CREDENTIALS, 3)];

impl SettingKey {
    /// Reads the key of a setting.
    ///
    /// # Errors
    /// [`Invalid`](keyward_core::ErrorKind::Invalid) if there is no such setting, with the most
    /// similar key.
    pub fn parse(text: &str) -> Result<Self> {
        let parts = toml_edit::Key::parse(text).ok();
        let parts = parts.map(|parts| parts.iter().map(|part| part.get().to_owned()).collect());
        match parts.map(Self) {
            Some(key) if key.target().is_some() => key.check_name().map(|()| key),
            _ => Err(not_a_setting(text, Error::invalid("config", no_setting(text)))),
        }
    }

    pub(crate) fn new<'a>(parts: impl IntoIterator<Item = &'a str>) -> Self {
        Self(parts.into_iter().map(str::to_owned).collect())
    }

    /// Returns the key of a value of a profile.
    pub fn of_profile(profile: &str, key: ProfileKey) -> Self {
        Self::new([PROFILES, profile, key.name()])
    }

    /// Returns the parts of the path.
    pub fn parts(&self) -> &[String] {
        &self.0
    }

    /// Returns the key of the table that contains the value.
    pub(crate) fn parent(&self) -> Self {
        Self(self.0[..self.0.len().saturating_sub(1)].to_vec())
    }

    /// Returns the key of a value in this table.
    pub(crate) fn child(&self, name: &str) -> Self {
        Self(self.0.iter().cloned().chain([name.to_owned()]).collect())
    }

    /// Returns what the key sets; `None` if it is not the key of a setting.
    pub fn target(&self) -> Option<SettingTarget<'_>> {
        let parts: Vec<&str> = self.0.iter().map(String::as_str).collect();
        match parts[..] {
            ["backends", role, backend, option] => {
                let role = Role::from_name(role).filter(|role| Role::OF_STORES.contains(role))?;
                Some(SettingTarget::Option { role, backend, option })
            }
            [PROFILES, profile, key] => {
                Some(SettingTarget::Profile { profile, key: ProfileKey::from_name(key)? })
            }
            [CREDENTIALS, name, field] => Some(SettingTarget::Credential { name, field }),
            _ => {
                let is_it = |known: &&KnownSetting| known.key.split('.').eq(parts.iter().copied());
                KNOWN.iter().find(is_it).map(SettingTarget::Known)
            }
        }
    }

    /// Checks the name of a profile or a credential.
    ///
    /// # Errors
    /// `Invalid` if it is not canonical: no command could ask for it.
    pub(crate) fn check_name(&self) -> Result<()> {
        match self.0.as_slice() {
            [table, name, ..] if table == PROFILES => canonical("profile", name, MAX_PROFILE),
            [table, name, ..] if table == CREDENTIALS => canonical("name", name, MAX_NAME),
            _ => Ok(()),
        }
    }

    /// Whether this is the key of the table of a profile or a credential.
    pub(crate) fn is_named_table(&self) -> bool {
        matches!(self.0.as_slice(), [table, _] if table == PROFILES || table == CREDENTIALS)
    }

    /// Whether this is a field of a credential, or its kind.
    pub(crate) fn is_of_credential(&self) -> bool {
        matches!(self.target(), Some(SettingTarget::Credential { .. }))
    }

    /// Whether this is the kind of a credential.
    pub(crate) fn is_kind(&self) -> bool {
        matches!(self.target(), Some(SettingTarget::Credential { field: KIND, .. }))
    }

    /// Whether this is the key of a table that contains settings.
    pub(crate) fn is_table(&self) -> bool {
        let is_above = |known: &KnownSetting| {
            let mut parts = known.key.split('.');
            parts.by_ref().zip(&self.0).all(|(one, other)| one == other)
                && known.key.split('.').count() > self.0.len()
        };
        let is_named = |(table, length): (&str, usize)| {
            self.0.len() < length && self.0.first().is_some_and(|part| part == table)
        };
        KNOWN.iter().any(is_above) || NAMED.into_iter().any(is_named)
    }
}

impl fmt::Display for SettingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, part) in self.0.iter().enumerate() {
            let dot = if index == 0 { "" } else { "." };
            write!(f, "{dot}{}", toml_edit::Key::new(part))?;
        }
        Ok(())
    }
}

pub(crate) fn no_setting(key: &str) -> String {
    format!("`{}` is not a setting", printable(key))
}

/// Adds to an error the known key that is most similar to a wrong one.
pub(crate) fn not_a_setting(key: &str, error: Error) -> Error {
    let known = KNOWN.iter().map(|known| known.key.to_owned());
    let table = key.rsplit_once('.').map(|(table, _)| table);
    let table = table.filter(|table| table.starts_with(PROFILES));
    let of_profile = table.into_iter().flat_map(|table| {
        ProfileKey::ALL.into_iter().map(move |key| format!("{table}.{}", key.name()))
    });
    let known: Vec<_> = known.chain(of_profile).collect();
    match nearest(key, known.iter().map(String::as_str)) {
        Some(hint) => error.hint(hint),
        None => error.hint("`keyward config show` lists the settings"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_a_path_and_not_split_at_every_dot() {
        let key = SettingKey::parse("backends.key.\"a.b\".path").unwrap();
        let Some(SettingTarget::Option { role, backend, option }) = key.target() else {
            panic!("{key:?}")
        };
        assert_eq!((role, backend, option), (Role::Key, "a.b", "path"));
        assert!(SettingKey::parse("backends.key.a.b.path").is_err());
        for text in ["", ".", "defaults", "defaults.", "backends.nope.a.b", "user.name", "a b"] {
            assert!(SettingKey::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn tables_are_those_above_settings() {
        let is_table = |parts: &[&str]| SettingKey::new(parts.iter().copied()).is_table();
        assert!(is_table(&["defaults"]));
        assert!(is_table(&["backends"]) && is_table(&["backends", "key", "a.b"]));
        assert!(!is_table(&["user"]) && !is_table(&["defaults", "key"]) && !is_table(&["default"]));
        assert!(!is_table(&["backends", "key", "env", "name"]));
    }
}
