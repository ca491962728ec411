//! The child: the program `keyward-check`. It runs the code to check, which may crash it.
//!
//! Only the functions that this module calls use the test suites, so that `keyward` does not
//! contain them.

use std::fs::File;
use std::io::{self, Write};
use std::sync::Arc;

use keyward_core::{Error, Factory, Host, OptionSpec, Registration, Result, Role, Values};
use keyward_loader::process;
use keyward_testkit::{Case, Scratch, Subject, encryption, key, serializer, storage};
use rustix::process::{Signal, set_parent_process_death_signal};
use serde_json::{Value, json};

use super::panics::complaint;
use super::plan::Plan;
use crate::stop::{Outcome, Stop, code_of, describe};

/// Passed in place of a case to ask for the backends of the file.
pub(super) const BACKENDS: &str = "backends";

/// Does one part of the work, and prints the result as JSON.
pub(super) fn run(plan: &Plan, only: &str) -> Outcome {
    let mut out = output().map_err(|error| Error::io("check", error))?;
    let said = match only {
        BACKENDS => backends(plan),
        case => run_case(plan, case),
    };
    let said = said.unwrap_or_else(
        |error| json!({ "error": describe(&error), "code": code_of(error.kind()) }),
    );
    writeln!(out, "{said}").map_err(Stop::Output)?;
    process::finish();
    Ok(())
}

/// Returns a copy of standard output and points standard output at standard error, so that what a
/// plugin prints does not mix with the result. The process also ends when its parent does.
fn output() -> io::Result<File> {
    set_parent_process_death_signal(Some(Signal::KILL))?;
    let output = rustix::io::fcntl_dupfd_cloexec(io::stdout(), 3)?;
    rustix::stdio::dup2_stdout(io::stderr())?;
    Ok(output.into())
}

fn backends(plan: &Plan) -> Result<Value> {
    let scratch = Scratch::new();
    let registrations = plan.registrations()?;
    let backend = |it: &Registration| {
        json!({
            "role": it.role().name(),
            "name": it.info.name,
            "package": it.package,
            "version": it.version,
            "cases": cases(it.role()),
            "bad_options": plan.values(&scratch, it.options).err().map(|error| error.message().to_owned()),
        })
    };
    Ok(json!({ "backends": registrations.iter().map(backend).collect::<Vec<_>>() }))
}

/// Returns the names of a role's cases.
fn cases(role: Role) -> Vec<&'static str> {
    match role {
        Role::Serializer => serializer::CASES.iter().map(|(name, _)| *name).collect(),
        Role::Encryption => encryption::CASES.iter().map(|(name, _)| *name).collect(),
        Role::Key => key::CASES.iter().map(|(name, _)| *name).collect(),
        Role::Storage => storage::CASES.iter().map(|(name, _)| *name).collect(),
    }
}

/// Runs one case, `ROLE/BACKEND/CASE`.
fn run_case(plan: &Plan, words: &str) -> Result<Value> {
    let unknown = || Error::invalid("usage", "there is no such case");
    let [role, name, case] = words.split('/').collect::<Vec<_>>()[..] else {
        return Err(unknown());
    };
    let role = Role::from_name(role).ok_or_else(unknown)?;
    let mut registrations = plan.registrations()?.into_iter();
    let found =
        registrations.find(|it| it.role() == role && it.info.name == name).ok_or_else(unknown)?;
    let table = found.options;
    match found.factory {
        Factory::Serializer(open) => check_case(serializer::CASES, case, plan, table, open),
        Factory::Encryption(open) => check_case(encryption::CASES, case, plan, table, open),
        Factory::Key(open) => check_case(key::CASES, case, plan, table, open),
        Factory::Storage(open) => check_case(storage::CASES, case, plan, table, open),
    }
}

fn check_case<T: ?Sized + 'static>(
    cases: &[(&str, Case<T>)],
    name: &str,
    plan: &Plan,
    table: &[OptionSpec],
    open: impl Fn(&Values, &Arc<dyn Host>) -> Result<Box<T>> + Send + Sync + 'static,
) -> Result<Value> {
    let unknown = || Error::invalid("usage", "there is no such case");
    let (_, case) = cases.iter().find(|(known, _)| *known == name).ok_or_else(unknown)?;
    let scratch = Scratch::new();
    let values = plan.values(&scratch, table)?;
    let subject = Subject::new(scratch, plan.host(), move |host| open(&values, host));
    let complaint = complaint(|| case(&subject));
    Ok(match (complaint, subject.passed_over()) {
        (Some(complaint), _) => json!({ "failed": complaint }),
        (None, Some(why)) => json!({ "passed over": why }),
        (None, None) => json!({ "passed": true }),
    })
}
