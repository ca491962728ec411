//! Measures a `get` among a million entries.

use super::fill::{entry, fill};
use super::home::BenchHome;
use super::race::{Contestant, Table, race};
use super::{Plan, Result};

const READS: u32 = 50;

pub(super) fn measure(plan: &Plan) -> Result<Vec<Table>> {
    let mut tables = Vec::new();
    for storage in ["file", "sqlite", "redb"] {
        let home = BenchHome::new(&plan.program)?;
        let [few, many] = [("few", plan.few()), ("many", plan.entries)];
        let table = race(
            format!("`get` among many, storage `{storage}`"),
            plan.rounds,
            vec![
                reader(&home, storage, few.0, few.1)?,
                reader(&home, storage, many.0, many.1)?.within(1.5),
            ],
        )?;
        tables.push(match storage {
            "file" => table.with_note(memory(&home, plan)?),
            _ => table,
        });
    }
    Ok(tables)
}

/// Reads one entry after another of a store of so many, hither and thither.
fn reader(
    home: &BenchHome,
    storage: &str,
    name: &str,
    entries: usize,
) -> Result<Contestant<'static>> {
    let store = home.store(name, storage)?;
    fill(home, &store, (0..entries).map(entry))?;
    let mut at = 0;
    Ok(Contestant::calls(format!("`Store::get` among {entries}"), READS, move || {
        // A step that is coprime with any round number.
        at = (at + 7_368_787) % entries;
        store.get(&entry(at))?;
        Ok(())
    }))
}

/// What `list` holds in memory, by the number of entries.
fn memory(home: &BenchHome, plan: &Plan) -> Result<String> {
    let (few, listed_few) = home.program(&["list", "few"]).peak()?;
    let (many, listed_many) = home.program(&["list", "many"]).peak()?;
    if (listed_few, listed_many) != (plan.few(), plan.entries) {
        return Err(format!("`keyward list` shows {listed_few} and {listed_many} entries").into());
    }
    Ok(format!(
        "`keyward list` holds {few} KiB at most for {listed_few} entries and {many} KiB for {listed_many}."
    ))
}
