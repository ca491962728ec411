use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use keyward_core::{Error, ErrorKind, Result, StoreId};

use crate::store_file::StoreFile;

/// Which store files name which ids.
///
/// The data and the key of a store belong to its id. A copy of a store's file names the same id as
/// the original. A file whose options name the data folder of another store names the id of that
/// store too.
#[derive(Debug, Default)]
pub struct StoreIds {
    files: BTreeMap<StoreId, Vec<PathBuf>>,
    pub(crate) unreadable: Vec<PathBuf>,
}

impl StoreIds {
    /// Adds a file: every id in its text, even if the text does not describe a store.
    pub(crate) fn add(&mut self, path: &Path, text: &str) {
        let words = text.split(|character: char| !character.is_ascii_hexdigit());
        for id in words.filter_map(StoreId::parse) {
            let files = self.files.entry(id).or_default();
            if files.last().is_none_or(|last| last != path) {
                files.push(path.to_owned());
            }
        }
    }

    /// Returns the other files that name the id of this store.
    pub fn others(&self, store: &StoreFile) -> impl Iterator<Item = &Path> {
        let files = self.files.get(&store.id).into_iter().flatten();
        files.map(PathBuf::as_path).filter(|path| *path != store.path)
    }

    /// Checks that no other file names the id of this store.
    ///
    /// # Errors
    /// [`Invalid`](keyward_core::ErrorKind::Invalid), naming both files.
    pub fn check_unique(&self, store: &StoreFile) -> Result<()> {
        let Some(other) = self.others(store).next() else { return Ok(()) };
        let (this, other) = (store.path.display(), other.display());
        let why = format!("{this} and {other} name the same id: they share data and key");
        Err(Error::invalid("config", why).hint(
            "If one is a copy, `keyward rm` of either store removes its file alone; \
             `keyward init` makes a store with a new id",
        ))
    }

    /// Checks that every file beside that of this store can be read. One that cannot be read may name
    /// the same id.
    ///
    /// Files of another layer do not count: a file of the system that a user may not read would
    /// otherwise keep every user from removing a store.
    ///
    /// # Errors
    /// [`Refused`](keyward_core::ErrorKind::Refused), naming the file.
    pub fn check_readable(&self, store: &StoreFile) -> Result<()> {
        let is_beside = |path: &&PathBuf| path.parent() == store.path.parent();
        let Some(unreadable) = self.unreadable.iter().find(is_beside) else { return Ok(()) };
        let why = format!(
            "{} cannot be read: it may name the same id as {}",
            unreadable.display(),
            store.path.display()
        );
        Err(Error::new(ErrorKind::Refused, "config")
            .because(why)
            .hint("`keyward doctor` shows what is wrong with it"))
    }

    /// Whether no file names this id. If a file cannot be read, this is unknown and `false`.
    pub fn is_unused(&self, id: StoreId) -> bool {
        self.unreadable.is_empty() && !self.files.contains_key(&id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layer::Layer;
    use crate::name::StoreName;

    const ID: &str = "0123456789abcdef0123456789abcdef";

    #[test]
    fn a_file_that_names_the_id_anywhere_counts() {
        let text = format!(
            "version = 1\nid = \"{ID}\"\n[serializer]\nuse = \"cbor\"\n[encryption]\nuse = \"clear\"\n[storage]\nuse = \"file\"\n"
        );
        let name = StoreName::new("s").unwrap();
        let store = StoreFile::parse(&text, Path::new("/s.toml"), &name, Layer::User).unwrap();
        let mut ids = StoreIds::default();
        ids.add(Path::new("/s.toml"), &text);
        assert_eq!(ids.others(&store).count(), 0);
        ids.add(Path::new("/upper.toml"), &format!("broken\nid = \"{}\"", ID.to_uppercase()));
        ids.add(Path::new("/path.toml"), &format!("root = \"/x/{ID}/y\" # {ID}"));
        ids.add(Path::new("/longer.toml"), &format!("id = \"{ID}0\""));
        let others: Vec<_> = ids.others(&store).collect();
        assert_eq!(others, [Path::new("/upper.toml"), Path::new("/path.toml")]);
        assert!(!ids.is_unused(store.id));
        assert!(ids.is_unused(StoreId([0; 16])));
        ids.unreadable.push(PathBuf::from("/secret.toml"));
        assert!(!ids.is_unused(StoreId([0; 16])));
    }
}
