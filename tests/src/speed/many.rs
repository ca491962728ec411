//! Ten thousand entries, as people may really have them.

use std::fs;

use keyward::Credentials;

use super::cold::process;
use super::fill::{entry, fill};
use super::home::BenchHome;
use super::race::{Table, race};
use super::{Plan, Result, peers};

/// Starting `pass ls` and writing to the disk take long; fewer rounds will do.
const FEWER: usize = 4;

pub(super) fn measure(plan: &Plan) -> Result<Vec<Table>> {
    let home = BenchHome::new(&plan.program)?;
    let entries = plan.many();
    let rounds = plan.rounds.div_ceil(FEWER);
    let store = home.store("work", "file")?;
    store.set_credentials(&store.entry(None, None)?, &Credentials::new("ann", peers::PASSWORD))?;
    fill(&home, &store, (1..entries).map(entry))?;
    let list = home.program(&["list", "work"]);
    let listed = list.output()?.0.lines().count();
    if listed != entries {
        return Err(format!("`keyward list` shows {listed} entries of {entries}").into());
    }

    let ls = peers::pass(&home)?.args(&["ls"]);
    let folders = entries.div_ceil(100);
    for folder in 0..folders {
        let folder = home.below(&format!("pass/d{folder:03}"));
        fs::create_dir(&folder)?;
        for entry in 0..100.min(entries) {
            fs::copy(home.below("pass/work.gpg"), folder.join(format!("e{entry:05}.gpg")))?;
        }
    }
    let list = race(
        format!("Listing {entries} entries"),
        rounds,
        vec![process("`pass ls`", ls), process("**`keyward list work`**", list)],
    )?;

    let change = home.below("change");
    fs::copy(home.below("password"), &change)?;
    let answer = "protocol=https\nhost=example.com\nusername=user0\npassword=another\n\n";
    let question = home.below("question");
    peers::write(&question, answer)?;
    let store = peers::git_store(&home, entries)?.args(&["store"]).input(&question);
    let set = home.program(&["set", "work", "ann", "--stdin"]).input(&change);
    let set = race(
        format!("Setting one among {entries}"),
        rounds,
        vec![
            process("`git-credential-store store`, not encrypted", store),
            process("**`keyward set work ann --stdin`**", set),
        ],
    )?;
    Ok(vec![list, set])
}
