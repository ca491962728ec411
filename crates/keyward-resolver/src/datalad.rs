//! How DataLad names credentials and their fields, in variables and in git's configuration.
//!
//! A field of the credential `NAME` is the setting `datalad.credential.NAME.FIELD`. In the field, `-`
//! replaces each `_`. [`Properties`] are the fields of one credential, from any place, and convert to
//! a record.

mod overrides;
mod variables;

use std::collections::BTreeMap;

use keyward_core::{Error, Field, Record, Result, Secret, Timestamp, printable};
use keyward_kinds::fields::{
    ACCESS_KEY_ID, PASSWORD, SECRET_ACCESS_KEY, SESSION_TOKEN, TOKEN, USERNAME,
};
use keyward_kinds::labels::REALM;
use keyward_kinds::names;
use keyward_origin::Location;

pub use variables::add_variables;

/// What the settings of all credentials begin with.
pub const SETTINGS: &str = "datalad.credential.";

/// The fields of a credential of DataLad, with `-` in their names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Properties(BTreeMap<String, Secret>);

impl Properties {
    /// Adds a field. It replaces an earlier value. An empty value counts as unset.
    pub fn set(&mut self, field: &str, value: Secret) {
        if !value.is_empty() {
            self.0.insert(field.replace('_', "-"), value);
        }
    }

    /// Whether there is no field.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether any field contains a secret.
    pub fn has_secret(&self) -> bool {
        ["secret", "password", "token", "secret-id"].iter().any(|field| self.0.contains_key(*field))
    }

    /// Whether there is a value of this field.
    pub fn has(&self, field: &str) -> bool {
        self.0.contains_key(field)
    }

    /// Returns the record: a `user-password`, a `token`, an `aws` or an `s3`. Fields that have no
    /// place in it are left out.
    ///
    /// The field `type` says which one it is; without it, the other fields do. `wanted` is the kind
    /// that the caller wants, which decides between `aws` and `s3`. If the field `realm` is a URL, the
    /// record is bound to its origin.
    ///
    /// # Errors
    /// [`Invalid`](keyward_core::ErrorKind::Invalid) if the type is unknown, or its expiry is not a
    /// time. No value is quoted but that of `type`.
    ///
    /// # Examples
    /// ```
    /// use keyward_resolver::datalad::Properties;
    ///
    /// let mut properties = Properties::default();
    /// properties.set("user", "ann".into());
    /// properties.set("password", "s3cret".into());
    /// let record = properties.into_record(None)?;
    /// assert_eq!(record.kind, "user-password");
    /// assert_eq!(record.field("username").unwrap().value.expose(), b"ann");
    /// # Ok::<(), keyward_core::Error>(())
    /// ```
    pub fn into_record(mut self, wanted: Option<&str>) -> Result<Record> {
        let kind = self.kind(wanted)?;
        let mut record = Record::new(kind);
        let mut take = |name: &str, from: &[&str], is_secret| {
            let mut found = from.iter().filter_map(|field| self.0.remove(*field));
            if let Some(value) = found.next() {
                let field = if is_secret { Field::secret(value) } else { Field::open(value) };
                record.fields.insert(name.to_owned(), field);
            }
        };
        match kind {
            names::USER_PASSWORD => {
                take(USERNAME, &["user"], false);
                take(PASSWORD, &["secret", "password"], true);
            }
            names::TOKEN => {
                take(USERNAME, &["user"], false);
                take(TOKEN, &["secret", "token"], true);
            }
            _ => {
                take(ACCESS_KEY_ID, &["key-id", "key"], false);
                take(SECRET_ACCESS_KEY, &["secret", "secret-id"], true);
                take(SESSION_TOKEN, &["session"], true);
            }
        }
        if let Some(time) = self.0.remove("expiration") {
            record.expires = Some(read_time(&time)?);
        }
        let realm = self.0.remove("realm");
        let realm = realm.as_ref().and_then(Secret::expose_str);
        if let Some((realm, place)) = realm.and_then(|it| Some((it, Location::parse(it).ok()?))) {
            record.origins.push(place.origin().clone());
            record.labels.insert(REALM.into(), realm.to_owned());
        }
        Ok(record)
    }

    fn kind(&self, wanted: Option<&str>) -> Result<&'static str> {
        let is_s3 = wanted == Some(names::S3);
        let key = |is_s3| if is_s3 { names::S3 } else { names::AWS };
        let Some(name) = self.0.get("type") else {
            return Ok(match () {
                () if self.has("key-id") || self.has("secret-id") => key(is_s3),
                () if self.has("key") => key(wanted != Some(names::AWS)),
                () if self.has("token") => names::TOKEN,
                () if self.has("user") || self.has("password") => names::USER_PASSWORD,
                () => names::TOKEN,
            });
        };
        match name.expose_str().unwrap_or_default() {
            // The fields of the last two are those of the login that gets the other credential.
            "user_password" | "git" | "nda-s3" | "loris-token" => Ok(names::USER_PASSWORD),
            "token" => Ok(names::TOKEN),
            "aws-s3" => Ok(key(is_s3)),
            "s3" => Ok(key(wanted != Some(names::AWS))),
            other => {
                let why = format!("Keyward has no kind for DataLad's type `{}`", printable(other));
                Err(Error::invalid("resolve", why))
            }
        }
    }
}

/// Reads a time as DataLad stores it. A time without a zone is in UTC.
fn read_time(text: &Secret) -> Result<Timestamp> {
    let parse = |text: &str| {
        let time = text.parse::<jiff::Timestamp>();
        let time = time.or_else(|_| {
            let civil = text.parse::<jiff::civil::DateTime>()?;
            jiff::tz::Offset::UTC.to_timestamp(civil)
        });
        u64::try_from(time.ok()?.as_second()).ok()
    };
    let seconds = text.expose_str().and_then(parse);
    seconds
        .map(Timestamp::from_unix)
        .ok_or_else(|| Error::invalid("resolve", "the field `expiration` is not a time"))
}

/// Returns the setting that a variable is, as DataLad converts names: `-` replaces each `__`, then
/// `.` each `_`, and all letters are lower case.
///
/// Different variables can be the same setting. No variable is a setting with a capital letter or
/// `_`.
///
/// # Examples
/// ```
/// use keyward_resolver::datalad::setting_of;
///
/// let setting = setting_of("DATALAD_CREDENTIAL_test__s3_key__id");
/// assert_eq!(setting, "datalad.credential.test-s3.key-id");
/// ```
pub fn setting_of(variable: &str) -> String {
    variable.replace("__", "-").replace('_', ".").to_lowercase()
}

/// Returns the field, if a setting is one of the credential of this name.
///
/// # Examples
/// ```
/// use keyward_resolver::datalad::field_of;
///
/// let field = field_of("datalad.credential.api.github.com.token", "api.github.com");
/// assert_eq!(field, Some("token"));
/// ```
pub fn field_of<'a>(setting: &'a str, name: &str) -> Option<&'a str> {
    let (of, field) = setting.strip_prefix(SETTINGS)?.rsplit_once('.')?;
    (of == name).then_some(field)
}

/// Returns what the variables that DataLad reads for a credential look like.
pub fn variables_of(name: &str) -> Vec<String> {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-.".contains(c);
    let newer = name
        .chars()
        .all(is_plain)
        .then(|| format!("DATALAD_CREDENTIAL_{}_*", name.replace('-', "__").replace('.', "_")));
    let older = format!("DATALAD_{}_*", name.replace('-', "_"));
    newer.into_iter().chain([older]).collect()
}

#[cfg(test)]
mod tests {
    use keyward_config::Environment;
    use keyward_core::ErrorKind;

    use super::*;

    fn properties(name: &str, variables: &[(&str, &str)]) -> Result<Properties> {
        let mut properties = Properties::default();
        let all = Environment::new(variables.iter().copied());
        add_variables(&mut properties, name, &all).map(|()| properties)
    }

    fn check(name: &str, variables: &[(&str, &str)], expect: &[(&str, &str)]) {
        let expect = expect.iter().map(|(field, value)| ((*field).into(), Secret::from(*value)));
        let expect = Properties(expect.collect());
        assert_eq!(properties(name, variables).unwrap(), expect, "{name} {variables:?}");
    }

    #[test]
    fn a_variable_is_a_setting_with_other_letters() {
        let pair =
            [("DATALAD_CREDENTIAL_test__s3_key__id", "k"), ("datalad_credential_x_user", "u")];
        check("test-s3", &pair, &[("key-id", "k")]);
        check("test.s3", &pair, &[]);
        check("x", &pair, &[]);
        check(
            "api.github.com",
            &[("DATALAD_CREDENTIAL_API_github_com_TOKEN", "t")],
            &[("token", "t")],
        );
        check("NDA", &[("DATALAD_CREDENTIAL_NDA_user", "u")], &[("user", "u")]);
        // Three underscores are read from the left, and no variable is a name with one.
        check("my-.cred", &[("DATALAD_CREDENTIAL_my___cred_user", "u")], &[("user", "u")]);
        check("my_cred", &[("DATALAD_CREDENTIAL_my_cred_user", "u")], &[]);
        check("x", &[("DATALAD_CREDENTIAL_x_user", "")], &[]);
    }

    #[test]
    fn the_older_form_keeps_its_letters_and_comes_last() {
        let older = ("DATALAD_hcp_s3_key_id", "older");
        check("hcp-s3", &[older], &[("key-id", "older")]);
        check("hcp_s3", &[older], &[("key-id", "older")]);
        check("HCP-s3", &[older], &[]);
        check("hcp", &[("DATALAD_hcp_colour", "x")], &[]);
        check(
            "hcp-s3",
            &[older, ("DATALAD_CREDENTIAL_hcp__s3_key__id", "newer")],
            &[("key-id", "newer")],
        );
    }

    #[test]
    fn the_json_is_weaker_than_a_variable_of_the_newer_form() {
        let json = r#"{"datalad.credential.A_b.user": "u", "datalad.credential.A_b.secret": ["old", "s"],
            "datalad.credential.A_b.last-used": 7, "other": {"x": [null, true, 1.5, -1]}}"#;
        let json = ("DATALAD_CONFIG_OVERRIDES_JSON", json);
        check("A_b", &[json], &[("user", "u"), ("secret", "s")]);
        check("a_b", &[json], &[]);
        check("A_b", &[json, ("DATALAD_A_b_user", "older")], &[("user", "u"), ("secret", "s")]);
        for json in ["", " ", "[]", "{", "{\"canary\": }"] {
            let found = properties("x", &[("DATALAD_CONFIG_OVERRIDES_JSON", json)]);
            assert_eq!(found.is_err(), !json.is_empty(), "{json}");
            assert!(!format!("{found:?}").contains("canary"), "{json}");
        }
    }

    #[test]
    fn variables_that_disagree_are_an_error() {
        let two = [("DATALAD_CREDENTIAL_x_user", "canary"), ("DATALAD_CREDENTIAL_X_USER", "b")];
        let error = properties("x", &two).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Invalid);
        assert!(!error.report().contains("canary"), "{}", error.report());
        check("x", &[two[0], ("DATALAD_CREDENTIAL_X_USER", "canary")], &[("user", "canary")]);
    }

    fn record(fields: &[(&str, &str)], wanted: Option<&str>) -> Result<Record> {
        let mut properties = Properties::default();
        fields.iter().for_each(|(field, value)| properties.set(field, Secret::from(*value)));
        properties.into_record(wanted)
    }

    #[test]
    fn the_type_or_the_fields_say_what_the_record_is() {
        for (fields, kind, names) in [
            (&[("user", "u"), ("password", "p")][..], names::USER_PASSWORD, "password username"),
            (&[("user", "u"), ("secret", "p")], names::USER_PASSWORD, "password username"),
            (&[("type", "git"), ("user", "u")], names::USER_PASSWORD, "username"),
            (&[("secret", "t")], names::TOKEN, "token"),
            (&[("token", "t"), ("colour", "red")], names::TOKEN, "token"),
            (&[("type", "token"), ("user", "u"), ("secret", "t")], names::TOKEN, "token username"),
            (&[("key_id", "k"), ("secret_id", "s")], names::AWS, "access_key_id secret_access_key"),
            (&[("type", "aws-s3"), ("secret", "s")], names::AWS, "secret_access_key"),
            (&[("key", "k"), ("secret", "s")], names::S3, "access_key_id secret_access_key"),
        ] {
            let record = record(fields, None).unwrap();
            assert_eq!(record.kind, kind, "{fields:?}");
            let found: Vec<_> = record.fields.keys().map(String::as_str).collect();
            assert_eq!(found.join(" "), names, "{fields:?}");
        }
        let key = [("key-id", "k"), ("secret", "s"), ("session", "t")];
        assert_eq!(record(&key, Some(names::S3)).unwrap().kind, names::S3);
        let error = record(&[("type", "other")], None).unwrap_err();
        assert!(error.message().contains("`other`"));
    }

    #[test]
    fn the_realm_binds_and_the_expiration_ends_a_record() {
        let found = |field, value| record(&[("secret", "s"), (field, value)], None);
        let origins = |realm| found("realm", realm).unwrap().origins;
        assert_eq!(origins("https://x.example/login")[0].host, "x.example");
        assert_eq!(origins("Some realm"), []);
        for (time, seconds) in [
            ("1970-01-02T00:00:00Z", Some(86400)),
            ("1970-01-02T01:00:00+01:00", Some(86400)),
            ("1970-01-02T00:00:00.5", Some(86400)),
            ("1969-01-01T00:00:00Z", None),
            ("canary", None),
        ] {
            let expires = found("expiration", time).map(|record| record.expires.unwrap().as_unix());
            assert_eq!(expires.as_ref().ok().copied(), seconds, "{time}");
            assert!(!format!("{expires:?}").contains("canary"));
        }
    }
}
