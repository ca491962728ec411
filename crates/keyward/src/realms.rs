//! Credentials for the realms of servers.

use keyward_config::{DEFAULT_STORE, Profile, ProfileKey};
use keyward_core::{ErrorKind, Origin, Record, Result};
use keyward_kinds::labels::REALM;

use crate::facade::Keyward;

impl Keyward {
    /// Returns the name of the credential that is stored for a realm of a server: one that is bound to
    /// the server, and whose label `realm` is the realm, alone or after the server's URL and a slash. Of
    /// several, it is the one that was used last.
    ///
    /// It reads all entries of the stores in which the resolver looks.
    ///
    /// # Errors
    /// Those of the stores.
    pub fn name_for_realm(&self, origin: &Origin, realm: &str) -> Result<Option<String>> {
        let whole = format!("{origin}/{realm}");
        let is_for = |record: &Record| {
            let label = record.labels.get(REALM);
            record.origins.contains(origin)
                && label.is_some_and(|label| label == realm || *label == whole)
        };
        let mut found = Vec::new();
        let profile = self.config.settings().selected_profile()?;
        for name in self.texts(profile.as_ref(), ProfileKey::Stores) {
            if name == DEFAULT_STORE && self.config.default_store()?.is_none() {
                continue;
            }
            let user = profile.as_ref().and_then(Profile::user);
            let store = self.store_of(name, user)?;
            let user = store.entry(user, None)?;
            for id in store.entries(Some(user.user())) {
                let id = id?;
                let Some(name) = id.name() else { continue };
                match store.get(&id) {
                    Ok(record) if is_for(&record) => {
                        found.push((record.used.unwrap_or(record.updated), name.to_owned()));
                    }
                    // One entry that cannot be read does not hide the others.
                    Err(error) if !error.is_miss() && error.kind() != ErrorKind::Corrupt => {
                        return Err(error);
                    }
                    _ => {}
                }
            }
        }
        found.sort();
        Ok(found.pop().map(|(_, name)| name))
    }
}
