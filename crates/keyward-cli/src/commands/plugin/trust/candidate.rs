//! A file that the user is about to trust, and what can be known of it without running it.

use std::fmt::Write;
use std::path::{Path, PathBuf};

use keyward::Keyward;
use keyward_config::{Layer, PluginFile, PluginName, user_of_uid};
use keyward_core::{Door, Error, ErrorKind, Result, Role, printable};
use keyward_loader::{Content, Inspection, inspect, verify_library};

use super::Arguments;
use crate::stop::{Outcome, usage_error};

/// A file that may be trusted.
pub(super) struct Candidate {
    /// The plugin file to write. Its list of backends is still empty.
    pub(super) file: PluginFile,
    /// The plugin that it would replace: the same file in an earlier state.
    pub(super) before: Option<PluginFile>,
    found: Inspection,
    needs: Vec<Inspection>,
}

impl Candidate {
    /// Inspects a file that the command line names.
    ///
    /// A plugin that was trusted before keeps its arguments, variables and needed libraries, unless
    /// the command line has others.
    pub(super) fn inspect(keyward: &Keyward, options: &Arguments, path: &Path) -> Outcome<Self> {
        let found = inspect(path)?;
        let layer = if options.system { Layer::System } else { Layer::User };
        let name = options.name.as_deref();
        let before = find_trusted(keyward, name, &found.path, layer);
        let name = match &before {
            Some(before) => before.name.clone(),
            None => free_name(keyward, name, &found)?,
        };
        let is_library = matches!(found.content, Content::Library(_));
        let earlier = before.as_ref().filter(|before| before.is_library() == is_library);
        let loads = options.load;
        let arguments = options.arguments.as_ref().or(earlier.map(|it| &it.arguments));
        // A loaded library sees every variable, so the list for a child process no longer applies.
        let variables = earlier.filter(|_| !loads).map(|it| &it.environment);
        let environment = options.env.as_ref().or(variables);
        let needs = match (&options.needs, earlier) {
            (None, Some(earlier)) => earlier.needs.iter().map(|pin| pin.path.clone()).collect(),
            (given, _) => given.clone().unwrap_or_default(),
        };
        let (arguments, environment) =
            (arguments.cloned().unwrap_or_default(), environment.cloned().unwrap_or_default());
        let was_run = earlier.is_some_and(|earlier| earlier.host.is_some());
        let runs = options.run || (was_run && !loads);
        if loads && !is_library {
            return Err(usage_error("a program cannot be loaded: --load is for libraries only"));
        }
        check_kind(is_library, runs, &arguments, &environment, &needs)?;
        let needs = needs.iter().map(|path| inspect(path)).collect::<Result<Vec<_>>>()?;
        let file = PluginFile {
            path: keyward.config().plugin_path(&name, layer),
            name,
            layer,
            door: if is_library && !runs { Door::Loaded } else { Door::Run },
            pin: found.pin(),
            host: if is_library && runs { Some(super::this_program()?) } else { None },
            needs: needs.iter().map(Inspection::pin).collect(),
            arguments,
            environment,
            backends: Vec::new(),
        };
        if is_library {
            verify_library(&file.pin, &file.needs)?;
        }
        Ok(Self { file, before, found, needs })
    }

    /// Returns all that is known of the file, one fact per line.
    pub(super) fn describe(&self) -> String {
        let (file, found) = (&self.file, &self.found);
        let mut text = format!("{}\n", found.path.display());
        let mut fact = |name: &str, fact: String| {
            writeln!(text, "  {name:<10} {fact}").unwrap_or_default();
        };
        fact("kind", self.kind());
        fact("size", format!("{} bytes", found.size));
        let owner = user_of_uid(found.owner).name;
        fact("owner", format!("{owner} (user id {})", found.owner));
        fact("mode", format!("{:04o}", found.mode));
        fact("sha256", found.digest.to_string());
        if let Some(before) = &self.before {
            fact(
                "before",
                match before.pin == file.pin {
                    true => "the same file, which is already trusted".to_owned(),
                    false => format!("{}, as {}", before.pin.digest, before.name),
                },
            );
        }
        if let Content::Library(library) = &found.content
            && let Ok(entry) = library.entry()
        {
            fact("entry", entry.to_string());
        }
        for need in &self.needs {
            fact("needs", format!("{} (sha256 {})", need.path.display(), need.digest));
        }
        for argument in &file.arguments {
            fact("argument", argument.clone());
        }
        if file.door == Door::Run {
            fact(
                "variables",
                match file.environment.is_empty() {
                    true => "none".to_owned(),
                    false => file.environment.join(", "),
                },
            );
        }
        text + "Its code will run with the rights of each user who uses it, and can read everything that Keyward passes to it.\n"
    }

    fn kind(&self) -> String {
        match (&self.found.content, &self.file.host) {
            (Content::Library(_), None) => "a shared library, to be loaded".to_owned(),
            (Content::Library(_), Some(host)) => {
                format!("a shared library, to be run by {}", host.display())
            }
            (Content::Program, _) => "a program, to be run".to_owned(),
            (Content::Script, _) => "a script, to be run".to_owned(),
        }
    }
}

/// Returns the plugin that is this file.
fn find_trusted(
    keyward: &Keyward,
    name: Option<&str>,
    path: &Path,
    layer: Layer,
) -> Option<PluginFile> {
    let is_requested = |other: &str| name.is_none_or(|name| name == other);
    let mut files = keyward.config().plugins().files.into_iter();
    files.find(|it| it.layer == layer && it.pin.path == path && is_requested(it.name.as_str()))
}

/// Returns the chosen or suggested name, if no plugin has it.
fn free_name(keyward: &Keyward, name: Option<&str>, found: &Inspection) -> Result<PluginName> {
    let name = match name {
        Some(name) => PluginName::new(name)?,
        None => suggested_name(found)
            .and_then(|name| PluginName::new(&name))
            .map_err(|error| error.hint("Choose a name with --name"))?,
    };
    let plugins = keyward.config().plugins();
    let file = plugins.files.into_iter().find(|it| it.name == name).map(|it| it.path);
    let broken = || plugins.broken.into_iter().find(|it| it.name.as_ref() == Some(&name));
    match file.or_else(|| broken().map(|it| it.path)) {
        None => Ok(name),
        Some(path) => {
            let why = format!("there is a plugin `{name}` already: {}", path.display());
            Err(Error::new(ErrorKind::Exists, "init").because(why).hint(format!(
                "Choose another name with --name, or first run: keyward plugin forget '{name}'"
            )))
        }
    }
}

/// Suggests a name: for a library the name of its crate without `keyward_` and its role, else the
/// name of the file.
fn suggested_name(found: &Inspection) -> Result<String> {
    if let Content::Library(library) = &found.content
        && let Ok(entry) = library.entry()
    {
        let name = entry.package();
        let name = name.strip_prefix("keyward_").unwrap_or(name);
        let role = |role: &Role| name.strip_prefix(role.name())?.strip_prefix('_');
        return Ok(Role::ALL.iter().find_map(role).unwrap_or(name).replace('_', "-"));
    }
    let name = found.path.file_stem().and_then(|name| name.to_str());
    name.map(str::to_owned).ok_or_else(|| Error::invalid("name", "the file's name is not UTF-8"))
}

/// Refuses options that do not apply to this kind of file.
fn check_kind(
    is_library: bool,
    runs: bool,
    arguments: &[String],
    environment: &[String],
    needs: &[PathBuf],
) -> Outcome {
    if let Some(name) = environment.iter().find(|name| !PluginFile::may_see(name)) {
        return Err(usage_error(format!(
            "a plugin may not see the variable `{}`",
            printable(name)
        )));
    }
    match is_library {
        true if !arguments.is_empty() => Err(usage_error("a library takes no arguments")),
        true if !runs && !environment.is_empty() => {
            Err(usage_error("a library that is loaded sees every variable: --env needs --run"))
        }
        false if !needs.is_empty() => Err(usage_error(
            "a program finds the libraries that it needs: --needs is for libraries only",
        )),
        _ => Ok(()),
    }
}
