//! `cargo xtask quickstart`: runs the README's example with the unoptimised program.
//!
//! The released program takes far longer to link, and prints the same.

use std::fs;
use std::path::Path;

use crate::shell::{self, Result, cargo, root, stage, target};
use crate::transcript::{Step, steps};

/// Builds the program, runs the example, and says how to install the program.
pub(crate) fn run() -> Result {
    let build = ["build", "--package", "keyward-cli", "--bin", "keyward"];
    stage("build", || shell::run(&mut cargo(build)))?;
    stage("the README's example, in a scratch home", transcript)?;
    println!("\nTo install the program: cargo install --locked --path crates/keyward-cli");
    Ok(())
}

fn transcript() -> Result {
    let readme = fs::read_to_string(root().join("README.md"))
        .map_err(|e| format!("cannot read README.md: {e}"))?;
    let steps = steps(&readme);
    if steps.is_empty() {
        return Err("README.md shows no console session".into());
    }
    let target = target()?;
    let home = target.join(format!("quickstart-{}", std::process::id()));
    fs::create_dir(&home).map_err(|e| format!("cannot make a scratch home: {e}"))?;
    let result = steps.iter().try_for_each(|step| show(step, &home, &target.join("debug")));
    fs::remove_dir_all(&home).map_err(|e| format!("cannot remove {}: {e}", home.display()))?;
    result
}

fn show(step: &Step, home: &Path, programs: &Path) -> Result {
    println!("$ {}", step.command);
    let printed = step.run(home, programs).map_err(|e| format!("cannot run a step: {e}"))?;
    print!("{printed}");
    if step.agrees(&printed) {
        return Ok(());
    }
    Err(format!("README.md says that this prints\n{}", step.expected))
}
