//! Lists entries with only one page in memory: a cursor keeps the position in each open folder.

use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use keyward_plugin::fs::PrivateDir;
use keyward_plugin::{Cursor, EntryId, Error, ErrorKind, Host, Level, Page, Query, Result};
use rustix::fs::{AtFlags, Dir, FileType, RawMode};
use rustix::io::Errno;

use crate::layout::{self, Part};

/// The depth of the deepest entry: the longest user takes 4 segments, the longest name 16.
const DEEPEST: usize = 20;

/// The cursor after all entries, if something of the wrong type was found. A cursor into a folder
/// is longer.
const MISFITS: &[u8] = &[1];

/// An open folder, and the position of its listing.
struct Open {
    /// Its name; empty for the folder in which the walk began.
    name: String,
    dir: Dir,
    place: i64,
    holds: Holds,
}

impl Open {
    /// Returns the type of the file with this name; `None` if it no longer exists.
    fn type_of(&self, name: &str) -> Result<Option<FileType>> {
        let folder = self.dir.fd().map_err(failed)?;
        match rustix::fs::statat(folder, name, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(stat) => Ok(Some(FileType::from_raw_mode(stat.st_mode as RawMode))),
            Err(Errno::NOENT) => Ok(None),
            Err(error) => Err(failed(error)),
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Holds {
    Users,
    Entries,
}

/// Returns one page of the entries below `base`.
///
/// A link, a pipe or another file of the wrong type with the name of an entry or of a user's folder
/// is an error: a caller that took it for absent could delete the key that the real file needs. The
/// error is on a separate page after all entries, so that a caller can still reach the valid ones.
pub(crate) fn page(base: &PrivateDir, query: &Query<'_>) -> Result<Page> {
    let mut walk =
        Walk { base, start: PathBuf::new(), stack: Vec::new(), misfits: Misfits::default() };
    let begun = match query.user {
        Some(user) => {
            walk.start = layout::folder(user);
            walk.enter(String::new(), Holds::Entries, 0)?
        }
        None => walk.enter(String::new(), Holds::Users, 0)?,
    };
    let mut page = Page::default();
    if !begun {
        return Ok(page);
    }
    if query.cursor.as_ref().is_some_and(|cursor| cursor.0 == MISFITS) {
        while walk.next()?.is_some() {}
        return walk.misfits.into_result().map(|()| page);
    }
    if !walk.resume(query.cursor.as_ref())? {
        return Ok(page);
    }
    while let Some(id) = walk.next()? {
        if query.matches(&id) {
            page.entries.push(id);
            if page.entries.len() == query.limit {
                page.next = Some(walk.cursor());
                return Ok(page);
            }
        }
    }
    if walk.misfits.count > 0 {
        page.next = Some(Cursor(MISFITS.to_vec()));
    }
    Ok(page)
}

/// Removes every entry below `base`, and the folders that are then empty. It skips files that are
/// not entries of this storage or have the wrong type.
///
/// It reads each folder once, so that a process that creates files meanwhile cannot keep it busy
/// forever.
pub(crate) fn clear(base: &PrivateDir, host: &dyn Host) -> Result<()> {
    clear_folder(base, &mut Vec::new(), host)
}

fn clear_folder(base: &PrivateDir, parts: &mut Vec<String>, host: &dyn Host) -> Result<()> {
    let folder: PathBuf = parts.iter().collect();
    let Some(fd) = pass_over(base.open_dir(&folder))?.flatten() else { return Ok(()) };
    for found in Dir::new(fd).map_err(failed)? {
        let found = found.map_err(failed)?;
        let Ok(name) = found.file_name().to_str() else { continue };
        if Part::from_name(name) == Part::Foreign {
            continue;
        }
        parts.push(name.to_owned());
        let path = folder.join(name);
        match found.file_type() {
            FileType::Directory | FileType::Unknown if parts.len() < DEEPEST => {
                clear_folder(base, parts, host)?;
                pass_over(base.remove_empty(&path))?;
            }
            _ => {}
        }
        if found.file_type() != FileType::Directory && entry(parts).is_some() {
            if found.file_type() == FileType::Symlink {
                report_target_stays(host, &base.path().join(&path));
            }
            pass_over(base.remove(&path))?;
        }
        parts.pop();
    }
    Ok(())
}

/// Logs a warning that the target of a symbolic link in an entry's place stays. The link itself is
/// removed.
fn report_target_stays(host: &dyn Host, link: &Path) {
    if let Ok(target) = std::fs::read_link(link) {
        let target = link.parent().unwrap_or(link).join(target);
        let (link, target) = (link.display(), target.display());
        host.log(Level::Warning, format_args!("{link} is a symbolic link; {target} stays"));
    }
}

/// Returns `None` if the error says that a file or folder has the wrong type or permissions.
fn pass_over<T>(result: Result<T>) -> Result<Option<T>> {
    match result {
        Err(error) if matches!(error.kind(), ErrorKind::Refused | ErrorKind::Unsupported) => {
            Ok(None)
        }
        other => other.map(Some),
    }
}

/// Returns the entry whose file has these names as its path.
fn entry(parts: &[String]) -> Option<EntryId> {
    let end_of_user = parts.iter().position(|part| Part::from_name(part) == Part::Last)? + 1;
    layout::entry(&parts[..end_of_user], &parts[end_of_user..])
}

/// Files that have the name of an entry or of a user's folder, but the wrong type.
#[derive(Default)]
struct Misfits {
    /// What is wrong with the first one, if it was found on this page.
    first: Option<String>,
    count: usize,
}

impl Misfits {
    fn add(&mut self, path: &Path, found: FileType, wanted: &str) {
        let found = match found {
            FileType::Symlink => "a symbolic link",
            FileType::Directory => "a folder",
            FileType::RegularFile => "a regular file",
            FileType::Fifo => "a named pipe",
            FileType::Socket => "a socket",
            _ => "a device",
        };
        self.count += 1;
        self.first.get_or_insert_with(|| format!("{} is {found}, not {wanted}", path.display()));
    }

    fn into_result(self) -> Result<()> {
        let Some(first) = self.first else { return Ok(()) };
        let why = match self.count - 1 {
            0 => first,
            more => format!("{first}; {more} more like it"),
        };
        Err(Error::corrupt("list").because(why).hint(
            "Restore the right file or folder, if necessary from a backup, or remove this one",
        ))
    }
}

/// Walks through all entries, folder by folder.
struct Walk<'a> {
    base: &'a PrivateDir,
    start: PathBuf,
    stack: Vec<Open>,
    misfits: Misfits,
}

impl Walk<'_> {
    fn next(&mut self) -> Result<Option<EntryId>> {
        while let Some(open) = self.stack.last_mut() {
            let Some(found) = open.dir.read() else {
                self.stack.pop();
                continue;
            };
            let found = found.map_err(failed)?;
            open.place = found.offset();
            let Ok(name) = found.file_name().to_str().map(str::to_owned) else { continue };
            let holds = open.holds;
            let kind = match found.file_type() {
                // Some file systems do not report the type in a listing.
                FileType::Unknown => match open.type_of(&name)? {
                    Some(kind) => kind,
                    None => continue,
                },
                kind => kind,
            };
            match (Part::from_name(&name), holds, kind) {
                (Part::Foreign, ..) => {}
                (Part::Continued, holds, FileType::Directory) => {
                    self.enter(name, holds, 0)?;
                }
                (Part::Last, Holds::Users, FileType::Directory) => {
                    self.enter(name, Holds::Entries, 0)?;
                }
                (Part::Last, Holds::Entries, FileType::RegularFile) => {
                    if let Some(id) = self.entry(&name) {
                        return Ok(Some(id));
                    }
                }
                (part, holds, kind) => self.add_misfit(&name, &part, holds, kind),
            }
        }
        Ok(None)
    }

    /// Records a file of the wrong type, if its name is one that this storage gives.
    fn add_misfit(&mut self, name: &str, part: &Part, holds: Holds, kind: FileType) {
        let parts = self.parts(name);
        let (is_ours, wanted) = match (part, holds) {
            (Part::Continued, _) => (layout::is_continued(name), "a folder of the store"),
            (_, Holds::Users) => (layout::is_user(&parts), "a user's folder"),
            (_, Holds::Entries) => (entry(&parts).is_some(), "a record"),
        };
        if is_ours {
            let path = self.base.path().join(parts.iter().collect::<PathBuf>());
            self.misfits.add(&path, kind, wanted);
        }
    }

    /// Returns the entry of a file in the innermost folder.
    fn entry(&self, name: &str) -> Option<EntryId> {
        entry(&self.parts(name))
    }

    /// Returns the names from the root to `name` in the innermost folder.
    fn parts(&self, name: &str) -> Vec<String> {
        let mut parts: Vec<String> =
            self.start.iter().filter_map(|part| part.to_str().map(str::to_owned)).collect();
        parts.extend(self.stack.iter().skip(1).map(|open| open.name.clone()));
        parts.push(name.to_owned());
        parts
    }

    /// Opens the folder `name` of the innermost one. It skips a folder that no longer exists.
    fn enter(&mut self, name: String, holds: Holds, place: i64) -> Result<bool> {
        if self.stack.len() > DEEPEST {
            return Ok(false);
        }
        let mut path = self.start.clone();
        path.extend(self.stack.iter().skip(1).map(|open| &open.name));
        path.push(Path::new(&name));
        let Some(fd): Option<OwnedFd> = self.base.open_dir(&path)? else {
            return Ok(false);
        };
        let mut dir = Dir::new(fd).map_err(failed)?;
        if place != 0 {
            dir.seek(place).map_err(failed)?;
        }
        self.stack.push(Open { name, dir, place, holds });
        Ok(true)
    }

    /// The cursor: whether a misfit was found, then for each open folder its position, the length
    /// of its name, and its name.
    fn cursor(&self) -> Cursor {
        let mut bytes = vec![u8::from(self.misfits.count > 0)];
        for open in &self.stack {
            bytes.extend_from_slice(&open.place.to_be_bytes());
            bytes.push(open.name.len() as u8);
            bytes.extend_from_slice(open.name.as_bytes());
        }
        Cursor(bytes)
    }

    /// Returns to the position of a cursor. Returns whether anything is left to walk.
    fn resume(&mut self, cursor: Option<&Cursor>) -> Result<bool> {
        let Some(cursor) = cursor else { return Ok(true) };
        let bad = || Error::invalid("list", "the cursor is not one of this storage");
        let (&misfits, mut rest) = cursor.0.split_first().ok_or_else(bad)?;
        self.misfits.count = misfits.into();
        let mut holds = self.stack.pop().ok_or_else(bad)?.holds;
        while let Some((place, tail)) = rest.split_first_chunk::<8>() {
            let (&length, tail) = tail.split_first().ok_or_else(bad)?;
            let (name, tail) = tail.split_at_checked(length.into()).ok_or_else(bad)?;
            let name = std::str::from_utf8(name).map_err(|_| bad())?;
            if !self.stack.is_empty() {
                match Part::from_name(name) {
                    Part::Last => holds = Holds::Entries,
                    Part::Continued => {}
                    Part::Foreign => return Err(bad()),
                }
            }
            if name.contains('/') {
                return Err(bad());
            }
            if !self.enter(name.to_owned(), holds, i64::from_be_bytes(*place))? {
                break;
            }
            rest = tail;
        }
        Ok(!self.stack.is_empty())
    }
}

fn failed(error: Errno) -> Error {
    let error = std::io::Error::from(error);
    Error::new(ErrorKind::Unavailable, "list").because(error.to_string())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    fn store(entries: &[EntryId]) -> (keyward_testkit::Scratch, PrivateDir) {
        let scratch = keyward_testkit::Scratch::new();
        let base = PrivateDir::create(Path::new(&scratch.path("store"))).unwrap();
        for id in entries {
            base.replace(&layout::path(id), b"sealed").unwrap();
        }
        (scratch, base)
    }

    /// The entries of all pages, and the error that ended them, if one did.
    fn listed(
        base: &PrivateDir,
        user: Option<&str>,
        limit: usize,
    ) -> (Vec<EntryId>, Option<Error>) {
        let mut query = Query::default().with_user(user).with_limit(limit);
        let mut entries = Vec::new();
        loop {
            match page(base, &query) {
                Ok(page) => {
                    entries.extend(page.entries);
                    query.cursor = page.next;
                }
                Err(error) => return (entries, Some(error)),
            }
            if query.cursor.is_none() {
                return (entries, None);
            }
        }
    }

    fn ids(count: usize) -> Vec<EntryId> {
        (0..count).map(|n| EntryId::new("ann", Some(&format!("n{n}"))).unwrap()).collect()
    }

    #[test]
    fn a_misfit_is_reported_after_all_entries() {
        for limit in [1, 2, 5, 100] {
            let entries = ids(5);
            let (_scratch, base) = store(&entries);
            symlink("n0", base.path().join("ann/link")).unwrap();
            symlink("ann", base.path().join("bob")).unwrap();
            std::fs::create_dir(base.path().join("ann/folder")).unwrap();
            std::fs::File::create(base.path().join("carol")).unwrap();
            for (user, count) in [(None, 4), (Some("ann"), 2)] {
                let (mut found, error) = listed(&base, user, limit);
                found.sort_by(|a, b| a.name().cmp(&b.name()));
                assert_eq!(found, entries, "{limit}, {user:?}");
                let error = error.expect("the misfits are an error");
                assert_eq!(error.kind(), ErrorKind::Corrupt);
                assert!(
                    error.message().ends_with(&format!("; {} more like it", count - 1)),
                    "{error}"
                );
            }
        }
    }

    #[test]
    fn names_that_are_not_ours_are_passed_over() {
        let entries = ids(2);
        let (_scratch, base) = store(&entries);
        for name in ["README", ".hidden", "ann/Copy", "ann/.n0.swp", "notes+"] {
            symlink("nowhere", base.path().join(name)).unwrap();
        }
        let (found, error) = listed(&base, None, 10);
        assert_eq!((found.len(), error.is_none()), (2, true), "{error:?}");
    }

    #[test]
    fn a_link_in_place_of_a_long_names_beginning_is_of_the_wrong_type() {
        let long = EntryId::new("ann", Some(&"n".repeat(300))).unwrap();
        let (scratch, base) = store(std::slice::from_ref(&long));
        let beginning = base.path().join(layout::path(&long)).parent().unwrap().to_owned();
        std::fs::rename(&beginning, scratch.path("moved")).unwrap();
        symlink(scratch.path("moved"), beginning).unwrap();
        let (found, error) = listed(&base, None, 10);
        assert!(found.is_empty());
        assert_eq!(error.unwrap().kind(), ErrorKind::Corrupt);
    }
}
