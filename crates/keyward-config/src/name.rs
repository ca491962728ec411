use std::fmt;

use keyward_core::{Result, canonical, escape, unescape};

use crate::definition::DefinitionName;

macro_rules! name {
    ($(#[$doc:meta])* $name:ident, $what:literal) => {
        $(#[$doc])*
        ///
        /// It is canonical, 1 to 64 bytes. The name of the file that describes it is made with
        /// [`keyward_core::escape`], so that every canonical name is possible and two names never
        /// get the same file.
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(String);

        impl $name {
            /// The longest name, in bytes.
            pub const MAX: usize = 64;

            /// Checks a name.
            ///
            /// # Errors
            /// [`Invalid`](keyward_core::ErrorKind::Invalid) if it is not canonical.
            pub fn new(name: &str) -> Result<Self> {
                canonical($what, name, Self::MAX)?;
                Ok(Self(name.to_owned()))
            }

            /// Returns the name as it was passed.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl DefinitionName for $name {
            fn file_name(&self) -> String {
                format!("{}.toml", escape(&self.0))
            }

            fn from_file_name(file: &str) -> Option<Self> {
                let name = unescape(file.strip_suffix(".toml")?)?;
                Self::new(&name).ok()
            }
        }

        /// Control characters cannot be in it. Other characters that could confuse a terminal are
        /// escaped.
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}", keyward_core::printable(&self.0))
            }
        }
    };
}

name! {
    /// The name of a store.
    StoreName, "store name"
}

name! {
    /// The name of a plugin, in the commands that manage plugins.
    PluginName, "plugin's name"
}

impl StoreName {
    pub(crate) fn file_stem(&self) -> String {
        escape(&self.0)
    }
}
