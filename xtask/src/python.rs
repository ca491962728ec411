//! The servers that tests start and that are in Python packages.

use std::fs;
use std::process::Command;

use crate::shell::{Result, root, run, target};

/// The folders below `tests/servers`, each with a list of packages. What these need comes from Debian.
const SERVERS: [&str; 5] = ["moto", "openbao", "seaweedfs", "traefik", "twisted"];

/// Installs the packages into the target folder, exactly those whose hashes are in the lists.
pub(crate) fn ensure() -> Result {
    SERVERS.into_iter().try_for_each(install)
}

fn install(server: &str) -> Result {
    let list = root().join("tests/servers").join(server).join("requirements.txt");
    let place = target()?.join("servers").join(server);
    let installed = place.join("requirements.txt");
    let failed = |error| format!("{}: {error}", place.display());
    let wanted = fs::read(&list).map_err(failed)?;
    if fs::read(&installed).is_ok_and(|found| found == wanted) {
        return Ok(());
    }
    let options = [
        "--quiet",
        "--root-user-action=ignore",
        "--upgrade",
        "--no-deps",
        "--only-binary=:all:",
        "--require-hashes",
    ];
    let mut pip = Command::new("pip3");
    pip.arg("install").args(options).arg("--target").arg(&place).arg("--requirement").arg(&list);
    run(&mut pip)?;
    fs::copy(list, installed).map(drop).map_err(failed)
}
