use keyward_config::{Config, Project, ProjectPin};
use serde_json::json;

use crate::commands::project::shown;
use crate::exit::each;
use crate::output::print;
use crate::stop::Outcome;

/// Prints the trusted projects, and whether they have changed.
pub(super) fn run(config: &Config, as_json: bool) -> Outcome {
    each(config.trusted_projects()?, |pin| {
        let pin = pin?;
        print(&match as_json {
            true => json!({
                "folder": pin.folder.to_string_lossy(),
                "sha256": pin.digest().to_string(),
                "state": state(&pin),
            })
            .to_string(),
            false => format!("{:<8} {}", state(&pin), shown(&pin.folder)),
        })
    })
}

fn state(pin: &ProjectPin) -> &'static str {
    if pin.folder.symlink_metadata().is_err() {
        return "missing";
    }
    match Project::read(&pin.folder) {
        Ok(Some(project)) if pin.changes(&project).is_empty() => "trusted",
        Ok(Some(_)) => "changed",
        Ok(None) => "missing",
        Err(_) => "unsafe",
    }
}
