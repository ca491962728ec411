//! The backends that plugins provide.

#[cfg_attr(not(feature = "loaded"), path = "plugins/no_libraries.rs")]
mod libraries;
mod own;
#[cfg(feature = "loaded")]
mod state;

use std::os::unix::ffi::OsStringExt;
use std::path::PathBuf;
use std::sync::Arc;

use keyward_config::{BrokenPlugin, Config, Environment, PluginFile};
use keyward_core::{Door, Error, ErrorKind, Offer, Registration, Registry, Result, Role, Secret};
use keyward_loader::process::{Command, Programs};
use keyward_loader::{Pin, Program, verify_program};

use libraries::Libraries;
#[cfg(feature = "loaded")]
pub use state::PluginState;

/// Returns the backends that are linked, and those that plugins provide. It reads only the file of
/// a plugin in the configuration, until one of the plugin's backends is needed.
///
/// The registry owns the child processes: they end when it is dropped.
pub(crate) fn registry(config: &Config) -> Result<Registry> {
    let plugins = Arc::new(Plugins::new(config.environment()));
    let files = config.plugins();
    let own = own::offers(&plugins);
    let offers = files.files.into_iter().flat_map(|file| offers(&plugins, file)).chain(own);
    let broken = files.broken.into_iter().map(|BrokenPlugin { error, .. }| error);
    let folders = config.plugin_folders().map(|folder| folder.path.display().to_string());
    Ok(Registry::linked()?.with(offers).lacking(broken).searched(folders))
}

/// Starts a plugin in a separate process, even if its file says that it is loaded, and returns the
/// role and name of each backend that it provides. The process has ended when this returns.
///
/// `host` is the program that runs a library, `keyward`. The plugin is verified; none of its code
/// runs in this process.
///
/// # Errors
/// Those of [`verify_program`] and [`Programs::run`].
pub fn try_plugin(
    file: &PluginFile,
    host: PathBuf,
    environment: &Environment,
) -> Result<Vec<(Role, String)>> {
    let host = file.is_library().then_some(host);
    let file = PluginFile { door: Door::Run, host, ..file.clone() };
    let backends = Plugins::new(environment).backends(&file)?;
    Ok(backends.iter().map(|it| (it.role(), it.info.name.to_owned())).collect())
}

fn offers(plugins: &Arc<Plugins>, file: PluginFile) -> Vec<Offer> {
    let file = Arc::new(file);
    let offer = |(role, name): &(Role, String)| {
        let (plugins, file) = (Arc::clone(plugins), Arc::clone(&file));
        let from = file.pin.path.display().to_string();
        let (role, wanted) = (*role, name.clone());
        Offer::new(role, name.clone(), from, move || plugins.backend(&file, role, &wanted))
    };
    file.backends.iter().map(offer).collect()
}

/// The libraries that were loaded, which stay in memory, and the programs that run.
#[derive(Debug)]
struct Plugins {
    environment: Environment,
    libraries: Libraries,
    programs: Programs,
}

impl Plugins {
    fn new(environment: &Environment) -> Self {
        Self {
            environment: environment.clone(),
            libraries: Libraries::default(),
            programs: Programs::new(),
        }
    }

    /// Loads or starts a plugin, unless that is done, and returns one of its backends.
    fn backend(&self, file: &PluginFile, role: Role, name: &str) -> Result<Registration> {
        let mut backends = self.backends(file)?.into_iter();
        backends.find(|it| it.role() == role && it.info.name == name).ok_or_else(|| {
            let path = file.pin.path.display();
            Error::new(ErrorKind::Refused, "plugin")
                .because(format!(
                    "{path} does not provide the {role} {name}, which {} lists",
                    file.path.display()
                ))
                .hint(format!("If this is intended, run: keyward plugin trust '{path}'"))
        })
    }

    fn backends(&self, file: &PluginFile) -> Result<Vec<Registration>> {
        match file.door {
            Door::Run => self.programs.run(&command(file, &self.environment)?),
            Door::Loaded | Door::Linked => self.libraries.load(file),
        }
    }
}

/// Returns the command that starts a plugin in a separate process.
fn command(file: &PluginFile, environment: &Environment) -> Result<Command> {
    let (program, arguments) = match &file.host {
        None => (verify_program(&file.pin)?, file.arguments.clone()),
        Some(host) => {
            libraries::check(file)?;
            (Program::in_place(host)?, host_arguments(file))
        }
    };
    let command = Command::verified(program).called(file.pin.path.display().to_string());
    let command = arguments.into_iter().fold(command, Command::argument);
    let variables = file.environment.iter();
    let variables = variables.filter_map(|name| Some((name, environment.get(name)?)));
    Ok(variables.fold(command, |command, (name, value)| {
        command.variable(name, Secret::new(value.into_vec()))
    }))
}

/// Returns the command with which `keyward` serves a library, if it is the pinned one.
fn host_arguments(file: &PluginFile) -> Vec<String> {
    let path = |pin: &Pin| pin.path.to_string_lossy().into_owned();
    let mut arguments = vec!["plugin".into(), "host".into(), path(&file.pin)];
    arguments.extend(["--sha256".into(), file.pin.digest.to_string()]);
    for need in &file.needs {
        arguments.extend(["--needs".into(), format!("{}={}", path(need), need.digest)]);
    }
    arguments
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use keyward_config::{Layer, PluginName};

    use super::*;

    const GONE: &str = "version = 1\ndoor = \"load\"\npath = \"/nowhere/shelf.so\"\nsha256 = \"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855\"\nbackends = [\"storage shelf\", \"key shelf\"]\n";

    fn keep(config: &Config, name: &str, text: &str) {
        let name = PluginName::new(name).unwrap();
        let path = config.plugin_path(&name, Layer::User);
        let file = PluginFile::parse(text, &path, &name, Layer::User).unwrap();
        config.keep_plugin(&file, None).unwrap();
    }

    #[test]
    fn what_a_plugin_offers_is_known_without_it() {
        let home = tempfile::tempdir().unwrap();
        let config = Config::load(Environment::new([("HOME", home.path())])).unwrap();
        keep(&config, "shelf", GONE);
        keep(&config, "runs", &GONE.replace("load", "run").replace(" shelf\"", " runs\""));
        let registry = registry(&config).unwrap();
        let offers: Vec<_> =
            registry.offers().map(|it| (it.role(), it.name(), it.from())).collect();
        let from = "/nowhere/shelf.so";
        assert_eq!(
            offers,
            [
                (Role::Key, "runs", from),
                (Role::Key, "shelf", from),
                (Role::Storage, "runs", from),
                (Role::Storage, "shelf", from),
                (Role::Checker, "ldap", "keyward-checkers"),
                (Role::Checker, "pam", "keyward-checkers"),
            ]
        );
        let missing = ErrorKind::Unavailable;
        let loaded = if cfg!(feature = "loaded") { missing } else { ErrorKind::Unsupported };
        for (name, kind) in [("runs", missing), ("shelf", loaded)] {
            let error = registry.find(Role::Storage, name).unwrap_err();
            assert_eq!(error.kind(), kind, "{name}");
        }
    }

    #[test]
    fn a_host_is_started_with_the_pinned_digest() {
        let name = PluginName::new("shelf").unwrap();
        let text = GONE.replace("\"load\"", "\"run\"\nhost = \"/usr/bin/keyward\"");
        let digest = "a".repeat(64);
        let text = format!("{text}[[needs]]\npath = \"/nowhere/a=b.so\"\nsha256 = \"{digest}\"\n");
        let file = PluginFile::parse(&text, Path::new("x"), &name, Layer::User).unwrap();
        let arguments = host_arguments(&file);
        assert_eq!(arguments[..3], ["plugin", "host", "/nowhere/shelf.so"]);
        assert_eq!(arguments[3..5], ["--sha256", &file.pin.digest.to_string()]);
        assert_eq!(arguments[5..], ["--needs".to_owned(), format!("/nowhere/a=b.so={digest}")]);
    }
}
