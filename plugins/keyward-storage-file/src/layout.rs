//! Maps entries to files, and files to entries.

use std::path::PathBuf;

use keyward_plugin::{EntryId, MAX_SEGMENT, escape, segments, unescape};

/// Returns the file of an entry, relative to the root.
pub(crate) fn path(id: &EntryId) -> PathBuf {
    let mut path = folder(id.user());
    extend(&mut path, id.name_or_empty());
    path
}

/// Returns the folder of a user, relative to the root.
pub(crate) fn folder(user: &str) -> PathBuf {
    let mut path = PathBuf::new();
    extend(&mut path, user);
    path
}

fn extend(path: &mut PathBuf, name: &str) {
    for segment in segments(&escape(name)) {
        path.push(segment.as_ref());
    }
}

/// The meaning of a name that is found on the disk.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Part {
    /// A folder with the first part of a long name, in which the name continues.
    Continued,
    /// The end of a user's or an entry's name.
    Last,
    /// Not a name of this storage.
    Foreign,
}

impl Part {
    pub(crate) fn from_name(name: &str) -> Self {
        if name.strip_suffix('+').is_some() {
            Self::Continued
        } else if name.starts_with('.') {
            Self::Foreign
        } else {
            Self::Last
        }
    }
}

/// Returns the entry whose user and name were cut into these segments.
///
/// `None` if [`path`] does not write any entry like this.
pub(crate) fn entry(user: &[String], name: &[String]) -> Option<EntryId> {
    let id = EntryId::restore(&joined(user)?, &joined(name)?).ok()?;
    let written = path(&id);
    let found: PathBuf = user.iter().chain(name).collect();
    (written == found).then_some(id)
}

/// Whether [`folder`] writes a user as these segments.
pub(crate) fn is_user(segments: &[String]) -> bool {
    joined(segments).is_some_and(|user| folder(&user) == segments.iter().collect::<PathBuf>())
}

/// Whether a name is as long as the first part of a long name. An escape that does not fit moves
/// the cut by at most two bytes.
pub(crate) fn is_continued(name: &str) -> bool {
    name.ends_with('+') && (MAX_SEGMENT - 2..=MAX_SEGMENT).contains(&name.len())
}

fn joined(segments: &[String]) -> Option<String> {
    let escaped: String =
        segments.iter().map(|part| part.strip_suffix('+').unwrap_or(part)).collect();
    unescape(&escaped)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_is_found_by_its_path() {
        let long = "N".repeat(1024);
        for (user, name) in
            [("ann", None), ("Ann", Some("a/b")), ("..", Some(".")), ("ü", Some(&long))]
        {
            let id = EntryId::new(user, name).unwrap();
            let parts: Vec<String> =
                path(&id).iter().map(|part| part.to_str().unwrap().into()).collect();
            assert!(parts.iter().all(|part| part.len() <= 200));
            let at = segments(&escape(user)).count();
            assert_eq!(entry(&parts[..at], &parts[at..]), Some(id));
        }
    }

    #[test]
    fn a_reserved_entry_meets_no_user() {
        assert_eq!(path(&EntryId::reserved("keyset")), PathBuf::from("%/keyset"));
        assert_eq!(path(&EntryId::new("%", Some("keyset")).unwrap()), PathBuf::from("%25/keyset"));
    }
}
