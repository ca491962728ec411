use keyward_config::StoreName;
use keyward_core::{EncryptionAbilities, Keys, Result, Role, SecretRef, Values};

/// A store to be made. What is not said comes from the configured defaults.
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
    /// What it is to be called.
    pub name: StoreName,
    /// Its serializer.
    pub serializer: Option<String>,
    /// Its encryption.
    pub encryption: Option<String>,
    /// Its storage.
    pub storage: Option<String>,
    /// What wraps its keyset, if its encryption needs that.
    pub key: Option<SecretRef>,
    /// Options of its backends.
    pub options: Vec<(Role, Values)>,
    /// Whether it is a store of the system, in which each user has a folder of their own.
    pub system: bool,
    /// Whether records are in envelopes. Without one, other programs can read them.
    pub envelope: bool,
}

impl NewStore {
    /// A store with nothing but defaults.
    ///
    /// # Errors
    /// [`Invalid`](keyward_core::ErrorKind::Invalid) if the name is not canonical.
    pub fn named(name: &str) -> Result<Self> {
        Ok(Self {
            name: StoreName::new(name)?,
            serializer: None,
            encryption: None,
            storage: None,
            key: None,
            options: Vec::new(),
            system: false,
            envelope: true,
        })
    }
}

/// What a store promises about its records, in the words of the threat model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protection {
    /// A symmetric key: nobody without it reads, alters or moves a record unnoticed.
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
    /// What an encryption with these abilities promises.
    pub fn of(abilities: EncryptionAbilities, envelope: bool) -> Self {
        match (abilities.keys, envelope) {
            (Keys::None, false) => Self::Nothing,
            (_, false) => Self::Unbound,
            (Keys::None, true) => Self::AccidentsOnly,
            (_, true) if abilities.authenticates => Self::BoundAndAuthentic,
            (_, true) => Self::Bound,
        }
    }

    /// The promise as a sentence.
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
