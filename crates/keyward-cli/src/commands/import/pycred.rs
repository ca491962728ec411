//! Imports each of PyCred's stores into a store of the same name.

use std::path::PathBuf;

use keyward_import::pycred::Import;

use super::outcome;
use crate::output::print;
use crate::session::Session;
use crate::stop::Outcome;

mod report;

/// Import each of PyCred's stores into a store of the same name; PyCred's files stay as they are
#[derive(clap::Args)]
#[command(after_help = "Example:
  keyward import pycred ~/.pycred --dry-run
  keyward import pycred ~/.pycred")]
pub(crate) struct Arguments {
    /// PyCred's home, such as ~/.pycred, or its folder of stores
    dir: PathBuf,
    /// A prefix for the names of the new stores
    #[arg(long, value_name = "P", default_value = "", hide_default_value = true)]
    prefix: String,
    /// Open all of PyCred's records, but write nothing
    #[arg(long)]
    dry_run: bool,
    /// Print one JSON object per line, one for each store
    #[arg(long)]
    json: bool,
}

pub(super) fn run(session: &Session, arguments: &Arguments) -> Outcome {
    let &Arguments { ref dir, ref prefix, dry_run, json } = arguments;
    let keyward = session.keyward()?;
    let (mut code, mut imported) = (0, 0);
    for report in (Import { keyward: &keyward, prefix, dry_run }).run(dir)? {
        print(&if json {
            report::as_json(&report, dry_run)
        } else {
            report::as_text(&report, dry_run)
        })?;
        code = code.max(report::exit_code(&report));
        imported += report.imported.len();
    }
    if imported > 0 && !json && !dry_run {
        print("PyCred's files are unchanged; `pycred rm` removes them.")?;
    }
    outcome(code)
}
