//! Credentials in the configuration: public fields, and references to secret ones.

use std::collections::BTreeMap;

use keyward_core::{Error, Result, Value};

use crate::setting_key::{CREDENTIALS, FIELD_VALUES, KIND, SettingKey};
use crate::settings::{Setting, Settings};
use crate::toml_value::parse_reference;

/// A credential that the configuration describes. It should contain no secret: whether a field is
/// secret depends on the kind, which this crate does not check.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Credential {
    /// Its name.
    pub name: String,
    /// The name of its kind, if the table says it.
    pub kind: Option<Setting>,
    /// Its fields. A value is text or a key source.
    pub fields: BTreeMap<String, Setting>,
}

impl Credential {
    /// The key that says of which kind a credential is.
    pub const KIND: &str = KIND;

    /// Reads the value of a field, or the kind, from the command line: a text, or a key source in
    /// braces.
    ///
    /// # Errors
    /// [`Invalid`](keyward_core::ErrorKind::Invalid) for braces that contain no key source; it does
    /// not contain the text.
    pub fn parse_value(key: &SettingKey, text: &str) -> Result<Value> {
        if !text.starts_with('{') {
            return Ok(Value::Text(text.to_owned()));
        }
        let source = parse_reference(text).filter(|_| !key.is_kind());
        source.ok_or_else(|| {
            let wanted = if key.is_kind() { "text" } else { FIELD_VALUES };
            Error::invalid("config", format!("`{key}` takes {wanted}"))
        })
    }
}

impl Settings {
    /// Returns the names of all credentials, sorted.
    pub fn credential_names(&self) -> impl Iterator<Item = &str> {
        self.tables(CREDENTIALS)
    }

    /// Returns the credential of this name: the whole table of the nearest layer that has one.
    pub fn credential(&self, name: &str) -> Option<Credential> {
        self.layers(CREDENTIALS, name)?;
        let fields = self.in_table(CREDENTIALS, name);
        let mut fields: BTreeMap<_, _> =
            fields.map(|(field, setting)| (field.to_owned(), setting.clone())).collect();
        Some(Credential { name: name.to_owned(), kind: fields.remove(Credential::KIND), fields })
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use keyward_core::{SecretRef, Values};

    use super::*;
    use crate::layer::Layer;
    use crate::toml_file::TomlFile;

    fn settings(system: &str, user: &str) -> Result<Settings> {
        let mut settings = Settings::default();
        for (name, text, layer) in [("s", system, Layer::System), ("u", user, Layer::User)] {
            let text = format!("version = 1\n{text}");
            let file = TomlFile::from_text(Path::new(name), text);
            settings.add_file(&file, layer)?;
        }
        Ok(settings)
    }

    #[test]
    fn the_nearest_layer_has_the_whole_credential() {
        let settings = settings(
            "[credentials.mail]\nkind = 'token'\nusername = 'ann'\n[credentials.a]\nusername = 'a'\n",
            "[credentials.mail]\ntoken = { from = 'env', name = 'X' }\n[credentials.a]\n",
        )
        .unwrap();
        let mail = settings.credential("mail").unwrap();
        let source = SecretRef {
            from: "env".into(),
            options: Values::new().with("name", Value::Text("X".into())),
        };
        assert_eq!((mail.kind, mail.fields.len()), (None, 1));
        assert_eq!(mail.fields["token"].value, Value::Secret(source));
        assert_eq!(mail.fields["token"].place, "u:3");
        let hidden = SettingKey::parse("credentials.mail.username").unwrap();
        assert_eq!(settings.get(&hidden), None);
        assert_eq!(settings.explain(&hidden).count(), 1);
        // A table without fields hides the one of the system too.
        assert!(settings.credential("a").unwrap().fields.is_empty());
        assert_eq!(settings.credential("b"), None);
        assert_eq!(settings.credential_names().collect::<Vec<_>>(), ["a", "mail"]);
    }

    #[test]
    fn any_canonical_name_is_possible() {
        let text = "[credentials.\"a.b\"]\nusername = 'x'\n[credentials.'É \"[']\nusername = 'y'\n";
        let settings = settings("", text).unwrap();
        for name in ["a.b", "É \"["] {
            assert_eq!(settings.credential(name).unwrap().fields.len(), 1, "{name}");
        }
    }

    #[test]
    fn a_wrong_table_is_named_with_its_line_and_without_its_values() {
        for (text, why) in [
            ("credentials = 3", "u:2: `credentials` is not a setting"),
            ("credentials.mail = 'canary'", "u:2: `credentials.mail` is not a setting"),
            (
                "credentials.mail.pin = 31337",
                "u:2: `credentials.mail.pin` takes text or a reference: ",
            ),
            (
                "credentials.mail.a = ['canary']",
                "u:2: `credentials.mail.a` takes text or a reference: ",
            ),
            (
                "credentials.mail.a = { b = 'canary' }",
                "u:2: `credentials.mail.a` takes text or a reference: ",
            ),
            ("credentials.mail.kind = { from = 'env' }", "u:2: `credentials.mail.kind` takes text"),
            ("credentials.\"\" .a = 'canary'", "u:2: the name is empty"),
            ("credentials.\"a\\nb\".a = 'canary'", "u:2: the name "),
            ("credentials.\"a\\nb\" = {}", "u:2: the name "),
            ("profiles.\"a\\u001b\".user = 'canary'", "u:2: the profile "),
            (
                "profiles.a.names = 'canary'",
                "u:2: `profiles.a.names` takes a name that contains {name} once",
            ),
            (
                "profiles.a.inherit = true",
                "u:2: `profiles.a.inherit` takes the name of a profile, or false",
            ),
            ("profiles.a.sources = ['canary']", "u:2: `profiles.a.sources` takes these words: "),
            ("profiles.a.storse = ['a']", "u:2: `profiles.a.storse` is not a setting"),
        ] {
            let error = settings("", &format!("{text}\n")).unwrap_err();
            assert!(error.message().starts_with(why), "{text}: {error}");
            let shown = format!("{error:?}{}", error.report());
            assert!(!shown.contains("canary") && !shown.contains("31337"), "{shown}");
        }
        let error = settings("", "profiles.a.storse = 'a'").unwrap_err();
        assert_eq!(error.advice(), Some("Did you mean `profiles.a.stores`?"));
    }
}
