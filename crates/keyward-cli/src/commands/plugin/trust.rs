mod candidate;

use std::path::{Path, PathBuf};

use keyward::{Environment, Keyward, try_plugin};
use keyward_config::{PluginFile, path_of_program};
use keyward_core::{Error, ErrorKind, Result};
use keyward_plugin_cli::new::how_to_use;

use super::{confirm, list_backends};
use crate::exit::each;
use crate::output::{escape_if_terminal, print};
use crate::session::Session;
use crate::stop::{Outcome, usage_error};
use candidate::Candidate;

/// Trust a library or a program, as it is now, to provide backends
#[derive(clap::Args)]
#[command(after_help = "Example:
  keyward plugin trust /usr/lib/keyward/libshelf.so
  keyward plugin trust /opt/vault/vault.py --env VAULT_ADDR -- --cache 60")]
pub(crate) struct Arguments {
    /// The absolute path of the file, or of a folder whose libraries to trust one by one
    path: PathBuf,
    /// The name of the plugin [default: from the name of the library or the file]
    #[arg(long, value_name = "N")]
    name: Option<String>,
    /// Trust it for all users of this machine
    #[arg(long)]
    system: bool,
    /// Run a library in a separate process instead of loading it
    #[arg(long)]
    run: bool,
    /// Load the library again, after it was trusted with --run
    #[arg(long, conflicts_with = "run")]
    load: bool,
    /// Another library that the library needs, which is trusted too
    #[arg(long, value_name = "LIB")]
    needs: Option<Vec<PathBuf>>,
    /// An environment variable that the plugin's process may see
    #[arg(long, value_name = "VAR")]
    env: Option<Vec<String>>,
    /// Do not ask
    #[arg(long)]
    yes: bool,
    /// The arguments of the program
    #[arg(value_name = "ARGUMENT", num_args = 0.., last = true)]
    arguments: Option<Vec<String>>,
}

pub(super) fn run(session: &Session, arguments: &Arguments) -> Outcome {
    if !arguments.path.is_dir() {
        return trust(session, arguments, &arguments.path);
    }
    if arguments.name.is_some() {
        return Err(usage_error("--name is for one plugin, not for a folder"));
    }
    each(libraries(&arguments.path)?, |library| trust(session, arguments, &library))
}

/// The libraries in a folder, by name.
fn libraries(folder: &Path) -> Result<Vec<PathBuf>> {
    let entries = folder.read_dir().and_then(|entries| entries.collect::<Result<Vec<_>, _>>());
    let entries = entries.map_err(|error| Error::io("read", error))?;
    let paths = entries.into_iter().map(|entry| entry.path());
    let mut libraries: Vec<_> =
        paths.filter(|path| path.extension().is_some_and(|it| it == "so")).collect();
    libraries.sort();
    if libraries.is_empty() {
        return Err(Error::invalid("usage", format!("{} contains no library", folder.display())));
    }
    Ok(libraries)
}

/// Describes one file, asks, tries the file, and records that it is trusted.
fn trust(session: &Session, arguments: &Arguments, path: &Path) -> Outcome {
    let keyward = session.keyward()?;
    // Nothing of the file runs until the user has agreed.
    let candidate = Candidate::inspect(&keyward, arguments, path)?;
    let description = candidate.describe();
    if arguments.yes {
        description.lines().try_for_each(|line| print(&escape_if_terminal(line)))?;
    } else {
        confirm(&session.console, &format!("{description}Trust it?"), "nothing was trusted")?;
    }
    let mut file = candidate.file;
    file.backends = try_plugin(&file, this_program()?, &Environment::current())?;
    check_not_taken(&keyward, &file)?;
    keyward.config().keep_plugin(&file, candidate.before.as_ref())?;
    print(&format!("Trusted as {}: {}", file.name, list_backends(&file)))?;
    for (role, name) in &file.backends {
        print(&format!("  {}", how_to_use(*role, name, "STORE")))?;
    }
    Ok(())
}

/// Returns the path of this program, which runs libraries, without symbolic links.
pub(super) fn this_program() -> Result<PathBuf> {
    let path = path_of_program(&Environment::current())?;
    path.canonicalize().map_err(|error| Error::io("run", error))
}

/// Refuses a backend that is linked or that another plugin provides: then neither could be used. And
/// one whose name it may not have.
fn check_not_taken(keyward: &Keyward, file: &PluginFile) -> Outcome {
    let plugins = keyward.config().plugins();
    for backend in &file.backends {
        let (role, name) = backend;
        let path = file.pin.path.display();
        if !role.allows_plugin(name) {
            return Err(Error::new(ErrorKind::Refused, "usage")
                .because(format!("the {role} {name} of {path} has a name without a dot"))
                .hint(format!("Nothing was trusted: its author can call it example.{name}"))
                .into());
        }
        let linked = keyward.registry().iter();
        let linked = linked.filter(|it| it.role() == *role && it.info.name == name);
        let others = plugins.files.iter().filter(|it| it.name != file.name);
        let others = others.filter(|it| it.backends.contains(backend));
        let mut taken = linked
            .map(|it| format!("{}, which is part of this program,", it.package))
            .chain(others.map(|it| it.pin.path.display().to_string()));
        if let Some(other) = taken.next() {
            return Err(Error::new(ErrorKind::Refused, "usage")
                .because(format!("{other} and {path} both provide a {role} called {name}"))
                .hint("Nothing was trusted: use only one of the two")
                .into());
        }
    }
    Ok(())
}
