use keyward_config::{DEFAULT_STORE, StoreName};
use keyward_core::{EncryptionAbilities, Error, Keys, Result, Role, SecretRef, Values};

/// A new store. What is not set here comes from the configured defaults.
///
/// # Examples
/// ```
/// use keyward::NewStore;
///
/// let new = NewStore { storage: Some("memory".into()), ..NewStore::named("scratch")? };
/// # Ok::<(), keyward::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct NewStore {
    /// Its name.
    pub name: StoreName,
    /// Its serializer.
    pub serializer: Option<String>,
    /// Its encryption.
    pub encryption: Option<String>,
    /// Its storage.
    pub storage: Option<String>,
    /// The key source that wraps its keyset, if its encryption needs one.
    pub key: Option<SecretRef>,
    /// Options of its backends.
    pub options: Vec<(Role, Values)>,
    /// Whether it is a system store, in which each user has a separate folder.
    pub system: bool,
    /// Whether records are in envelopes. Without one, other programs can read them.
    pub envelope: bool,
    /// Whether records get the time when they were last given out.
    pub track_use: bool,
}

impl NewStore {
    /// Returns a new store with the defaults.
    ///
    /// # Errors
    /// [`Invalid`](keyward_core::ErrorKind::Invalid) if the name is not canonical, or is
    /// [`DEFAULT_STORE`].
    pub fn named(name: &str) -> Result<Self> {
        if name == DEFAULT_STORE {
            return Err(Error::invalid("init", "a new store cannot be called `-`")
                .hint("`-` means the default store"));
        }
        Ok(Self {
            name: StoreName::new(name)?,
            serializer: None,
            encryption: None,
            storage: None,
            key: None,
            options: Vec::new(),
            system: false,
            envelope: true,
            track_use: false,
        })
    }
}

/// How a store protects its records, in the words of the threat model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protection {
    /// A symmetric key: without it, records cannot be read, and changing or moving one is detected.
    BoundAndAuthentic,
    /// Public keys: anyone who knows a recipient can write a record that opens.
    Bound,
    /// No encryption, in envelopes.
    AccidentsOnly,
    /// Encrypted without envelope: records are not tied to their place.
    Unbound,
    /// Neither encryption nor envelope.
    Nothing,
}

impl Protection {
    /// Returns the protection of an encryption with these abilities.
    pub fn new(abilities: EncryptionAbilities, envelope: bool) -> Self {
        match (abilities.keys, envelope) {
            (Keys::None, false) => Self::Nothing,
            (_, false) => Self::Unbound,
            (Keys::None, true) => Self::AccidentsOnly,
            (_, true) if abilities.authenticates => Self::BoundAndAuthentic,
            (_, true) => Self::Bound,
        }
    }

    /// Returns the protection as a sentence.
    pub const fn describe(self) -> &'static str {
        match self {
            Self::BoundAndAuthentic => {
                "bound and authentic: a record that was changed or moved to another entry does not open; \
                 an older copy of it does"
            }
            Self::Bound => {
                "bound: a record that was moved to another entry does not open; anyone who knows a recipient \
                 can write a record that opens"
            }
            Self::AccidentsOnly => {
                "not encrypted: accidental damage is detected, but anyone who can read the storage can read \
                 the records, and anyone who can write to it can forge them"
            }
            Self::Unbound => "encrypted without envelope: a record is not tied to its entry",
            Self::Nothing => {
                "not encrypted, without envelope: a record is neither protected nor tied to its entry"
            }
        }
    }
}
