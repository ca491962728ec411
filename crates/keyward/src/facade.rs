use std::sync::Arc;
use std::time::{Duration, Instant};

use keyward_config::{
    Account, Config, Environment, Interaction, Layer, Silent, StoreFile, StoreName, Use,
};
use keyward_core::{
    Error, ErrorKind, Host, Keys, Level, Persistence, Registry, Result, Role, SecretRef, StoreId,
    Values,
};

use crate::assemble::Assembler;
use crate::central;
use crate::credentials::Credentials;
use crate::new_store::NewStore;
use crate::open_store::OpenStore;

/// How long a key source that is tried unasked may take to answer.
const PROBE: Duration = Duration::from_secs(2);

/// Keyward, as an application uses it.
///
/// See the crate's own page for an example.
#[derive(Debug)]
pub struct Keyward {
    pub(crate) config: Config,
    pub(crate) registry: Arc<Registry>,
    pub(crate) interaction: Arc<dyn Interaction>,
}

impl Keyward {
    /// Opens the configuration of whoever runs the program. Nobody is ever prompted.
    ///
    /// # Errors
    /// As [`Config::load`] and [`Registry::linked`].
    pub fn open() -> Result<Self> {
        Self::with(Environment::of_process(), Silent)
    }

    /// Opens the configuration that an environment points to; prompts and messages go to
    /// `interaction`.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn with(environment: Environment, interaction: impl Interaction + 'static) -> Result<Self> {
        Ok(Self {
            config: Config::load(environment)?,
            registry: Arc::new(Registry::linked()?),
            interaction: Arc::new(interaction),
        })
    }

    /// The configuration.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// The backends there are.
    pub fn registry(&self) -> &Registry {
        &self.registry
    }

    /// The names of all stores, sorted.
    ///
    /// # Errors
    /// Those of reading the configuration's folders.
    pub fn store_names(&self) -> Result<Vec<StoreName>> {
        Ok(self.config.store_names()?.into_iter().collect())
    }

    /// Opens a store; a central one as it is for whoever runs the program.
    ///
    /// # Errors
    /// [`Invalid`](ErrorKind::Invalid) if there is none of this name.
    pub fn store(&self, name: &str) -> Result<OpenStore> {
        self.store_of(name, None)
    }

    /// Opens a store as it is for a user. That matters for central stores, in which each user
    /// of the machine has a folder of their own.
    ///
    /// # Errors
    /// [`Invalid`](ErrorKind::Invalid) if there is no store of this name, or, in a central one,
    /// no such user.
    pub fn store_of(&self, name: &str, user: Option<&str>) -> Result<OpenStore> {
        let file = self.config.store(&StoreName::new(name)?)?;
        let account = if file.is_central() { Some(central::account(user)?) } else { None };
        self.open_for(file, account)
    }

    /// Opens a store once for each user in it that the caller may see: a central store for all
    /// of them if an administrator asks, any other store just once.
    ///
    /// # Errors
    /// As [`store`](Self::store).
    pub fn stores_of_all(&self, name: &str) -> Result<Vec<OpenStore>> {
        let file = self.config.store(&StoreName::new(name)?)?;
        if !file.is_central() {
            return Ok(vec![self.open_for(file, None)?]);
        }
        let accounts = central::enrolled(&self.config, &file)?;
        accounts.into_iter().map(|account| self.open_for(file.clone(), Some(account))).collect()
    }

    fn open_for(&self, file: StoreFile, account: Option<Account>) -> Result<OpenStore> {
        let assembler = self.assembler(account.as_ref().map(|account| account.uid));
        Ok(OpenStore {
            store: assembler.open(&file)?,
            now: assembler.host(&file).now(),
            default_user: match account {
                Some(account) => account.name,
                None => self.config.default_user(Some(&file)),
            },
            file,
        })
    }

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
                self.assembler(None).open(&file)?.destroy()?;
            }
            return Err(error);
        }
        Ok(file)
    }

    /// Removes a store: its key if it was made for it, its data, its file. An interrupted
    /// removal is finished by the next one.
    ///
    /// # Errors
    /// [`Invalid`](ErrorKind::Invalid) if there is none of this name; else those of its parts.
    pub fn delete_store(&self, name: &str) -> Result<()> {
        let file = self.config.store(&StoreName::new(name)?)?;
        if file.is_central() {
            return self.delete_central(&file);
        }
        self.config.mark_deleting(&file)?;
        self.assembler(None).open(&file)?.destroy()?;
        self.config.remove_store(&file.name)
    }

    /// A user's credentials, `None` if there are none. Without a user: the default one's.
    ///
    /// # Errors
    /// Those of the store.
    pub fn get_credentials(&self, store: &str, user: Option<&str>) -> Result<Option<Credentials>> {
        let store = self.store_of(store, user)?;
        store.get(&store.entry(user, None)?)
    }

    /// Keeps a user's credentials in place of those that were there.
    ///
    /// # Errors
    /// Those of the store.
    pub fn set_credentials(
        &self,
        store: &str,
        user: Option<&str>,
        credentials: &Credentials,
    ) -> Result<()> {
        let store = self.store_of(store, user)?;
        store.set(&store.entry(user, None)?, credentials)
    }

    /// Forgets a user's credentials.
    ///
    /// # Errors
    /// [`NotFound`](ErrorKind::NotFound) if there are none.
    pub fn unset_credentials(&self, store: &str, user: Option<&str>) -> Result<()> {
        let store = self.store_of(store, user)?;
        store.unset(&store.entry(user, None)?)
    }

    pub(crate) fn assembler(&self, uid: Option<u32>) -> Assembler<'_> {
        let (config, registry, interaction) = (&self.config, &self.registry, &self.interaction);
        Assembler { config, registry, interaction, uid }
    }

    /// The file of a store to be made, its key source left open where nobody chose one.
    fn describe(&self, new: &NewStore) -> Result<StoreFile> {
        let chosen = |role: Role, name: &Option<String>| -> Result<Use> {
            let default = || self.config.settings().text(&format!("defaults.{role}"));
            let name = name.as_deref().or_else(default).unwrap_or_default();
            Ok(Use { name: name.to_owned(), options: self.options(new, role, name)? })
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

    /// All options of a backend, written out, so that a later default changes no store.
    fn options(&self, new: &NewStore, role: Role, name: &str) -> Result<Values> {
        self.chosen(new, role, name).complete(self.registry.find(role, name)?.options)
    }

    /// The options of a backend that are configured or asked for.
    fn chosen(&self, new: &NewStore, role: Role, name: &str) -> Values {
        let mut options = Values::new();
        for (key, value) in self.config.settings().backend_defaults(role, name) {
            options.insert(key, value.clone());
        }
        for (_, given) in new.options.iter().filter(|(of, _)| *of == role) {
            for (key, value) in given.iter() {
                options.insert(key, value.clone());
            }
        }
        options
    }

    fn key_source(&self, new: &NewStore, reference: &SecretRef) -> Result<SecretRef> {
        let table = self.registry.find(Role::Key, &reference.from)?.options;
        let mut options = self.chosen(new, Role::Key, &reference.from);
        for (key, value) in reference.options.iter() {
            options.insert(key, value.clone());
        }
        Ok(SecretRef { from: reference.from.clone(), options: options.complete(table)? })
    }

    fn needs_key_source(&self, file: &StoreFile) -> Result<bool> {
        let host: Arc<dyn Host> = Arc::new(self.assembler(None).host(file));
        let expander = self.config.expander(file);
        let values = |role, used: &Use| {
            expander.values(&used.options, self.registry.find(role, &used.name)?.options)
        };
        let encryption = values(Role::Encryption, &file.encryption)?;
        let encryption = self.registry.encryption(&file.encryption.name, &encryption, &host)?;
        let storage = values(Role::Storage, &file.storage)?;
        let storage = self.registry.storage(&file.storage.name, &storage, &host)?;
        Ok(encryption.abilities().keys == Keys::Store
            && storage.abilities().persistence > Persistence::Process)
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

fn random() -> Result<[u8; 16]> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).map_err(|_| Error::new(ErrorKind::Unavailable, "init"))?;
    Ok(bytes)
}
