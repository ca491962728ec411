//! The variables that a trusted project declares.

use std::path::Path;

use keyward::PROJECT_DEFAULT;
use keyward_config::DeclaredSecret;
use keyward_resolver::Resolution;

use super::Arguments;
use super::plan::{Form, Plan, Value};
use super::steering::check_allowed;
use crate::commands::project;
use crate::exit;
use crate::session::Session;
use crate::stop::Outcome;

/// Returns the values of the variables, without those that the plan sets. A variable of an
/// optional secret that is missing has no value.
pub(super) fn values(session: &Session, arguments: &Arguments, plan: &Plan) -> Outcome<Vec<Value>> {
    let keyward = arguments.profile.open(session)?;
    let folder = project::find(keyward.config(), Path::new("."))?;
    let mut secrets = keyward.config().trusted_declaration(&folder)?.secrets;
    for secret in &mut secrets {
        secret.variables.retain(|variable, _| !plan.sets(variable));
    }
    secrets.retain(|secret| !secret.variables.is_empty());
    let variables = secrets.iter().flat_map(|secret| secret.variables.keys());
    for variable in variables {
        check_allowed(&project::shown(&folder), variable, &arguments.allow)?;
    }
    let kinds = keyward.config().kinds();
    let found = secrets.iter().zip(keyward.resolve_declared(&secrets)?);
    let mut values = Vec::new();
    exit::each(found, |(secret, found)| match found {
        Err(error) if error.is_miss() && !secret.required => Ok(()),
        Err(error) => Err(project::named(secret, &error).into()),
        Ok(found) => {
            let is_secret = |field: &str| kinds.is_secret(&found.record, field);
            add(secret, &found, &is_secret, &mut values)
        }
    })?;
    Ok(values)
}

fn add(
    secret: &DeclaredSecret,
    found: &Resolution,
    is_secret: &dyn Fn(&str) -> bool,
    values: &mut Vec<Value>,
) -> Outcome {
    // A default is in the project's file, and may be a word of every output.
    let is_public = found.sources == [PROJECT_DEFAULT];
    for (variable, field) in &secret.variables {
        let name = field.as_deref().or(found.main.as_deref()).unwrap_or_default();
        values.push(Value {
            variable: variable.into(),
            content: found.field(field.as_deref())?.value.clone(),
            is_secret: !is_public && is_secret(name),
            form: Form::Variable,
        });
    }
    Ok(())
}
