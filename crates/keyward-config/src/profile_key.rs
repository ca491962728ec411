//! The keys of profiles.

/// The table of the configuration that contains the profiles.
pub(crate) const PROFILES: &str = "profiles";

/// The longest name of a profile, in bytes.
pub(crate) const MAX_PROFILE: usize = 64;

/// A key of a profile.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ProfileKey {
    /// The profile that supplies the keys that this one does not have.
    Inherit,
    /// A pattern for the names that the sources are asked for.
    Names,
    /// The sources, in place of the setting `resolve.sources`.
    Sources,
    /// The stores, in place of the setting `resolve.stores`.
    Stores,
    /// The user whose entries are used, in place of the default user of the store.
    User,
}

impl ProfileKey {
    /// All keys, by name.
    pub const ALL: [Self; 5] =
        [Self::Inherit, Self::Names, Self::Sources, Self::Stores, Self::User];

    /// The name, as the configuration contains it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Inherit => "inherit",
            Self::Names => "names",
            Self::Sources => "sources",
            Self::Stores => "stores",
            Self::User => "user",
        }
    }

    /// Returns the key of this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|key| key.name() == name)
    }
}
