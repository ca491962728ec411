//! Which variables the program gets, and their values.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::path::Path;

use keyward::Environment;
use keyward_core::{Error, ErrorKind, Record, Secret, printable};
use keyward_kinds::Kind;
use keyward_resolver::{Reference, env_file};

use super::Arguments;
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

/// The variables with which a file could make a program run other code.
const STEERING: &[&str] = &[
    "BASH_ENV",
    "EDITOR",
    "ENV",
    "GCONV_PATH",
    "HOME",
    "IFS",
    "JAVA_TOOL_OPTIONS",
    "JDK_JAVA_OPTIONS",
    "LESSCLOSE",
    "LESSOPEN",
    "LUA_INIT",
    "MANPAGER",
    "NODE_OPTIONS",
    "OPENSSL_CONF",
    "PAGER",
    "PATH",
    "PROMPT_COMMAND",
    "SHELLOPTS",
    "SSH_ASKPASS",
    "SUDO_ASKPASS",
    "VISUAL",
    "ZDOTDIR",
    "_JAVA_OPTIONS",
];

/// What the names of further ones begin with.
const STEERING_PREFIXES: [&str; 6] = ["DYLD_", "GIT_", "LD_", "PERL", "PYTHON", "RUBY"];

/// The prefix of Keyward's own variables.
const KEYWARD: &str = "KEYWARD_";

/// What a variable is set to.
#[derive(Debug)]
enum Wanted {
    /// This text.
    Text(OsString),
    /// The value of a reference, in one of these forms.
    Value(Reference, Form),
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
}

/// What the program gets.
#[derive(Debug, Default)]
pub(super) struct Resolved {
    /// The variables without secrets.
    pub(super) texts: Vec<(OsString, OsString)>,
    /// The variables with values of references.
    pub(super) values: Vec<Value>,
}

/// The value of a reference.
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
            let steers = STEERING.contains(&&*name)
                || STEERING_PREFIXES.iter().any(|prefix| name.starts_with(prefix));
            if steers && !allowed.contains(&name) {
                let why = format!("{place}: {name} changes how programs run");
                let hint = format!("If the file may set it, add --allow {name}");
                return Err(Error::new(ErrorKind::Refused, "run").because(why).hint(hint).into());
            }
            let wanted = match Reference::is_meant_by(&variable.value) {
                true => Wanted::Value(reference(&variable.value, &name)?, Form::Variable),
                false => Wanted::Text(variable.value.into()),
            };
            self.variables.insert(name.into(), wanted);
        }
        Ok(())
    }

    /// Fetches every value, or reports each that there is not.
    pub(super) fn resolve(mut self, session: &Session) -> Outcome<Resolved> {
        let mut resolved = Resolved::default();
        self.resolve_records(session, &mut resolved)?;
        let (mut references, mut wanted) = (Vec::new(), Vec::new());
        for (name, variable) in self.variables {
            match variable {
                Wanted::Text(text) => resolved.texts.push((name, text)),
                Wanted::Value(reference, form) => {
                    references.push(reference);
                    wanted.push((name, form));
                }
            }
        }
        let fields = inject::fields(session, &references)?.into_iter();
        resolved.values.extend(wanted.into_iter().zip(fields).map(|((variable, form), field)| {
            Value { variable, content: field.value, is_secret: field.secret, form }
        }));
        Ok(resolved)
    }

    /// Fetches the records of `--as`, and sets the variables of their kinds.
    fn resolve_records(&mut self, session: &Session, resolved: &mut Resolved) -> Outcome {
        if self.records.is_empty() {
            return Ok(());
        }
        let keyward = session.keyward()?;
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
    if !env_file::is_name(name) {
        return Err(usage_error(format!(
            "{option}: the name of a variable has only letters, digits and `_`"
        )));
    }
    if name.starts_with(KEYWARD) {
        return Err(usage_error(format!("{option}: {name} is a variable of Keyward itself")));
    }
    Ok(())
}
