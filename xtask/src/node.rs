//! The servers that tests start and that are npm packages.

use std::fs;
use std::process::Command;

use crate::shell::{Result, root, run, target};

/// The folders below `tests/servers`, each with a program and the list of the packages it needs.
const SERVERS: [&str; 1] = ["oidc"];

/// Copies the programs into the target folder, and installs their packages beside them, exactly as
/// the lock files say. No package's script runs.
pub(crate) fn ensure() -> Result {
    for server in SERVERS {
        let source = root().join("tests/servers").join(server);
        let place = target()?.join("servers").join(server);
        let failed = |error| format!("{}: {error}", place.display());
        let lock = "package-lock.json";
        let is_installed = place.join("node_modules").exists()
            && fs::read(place.join(lock)).ok() == fs::read(source.join(lock)).ok();
        fs::create_dir_all(&place).map_err(failed)?;
        for file in fs::read_dir(&source).map_err(failed)? {
            let file = file.map_err(failed)?;
            fs::copy(file.path(), place.join(file.file_name())).map_err(failed)?;
        }
        if !is_installed {
            let install = ["ci", "--ignore-scripts", "--no-audit", "--no-fund"];
            run(Command::new("npm").args(install).current_dir(&place))?;
        }
    }
    Ok(())
}
