use std::fmt::Arguments;
use std::sync::Arc;

use keyward_config::{Account, Config, Environment, Interaction, Silent, StoreFile, StoreName};
use keyward_core::{Host, Level, Prompt, Registry, Result, Secret};
use keyward_store::Store;

use crate::assemble::Assembler;
use crate::central::users;
use crate::credentials::Credentials;
use crate::open_store::OpenStore;
use crate::plugins;

/// Keyward for applications.
///
/// The page of the crate has an example.
#[derive(Debug)]
pub struct Keyward {
    pub(crate) config: Config,
    pub(crate) registry: Arc<Registry>,
    pub(crate) interaction: Arc<dyn Interaction>,
}

impl Keyward {
    /// Opens the configuration of the user who runs the program. It never prompts.
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
        let config = Config::load(environment)?;
        Ok(Self {
            registry: Arc::new(plugins::registry(&config)?),
            config,
            interaction: Arc::new(interaction),
        })
    }

    /// Returns the same with only these backends, instead of those that are linked and configured.
    #[must_use]
    pub fn with_backends(self, registry: Registry) -> Self {
        Self { registry: Arc::new(registry), ..self }
    }

    /// Returns the configuration.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// Returns the backends: linked ones, and those that plugins provide.
    pub fn registry(&self) -> &Registry {
        &self.registry
    }

    /// Returns the names of all stores, sorted.
    ///
    /// # Errors
    /// Those of reading the configuration's folders.
    pub fn store_names(&self) -> Result<Vec<StoreName>> {
        Ok(self.config.store_names()?.into_iter().collect())
    }

    /// Opens a store. In a central store, it is the part of the user who runs the program.
    ///
    /// # Errors
    /// [`Invalid`](keyward_core::ErrorKind::Invalid) if there is none of this name.
    pub fn store(&self, name: &str) -> Result<OpenStore> {
        self.store_of(name, None)
    }

    /// Opens a store for a user. This matters for central stores, in which each user of the machine
    /// has a separate folder.
    ///
    /// # Errors
    /// [`Invalid`](keyward_core::ErrorKind::Invalid) if there is no store of this name, or, for a
    /// central one, no such user.
    pub fn store_of(&self, name: &str, user: Option<&str>) -> Result<OpenStore> {
        self.store_from(self.config.store(&StoreName::new(name)?)?, user)
    }

    /// Opens the store that this file describes, for a caller that has already read the file.
    ///
    /// # Errors
    /// As [`store_of`](Self::store_of).
    pub fn store_from(&self, file: StoreFile, user: Option<&str>) -> Result<OpenStore> {
        let account = if file.is_central() { Some(users::account(user)?) } else { None };
        self.open_for(file, account)
    }

    /// Opens a store once for each user whose part the caller may see: a central store for all of
    /// its users if the caller is root, any other store once.
    ///
    /// # Errors
    /// As [`store`](Self::store).
    pub fn stores_of_all(&self, name: &str) -> Result<Vec<OpenStore>> {
        let file = self.config.store(&StoreName::new(name)?)?;
        if !file.is_central() {
            return Ok(vec![self.open_for(file, None)?]);
        }
        let accounts = users::enrolled(&self.config, &file)?;
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

    /// Removes a store: its key if it was made for it, its data, its file. The next call completes
    /// a removal that was interrupted. While another file names the id of the store, only its file
    /// is removed.
    ///
    /// # Errors
    /// [`Invalid`](keyward_core::ErrorKind::Invalid) if there is none of this name;
    /// [`Refused`](keyward_core::ErrorKind::Refused) if a file beside the store's cannot be read, which
    /// may name the same id; else those of its parts.
    pub fn delete_store(&self, name: &str) -> Result<()> {
        let file = self.config.store(&StoreName::new(name)?)?;
        let ids = self.config.store_ids()?;
        if let Some(other) = ids.others(&file).next() {
            let message = format_args!(
                "data and key of `{}` stay: {} names the same id",
                file.name,
                other.display()
            );
            self.interaction.log(Level::Warning, message);
            return self.config.remove_store(&file.name);
        }
        ids.check_readable(&file)?;
        self.warn_of_linked_file(&file);
        if file.is_central() {
            return self.delete_central(&file);
        }
        let store = self.open_for_removal(&file)?;
        self.config.mark_deleting(&file)?;
        store.destroy()?;
        self.config.remove_store(&file.name)
    }

    /// Returns a user's credentials, `None` if there are none. Without a user, those of the default
    /// user.
    ///
    /// # Errors
    /// Those of the store.
    pub fn get_credentials(&self, store: &str, user: Option<&str>) -> Result<Option<Credentials>> {
        let store = self.store_of(store, user)?;
        store.get(&store.entry(user, None)?)
    }

    /// Stores a user's credentials, and replaces earlier ones.
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

    /// Removes a user's credentials.
    ///
    /// # Errors
    /// [`NotFound`](keyward_core::ErrorKind::NotFound) if there are none.
    pub fn unset_credentials(&self, store: &str, user: Option<&str>) -> Result<()> {
        let store = self.store_of(store, user)?;
        store.unset(&store.entry(user, None)?)
    }

    /// Reports what stays of a store's file that is a symbolic link. The link itself is removed.
    fn warn_of_linked_file(&self, file: &StoreFile) {
        if let Ok(target) = std::fs::read_link(&file.path) {
            let target = file.path.parent().unwrap_or(&file.path).join(target);
            let (path, target) = (file.path.display(), target.display());
            let message = format_args!("{path} is a symbolic link; {target} stays");
            self.interaction.log(Level::Warning, message);
        }
    }

    /// Opens a store to destroy it. It does not prompt for a passphrase: a forgotten one must not
    /// keep the store from being removed.
    pub(crate) fn open_for_removal(&self, file: &StoreFile) -> Result<Store> {
        let interaction: Arc<dyn Interaction> = Arc::new(Unasked(Arc::clone(&self.interaction)));
        Assembler { interaction: &interaction, ..self.assembler(None) }.open(file)
    }

    pub(crate) fn assembler(&self, uid: Option<u32>) -> Assembler<'_> {
        let (config, registry, interaction) = (&self.config, &self.registry, &self.interaction);
        Assembler { config, registry, interaction, uid }
    }
}

/// Passes messages on, and refuses prompts.
#[derive(Debug)]
struct Unasked(Arc<dyn Interaction>);

impl Interaction for Unasked {
    fn prompt(&self, prompt: &Prompt<'_>) -> Result<Secret> {
        Silent.prompt(prompt)
    }

    fn log(&self, level: Level, message: Arguments<'_>) {
        self.0.log(level, message);
    }
}
