use std::path::PathBuf;

use keyward_plugin_cli::build::{Built, build};
use serde_json::json;

use crate::output::{escape_if_terminal, print};
use crate::shell::quoted;
use crate::stop::Outcome;

/// Build a shared library from a crate of backends
#[derive(clap::Args)]
#[command(after_help = "Example:
  keyward plugin build --release")]
pub(crate) struct Arguments {
    /// The crate's folder [default: the current folder]
    #[arg(default_value = ".", hide_default_value = true)]
    dir: PathBuf,
    /// Build with cargo's release profile, and strip symbols unless the manifest sets `strip`
    #[arg(long)]
    release: bool,
    /// Where to put the library [default: `plugins` in cargo's target folder]
    #[arg(long, value_name = "FOLDER")]
    output: Option<PathBuf>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

pub(super) fn run(arguments: &Arguments) -> Outcome {
    let Arguments { dir, release, output, json } = arguments;
    let Built { path, digest, crate_name } = build(dir, *release, output.as_deref())?;
    let path = path.display().to_string();
    if *json {
        let digest = digest.to_string();
        return print(&json!({ "path": path, "sha256": digest, "crate": crate_name }).to_string());
    }
    print(&escape_if_terminal(&format!("Built {path}")))?;
    ["check", "trust"].iter().try_for_each(|next| {
        let path = quoted(&path);
        print(&escape_if_terminal(&format!("  keyward plugin {next} {path}")))
    })
}
