//! The child: the program `keyward-check`. It runs the code to check, which may crash it.
//!
//! Only the functions that this module calls use the test suites, so that `keyward` does not
//! contain them.

use std::fs::File;
use std::io::{self, Write};

use keyward_core::{Error, Registration, Result, Role};
use keyward_testkit::{Scratch, case_names, run_case};
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
        case => check_case(plan, case),
    };
    let said = said.unwrap_or_else(
        |error| json!({ "error": describe(&error), "code": code_of(error.kind()) }),
    );
    writeln!(out, "{said}").map_err(Stop::Output)?;
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
            "cases": case_names(it.role()),
            "bad_options": plan.values(&scratch, it.options).err().map(|error| error.message().to_owned()),
        })
    };
    Ok(json!({ "backends": registrations.iter().map(backend).collect::<Vec<_>>() }))
}

/// Runs one case, `ROLE/BACKEND/CASE`.
fn check_case(plan: &Plan, words: &str) -> Result<Value> {
    let unknown = || Error::invalid("usage", "there is no such case");
    let [role, name, case] = words.split('/').collect::<Vec<_>>()[..] else {
        return Err(unknown());
    };
    let role = Role::from_name(role).ok_or_else(unknown)?;
    let mut provided = plan.registrations()?.into_iter();
    let found =
        provided.find(|it| it.role() == role && it.info.name == name).ok_or_else(unknown)?;
    if !case_names(role).contains(&case) {
        return Err(unknown());
    }
    let scratch = Scratch::new();
    let values = plan.values(&scratch, found.options)?;
    let mut passed_over = Ok(None);
    let complaint =
        complaint(|| passed_over = run_case(&found, case, values, plan.host(), scratch));
    Ok(match (complaint, passed_over?) {
        (Some(complaint), _) => json!({ "failed": complaint }),
        (None, Some(why)) => json!({ "passed over": why }),
        (None, None) => json!({ "passed": true }),
    })
}
