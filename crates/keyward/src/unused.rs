//! Finds data and keys that no store needs.

use std::io::ErrorKind::NotFound;
use std::path::{Path, PathBuf};

use keyward_config::StoreIds;
use keyward_core::{Error, Result, StoreId};

use crate::facade::Keyward;

impl Keyward {
    /// Returns the files and folders whose name is the id of a store that is not in the
    /// configuration: data, keys, and the locks of keyrings.
    ///
    /// It searches only the folders that backends use by default. It returns nothing if a store's
    /// file cannot be read, because the id of that store is unknown.
    ///
    /// # Errors
    /// Those of reading the folders.
    pub fn unused_files(&self) -> Result<Vec<PathBuf>> {
        let ids = self.config.store_ids()?;
        let mut unused = Vec::new();
        for folder in self.config.places().folders_by_id() {
            unused.extend(unused_in(&folder, &ids)?);
        }
        unused.sort();
        Ok(unused)
    }
}

fn unused_in(folder: &Path, ids: &StoreIds) -> Result<Vec<PathBuf>> {
    let failed = |error: std::io::Error| {
        let why = format!("{}: {error}", folder.display());
        Error::io("list", error).because(why)
    };
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == NotFound => return Ok(Vec::new()),
        Err(error) => return Err(failed(error)),
    };
    let mut unused = Vec::new();
    for entry in entries {
        let entry = entry.map_err(failed)?;
        let id = entry.file_name().to_str().and_then(StoreId::parse);
        if id.is_some_and(|id| ids.is_unused(id)) {
            unused.push(entry.path());
        }
    }
    Ok(unused)
}

#[cfg(test)]
mod tests {
    use keyward_config::{Environment, Silent};
    use keyward_defaults as _;

    use super::*;

    /// A backend whose default place is in another folder would not be found.
    #[test]
    fn every_default_place_of_a_store_is_searched() {
        let home = tempfile::tempdir().unwrap();
        let keyward = Keyward::with(Environment::new([("HOME", home.path())]), Silent).unwrap();
        let places = keyward.config().places();
        let searched = places.folders_by_id();
        let options = keyward.registry().iter().flat_map(|backend| backend.options);
        let mut seen = 0;
        for place in
            options.filter_map(|option| option.default).filter(|text| text.contains("/%id%"))
        {
            let folder = place.trim_matches('"').split_once("/%id%").unwrap().0;
            let (data, state) = (places.data.to_str().unwrap(), places.state.to_str().unwrap());
            let folder = folder.replace("%data%", data).replace("%state%", state);
            assert!(searched.contains(&PathBuf::from(folder)), "{place}");
            seen += 1;
        }
        assert!(seen >= 5, "{seen}");
    }
}
