//! Which variables the program gets, and their values.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::path::Path;

use keyward::Environment;
use keyward_config::is_variable_name;
use keyward_core::{Error, Record, Secret, printable};
use keyward_kinds::Kind;
use keyward_resolver::{Reference, env_file};

use super::Arguments;
use super::steering::check_allowed;
use crate::arguments::Profile;
use crate::commands::inject;
use crate::session::Session;
use crate::stop::{Outcome, usage_error};

/// The variables that every program may need, and that contain no secret.
const HARMLESS: [&str; 11] = [
    "HOME",
    "LANG",
    "LANGUAGE",
    "LOGNAME",
    "PATH",
    "SHELL",
    "TERM",
    "TMPDIR",
    "TZ",
    "USER",
    "XDG_RUNTIME_DIR",
];

/// The prefix of Keyward's own variables.
const KEYWARD: &str = "KEYWARD_";

/// What a variable is set to.
#[derive(Debug)]
enum Wanted {
    /// This text.
    Text(OsString),
    /// The value of a reference, in one of these forms.
    Value(Reference, Form),
    /// This value.
    Known(Value),
}

/// How the program gets a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// In the variable.
    Variable,
    /// In a file whose path is in the variable.
    File,
    /// In an open file descriptor whose path is in the variable.
    Descriptor,
}

/// The variables of the program, before their references are resolved.
#[derive(Debug, Default)]
pub(super) struct Plan {
    variables: BTreeMap<OsString, Wanted>,
    /// The records whose fields are in variables.
    records: Vec<(String, Reference)>,
    /// The variables that the command line names.
    named: BTreeSet<OsString>,
    /// The variables that files set.
    in_files: BTreeSet<OsString>,
}

/// What the program gets.
#[derive(Debug, Default)]
pub(super) struct Resolved {
    /// The variables without secrets.
    pub(super) texts: Vec<(OsString, OsString)>,
    /// The variables with values of references.
    pub(super) values: Vec<Value>,
}

/// The value of a reference, or of a secret that a project declares.
#[derive(Debug)]
pub(super) struct Value {
    /// The name of the variable.
    pub(super) variable: OsString,
    pub(super) content: Secret,
    /// Whether it must not be shown.
    pub(super) is_secret: bool,
    pub(super) form: Form,
}

impl Plan {
    /// Collects the variables: of the environment, of files, and of the command line. A later one
    /// replaces an earlier one.
    pub(super) fn new(environment: &Environment, arguments: &Arguments) -> Outcome<Self> {
        let mut plan = Self::default();
        for (name, value) in environment.variables() {
            plan.inherit(name, value, arguments.clean)?;
        }
        for file in &arguments.env_file {
            plan.add_file(file, &arguments.allow)?;
        }
        for assignment in &arguments.kinds {
            plan.records.push(kind_and_name(assignment)?);
        }
        for (option, assignments, form) in [
            ("--env", &arguments.env, Form::Variable),
            ("--file", &arguments.file, Form::File),
            ("--fd", &arguments.fd, Form::Descriptor),
        ] {
            for assignment in assignments {
                let (name, reference) = assigned(option, assignment)?;
                check_name(option, name)?;
                if !plan.named.insert(name.into()) {
                    return Err(usage_error(format!("the variable {name} is set twice")));
                }
                plan.variables.insert(name.into(), Wanted::Value(reference, form));
            }
        }
        Ok(plan)
    }

    fn inherit(&mut self, name: OsString, value: OsString, clean: bool) -> Outcome {
        let shown = name.to_string_lossy();
        if shown.starts_with(KEYWARD) {
            return Ok(());
        }
        if clean && !HARMLESS.contains(&&*shown) && !shown.starts_with("LC_") {
            return Ok(());
        }
        let wanted = match value.to_str().filter(|text| Reference::is_meant_by(text)) {
            Some(text) => Wanted::Value(reference(text, &shown)?, Form::Variable),
            None => Wanted::Text(value),
        };
        self.variables.insert(name, wanted);
        Ok(())
    }

    fn add_file(&mut self, path: &Path, allowed: &[String]) -> Outcome {
        let place = path.display().to_string();
        let unreadable = |why: String| usage_error(format!("{}: {why}", printable(&place)));
        let text = File::open(path)
            .and_then(|file| Secret::read_from(file, env_file::MAX + 1))
            .map_err(|error| unreadable(error.to_string()))?;
        let text = text.expose_str().ok_or_else(|| unreadable("the file is not UTF-8".into()))?;
        for variable in env_file::read(&place, text)? {
            let name = variable.name;
            if name.starts_with(KEYWARD) {
                let why = format!("{place}: {name} is a variable of Keyward itself");
                return Err(usage_error(why));
            }
            check_allowed(&place, &name, allowed)?;
            let wanted = match Reference::is_meant_by(&variable.value) {
                true => Wanted::Value(reference(&variable.value, &name)?, Form::Variable),
                false => Wanted::Text(variable.value.into()),
            };
            self.in_files.insert(name.clone().into());
            self.variables.insert(name.into(), wanted);
        }
        Ok(())
    }

    /// Whether the command line or a file sets this variable.
    pub(super) fn sets(&self, variable: &str) -> bool {
        let variable = OsStr::new(variable);
        self.named.contains(variable) || self.in_files.contains(variable)
    }

    /// Adds values, which replace those of the environment.
    pub(super) fn add_values(&mut self, values: Vec<Value>) {
        let values = values.into_iter().map(|value| (value.variable.clone(), Wanted::Known(value)));
        self.variables.extend(values);
    }

    /// Fetches every value, or reports each that there is not.
    pub(super) fn resolve(mut self, session: &Session, profile: &Profile) -> Outcome<Resolved> {
        let mut resolved = Resolved::default();
        self.resolve_records(session, profile, &mut resolved)?;
        let (mut references, mut wanted) = (Vec::new(), Vec::new());
        for (name, variable) in self.variables {
            match variable {
                Wanted::Text(text) => resolved.texts.push((name, text)),
                Wanted::Known(value) => resolved.values.push(value),
                Wanted::Value(reference, form) => {
                    references.push(reference);
                    wanted.push((name, form));
                }
            }
        }
        let fields = inject::fields(session, profile, &references)?.into_iter();
        resolved.values.extend(wanted.into_iter().zip(fields).map(|((variable, form), field)| {
            Value { variable, content: field.value, is_secret: field.secret, form }
        }));
        Ok(resolved)
    }

    /// Fetches the records of `--as`, and sets the variables of their kinds.
    fn resolve_records(
        &mut self,
        session: &Session,
        profile: &Profile,
        resolved: &mut Resolved,
    ) -> Outcome {
        if self.records.is_empty() {
            return Ok(());
        }
        let keyward = profile.open(session)?;
        let kinds = keyward.config().kinds();
        let mut set = BTreeSet::new();
        for (name, reference) in std::mem::take(&mut self.records) {
            let kind = kinds.find(&name)?;
            let record = keyward.record_of_kind(&reference, kind)?;
            kind.check(&record)?;
            // What is left of another credential does not belong to this one.
            for variable in kind.fields.iter().flat_map(|field| &field.environment) {
                if !self.named.contains(OsStr::new(variable)) {
                    self.variables.remove(OsStr::new(variable));
                }
            }
            for value in variables_of(kind, &record)? {
                if self.named.contains(&value.variable) {
                    continue;
                }
                if !set.insert(value.variable.clone()) {
                    let name = value.variable.to_string_lossy();
                    return Err(usage_error(format!("the variable {name} is set twice")));
                }
                resolved.values.push(value);
            }
        }
        Ok(())
    }
}

/// Returns the variables that programs read for a kind, with the values of a record.
fn variables_of(kind: &Kind, record: &Record) -> Outcome<Vec<Value>> {
    let mut variables = Vec::new();
    for field in &kind.fields {
        if let Some(value) = record.field(&field.name) {
            variables.extend(field.environment.iter().map(|name| Value {
                variable: name.into(),
                content: value.value.clone(),
                is_secret: kind.is_secret(record, &field.name),
                form: Form::Variable,
            }));
        }
    }
    if variables.is_empty() {
        let why = format!("programs read no variables for the kind `{}`", kind.name);
        let hint = "Set variables one by one with --env VAR=REF";
        return Err(Error::invalid("run", why).hint(hint).into());
    }
    Ok(variables)
}

/// Splits `VAR=REF`. An error does not show the part after `=`, which may be a secret.
fn assigned<'a>(option: &str, text: &'a str) -> Outcome<(&'a str, Reference)> {
    let Some((name, value)) = text.split_once('=') else {
        return Err(usage_error(format!("{option} needs a name, `=` and a reference")));
    };
    Ok((name, reference(value, name)?))
}

/// Splits `KIND=NAME`, where the name is one for the resolver, or a reference.
fn kind_and_name(text: &str) -> Outcome<(String, Reference)> {
    let Some((kind, name)) = text.split_once('=') else {
        return Err(usage_error("--as needs a kind, `=` and a name"));
    };
    let reference = match Reference::is_meant_by(name) {
        true => reference(name, kind)?,
        false => Reference::resolving(name)?,
    };
    Ok((kind.to_owned(), reference))
}

fn reference(text: &str, name: &str) -> Outcome<Reference> {
    text.parse().map_err(|error: Error| {
        let why = format!("{}: {}", printable(name), error.message());
        Error::invalid("usage", why).hint(error.advice().unwrap_or_default().to_owned()).into()
    })
}

fn check_name(option: &str, name: &str) -> Outcome {
    if !is_variable_name(name) {
        return Err(usage_error(format!(
            "{option}: the name of a variable has only letters, digits and `_`"
        )));
    }
    if name.starts_with(KEYWARD) {
        return Err(usage_error(format!("{option}: {name} is a variable of Keyward itself")));
    }
    Ok(())
}
