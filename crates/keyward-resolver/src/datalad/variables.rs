//! The variables that DataLad reads.

use std::collections::BTreeMap;

use keyward_config::Environment;
use keyward_core::{Error, Result, Secret};

use super::overrides::Overrides;
use super::{Properties, field_of, setting_of};

/// What the variables that are settings begin with.
const VARIABLES: &str = "DATALAD_";

/// The variable whose JSON object contains settings.
const OVERRIDES: &str = "DATALAD_CONFIG_OVERRIDES_JSON";

/// The fields that are read from variables of the older form, as they are written there.
const OLDER_FIELDS: [&str; 10] = [
    "user",
    "password",
    "token",
    "key_id",
    "secret_id",
    "session",
    "expiration",
    "key",
    "secret",
    "realm",
];

/// Adds the fields that variables contain, as far as DataLad finds them: first the settings of
/// `DATALAD_CONFIG_OVERRIDES_JSON`, then each variable that is a setting, and, for fields that no
/// setting has, the variables of the older form `DATALAD_<name>_<field>`.
///
/// The letters of a name may have any case in a variable that is a setting, because DataLad could not
/// find a name with a capital letter there.
///
/// # Errors
/// [`Invalid`](keyward_core::ErrorKind::Invalid) if two variables have different values for one
/// field, or if the JSON is not an object. No value is quoted.
pub fn add_variables(properties: &mut Properties, name: &str, all: &Environment) -> Result<()> {
    for (setting, value) in overrides(all)? {
        if let Some(field) = field_of(&setting, name) {
            properties.set(field, value);
        }
    }
    let lower_case = name.to_lowercase();
    let mut found: BTreeMap<String, (String, Secret)> = BTreeMap::new();
    for variable in all.names_with_prefix(VARIABLES) {
        let setting = setting_of(&variable);
        let Some(field) = field_of(&setting, &lower_case) else { continue };
        let Some(value) = value_of(all, &variable) else { continue };
        if let Some((other, _)) = found.get(field).filter(|(_, first)| *first != value) {
            let why = format!("{other} and {variable} have different values for one field");
            return Err(Error::invalid("resolve", why).hint("Unset one of them"));
        }
        found.insert(field.to_owned(), (variable, value));
    }
    for (field, (_, value)) in found {
        properties.set(&field, value);
    }
    for field in OLDER_FIELDS {
        let variable = format!("DATALAD_{name}_{field}").replace('-', "_");
        let Some(value) = value_of(all, &variable) else { continue };
        if !properties.has(&field.replace('_', "-")) {
            properties.set(field, value);
        }
    }
    Ok(())
}

/// Returns a variable that is set and not empty.
fn value_of(all: &Environment, variable: &str) -> Option<Secret> {
    let value = Secret::new(all.get(variable)?.into_encoded_bytes());
    Some(value).filter(|value| !value.is_empty())
}

/// Returns the settings in the variable [`OVERRIDES`].
fn overrides(all: &Environment) -> Result<BTreeMap<String, Secret>> {
    let Some(json) = value_of(all, OVERRIDES) else { return Ok(BTreeMap::new()) };
    // The decoder's error quotes what it read, so it is dropped.
    let Overrides(settings) = serde_json::from_slice(json.expose())
        .map_err(|_| Error::invalid("resolve", format!("{OVERRIDES} is not a JSON object")))?;
    Ok(settings)
}
