//! The library for applications: opens a store, and reads and writes the credentials in it.
//!
//! A program that uses this crate must also link the backends that it needs. The crate
//! `keyward-defaults` links those of a default build.
//!
//! With the feature `loaded`, an application can use plugins that are shared libraries. Without it, it
//! uses linked backends and plugins that run as separate processes.
//!
//! # Examples
//! ```
//! use keyward::{Credentials, Environment, Keyward, NewStore, Silent};
//! use keyward_defaults as _;
//!
//! # let home = tempfile::tempdir()?;
//! # let environment = Environment::new([("HOME", home.path())]);
//! // An application: let keyward = Keyward::open()?;
//! let keyward = Keyward::with(environment, Silent)?;
//! keyward.init_store(&NewStore::named("work")?)?;
//!
//! let store = keyward.store("work")?;
//! let entry = store.entry(None, None)?;
//! store.set_credentials(&entry, &Credentials::new("ann", "s3cret"))?;
//! let credentials = store.credentials(&entry)?.expect("we have just set them");
//! assert_eq!(credentials.username, "ann");
//! assert_eq!(credentials.password.expose(), b"s3cret");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod audit;
mod authenticators;
mod bound;
mod checkers;
mod confirm;
mod copying;
mod delete;
mod derived;
mod facade;
mod init;
mod new_store;
mod oauth_session;
mod open_store;
mod opener;
mod plugins;
mod project;
mod providers;
mod realms;
mod references;
mod resolver;
mod stores;
mod system_store;
mod tokens;
mod tokens_in_memory;
mod unused;

#[doc(no_inline)]
pub use keyward_config::{Environment, Interaction, Silent, StoreFile, StoreName, within};
#[doc(no_inline)]
pub use keyward_core::{EntryId, Error, ErrorKind, Record, Result, Secret};
pub use keyward_kinds::UserPassword as Credentials;

pub use audit::{Program, Recipient};
pub use authenticators::check_linked_authenticator;
pub use bound::Bound;
pub use facade::Keyward;
#[doc(no_inline)]
pub use keyward_resolver::{Query, Resolution, Resolver};
pub use new_store::{NewStore, Protection};
pub use oauth_session::{OAuthOptions, OAuthSession};
pub use open_store::OpenStore;
#[cfg(feature = "loaded")]
pub use plugins::PluginState;
pub use plugins::try_plugin;
pub use project::PROJECT_DEFAULT;
pub use providers::PROVIDERS;
