//! The server that tests start and that is in a Python package.

use std::fs;
use std::process::Command;

use crate::shell::{Result, root, run, target};

/// Installs the package into the target folder, exactly the one whose hash is in the list.
pub(crate) fn ensure() -> Result {
    let list = root().join("tests/servers/openbao/requirements.txt");
    let place = target()?.join("servers/openbao");
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
