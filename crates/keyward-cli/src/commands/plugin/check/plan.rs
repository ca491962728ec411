use std::path::{Path, PathBuf};

use keyward::{Environment, StoreName};
use keyward_config::{Expander, Places};
use keyward_core::{
    Door, Error, OptionSpec, Registration, Result, SecretRef, StoreId, Value, Values,
};
use keyward_loader::process::{Command, Programs};
use keyward_loader::{
    Content, Digest, Inspection, Pin, inspect, load, verify_library, verify_program,
};
use keyward_plugin::json::values_from_json;
use keyward_testkit::{Scratch, TestHost};

use super::Arguments;
use crate::stop::{Outcome, usage};

/// The file to check, and the options, secrets, variables and answers for it.
pub(super) struct Plan {
    pub(super) path: PathBuf,
    pub(super) digest: Digest,
    pub(super) door: Door,
    needs: Vec<Pin>,
    options: String,
    secrets: Vec<String>,
    variables: Vec<String>,
    answers: Vec<String>,
    arguments: Vec<String>,
    /// Owns the program, if the file is one.
    programs: Programs,
}

impl Plan {
    /// Reads the command line and inspects the file. It does not run the file.
    pub(super) fn new(arguments: &Arguments) -> Outcome<Self> {
        let found = inspect_real(&arguments.path)?;
        let door = match found.content {
            Content::Library(_) => Door::Loaded,
            Content::Program | Content::Script => Door::Run,
        };
        let needs = arguments.needs.iter().map(|path| Ok(inspect_real(path)?.pin()));
        let plan = Self {
            needs: needs.collect::<Result<_>>()?,
            // A file that was inspected before must not have changed.
            digest: arguments.sha256.as_deref().map_or(Ok(found.digest), str::parse)?,
            path: found.path,
            door,
            options: arguments.options.clone(),
            secrets: arguments.secrets.clone(),
            variables: arguments.variables.clone(),
            answers: arguments.answers.clone(),
            arguments: arguments.arguments.clone(),
            programs: Programs::new(),
        };
        values_from_json(plan.options.as_bytes())?;
        plan.secrets.iter().chain(&plan.variables).try_for_each(|pair| split(pair).map(drop))?;
        match plan.door {
            Door::Run if !plan.needs.is_empty() => Err(usage(
                "a program finds the libraries that it needs: --needs is for libraries only",
            )),
            Door::Loaded if !plan.arguments.is_empty() => {
                Err(usage("a library takes no arguments"))
            }
            _ => Ok(plan),
        }
    }

    /// Returns the arguments for a process that does one part of the work.
    pub(super) fn arguments(&self, only: &str) -> Vec<String> {
        let mut words = vec![self.path.display().to_string()];
        let mut option = |name: &str, value: &str| words.push(format!("--{name}={value}"));
        option("sha256", &self.digest.to_string());
        option("only", only);
        option("options", &self.options);
        self.needs.iter().for_each(|need| option("needs", &need.path.display().to_string()));
        self.secrets.iter().for_each(|secret| option("secret", secret));
        self.variables.iter().for_each(|variable| option("variable", variable));
        self.answers.iter().for_each(|answer| option("answer", answer));
        words.push("--".to_owned());
        words.extend(self.arguments.iter().cloned());
        words
    }

    /// Loads the library or starts the program, and returns its backends.
    pub(super) fn registrations(&self) -> Result<Vec<Registration>> {
        let pin = Pin { path: self.path.clone(), digest: self.digest };
        if self.door == Door::Loaded {
            return load(verify_library(&pin, &self.needs)?);
        }
        let command = Command::verified(verify_program(&pin)?);
        let command = self.arguments.iter().fold(command, Command::argument);
        let pairs = self.variables.iter().filter_map(|pair| split(pair).ok());
        self.programs
            .run(&pairs.fold(command, |command, (name, value)| command.variable(name, value)))
    }

    /// Returns the options of a backend, completed as for a store.
    pub(super) fn values(&self, scratch: &Scratch, table: &[OptionSpec]) -> Result<Values> {
        let folder = scratch.path("").replace('%', "%%");
        let folder = folder.trim_end_matches('/');
        let given = values_from_json(self.options.as_bytes())?;
        let home = scratch.folder().join("home");
        let places = Places::find(&Environment::of([("HOME", home)]))?;
        let expander = Expander::new(&places, &StoreName::new("check")?, StoreId([0x11; 16]));
        expander.values(&within(folder, &given), table, Error::from)
    }

    /// Returns the host that the backend calls.
    pub(super) fn host(&self) -> TestHost {
        let secrets = self.secrets.iter().filter_map(|pair| split(pair).ok());
        let variables = self.variables.iter().filter_map(|pair| split(pair).ok());
        let host = secrets.fold(TestHost::new(), |host, (from, value)| host.secret(from, value));
        let host = variables.fold(host, |host, (name, value)| host.variable(name, value));
        let Some((last, first)) = self.answers.split_last() else { return host };
        let host = first.iter().fold(host, |host, answer| host.answer(answer.as_str()));
        host.always_answer(last.as_str())
    }
}

/// Inspects a file, at its path without symbolic links.
fn inspect_real(path: &Path) -> Result<Inspection> {
    let real = path.canonicalize();
    // If the file does not exist, the error contains the path that was passed.
    inspect(real.as_deref().unwrap_or(path))
}

fn split(pair: &str) -> Result<(&str, &str)> {
    let parts = pair.split_once('=').filter(|(name, _)| !name.is_empty());
    parts.ok_or_else(|| Error::invalid("usage", "--secret and --variable take NAME=VALUE"))
}

/// Replaces `%scratch%` by a folder in all values.
fn within(folder: &str, values: &Values) -> Values {
    let text = |text: &String| text.replace("%scratch%", folder);
    let value = |value: &Value| match value {
        Value::Text(it) => Value::Text(text(it)),
        Value::List(all) => Value::List(all.iter().map(text).collect()),
        Value::Secret(it) => {
            Value::Secret(SecretRef { options: within(folder, &it.options), ..it.clone() })
        }
        Value::Flag(_) | Value::Number(_) => value.clone(),
    };
    values.iter().fold(Values::new(), |all, (name, it)| all.with(name, value(it)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_scratch_placeholder_is_replaced() {
        let json = br#"{"a":"%scratch%/x","b":["%scratch%"],"c":{"from":"file","path":"%scratch%/k"},"d":1}"#;
        let found = within("/s", &values_from_json(json).unwrap());
        let expected = br#"{"a":"/s/x","b":["/s"],"c":{"from":"file","path":"/s/k"},"d":1}"#;
        assert_eq!(found, values_from_json(expected).unwrap());
    }

    #[test]
    fn a_pair_has_a_name() {
        assert_eq!(split("a=b=c").unwrap(), ("a", "b=c"));
        assert_eq!(split("a=").unwrap(), ("a", ""));
        assert!(split("=b").is_err() && split("ab").is_err());
    }
}
