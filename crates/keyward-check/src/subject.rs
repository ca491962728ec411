use keyward_config::{Environment, Expander, Places, StoreName};
use keyward_core::{Error, OptionSpec, Registration, Result, SecretRef, StoreId, Value, Values};
use keyward_loader::process::{Command, Programs};
use keyward_loader::{load, verify_library, verify_program};
use keyward_plugin::json::values_from_json;
use keyward_plugin_cli::check::{PinnedFile, Plan};
use keyward_testkit::{Scratch, TestHost};

/// The library or program to check.
pub(crate) struct Subject {
    pub(crate) plan: Plan,
    /// Owns the program, if the file is one.
    pub(crate) programs: Programs,
}

impl Subject {
    /// Loads the library or starts the program, and returns its backends.
    pub(crate) fn registrations(&self) -> Result<Vec<Registration>> {
        let Plan { file, needs, is_library, arguments, variables, .. } = &self.plan;
        let pin = file.pin()?;
        if *is_library {
            let needs = needs.iter().map(PinnedFile::pin).collect::<Result<Vec<_>>>()?;
            return load(verify_library(&pin, &needs)?);
        }
        let command = Command::verified(verify_program(&pin)?);
        let command = arguments.iter().fold(command, Command::argument);
        let command = variables
            .iter()
            .fold(command, |command, (name, value)| command.variable(name, value.as_str()));
        self.programs.run(&command)
    }

    /// Returns the options of a backend, completed as for a store.
    pub(crate) fn values(&self, scratch: &Scratch, table: &[OptionSpec]) -> Result<Values> {
        let folder = scratch.path("").replace('%', "%%");
        let folder = folder.trim_end_matches('/');
        let given = values_from_json(self.plan.options.as_bytes())?;
        let home = scratch.folder().join("home");
        let places = Places::find(&Environment::new([("HOME", home)]))?;
        let expander = Expander::new(&places, &StoreName::new("check")?, StoreId([0x11; 16]));
        expander.values(&within(folder, &given), table, Error::from)
    }

    /// Returns the host that the backend calls.
    pub(crate) fn host(&self) -> TestHost {
        let Plan { secrets, variables, answers, .. } = &self.plan;
        let host = TestHost::new();
        let host =
            secrets.iter().fold(host, |host, (from, value)| host.secret(from, value.as_str()));
        let host =
            variables.iter().fold(host, |host, (name, value)| host.variable(name, value.as_str()));
        let Some((last, first)) = answers.split_last() else { return host };
        let host = first.iter().fold(host, |host, answer| host.answer(answer.as_str()));
        host.always_answer(last.as_str())
    }
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
        _ => value.clone(),
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
}
