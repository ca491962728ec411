use std::path::Path;

use keyward::PROJECT_DEFAULT;
use keyward_config::DeclaredSecret;
use keyward_core::{Error, ErrorKind, Result, printable};
use keyward_resolver::Outcome as Found;
use serde_json::{Value, json};

use super::{Run, project};
use crate::arguments::Profile;
use crate::output::{Lines, escaped, print};
use crate::session::Session;
use crate::shell::quoted;
use crate::stop::{Outcome, Stop, exit_code};

/// Check that each secret that the project in this folder declares can be found
#[derive(clap::Parser)]
#[command(
    after_help = "The exit code is 3 if a required secret is missing, and 4 if the project is not trusted.

Example:
  keyward check
  keyward check --json"
)]
pub(super) struct Arguments {
    /// Print JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    profile: Profile,
}

impl Run for Arguments {
    fn run(self, session: &Session) -> Outcome {
        let keyward = self.profile.open(session)?;
        let folder = project::find(keyward.config(), Path::new("."))?;
        let declaration = match keyward.config().trusted_declaration(&folder) {
            Err(error) if self.json && error.kind() == ErrorKind::Refused => {
                print(&as_json(&folder, false, &[]).to_string())?;
                return Err(error.into());
            }
            declaration => declaration?,
        };
        let found = keyward.check_declared(&declaration.secrets)?;
        let checked: Vec<_> = declaration.secrets.iter().zip(found).map(Checked::new).collect();
        match self.json {
            true => print(&as_json(&folder, true, &checked).to_string())?,
            false => show(&checked)?,
        }
        outcome(&checked)
    }
}

/// A secret, and what came of looking for it.
struct Checked<'a> {
    secret: &'a DeclaredSecret,
    /// The names of the sources that have it.
    result: Result<Vec<String>>,
}

impl<'a> Checked<'a> {
    fn new((secret, result): (&'a DeclaredSecret, Result<Vec<String>>)) -> Self {
        Self { secret, result }
    }

    fn sources(&self) -> &[String] {
        self.result.as_deref().unwrap_or_default()
    }

    /// Returns one of the words of `explain`, or `default`.
    fn word(&self) -> &'static str {
        match &self.result {
            Ok(_) if self.sources() == [PROJECT_DEFAULT] => PROJECT_DEFAULT,
            Ok(_) => Found::Found.describe(),
            Err(error) => Found::from(error.kind()).describe(),
        }
    }

    /// Returns why the secret cannot be used, if more is known than the word.
    fn why(&self) -> Option<String> {
        match self.result.as_ref().err()? {
            // Such as a record that has expired.
            missing if missing.is_miss() => missing.causes().next(),
            error => Some(error.summary()),
        }
    }

    fn is_absent(&self) -> bool {
        self.result.as_ref().is_err_and(Error::is_miss)
    }

    /// Returns the exit code for this secret alone.
    fn code(&self) -> u8 {
        match &self.result {
            Err(_) if self.is_absent() && !self.secret.required => 0,
            Err(error) => exit_code(error.kind()),
            Ok(_) => 0,
        }
    }
}

/// Prints a line for each secret.
fn show(checked: &[Checked<'_>]) -> Outcome {
    let mut lines = Lines::new();
    for it in checked {
        let kind = it.secret.kind.as_deref().unwrap_or("any kind");
        let need = if it.secret.required { "required" } else { "optional" };
        let mut line = format!("{}: {} ({kind}, {need})", it.word(), it.secret.name);
        if !it.secret.description.is_empty() && it.is_absent() {
            line += &format!(": {}", it.secret.description);
        }
        if let Some(why) = it.why() {
            line += &format!(": {why}");
        }
        lines.print(&escaped(&line))?;
    }
    lines.end()
}

fn as_json(folder: &Path, trusted: bool, checked: &[Checked<'_>]) -> Value {
    let secrets = checked.iter().map(|it| {
        json!({
            "name": it.secret.name,
            "kind": it.secret.kind,
            "required": it.secret.required,
            "description": it.secret.description,
            "variables": it.secret.variables.keys().collect::<Vec<_>>(),
            "outcome": it.word(),
            "sources": it.sources(),
            "because": it.why(),
        })
    });
    json!({
        "version": 1,
        "folder": folder.to_string_lossy(),
        "trusted": trusted,
        "secrets": secrets.collect::<Vec<_>>(),
        "missing": missing(checked).map(|secret| &secret.name).collect::<Vec<_>>(),
    })
}

/// Iterates over the required secrets that no source has.
fn missing<'a>(checked: &'a [Checked<'_>]) -> impl Iterator<Item = &'a DeclaredSecret> {
    checked.iter().filter(|it| it.is_absent() && it.secret.required).map(|it| it.secret)
}

fn outcome(checked: &[Checked<'_>]) -> Outcome {
    let code = checked.iter().map(Checked::code).max().unwrap_or(0);
    let Some(first) = missing(checked).next() else {
        return match code {
            0 => Ok(()),
            _ => Err(Stop::Code(code, "error: a secret cannot be used, see above".into())),
        };
    };
    let names: Vec<_> = missing(checked).map(|it| printable(&it.name).to_string()).collect();
    let kind = first.kind.as_deref().map(|kind| format!(" --kind {}", quoted(kind)));
    Err(Stop::Code(
        code,
        format!(
            "error: required secrets are missing: {}\n  hint: `keyward set STORE --name {}{}` stores one",
            names.join(", "),
            printable(&quoted(&first.name)),
            printable(&kind.unwrap_or_default()),
        ),
    ))
}
