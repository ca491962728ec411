//! The sources that have only names and values: the caller's arguments, the session, and the
//! environment.

use std::collections::BTreeMap;

use keyward_config::Environment;
use keyward_core::{Error, Field, Record, Result, Secret};
use keyward_kinds::{Kind, Kinds};

use crate::variable::{parse_variable, variable_prefix};
use crate::{Finder, Query, variable_name};

/// The values that the caller passes with a query.
#[derive(Debug)]
pub(crate) struct Argument;

impl Finder for Argument {
    fn name(&self) -> String {
        "argument".into()
    }

    fn places(&self, _: &Query<'_>, _: &Kinds) -> Vec<String> {
        Vec::new()
    }

    fn look_up(&self, query: &Query<'_>, kinds: &Kinds) -> Result<Record> {
        typed(query.values().clone(), query, kinds)
    }
}

/// The values that the application has set, by the name of the credential.
#[derive(Debug, Default)]
pub(crate) struct Session(pub(crate) BTreeMap<String, BTreeMap<String, Secret>>);

impl Finder for Session {
    fn name(&self) -> String {
        "session".into()
    }

    fn places(&self, _: &Query<'_>, _: &Kinds) -> Vec<String> {
        Vec::new()
    }

    fn look_up(&self, query: &Query<'_>, kinds: &Kinds) -> Result<Record> {
        typed(self.0.get(query.name()).cloned().unwrap_or_default(), query, kinds)
    }
}

/// The environment variables that [`variable_name`] describes. An empty one counts as unset.
#[derive(Clone, Debug)]
pub struct Variables(pub Environment);

impl Finder for Variables {
    fn name(&self) -> String {
        "environment".into()
    }

    fn places(&self, query: &Query<'_>, _: &Kinds) -> Vec<String> {
        let all = format!("{}*", variable_prefix(query.name()));
        match query.kind() {
            Some(kind) => {
                let fields = kind.fields.iter();
                let variable = |field: &str| variable_name(query.name(), field);
                let variables = fields.filter_map(|field| variable(&field.name));
                variables.chain(kind.any_fields.then_some(all)).collect()
            }
            None => vec![all],
        }
    }

    fn look_up(&self, query: &Query<'_>, kinds: &Kinds) -> Result<Record> {
        let variables = self.0.names_with_prefix(&variable_prefix(query.name()));
        let values = variables.iter().filter_map(|variable| {
            let (name, field) = parse_variable(variable)?;
            let value = Secret::new(self.0.get(variable)?.into_encoded_bytes());
            (name == query.name() && !value.is_empty()).then_some((field, value))
        });
        typed(values.collect(), query, kinds)
    }
}

/// Makes a record of values. Its kind is the one that the query asks for, else the one that has
/// these fields; if that is not clear, it is empty and all fields are secret.
///
/// # Errors
/// `NotFound` if there is no value; `Invalid` if the kind has no such field, or a value is wrong.
fn typed(values: BTreeMap<String, Secret>, query: &Query<'_>, kinds: &Kinds) -> Result<Record> {
    if values.is_empty() {
        return Err(Error::not_found("resolve"));
    }
    let fields: Vec<_> = values.keys().map(String::as_str).collect();
    let kind = query.kind().or_else(|| kind_with_fields(kinds, &fields));
    let mut record = Record::new(kind.map_or("", |kind| &kind.name));
    for (name, value) in values {
        let field = match kind {
            Some(kind) => kind.field(&name, value)?,
            None => Field::secret(value),
        };
        record.fields.insert(name, field);
    }
    Ok(record)
}

/// Returns the kind that these fields show: the one built-in kind whose main secret is among them,
/// and whose table has all of them.
///
/// A plugin may add a kind, which must not change what a user's fields mean.
///
/// # Examples
/// ```
/// use keyward_kinds::{Kinds, names};
///
/// let kinds = Kinds::linked();
/// let kind = keyward_resolver::kind_with_fields(&kinds, &["username", "token"]);
/// assert_eq!(kind.unwrap().name, names::TOKEN);
/// assert!(keyward_resolver::kind_with_fields(&kinds, &["username"]).is_none());
/// ```
pub fn kind_with_fields<'a>(kinds: &'a Kinds, fields: &[&str]) -> Option<&'a Kind> {
    let possible = kinds_with_main(kinds, fields);
    if let [kind] = possible[..] { Some(kind) } else { None }
}

/// Returns the built-in kinds whose main secret is among the fields, and whose table has all of them.
///
/// A plugin may add a kind, which must not change what a user's variables mean.
pub(crate) fn kinds_with_main<'a>(kinds: &'a Kinds, fields: &[&str]) -> Vec<&'a Kind> {
    let has = |kind: &Kind, name: &str| kind.any_fields || kind.spec(name).is_some();
    let is_possible = |kind: &&Kind| {
        !kind.name.contains('.')
            && kind.main.as_ref().is_some_and(|main| fields.contains(&main.as_str()))
            && fields.iter().all(|name| has(kind, name))
    };
    kinds.iter().filter(is_possible).collect()
}

#[cfg(test)]
mod tests {
    use std::ffi::OsString;
    use std::os::unix::ffi::OsStringExt;

    use keyward_kinds::names;

    use super::*;

    fn environment(variables: &[(&str, &str)]) -> Variables {
        let variables = variables.iter();
        Variables(Environment::new(
            variables.map(|(name, value)| (format!("KEYWARD_CREDENTIAL_{name}"), *value)),
        ))
    }

    fn look_up(variables: &[(&str, &str)], kind: Option<&str>) -> Result<Record> {
        let kinds = Kinds::linked();
        let query = Query::new("a", None).unwrap();
        let query = match kind {
            Some(kind) => query.of_kind(kinds.find(kind).unwrap()),
            None => query,
        };
        environment(variables).look_up(&query, &kinds)
    }

    #[test]
    fn without_a_kind_the_main_secret_says_which_one_it_is() {
        for (fields, kind) in [
            (&["PASSWORD"][..], names::USER_PASSWORD),
            (&["USERNAME", "PASSWORD"], names::USER_PASSWORD),
            (&["USERNAME", "TOKEN"], names::TOKEN),
            (&["KEY"], names::API_KEY),
            (&["CLIENT_ID", "ACCESS_TOKEN"], names::OAUTH2),
            (&["TEXT"], names::NOTE),
            (&["SECRET"], names::GENERIC),
            (&["SECRET", "COLOUR"], names::GENERIC),
            (&["ACCESS_KEY_ID", "SECRET_ACCESS_KEY", "REGION"], names::S3),
            // Two kinds have these fields, or none.
            (&["ACCESS_KEY_ID", "SECRET_ACCESS_KEY"], ""),
            (&["USERNAME"], ""),
            (&["PASSWORD", "COLOUR"], ""),
        ] {
            let variables: Vec<_> = fields.iter().map(|name| (format!("A_{name}"), "x")).collect();
            let variables: Vec<_> =
                variables.iter().map(|(name, value)| (&**name, *value)).collect();
            let record = look_up(&variables, None).unwrap();
            assert_eq!(record.kind, kind, "{fields:?}");
            assert_eq!(record.fields.len(), fields.len());
            let username = record.field("username");
            assert!(username.is_none_or(|username| username.secret == kind.is_empty()));
        }
    }

    #[test]
    fn another_credentials_variables_and_empty_ones_are_ignored() {
        let other = [("A__2DB_PASSWORD", "x"), ("AB_PASSWORD", "x"), ("A_PASSWORD", "")];
        for kind in [None, Some(names::USER_PASSWORD)] {
            assert!(look_up(&other, kind).unwrap_err().is_miss());
        }
    }

    #[test]
    fn a_field_that_the_kind_does_not_have_is_an_error_that_does_not_quote_the_value() {
        let error = look_up(&[("A_PASWORD", "canary")], Some(names::USER_PASSWORD)).unwrap_err();
        assert_eq!(error.message(), "the kind `user-password` has no field `pasword`");
        let error = look_up(&[("A_USERNAME", "canary\n")], Some(names::TOKEN)).unwrap_err();
        assert!(!format!("{error:?}{}", error.report()).contains("canary"));
    }

    #[test]
    fn a_password_in_a_variable_need_not_be_text() {
        let variable = ("KEYWARD_CREDENTIAL_A_PASSWORD", OsString::from_vec(vec![0xff]));
        let query = Query::new("a", None).unwrap();
        let record = Variables(Environment::new([variable])).look_up(&query, &Kinds::linked());
        assert_eq!(record.unwrap().field("password").unwrap().value.expose(), [0xff]);
    }

    #[test]
    fn the_places_are_the_variables_of_the_kind() {
        let kinds = Kinds::linked();
        let query = Query::new("a", None).unwrap();
        let places = |query: &Query<'_>| environment(&[]).places(query, &kinds);
        assert_eq!(places(&query), ["KEYWARD_CREDENTIAL_A_*"]);
        let token = query.clone().of_kind(kinds.find(names::TOKEN).unwrap());
        assert_eq!(places(&token), ["KEYWARD_CREDENTIAL_A_USERNAME", "KEYWARD_CREDENTIAL_A_TOKEN"]);
        let generic = query.of_kind(kinds.find(names::GENERIC).unwrap());
        assert_eq!(places(&generic), ["KEYWARD_CREDENTIAL_A_SECRET", "KEYWARD_CREDENTIAL_A_*"]);
    }
}
