//! How fast Keyward is, always beside something else that runs in turn with it.
//!
//! Times of one machine mean nothing on another, and little on the same one an hour later. So
//! every figure is a ratio: two ways to do the same work, run alternately, compared round by
//! round. `docs/performance.md` shows what came out.

mod cold;
mod fetch;
mod fill;
mod git;
mod handing;
mod home;
mod library;
mod linkage;
mod login;
mod many;
mod page;
mod peers;
mod program;
mod race;
mod scale;

use std::path::PathBuf;

pub use page::write as write_page;
pub use race::{Line, Table, Target};

/// What goes wrong while measuring.
pub type Result<T = ()> = std::result::Result<T, Box<dyn std::error::Error>>;

/// How thoroughly to measure.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The `keyward` to measure.
    pub program: PathBuf,
    /// Entries of a large store.
    pub entries: usize,
    /// How often each contestant runs.
    pub rounds: usize,
    /// The one section to measure, if not all of them.
    pub section: Option<String>,
}

impl Plan {
    /// Entries of a store that people may really have.
    fn many(&self) -> usize {
        self.entries.min(10_000)
    }

    /// Entries of a small store.
    fn few(&self) -> usize {
        self.entries.min(1_000)
    }
}

type Section = fn(&Plan) -> Result<Vec<Table>>;

const SECTIONS: &[(&str, Section)] = &[
    ("cold", cold::measure),
    ("fetch", fetch::measure),
    ("git", git::measure),
    ("handing", handing::measure),
    ("library", library::measure),
    ("linkage", linkage::measure),
    ("login", login::measure),
    ("many", many::measure),
    ("scale", scale::measure),
];

/// Measures everything; `report` gets each table when it is ready.
///
/// # Errors
/// When something does not run. What is slow is for [`check`] to say.
pub fn measure(plan: &Plan, mut report: impl FnMut(&Table)) -> Result<Vec<Table>> {
    let mut tables = Vec::new();
    for (name, section) in SECTIONS {
        if plan.section.as_ref().is_some_and(|only| only != name) {
            continue;
        }
        for table in section(plan)? {
            report(&table);
            tables.push(table);
        }
    }
    Ok(tables)
}

/// Holds what was measured to its limits.
///
/// # Errors
/// When something took more than it should; each is named.
pub fn check(tables: &[Table]) -> Result {
    let beyond: Vec<_> = tables.iter().flat_map(Table::beyond).collect();
    if beyond.is_empty() {
        Ok(())
    } else {
        Err(format!("beyond its limit: {}", beyond.join("; ")).into())
    }
}
