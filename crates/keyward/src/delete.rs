//! Removes a store.

use std::fmt::Arguments;
use std::sync::Arc;

use keyward_config::{Interaction, Silent, StoreFile};
use keyward_core::{Level, Prompt, Result, Secret};
use keyward_store::Store;

use crate::facade::Keyward;
use crate::system_store::SystemStore;

impl Keyward {
    /// Removes a store: its key if it was made for it, its data, its file. The next call completes
    /// a removal that was interrupted. While another file names the id of the store, only its file
    /// is removed.
    ///
    /// # Errors
    /// [`Invalid`](keyward_core::ErrorKind::Invalid) if there is none of this name;
    /// [`Refused`](keyward_core::ErrorKind::Refused) if a file beside the store's cannot be read, which
    /// may name the same id; else those of its parts.
    pub fn delete_store(&self, name: &str) -> Result<()> {
        let file = self.config.store(&self.config.store_called(name)?)?;
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
        if file.per_user {
            return SystemStore::new(self, &file).delete();
        }
        let store = self.open_for_removal(&file)?;
        self.config.mark_deleting(&file)?;
        store.destroy()?;
        self.config.remove_store(&file.name)
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
        let no_prompts = NoPrompts(Arc::clone(&self.interaction));
        self.opener_with(Arc::new(no_prompts), file, None).store()
    }
}

/// Passes messages on, and refuses prompts.
#[derive(Debug)]
struct NoPrompts(Arc<dyn Interaction>);

impl Interaction for NoPrompts {
    fn prompt(&self, prompt: &Prompt<'_>) -> Result<Secret> {
        Silent.prompt(prompt)
    }

    fn log(&self, level: Level, message: Arguments<'_>) {
        self.0.log(level, message);
    }
}
