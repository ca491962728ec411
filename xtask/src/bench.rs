//! `cargo xtask bench`: measures the speed of the released program, compared with raw calls and
//! other programs.

use crate::shell::{self, Result, cargo, root, stage};
use crate::{packages, plugins};

/// The number of entries in the largest store, and the number of rounds.
const THOROUGH: [&str; 2] = ["1000000", "200"];

/// The crates whose libraries are measured.
const MEASURED: [&str; 4] = [
    "keyward-encryption-aes-gcm",
    "keyward-keyring",
    "keyward-serializer-json",
    "keyward-storage-memory",
];

const USAGE: &str = "usage: cargo xtask bench [ENTRIES ROUNDS [cold|fetch|git|handing|library|linkage|login|many|scale]]";

/// Measures, and writes the figures into `docs/performance.md`; a smaller run only prints them.
/// Figures above their limit are listed at the end, and are an error.
pub(crate) fn run(arguments: &[String]) -> Result {
    let is_smaller = match arguments.len() {
        0 => false,
        2 | 3 => true,
        _ => return Err(USAGE.into()),
    };
    stage("programs to compare with", || packages::ensure(packages::MEASURING))?;
    stage("build", || {
        let packages = ["--package", "keyward-cli", "--package", "keyward-tests"];
        shell::run(
            cargo(["build", "--profile", "dist", "--bin", "keyward", "--bin", "speed"])
                .args(packages),
        )
    })?;
    // In the program's folder, where the measurements search for them.
    let programs = plugins::programs(false)?;
    let libraries = programs.join("plugins");
    stage("plugins", || plugins::build(&MEASURED, false, &libraries).map(drop))?;
    stage("measure", || {
        let mut speed = std::process::Command::new(programs.join("speed"));
        speed.arg(programs.join("keyward"));
        if is_smaller {
            speed.args(arguments);
        } else {
            speed.args(THOROUGH).arg(root().join("docs/performance.md"));
        }
        shell::run(&mut speed)
    })
}
