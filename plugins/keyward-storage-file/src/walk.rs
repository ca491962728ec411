//! Listing without holding more than one page: a cursor keeps the place in each open folder.

use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use keyward_plugin::fs::PrivateDir;
use keyward_plugin::{Cursor, EntryId, Error, ErrorKind, Page, Query, Result};
use rustix::fs::{Dir, FileType};

use crate::layout::{self, Part};

/// No entry lies deeper: the longest user takes 4 segments, the longest name 16.
const DEEPEST: usize = 20;

/// An open folder, and how far its listing has come.
struct Open {
    /// Its own name; empty for the folder in which the walk began.
    name: String,
    dir: Dir,
    place: i64,
    holds: Holds,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Holds {
    Users,
    Entries,
}

/// One page of the entries below `base`.
pub(crate) fn page(base: &PrivateDir, query: &Query<'_>) -> Result<Page> {
    let mut walk = Walk { base, start: PathBuf::new(), stack: Vec::new() };
    let begun = match query.user {
        Some(user) => {
            walk.start = layout::folder(user);
            walk.enter(String::new(), Holds::Entries, 0)?
        }
        None => walk.enter(String::new(), Holds::Users, 0)?,
    };
    let mut page = Page::default();
    if !begun || !walk.resume(query.cursor.as_ref())? {
        return Ok(page);
    }
    while let Some(id) = walk.next()? {
        if query.matches(&id) {
            page.entries.push(id);
            if page.entries.len() == query.limit {
                page.next = Some(walk.cursor());
                break;
            }
        }
    }
    Ok(page)
}

/// Removes every entry below `base`, and the folders that are empty then. What is none of ours, or
/// not as we make it, is passed over.
///
/// It goes through each folder once, so that nobody who makes files meanwhile keeps it going.
pub(crate) fn clear(base: &PrivateDir) -> Result<()> {
    clear_folder(base, &mut Vec::new())
}

fn clear_folder(base: &PrivateDir, parts: &mut Vec<String>) -> Result<()> {
    let folder: PathBuf = parts.iter().collect();
    let Some(fd) = pass_over(base.open_dir(&folder))?.flatten() else { return Ok(()) };
    for found in Dir::new(fd).map_err(failed)? {
        let found = found.map_err(failed)?;
        let Ok(name) = found.file_name().to_str() else { continue };
        if Part::of(name) == Part::Foreign {
            continue;
        }
        parts.push(name.to_owned());
        let path = folder.join(name);
        match found.file_type() {
            FileType::Directory | FileType::Unknown if parts.len() < DEEPEST => {
                clear_folder(base, parts)?;
                pass_over(base.remove_empty(&path))?;
            }
            _ => {}
        }
        if found.file_type() != FileType::Directory && entry(parts).is_some() {
            pass_over(base.remove(&path))?;
        }
        parts.pop();
    }
    Ok(())
}

/// Nothing, where the result says that something is not as it should be.
fn pass_over<T>(result: Result<T>) -> Result<Option<T>> {
    match result {
        Err(error) if matches!(error.kind(), ErrorKind::Refused | ErrorKind::Unsupported) => {
            Ok(None)
        }
        other => other.map(Some),
    }
}

/// The entry whose file is found by these names, one below the other.
fn entry(parts: &[String]) -> Option<EntryId> {
    let end_of_user = parts.iter().position(|part| Part::of(part) == Part::Last)? + 1;
    layout::entry(&parts[..end_of_user], &parts[end_of_user..])
}

/// Goes through every entry, folder by folder.
struct Walk<'a> {
    base: &'a PrivateDir,
    start: PathBuf,
    stack: Vec<Open>,
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
            let Ok(name) = found.file_name().to_str() else { continue };
            match (Part::of(name), open.holds, found.file_type()) {
                (Part::Continued, holds, FileType::Directory | FileType::Unknown) => {
                    self.enter(name.to_owned(), holds, 0)?;
                }
                (Part::Last, Holds::Users, FileType::Directory | FileType::Unknown) => {
                    self.enter(name.to_owned(), Holds::Entries, 0)?;
                }
                (Part::Last, Holds::Entries, FileType::RegularFile | FileType::Unknown) => {
                    if let Some(id) = self.entry(name) {
                        return Ok(Some(id));
                    }
                }
                _ => {}
            }
        }
        Ok(None)
    }

    /// The entry of a file in the innermost folder.
    fn entry(&self, name: &str) -> Option<EntryId> {
        let mut parts: Vec<String> =
            self.start.iter().filter_map(|part| part.to_str().map(str::to_owned)).collect();
        parts.extend(self.stack.iter().skip(1).map(|open| open.name.clone()));
        parts.push(name.to_owned());
        entry(&parts)
    }

    /// Opens the folder `name` of the innermost one; a folder that is gone is passed over.
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

    /// Per open folder: its place, the length of its name, its name.
    fn cursor(&self) -> Cursor {
        let mut bytes = Vec::new();
        for open in &self.stack {
            bytes.extend_from_slice(&open.place.to_be_bytes());
            bytes.push(open.name.len() as u8);
            bytes.extend_from_slice(open.name.as_bytes());
        }
        Cursor(bytes)
    }

    /// Goes back to where a cursor was taken. Whether there is anything left to walk is the answer.
    fn resume(&mut self, cursor: Option<&Cursor>) -> Result<bool> {
        let Some(cursor) = cursor else { return Ok(true) };
        let bad = || Error::invalid("list", "the cursor is not one of this storage");
        let mut rest = cursor.0.as_slice();
        let mut holds = self.stack.pop().ok_or_else(bad)?.holds;
        while let Some((place, tail)) = rest.split_first_chunk::<8>() {
            let (&length, tail) = tail.split_first().ok_or_else(bad)?;
            let (name, tail) = tail.split_at_checked(length.into()).ok_or_else(bad)?;
            let name = std::str::from_utf8(name).map_err(|_| bad())?;
            if !self.stack.is_empty() {
                match Part::of(name) {
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

fn failed(error: rustix::io::Errno) -> Error {
    let error = std::io::Error::from(error);
    Error::new(ErrorKind::Unavailable, "list").because(error.to_string())
}
