mod describe;
mod list;

use std::path::{Path, PathBuf};

use keyward_config::{Config, Project, Trust};
use keyward_core::{Digest, Error, ErrorKind, printable};

use super::plugin::confirm;
use super::{Run, project};
use crate::output::{escape_if_terminal, print};
use crate::session::Session;
use crate::stop::Outcome;

/// Trust what a project declares, as it is now, or list and revoke what you trust
#[derive(clap::Parser)]
#[command(
    after_help = "A project is a folder with the file `.keyward.toml`. Keyward looks for it in the working folder and
above. If the file changes, or a file in the folder `.keyward` beside it, you have to trust it again.

Example:
  keyward trust
  keyward trust --list
  keyward trust --revoke ~/src/shop"
)]
pub(super) struct Arguments {
    /// The project's folder, or one in it [default: the working folder]
    path: Option<PathBuf>,
    /// Do not ask, and trust the project only if it has this SHA-256
    #[arg(long, value_name = "HEX", conflicts_with_all = ["list", "revoke"])]
    sha256: Option<String>,
    /// Do not ask
    #[arg(long, conflicts_with_all = ["list", "revoke"])]
    yes: bool,
    /// List the projects that you trust
    #[arg(long, conflicts_with_all = ["path", "revoke"])]
    list: bool,
    /// Print one JSON object per line
    #[arg(long, requires = "list")]
    json: bool,
    /// Stop trusting the project
    #[arg(long)]
    revoke: bool,
}

impl Run for Arguments {
    fn run(self, session: &Session) -> Outcome {
        let keyward = session.keyward()?;
        let config = keyward.config();
        if self.list {
            return list::run(config, self.json);
        }
        if self.revoke {
            return revoke(config, self.path.as_deref());
        }
        trust(session, config, &self)
    }
}

/// Shows a project, asks, and records that it is trusted.
fn trust(session: &Session, config: &Config, arguments: &Arguments) -> Outcome {
    let from = arguments.path.as_deref().unwrap_or(Path::new("."));
    let folder = project::find(config, from)?;
    let project = Project::read(&folder).map_err(|error| {
        let line = printable(error.message()).to_string();
        Error::new(error.kind(), "open").because(line).hint("Nothing was trusted")
    })?;
    let Some(project) = project else { return Err(gone(&folder).into()) };
    // What Keyward cannot read completely is not shown completely.
    let declaration = project.declaration()?;
    let before = match config.trust_in(&project) {
        // The new pin replaces a damaged one.
        Err(error) if error.kind() == ErrorKind::Invalid => Trust::Untrusted,
        before => before?,
    };
    if before == Trust::Trusted {
        return print(&format!("Already trusted: {}", project::shown(&folder)));
    }
    let description = describe::describe(&project, &declaration, &before)?;
    match &arguments.sha256 {
        Some(digest) => check_digest(&project, digest)?,
        None if arguments.yes => {
            description.lines().try_for_each(|line| print(&escape_if_terminal(line)))?;
        }
        None => {
            confirm(&session.console, &format!("{description}Trust it?"), "nothing was trusted")?
        }
    }
    config.trust(&project)?;
    print(&format!("Trusted: {}", project::shown(&folder)))
}

fn check_digest(project: &Project, expected: &str) -> Outcome {
    if project.digest() == expected.parse::<Digest>()? {
        return Ok(());
    }
    let why = format!("the project's SHA-256 is {}", project.digest());
    Err(Error::new(ErrorKind::Refused, "usage").because(why).hint("Nothing was trusted").into())
}

fn gone(folder: &Path) -> Error {
    Error::invalid("open", format!("{} is no longer a project", project::shown(folder)))
}

/// Removes the pin of this folder, or that of the nearest folder above the working folder. The
/// project itself may be gone.
fn revoke(config: &Config, path: Option<&Path>) -> Outcome {
    let from = path.unwrap_or(Path::new("."));
    let from = from.canonicalize().or_else(|_| std::path::absolute(from));
    let from = from.map_err(|error| Error::io("open", error))?;
    let most = if path.is_some() { 1 } else { usize::MAX };
    for folder in from.ancestors().take(most) {
        if config.revoke(folder)? {
            return print(&format!("No longer trusted: {}", project::shown(folder)));
        }
    }
    Err(Error::invalid("open", format!("{} is not a trusted project", project::shown(&from)))
        .hint("`keyward trust --list` shows those that are")
        .into())
}
