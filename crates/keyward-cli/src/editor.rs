//! Runs the user's editor. In `config edit` the user edits a copy, which replaces the configuration
//! only if it is valid.

use std::path::Path;

use keyward_config::{Config, Environment, Places};
use keyward_core::{Error, ErrorKind};
use keyward_fs::PrivateDir;

use crate::output::{print, print_message};
use crate::shell;
use crate::stop::{Outcome, usage_error};

const COPY: &str = "config.toml.edit";
const DEFAULT: &str = "version = 1\n\n# [defaults]\n# storage = \"file\"\n";

/// Lets the user edit the configuration. `check` is called with the edited copy.
pub(crate) fn edit_config(check: fn(&Path) -> Outcome) -> Outcome {
    let environment = Environment::current();
    let places = Places::find(&environment)?;
    places.check_owner()?;
    // The user may need the editor because the configuration does not load.
    if let Err(error) = Config::load(environment.clone()) {
        print_message(&format!("warning: {error}"));
    }
    let file = places.user_file(&environment);
    let file = std::fs::canonicalize(&file).unwrap_or(file);
    let (Some(folder), Some(name)) = (file.parent(), file.file_name()) else {
        return Err(usage_error(
            "the path of the configuration file has no folder or no file name",
        ));
    };
    let dir = PrivateDir::create(folder)?;
    let before = read_or_default(&file)?;
    if dir.contains(Path::new(COPY))? {
        print_message("The editor shows the text that the last `config edit` kept.");
    } else {
        dir.replace(Path::new(COPY), &before)?;
    }
    let copy = folder.join(COPY);
    run_editor(&environment, &copy, "the configuration is unchanged")?;
    let Some(after) = dir.read(Path::new(COPY), 1 << 20)? else {
        let why = "the edited copy no longer exists; the configuration is unchanged";
        return Err(Error::new(ErrorKind::Other, "edit").because(why).into());
    };
    if after == before {
        dir.remove(Path::new(COPY))?;
        return print("Nothing was changed.");
    }
    if let Err(stop) = check(&copy).and_then(|()| check_unchanged(&file, &before)) {
        print_message(&format!(
            "Your text is in {}; the configuration is unchanged.",
            copy.display()
        ));
        return Err(stop);
    }
    dir.replace(Path::new(name), &after)?;
    dir.remove(Path::new(COPY))?;
    Ok(())
}

/// Returns the text of the configuration file, or the text that a new one starts with.
fn read_or_default(file: &Path) -> Outcome<Vec<u8>> {
    match std::fs::read(file) {
        Ok(text) if !text.trim_ascii().is_empty() => Ok(text),
        Ok(_) => Ok(DEFAULT.into()),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(DEFAULT.into()),
        Err(error) => {
            let why = format!("{}: {error}", file.display());
            Err(Error::io("edit", error).because(why).into())
        }
    }
}

/// Returns an error if another process changed the file while the editor was open.
fn check_unchanged(file: &Path, before: &[u8]) -> Outcome {
    if read_or_default(file)? == before {
        return Ok(());
    }
    Err(Error::new(ErrorKind::Conflict, "edit")
        .because("another program changed the configuration while the editor was open")
        .into())
}

/// Lets the user edit a file. If the editor fails, the error says that `unchanged`.
pub(crate) fn run_editor(environment: &Environment, file: &Path, unchanged: &str) -> Outcome {
    let editor = shell::command_line(environment, &["VISUAL", "EDITOR"], "vi");
    let failed = |kind, why: &str| {
        let why = format!("{} {why}", editor.to_string_lossy());
        Err(Error::new(kind, "edit").because(why).into())
    };
    match shell::command(&editor).arg(file).status() {
        Ok(status) if status.success() => Ok(()),
        Ok(status) if shell::is_missing(status) => {
            failed(ErrorKind::Unavailable, "cannot be started")
        }
        Ok(_) => failed(ErrorKind::Other, &format!("failed; {unchanged}")),
        Err(error) => failed(ErrorKind::Unavailable, &format!("cannot be started: {error}")),
    }
}
