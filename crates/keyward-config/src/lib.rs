//! Reads Keyward's settings, and decides which value applies.
//!
//! Settings have layers: built in, the system's (`/etc/keyward`), the user's, the environment,
//! flags. Each value knows where it comes from ([`Settings::explain`]). One file describes each
//! store ([`StoreFile`]), each plugin ([`PluginFile`]) and each kind ([`Config::kinds`]); a
//! [`Config`] finds them. A [`Project`] declares the secrets that it needs, and counts only if the
//! user trusts it. This is the only crate of Keyward that reads the environment, and it is the
//! [`Host`](keyward_core::Host) of all backends.
//!
//! Use this crate to build another front end. Applications use `keyward`.

mod audit;
mod config;
mod credential;
mod deadline;
mod definition;
mod edit;
mod environment;
mod expand;
mod host;
mod kinds;
mod layer;
mod modes;
mod name;
mod network;
mod passwd;
mod places;
mod plugin_file;
mod plugins;
mod profile;
mod profile_key;
mod program;
mod project;
mod setting_key;
mod settings;
mod store_file;
mod store_ids;
mod tables;
mod toml_file;
mod toml_value;

pub use config::{Config, DEFAULT_STORE};
pub use credential::Credential;
pub use deadline::within;
pub use definition::DefinitionFolder;
pub use edit::{set_value, with_value};
pub use environment::{Environment, is_variable_name};
pub use expand::Expander;
pub use host::{Interaction, Silent, StoreHost, now};
pub use layer::Layer;
pub use name::{PluginName, StoreName};
pub use passwd::{OsUser, local_users, user_of_name, user_of_uid};
pub use places::Places;
pub use plugin_file::PluginFile;
pub use plugins::{BrokenPlugin, Plugins};
pub use profile::Profile;
pub use profile_key::ProfileKey;
pub use program::{find_program, path_of_program, program_beside};
pub use project::{Declaration, DeclaredSecret, Project, ProjectFile, ProjectPin, Trust};
pub use setting_key::{KnownSetting, SettingKey, SettingTarget};
pub use settings::{Setting, Settings};
pub use store_file::{BackendConfig, StoreFile};
pub use store_ids::StoreIds;
pub use tables::{NamedTable, Table};
pub use toml_file::{TomlFile, nearest};
pub use toml_value::{parse_value, render_value};
