//! Making a store.

use std::sync::Arc;
use std::time::{Duration, Instant};

use keyward_config::{Layer, StoreFile, Use};
use keyward_core::{
    Error, ErrorKind, Host, Keys, Level, Persistence, Result, Role, SecretRef, StoreId, Values,
};
use keyward_plugin::random;

use crate::facade::Keyward;
use crate::new_store::NewStore;

/// How long a key source that is tried unasked may take to answer.
const PROBE: Duration = Duration::from_secs(2);

impl Keyward {
    /// Makes a store. The answer is the file that now describes it.
    ///
    /// Where the encryption needs a key source and nobody says which, the setting `defaults.key`
    /// lists those to try: all but the last must answer within two seconds, without asking
    /// anybody.
    ///
    /// # Errors
    /// [`Exists`](ErrorKind::Exists) if there is a store of this name. Nothing is left behind
    /// by a store that could not be made.
    pub fn init_store(&self, new: &NewStore) -> Result<StoreFile> {
        let mut file = self.describe(new)?;
        if new.system {
            return self.init_central(file);
        }
        self.config.check_owner(file.layer)?;
        if self.config.find_store(&new.name)?.is_some() {
            return self.config.add_store(&file).map(|()| file);
        }
        let keyed = self.needs_key_source(&file)?;
        if keyed {
            file = self.make_with_key(new, file)?;
        } else {
            self.make(&file, None)?;
        }
        if let Err(error) = self.config.add_store(&file) {
            // Nothing but a keyset has been made, and whatever else there is was there before.
            if keyed {
                self.open_for_removal(&file)?.destroy()?;
            }
            // The disk may have failed when the file was there already.
            if self.config.find_store(&file.name)?.is_some_and(|found| found.id == file.id) {
                self.config.remove_store(&file.name)?;
            }
            return Err(error);
        }
        Ok(file)
    }

    /// The file of a store to be made, its key source left open where nobody chose one.
    fn describe(&self, new: &NewStore) -> Result<StoreFile> {
        let chosen = |role: Role, name: &Option<String>| -> Result<Use> {
            let default = || self.config.settings().text(&format!("defaults.{role}"));
            let name = name.as_deref().or_else(default).unwrap_or_default();
            Ok(Use {
                name: name.to_owned(),
                options: self.options(new, role, name, &Values::new())?,
            })
        };
        let layer = if new.system { Layer::System } else { Layer::User };
        let key = new.key.as_ref().map(|reference| self.key_source(new, reference)).transpose()?;
        Ok(StoreFile {
            name: new.name.clone(),
            id: StoreId(random()?),
            layer,
            path: self.config.new_store_path(&new.name, layer),
            user: None,
            envelope: new.envelope,
            deleting: false,
            serializer: chosen(Role::Serializer, &new.serializer)?,
            encryption: chosen(Role::Encryption, &new.encryption)?,
            key,
            storage: chosen(Role::Storage, &new.storage)?,
        })
    }

    /// All options of a backend, written out, so that a later default changes no store: what is
    /// configured, what is asked for, and `given`.
    fn options(&self, new: &NewStore, role: Role, name: &str, given: &Values) -> Result<Values> {
        let table = self.registry.find(role, name)?.options;
        let mut options = self.config.settings().backend_defaults(role, name, table)?;
        let asked = new.options.iter().filter(|(of, _)| *of == role).map(|(_, values)| values);
        for (key, value) in asked.chain([given]).flat_map(Values::iter) {
            options.insert(key, value.clone());
        }
        options.complete(table)
    }

    fn key_source(&self, new: &NewStore, reference: &SecretRef) -> Result<SecretRef> {
        let options = self.options(new, Role::Key, &reference.from, &reference.options)?;
        Ok(SecretRef { from: reference.from.clone(), options })
    }

    fn needs_key_source(&self, file: &StoreFile) -> Result<bool> {
        let assembler = self.assembler(None);
        let host: Arc<dyn Host> = Arc::new(assembler.host(file));
        let keys = assembler.encryption(file, &host)?.abilities().keys;
        let persistence = assembler.storage(file, &host)?.abilities().persistence;
        Ok(keys == Keys::Store && persistence > Persistence::Process)
    }

    /// Makes the store with the key source that was asked for, or the best that works.
    fn make_with_key(&self, new: &NewStore, mut file: StoreFile) -> Result<StoreFile> {
        if file.key.is_some() {
            self.make(&file, None)?;
            return Ok(file);
        }
        let sources = self.key_sources();
        let (last, unasked) = sources
            .split_last()
            .ok_or_else(|| Error::invalid("init", "`defaults.key` names no key source"))?;
        for name in unasked.iter().filter(|name| self.registry.find(Role::Key, name).is_ok()) {
            file.key = Some(self.key_source(new, &reference(name))?);
            match self.make(&file, Some(Instant::now() + PROBE)) {
                Ok(()) => return Ok(file),
                Err(error) if is_no_answer(error.kind()) => {
                    self.interaction.log(Level::Info, format_args!("{error}"));
                }
                Err(error) => return Err(error),
            }
        }
        file.key = Some(self.key_source(new, &reference(last))?);
        self.make(&file, None)?;
        Ok(file)
    }

    /// The key sources that new stores may get, the best first.
    pub(crate) fn key_sources(&self) -> Vec<&str> {
        let names = self.config.settings().text("defaults.key").unwrap_or_default();
        names.split(',').map(str::trim).filter(|name| !name.is_empty()).collect()
    }

    fn make(&self, file: &StoreFile, deadline: Option<Instant>) -> Result<()> {
        let assembler = self.assembler(None);
        let host = assembler.host(file);
        let host = match deadline {
            Some(deadline) => host.until(deadline),
            None => host,
        };
        assembler.open_with(file, host)?.create()
    }
}

fn reference(name: &str) -> SecretRef {
    SecretRef { from: name.to_owned(), options: Values::new() }
}

/// Whether a key source is not to be had here, so that the next one may be tried.
const fn is_no_answer(kind: ErrorKind) -> bool {
    matches!(kind, ErrorKind::Unavailable | ErrorKind::Locked | ErrorKind::Unsupported)
}
