//! How fast Keyward is, always beside something else that runs in turn with it.
//!
//! Times of one machine mean nothing on another, and little on the same one an hour later. So
//! every figure is a ratio: two ways to do the same work, run alternately, compared round by
//! round. `docs/performance.md` shows what came out.

mod cold;
mod fill;
mod library;
mod many;
mod page;
mod peers;
mod program;
mod race;
mod scale;
mod scratch;

use std::path::PathBuf;

pub use page::write as write_page;
pub use race::{Line, Table};

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

/// Measures everything; `report` is told each table as it is ready.
///
/// # Errors
/// When something does not run. That something is slow is no error.
pub fn measure(plan: &Plan, mut report: impl FnMut(&Table)) -> Result<Vec<Table>> {
    let mut tables = Vec::new();
    for section in [cold::measure, library::measure, many::measure, scale::measure] {
        for table in section(plan)? {
            report(&table);
            tables.push(table);
        }
    }
    Ok(tables)
}
