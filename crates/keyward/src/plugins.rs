//! The backends that plugins provide.

mod state;

use std::os::unix::ffi::OsStringExt;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use keyward_config::{BrokenPlugin, Config, Environment, PluginFile};
use keyward_core::{Door, Error, ErrorKind, Offer, Registration, Registry, Result, Role, Secret};
use keyward_loader::process::{self, Command};
use keyward_loader::{Pin, Program, verify_library, verify_program};

pub use state::PluginState;

/// Returns the backends that are linked, and those that plugins provide. It reads only the file of
/// a plugin in the configuration, until one of the plugin's backends is needed.
pub(crate) fn registry(config: &Config) -> Result<Registry> {
    let plugins = config.plugins();
    let offers = plugins.files.into_iter().flat_map(|file| offers(file, config.environment()));
    let broken = plugins.broken.into_iter().map(|BrokenPlugin { error, .. }| error);
    let folders = config.plugin_folders().map(|(folder, _)| folder.display().to_string());
    Ok(Registry::linked()?.with(offers).lacking(broken).searched(folders))
}

/// Starts a plugin in a separate process and returns the backends that it provides, even if its
/// file says that it is loaded.
///
/// `host` is the program that runs a library, `keyward`. The plugin is verified; none of its code
/// runs in this process.
///
/// # Errors
/// Those of [`verify_library`] and [`verify_program`], and of [`process::run`].
pub fn try_plugin(
    file: &PluginFile,
    host: PathBuf,
    environment: &Environment,
) -> Result<Vec<Registration>> {
    let host = file.is_library().then_some(host);
    fetch(&PluginFile { door: Door::Run, host, ..file.clone() }, environment)
}

fn offers(file: PluginFile, environment: &Environment) -> Vec<Offer> {
    let environment = environment.clone();
    let plugin = Arc::new((file, environment));
    let offer = |(role, name): &(Role, String)| {
        let (plugin, role, name) = (Arc::clone(&plugin), *role, name.clone());
        let from = plugin.0.pin.path.display().to_string();
        Offer::new(role, name.clone(), from, move || fetch_one(&plugin.0, &plugin.1, role, &name))
    };
    plugin.0.backends.iter().map(offer).collect()
}

fn fetch_one(
    file: &PluginFile,
    environment: &Environment,
    role: Role,
    name: &str,
) -> Result<Registration> {
    let fetched = fetch(file, environment)?;
    let found = fetched.into_iter().find(|it| it.role() == role && it.info.name == name);
    found.ok_or_else(|| {
        let path = file.pin.path.display();
        Error::new(ErrorKind::Refused, "plugin")
            .because(format!(
                "{path} does not provide the {role} {name}, which {} lists",
                file.path.display()
            ))
            .hint(format!("If this is intended, run: keyward plugin trust '{path}'"))
    })
}

fn fetch(file: &PluginFile, environment: &Environment) -> Result<Vec<Registration>> {
    match file.door {
        Door::Run => process::run(&command(file, environment)?),
        Door::Loaded | Door::Linked => load_once(file),
    }
}

/// The libraries that were loaded. They are never unloaded.
static LOADED: Mutex<Vec<Loaded>> = Mutex::new(Vec::new());

/// The pins of a library and of the libraries that it needs, and the backends that it provides.
type Loaded = (Pin, Vec<Pin>, Vec<Registration>);

fn load_once(file: &PluginFile) -> Result<Vec<Registration>> {
    let mut loaded = LOADED.lock().unwrap_or_else(PoisonError::into_inner);
    let known = loaded.iter().find(|(pin, needs, _)| (pin, needs) == (&file.pin, &file.needs));
    if let Some((_, _, brought)) = known {
        return Ok(brought.clone());
    }
    let brought = keyward_loader::load(verify_library(&file.pin, &file.needs)?)?;
    loaded.push((file.pin.clone(), file.needs.clone(), brought.clone()));
    Ok(brought)
}

/// Returns the command that starts a plugin in a separate process.
fn command(file: &PluginFile, environment: &Environment) -> Result<Command> {
    let (program, arguments) = match &file.host {
        None => (verify_program(&file.pin)?, file.arguments.clone()),
        Some(host) => {
            // The host verifies the library again before it loads it. This check reports an error
            // earlier, and with its cause.
            verify_library(&file.pin, &file.needs)?;
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
        let config = Config::load(Environment::of([("HOME", home.path())])).unwrap();
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
            ]
        );
        for name in ["runs", "shelf"] {
            let error = registry.find(Role::Storage, name).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Unavailable);
        }
    }

    #[test]
    fn a_host_is_told_what_is_pinned() {
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
