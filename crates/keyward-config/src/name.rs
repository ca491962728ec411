use std::fmt;

use keyward_core::{Result, canonical, escape, unescape};

macro_rules! name {
    ($(#[$doc:meta])* $name:ident, $what:literal) => {
        $(#[$doc])*
        ///
        /// It is canonical, 1 to 64 bytes. The file that describes it is named by
        /// [`keyward_core::escape`], so that every canonical name is possible and no two meet.
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(String);

        impl $name {
            /// The longest name, in bytes.
            pub const MAX: usize = 64;

            /// This name.
            ///
            /// # Errors
            /// [`Invalid`](keyward_core::ErrorKind::Invalid) if it is not canonical.
            pub fn new(name: &str) -> Result<Self> {
                canonical($what, name, Self::MAX)?;
                Ok(Self(name.to_owned()))
            }

            /// The name as it was given.
            pub fn as_str(&self) -> &str {
                &self.0
            }

            pub(crate) fn file_name(&self) -> String {
                format!("{}.toml", escape(&self.0))
            }

            pub(crate) fn from_file_name(file: &str) -> Option<Self> {
                let name = unescape(file.strip_suffix(".toml")?)?;
                Self::new(&name).ok()
            }
        }

        /// Control characters cannot be in it; whatever else a terminal may take amiss is escaped.
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}", self.0.escape_debug())
            }
        }
    };
}

name! {
    /// What a store is called.
    StoreName, "store name"
}

name! {
    /// What a plugin is called, in the commands that administer it.
    PluginName, "plugin's name"
}

impl StoreName {
    pub(crate) fn file_stem(&self) -> String {
        escape(&self.0)
    }
}
