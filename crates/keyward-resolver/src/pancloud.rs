//! The variables of pancloud, the Python library for Palo Alto Networks' Cortex Data Lake.

use std::collections::BTreeMap;

use keyward_config::Environment;
use keyward_core::{Error, Record, Result, Secret};
use keyward_kinds::fields::{
    ACCESS_TOKEN, CLIENT_ID, CLIENT_SECRET, DEVELOPER_TOKEN, DEVELOPER_TOKEN_URL, REFRESH_TOKEN,
    SECRET, TOKEN,
};
use keyward_kinds::{Kinds, names};

use crate::{Finder, Query};

/// The name of the credential of pancloud's profile `default`.
const NAME: &str = "pancloud";

/// The profile that pancloud uses by default.
const DEFAULT_PROFILE: &str = "default";

/// Returns the name that the credential of a profile of pancloud has in Keyward: `pancloud` for the
/// profile `default`, `pancloud-PROFILE` for others.
///
/// # Examples
/// ```
/// use keyward_resolver::pancloud::entry_name;
///
/// assert_eq!(entry_name("default"), "pancloud");
/// assert_eq!(entry_name("lab"), "pancloud-lab");
/// ```
pub fn entry_name(profile: &str) -> String {
    match profile {
        "" | DEFAULT_PROFILE => NAME.into(),
        other => format!("{NAME}-{other}"),
    }
}

/// Which names the variables have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Names {
    /// Those that begin with `PAN_`, of pancloud 1.3 and later.
    Current,
    /// Those without a prefix, of pancloud 1.1 and 1.2.
    Old,
}

/// The variables, and the field that each contains.
const VARIABLES: [(&str, &str); 6] = [
    ("PAN_ACCESS_TOKEN", ACCESS_TOKEN),
    ("PAN_CLIENT_ID", CLIENT_ID),
    ("PAN_CLIENT_SECRET", CLIENT_SECRET),
    ("PAN_REFRESH_TOKEN", REFRESH_TOKEN),
    ("PAN_DEVELOPER_TOKEN", DEVELOPER_TOKEN),
    ("PAN_DEVELOPER_TOKEN_PROVIDER", DEVELOPER_TOKEN_URL),
];

/// How many of the variables the old names have.
const OLD: usize = 4;

/// The variables of pancloud. They apply to each of its profiles, so they are found under every name
/// that [`entry_name`] returns. An empty one counts as unset.
///
/// The record is an `oauth2`. If there is nothing but an access token, it is a `token`; if there is
/// nothing but a developer's token, it is a `generic`.
#[derive(Clone, Debug)]
pub struct PanCloud {
    environment: Environment,
    variables: Vec<(&'static str, &'static str)>,
}

impl PanCloud {
    /// Makes a source that reads the variables with these names.
    pub fn new(environment: Environment, names: Names) -> Self {
        let variables = match names {
            Names::Current => VARIABLES.to_vec(),
            Names::Old => {
                let old = VARIABLES.iter().take(OLD);
                old.map(|(name, field)| (name.trim_start_matches("PAN_"), *field)).collect()
            }
        };
        Self { environment, variables }
    }

    fn value(&self, variable: &str) -> Option<Secret> {
        let value = Secret::new(self.environment.get(variable)?.into_encoded_bytes());
        Some(value).filter(|value| !value.is_empty())
    }
}

impl Finder for PanCloud {
    fn name(&self) -> String {
        match self.variables.len() {
            OLD => "pancloud-1.2".into(),
            _ => "pancloud".into(),
        }
    }

    fn places(&self, query: &Query<'_>, _: &Kinds) -> Vec<String> {
        let variables = self.variables.iter().filter(|_| is_a_profile(query.name()));
        variables.map(|(variable, _)| (*variable).to_owned()).collect()
    }

    fn look_up(&self, query: &Query<'_>, kinds: &Kinds) -> Result<Record> {
        let variables = self.variables.iter().filter(|_| is_a_profile(query.name()));
        let values =
            variables.filter_map(|(variable, field)| Some((*field, self.value(variable)?)));
        let mut values: BTreeMap<_, _> = values.collect();
        // A provider alone is no part of a credential: it replaces a default of pancloud.
        let provider = values.remove(DEVELOPER_TOKEN_URL);
        let wanted = query.kind().map(|kind| kind.name.as_str());
        let may_be = |kind| wanted.is_none_or(|wanted| wanted == kind);
        let (kind, main, is) = match values.keys().copied().collect::<Vec<_>>()[..] {
            [] => return Err(Error::not_found("resolve")),
            [ACCESS_TOKEN] if may_be(names::TOKEN) => (names::TOKEN, ACCESS_TOKEN, TOKEN),
            [DEVELOPER_TOKEN] if may_be(names::GENERIC) => {
                (names::GENERIC, DEVELOPER_TOKEN, SECRET)
            }
            _ => (names::OAUTH2, ACCESS_TOKEN, ACCESS_TOKEN),
        };
        if values.contains_key(DEVELOPER_TOKEN) {
            values.extend(provider.map(|provider| (DEVELOPER_TOKEN_URL, provider)));
        }
        let table = kinds.find(kind)?;
        let mut record = Record::new(kind);
        for (field, value) in values {
            let field = if field == main { is } else { field };
            record.fields.insert(field.to_owned(), table.field(field, value)?);
        }
        Ok(record)
    }
}

/// Whether a credential of this name is one of pancloud's profiles.
fn is_a_profile(name: &str) -> bool {
    name.strip_prefix(NAME).is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [(&str, &str); 4] = [
        ("PAN_ACCESS_TOKEN", "at"),
        ("PAN_CLIENT_ID", "id"),
        ("PAN_CLIENT_SECRET", "cs"),
        ("PAN_REFRESH_TOKEN", "rt"),
    ];

    fn look_up(variables: &[(&str, &str)], names: Names, query: &Query<'_>) -> Result<Record> {
        let environment = Environment::new(variables.iter().copied());
        PanCloud::new(environment, names).look_up(query, &Kinds::linked())
    }

    fn check(variables: &[(&str, &str)], kind: &str, expect: &[(&str, &str)]) {
        let query = Query::new("pancloud", None).unwrap();
        let record = look_up(variables, Names::Current, &query).unwrap();
        let fields = record.fields.iter();
        let fields = fields.map(|(name, field)| (&**name, field.value.expose_str().unwrap()));
        assert_eq!((record.kind.as_str(), fields.collect::<Vec<_>>()), (kind, expect.to_vec()));
    }

    #[test]
    fn the_variables_say_of_which_kind_the_credential_is() {
        let all = [
            ("access_token", "at"),
            ("client_id", "id"),
            ("client_secret", "cs"),
            ("refresh_token", "rt"),
        ];
        check(&ALL, "oauth2", &all);
        check(&ALL[1..2], "oauth2", &all[1..2]);
        check(&ALL[3..], "oauth2", &all[3..]);
        check(&ALL[..1], "token", &[("token", "at")]);
        let developer = ("PAN_DEVELOPER_TOKEN", "dt");
        let provider = ("PAN_DEVELOPER_TOKEN_PROVIDER", "https://x.example/request_token");
        check(
            &[developer, provider],
            "generic",
            &[("developer_token_url", provider.1), ("secret", "dt")],
        );
        check(&[developer, ALL[0]], "oauth2", &[("access_token", "at"), ("developer_token", "dt")]);
        check(&[provider, ALL[1]], "oauth2", &all[1..2]);
    }

    #[test]
    fn it_answers_for_pancloud_and_its_profiles_only() {
        let answers = |name, variables: &[(&str, &str)]| {
            look_up(variables, Names::Current, &Query::new(name, None).unwrap()).is_ok()
        };
        assert!(answers("pancloud", &ALL) && answers("pancloud-lab", &ALL));
        assert!(
            !answers("pancloudy", &ALL) && !answers("default", &ALL) && !answers("Pancloud", &ALL)
        );
        assert!(!answers("pancloud", &[("PAN_ACCESS_TOKEN", ""), ("CLIENT_ID", "id")]));
        assert!(!answers("pancloud", &[("PAN_DEVELOPER_TOKEN_PROVIDER", "https://x.example")]));
    }

    #[test]
    fn the_old_names_are_another_source() {
        let old: Vec<_> = ALL.iter().map(|(name, value)| (&name[4..], *value)).collect();
        let query = Query::new("pancloud", None).unwrap();
        assert!(look_up(&old, Names::Current, &query).unwrap_err().is_miss());
        assert!(look_up(&ALL, Names::Old, &query).unwrap_err().is_miss());
        assert_eq!(look_up(&old, Names::Old, &query).unwrap().fields.len(), 4);
    }

    #[test]
    fn a_wanted_kind_decides() {
        let kinds = Kinds::linked();
        let query = Query::new("pancloud", None).unwrap();
        let oauth2 = query.of_kind(kinds.find(names::OAUTH2).unwrap());
        let record = look_up(&ALL[..1], Names::Current, &oauth2).unwrap();
        assert_eq!(record.kind, names::OAUTH2);
    }
}
