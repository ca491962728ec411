//! `cargo xtask quickstart`: runs the README's example with the unoptimised program.
//!
//! The released program takes far longer to link, and prints the same.

use std::fs;

use crate::shell::{self, Result, cargo, root, stage, target};
use crate::transcript::{Home, steps};

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
    let place = target.join(format!("quickstart-{}", std::process::id()));
    let home = Home::new(&place, &target.join("debug"))
        .map_err(|e| format!("cannot make a scratch home: {e}"))?;
    for step in steps {
        println!("$ {}", step.command);
        let printed = home.run(&step).map_err(|e| format!("cannot start a shell: {e}"))?;
        print!("{printed}");
        if !step.agrees(&printed) {
            return Err(format!("README.md says that this prints\n{}", step.expected));
        }
    }
    Ok(())
}
