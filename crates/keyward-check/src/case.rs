//! Does one part of a check.

use std::fs::File;
use std::io::{self, Write};

use keyward_core::{Error, Registration, Result, Role};
use keyward_loader::process::Programs;
use keyward_plugin_cli::check::{BACKENDS, Plan, error_to_json};
use keyward_testkit::{Scratch, case_names, run_case};
use rustix::process::{Resource, Rlimit, Signal, set_parent_process_death_signal, setrlimit};
use serde_json::{Value, json};

use crate::panics::first_panic;
use crate::subject::Subject;

/// Reads the request, does that part of the work, and prints the reply.
pub(crate) fn run() -> io::Result<()> {
    let mut out = output()?;
    let request: Value = serde_json::from_reader(io::stdin())?;
    let plan: Plan = serde_json::from_value(request["plan"].clone())?;
    let subject = Subject { plan, programs: Programs::new() };
    let reply = match request["part"].as_str().unwrap_or_default() {
        BACKENDS => backends(&subject),
        case => check_case(&subject, case),
    };
    let reply = reply.unwrap_or_else(|error| json!({ "error": error_to_json(&error) }));
    writeln!(out, "{reply}")?;
    Ok(())
}

/// Returns a copy of standard output and points standard output at standard error, so that what a
/// plugin prints does not mix with the reply. The process also ends when its parent does, and a
/// crash leaves no core dump.
fn output() -> io::Result<File> {
    set_parent_process_death_signal(Some(Signal::KILL))?;
    // It cannot fail on a kernel that has core dumps.
    let _ = setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) });
    let output = rustix::io::fcntl_dupfd_cloexec(io::stdout(), 3)?;
    rustix::stdio::dup2_stdout(io::stderr())?;
    Ok(output.into())
}

fn backends(subject: &Subject) -> Result<Value> {
    let scratch = Scratch::new();
    let registrations = subject.registrations()?;
    let backend = |it: &Registration| {
        let bad_options = subject.values(&scratch, it.options).err();
        json!({
            "role": it.role().name(),
            "name": it.info.name,
            "package": it.package,
            "version": it.version,
            "cases": case_names(it.role()),
            "bad_options": bad_options.map(|error| error.message().to_owned()),
        })
    };
    Ok(json!({ "backends": registrations.iter().map(backend).collect::<Vec<_>>() }))
}

/// Runs one case, `ROLE/BACKEND/CASE`.
fn check_case(subject: &Subject, words: &str) -> Result<Value> {
    let unknown = || Error::invalid("usage", "there is no such case");
    let [role, name, case] = words.split('/').collect::<Vec<_>>()[..] else {
        return Err(unknown());
    };
    let role = Role::from_name(role).ok_or_else(unknown)?;
    let mut provided = subject.registrations()?.into_iter();
    let found =
        provided.find(|it| it.role() == role && it.info.name == name).ok_or_else(unknown)?;
    if !case_names(role).contains(&case) {
        return Err(unknown());
    }
    let scratch = Scratch::new();
    let values = subject.values(&scratch, found.options)?;
    let mut not_applicable = Ok(None);
    let panic = first_panic(|| {
        not_applicable = run_case(&found, case, values, subject.host(), scratch);
    });
    Ok(match (panic, not_applicable?) {
        (Some(text), _) => json!({ "failed": text }),
        (None, Some(why)) => json!({ "not applicable": why }),
        (None, None) => json!({ "passed": true }),
    })
}
