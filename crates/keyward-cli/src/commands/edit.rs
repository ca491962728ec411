use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::slice;

use keyward::OpenStore;
use keyward_config::Environment;
use keyward_core::{Change, EntryId, Error, ErrorKind, MAX_RECORD, Record, Result, Secret};
use keyward_kinds::{Changes, Kind, Kinds};

use super::Run;
use super::get::json;
use super::run::files::SecretFiles;
use super::set::{Input, given};
use crate::arguments::StoreAndEntry;
use crate::console::Console;
use crate::editor::run_editor;
use crate::exit::report;
use crate::output::print;
use crate::session::Session;
use crate::stop::{Outcome, Stop};

/// Edit a record as JSON, in your editor
#[derive(clap::Parser)]
#[command(
    after_help = "The editor is $VISUAL, $EDITOR or vi. It gets a file in memory that only you can read, and that is
gone afterwards. The change is kept only if it is valid.

Example:
  keyward edit work --name ci"
)]
pub(super) struct Arguments {
    #[command(flatten)]
    entry: StoreAndEntry,
}

impl Run for Arguments {
    fn run(self, session: &Session) -> Outcome {
        let keyward = session.keyward()?;
        let (store, id, record) = self.entry.read(&keyward)?;
        let kinds = keyward.config().kinds_with(&record.kind);
        kinds.find(&record.kind)?;
        store.give_out(slice::from_ref(&id))?;
        edit(&session.console, &store, &id, &record, &kinds)
    }
}

/// Lets the user edit the record until it is valid, and stores it.
fn edit(
    console: &Console,
    store: &OpenStore,
    id: &EntryId,
    record: &Record,
    kinds: &Kinds,
) -> Outcome {
    let environment = Environment::current();
    let mut files = SecretFiles::new(&environment).map_err(no_place)?;
    let before = json::pretty(id, record, kinds)?;
    let path = files.add("record.json", &before)?;
    let file = EditedFile(&path);
    loop {
        run_editor(&environment, &path, "the record is unchanged")?;
        let after = file.read()?;
        if after == before {
            return print("Nothing was changed.");
        }
        match changes(&after, kinds.find(&record.kind)?, record, store) {
            Ok((kind, changes)) => return Ok(put(store, id, record, kind, &changes)?),
            Err(stop) => ask_to_edit_again(console, stop)?,
        }
    }
}

/// A file that is overwritten with zeros at the end, with all others in its folder.
struct EditedFile<'a>(&'a Path);

impl EditedFile<'_> {
    fn read(&self) -> Result<Secret> {
        File::open(self.0)
            .and_then(|file| Secret::read_from(file, 2 * MAX_RECORD))
            .map_err(|error| Error::io("edit", error).because("the edited file cannot be read"))
    }
}

impl Drop for EditedFile<'_> {
    /// Backup files, which some editors make beside the file, contain secrets too. What cannot be
    /// overwritten or removed is left to the owner of the folder, which tries again.
    fn drop(&mut self) {
        let entries = self.0.parent().and_then(|folder| folder.read_dir().ok());
        for path in entries.into_iter().flatten().flatten().map(|entry| entry.path()) {
            drop(overwrite(&path));
            if path != self.0 {
                drop(std::fs::remove_file(&path));
            }
        }
    }
}

/// Fills a file with zeros. An editor may also have made a link, which is not followed.
fn overwrite(path: &Path) -> std::io::Result<()> {
    let metadata = path.symlink_metadata()?;
    if !metadata.is_file() {
        return Ok(());
    }
    let zeros = vec![0; usize::try_from(metadata.len()).unwrap_or_default()];
    File::options().write(true).open(path)?.write_all(&zeros)
}

/// Returns what the user changed, checked.
fn changes<'a>(
    text: &Secret,
    kind: &'a Kind,
    record: &Record,
    store: &OpenStore,
) -> Outcome<(&'a Kind, Changes)> {
    let input = Input::read("the edited file", text.expose())?;
    if input.kind.as_deref().is_some_and(|name| name != kind.name) {
        let error = Error::invalid("edit", "the kind of a record cannot be changed");
        return Err(error.hint("Use `keyward set --replace`").into());
    }
    let mut changes = given(Some(input), kind, store.now())?;
    changes.expires = Some(changes.expires.flatten());
    let gone = record.fields.keys().filter(|name| !changes.fields.contains_key(*name));
    changes.removed = gone.cloned().collect();
    for name in record.labels.keys() {
        changes.labels.entry(name.clone()).or_default();
    }
    // A field that is not changed need not be one that the kind has.
    let secret = &changes.secret;
    changes.fields.retain(|name, value| {
        let is_same =
            |old: &keyward_core::Field| old.value == *value && old.secret == secret.contains(name);
        !record.field(name).is_some_and(is_same)
    });
    changes.apply(kind, Some(record.clone()), store.now())?;
    Ok((kind, changes))
}

/// Stores the changes, unless the record is no longer the one that was edited.
fn put(
    store: &OpenStore,
    id: &EntryId,
    record: &Record,
    kind: &Kind,
    changes: &Changes,
) -> Result<()> {
    store.check_not_deleting()?;
    store.update(id, |now| match now {
        Some(now) if now.is_same_as(record) => {
            Ok(Change::Put(Box::new(changes.apply(kind, Some(now), store.now())?)))
        }
        _ => Err(Error::new(ErrorKind::Conflict, "edit")
            .because("another program changed the entry while the editor was open")),
    })
}

/// Asks whether to edit again.
///
/// # Errors
/// The failure, if the user does not want to or there is no terminal.
fn ask_to_edit_again(console: &Console, failure: Stop) -> Outcome {
    let Ok(mut terminal) = console.terminal() else { return Err(failure) };
    let code = report(Err(failure));
    let answer = terminal.ask_open("Edit again? [Y/n] ")?;
    match answer.expose() {
        b"" | b"y" | b"Y" | b"yes" => Ok(()),
        _ => Err(Stop::Ended(code)),
    }
}

/// Returns the error for a system without a place for the file.
fn no_place(error: Error) -> Error {
    match error.kind() {
        ErrorKind::Refused => Error::new(ErrorKind::Refused, "edit")
            .because("there is no folder in memory for the record")
            .hint("Set XDG_RUNTIME_DIR to a folder on a tmpfs, or use `keyward set --json`"),
        _ => error,
    }
}
