//! Runs the user's editor. In `config edit` the user edits a copy, which replaces the configuration
//! only if it is valid.

use std::path::Path;

use keyward_config::{Config, Environment, Places};
use keyward_core::{Error, ErrorKind};
use keyward_fs::PrivateDir;

use crate::output::{print, print_message};
use crate::shell;
use crate::stop::{Outcome, usage_error};

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
    let shown = "the configuration";
    edit(&environment, &file, &read_or_default(&file)?, shown, |copy, before| {
        check(copy)?;
        check_unchanged(&file, before)
    })
}

/// Lets the user edit a copy of a file, whose text is `before`. The copy replaces the file if `check`
/// takes the path of the copy and that text. `shown` is what the file is in messages.
pub(crate) fn edit(
    environment: &Environment,
    file: &Path,
    before: &[u8],
    shown: &str,
    check: impl Fn(&Path, &[u8]) -> Outcome,
) -> Outcome {
    let (Some(folder), Some(name)) = (file.parent(), file.file_name()) else {
        return Err(usage_error(format!("the path of {shown} has no folder or no file name")));
    };
    let dir = PrivateDir::create(folder)?;
    let mut copy_name = name.to_owned();
    copy_name.push(".edit");
    let copy_name = Path::new(&copy_name);
    if dir.contains(copy_name)? {
        print_message("The editor shows the text that the last edit kept.");
    } else {
        dir.replace(copy_name, before)?;
    }
    let copy = folder.join(copy_name);
    run_editor(environment, &copy, &format!("{shown} is unchanged"))?;
    let Some(after) = dir.read(copy_name, 1 << 20)? else {
        let why = format!("the edited copy no longer exists; {shown} is unchanged");
        return Err(Error::new(ErrorKind::Other, "edit").because(why).into());
    };
    if after == before {
        dir.remove(copy_name)?;
        return print("Nothing was changed.");
    }
    if let Err(stop) = check(&copy, before) {
        print_message(&format!("Your text is in {}; {shown} is unchanged.", copy.display()));
        return Err(stop);
    }
    dir.replace(Path::new(name), &after)?;
    dir.remove(copy_name)?;
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
