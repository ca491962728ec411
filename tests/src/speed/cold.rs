//! Measures one `get` by a new process.

use std::fs;
use std::process::Command;

use keyward::Credentials;

use super::home::BenchHome;
use super::program::Program;
use super::race::{Contestant, Table, race};
use super::{Plan, Result, peers};

pub(super) fn measure(plan: &Plan) -> Result<Vec<Table>> {
    let home = BenchHome::new(&plan.program)?;
    let store = home.store("work", "file")?;
    store.set_credentials(&store.entry(None, None)?, &Credentials::new("ann", peers::PASSWORD))?;
    let plain = home.below("plain");
    fs::copy(home.below(".config/keyward/stores/work.toml"), &plain)?;

    let plain = plain.to_str().ok_or("the scratch folder's name is UTF-8")?;
    let cat = home.other("cat", &[plain])?;
    let get = home.program(&["get", "work", "-p"]);
    if get.output()?.0 != format!("{}\n", peers::PASSWORD) {
        return Err("`keyward get` gives another password".into());
    }
    let mut contestants = vec![
        process("`cat`: read a file and print it", cat),
        process("**`keyward get work -p`**", get.clone()).within(2.5),
        process("`true`: an empty process", home.other("true", &[])?),
    ];
    let (peers, _running) = peers::get(&home)?;
    contestants.extend(peers.into_iter().map(|(name, program)| process(name, program)));
    let table = race("A cold `get`", plan.rounds, contestants)?;
    Ok(vec![table.with_note(format!(
        "`keyward get work -p` takes {} instructions in user space, the dynamic linker's included.",
        thousands(instructions(&home, plan)?),
    ))])
}

pub(super) fn process(name: impl Into<String>, program: Program) -> Contestant<'static> {
    Contestant::new(name, move || program.time())
}

/// Counted by callgrind, the only figure here that is the same every time.
fn instructions(home: &BenchHome, plan: &Plan) -> Result<u64> {
    let counted = home.below("callgrind.out");
    let output = Command::new("valgrind")
        .arg("--tool=callgrind")
        .arg(format!("--callgrind-out-file={}", counted.display()))
        .arg(&plan.program)
        .args(["get", "work", "-p"])
        .env_clear()
        .env("HOME", home.path())
        .env("PATH", super::home::PATH)
        .output()
        .map_err(|e| format!("valgrind: {e}"))?;
    let said = String::from_utf8_lossy(&output.stderr);
    let count = said.lines().find_map(|line| line.split_once("Collected : "));
    Ok(count.ok_or_else(|| format!("callgrind says no number:\n{said}"))?.1.trim().parse()?)
}

fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let groups = digits.as_bytes().rchunks(3).rev().map(String::from_utf8_lossy);
    groups.collect::<Vec<_>>().join(",")
}
