//! The stores of PyCred 0.1. An [`Import`] imports them.
//!
//! A store is a YAML file, [`StoreConfig`], and one record file for each user. The serializer
//! `json` makes a [`Login`]. The encryption `clear` does not change it; `aes` makes a Fernet token
//! that a [`FernetKey`] opens. PyCred's [`Installation`] says where the stores are.
//!
//! PyCred reads YAML with a parser that makes any Python object that a tag requests. This parser
//! makes text, lists and maps; a tag that is not PyCred's is an error.
//!
//! # Examples
//! ```
//! use keyward_import::pycred::{Encryption, Login, Storage, StoreConfig};
//!
//! let config = StoreConfig::parse(
//!     b"!StoreConfig\n\
//!       encryption: !BackendConfig\n  data: {}\n  name: clear\n\
//!       name: work\n\
//!       serializer: !BackendConfig\n  data: {}\n  name: json\n\
//!       storage: !BackendConfig\n  data: {data_dir: ~/.pycred/data/work/storage/file}\n  name: file\n",
//! )?;
//! assert_eq!(config.encryption, Encryption::Clear);
//! assert_eq!(config.storage, Storage::File { data_dir: "~/.pycred/data/work/storage/file".into() });
//!
//! let login = Login::parse(br#"["ann", "s3cret"]"#)?;
//! assert_eq!(login.username, "ann");
//! # Ok::<(), keyward_core::Error>(())
//! ```

mod config;
mod fernet;
mod import;
mod installation;
mod login;
mod yaml;

pub use config::{Encryption, Installation, Storage, StoreConfig};
pub use fernet::FernetKey;
pub use import::{Import, Report};
pub use login::Login;

/// The largest configuration file, in bytes.
pub const MAX_CONFIG: usize = 64 << 10;

/// The largest key file, in bytes.
pub const MAX_KEY: usize = 1 << 10;

/// The largest record file, in bytes.
pub const MAX_RECORD: usize = 1 << 20;
