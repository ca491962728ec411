//! The store's keyset: reads it once, and makes it with the key that wraps it.

use std::sync::Arc;

use keyward_core::{
    Created, Error, ErrorKind, Expect, Key, Ownership, Persistence, Result, Secret,
};

use crate::keyset::{CachedKeyset, Keyset};
use crate::keyset_file;
use crate::parts::Named;
use crate::store::Store;

/// What to do if there is no keyset.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Missing {
    /// Make one, if the storage starts empty each time.
    Make,
    /// Return an error.
    Error,
}

impl Store {
    /// Returns a keyset with this key. It is read again only if the one that was last read lacks the
    /// key: an older keyset opens as well.
    pub(crate) fn keyset_with(&self, id: &[u8]) -> Result<Arc<Keyset>> {
        if let Some(known) = self.keyset.lock()?.as_ref()
            && known.keyset.find(id).is_some()
        {
            return Ok(Arc::clone(&known.keyset));
        }
        let known = self.keyset(Missing::Error)?;
        if known.find(id).is_some() {
            return Ok(known);
        }
        self.forget_keyset()?;
        self.keyset(Missing::Error)
    }

    /// Returns the store's keys.
    pub(crate) fn keyset(&self, missing: Missing) -> Result<Arc<Keyset>> {
        if let Some(known) = self.keyset.lock()?.as_ref().filter(|known| known.is_current) {
            return Ok(Arc::clone(&known.keyset));
        }
        let seen = self.unused_keyset.lock()?.take();
        let blob = match seen.map_or_else(|| self.read_keyset(), Ok) {
            Err(error) if error.is_miss() => return self.missing_keyset(missing),
            other => self.in_storage(other)?,
        };
        if let Some(known) = self.keyset.lock()?.as_mut().filter(|known| known.blob == blob) {
            known.is_current = true;
            return Ok(Arc::clone(&known.keyset));
        }
        let key = self.load_wrapping_key(&blob)?;
        let keyset = keyset_file::unwrap(&self.parts, &blob, &key).map_err(other_key)?;
        self.cache_keyset(blob, Arc::new(keyset))
    }

    pub(crate) fn read_keyset(&self) -> Result<Vec<u8>> {
        self.storage()?.get(&keyset_file::entry()).map(|stored| stored.blob)
    }

    fn cache_keyset(&self, blob: Vec<u8>, keyset: Arc<Keyset>) -> Result<Arc<Keyset>> {
        let known = CachedKeyset { blob, keyset: Arc::clone(&keyset), is_current: true };
        *self.keyset.lock()? = Some(known);
        Ok(keyset)
    }

    /// Makes the next use of the keyset read it again. A keyset that exists only in this process is
    /// kept.
    pub(crate) fn forget_keyset(&self) -> Result<()> {
        *self.unused_keyset.lock()? = None;
        if self.parts.key.is_some()
            && let Some(known) = self.keyset.lock()?.as_mut()
        {
            known.is_current = false;
        }
        Ok(())
    }

    /// A storage that does not outlive the process or the session starts without a keyset each
    /// time. In any other storage, a missing keyset is a loss that must be reported.
    fn missing_keyset(&self, missing: Missing) -> Result<Arc<Keyset>> {
        if !self.starts_empty() || missing == Missing::Error || self.entries(None).next().is_some()
        {
            return Err(self.missing_sentinel());
        }
        self.create_keyset()
    }

    /// Whether the storage may have no keyset because it does not last.
    pub(crate) fn starts_empty(&self) -> bool {
        self.parts.storage.backend.abilities().persistence < Persistence::Durable
    }

    /// Makes a keyset and stores it, wrapped, unless another process was faster.
    pub(crate) fn create_keyset(&self) -> Result<Arc<Keyset>> {
        let keyset = Arc::new(Keyset::generate()?);
        let mut wrapped = Vec::new();
        if let Some(source) = &self.parts.key {
            let created = source
                .backend
                .create(&keyset_file::wrapping_key(self.parts.id))
                .map_err(|error| source.failed(error))?;
            let kept = keyset_file::wrap(&self.parts, &keyset, &created.key, &created.parameters)
                .and_then(|blob| {
                    self.put_confirmed(&keyset_file::entry(), &blob, Expect::Absent).map(|()| blob)
                });
            match kept {
                Ok(blob) => wrapped = blob,
                Err(error) if error.kind() == ErrorKind::Conflict => {
                    return self.keyset(Missing::Error);
                }
                Err(error) => return Err(self.drop_wrapping_key(source, &created, error)),
            }
            *self.wrapping.lock()? = Some((created.parameters, created.key));
        }
        self.cache_keyset(wrapped, keyset)
    }

    /// Deletes the key that was made for a keyset that the storage did not keep, and returns the
    /// error to report. It leaves the key if the storage has a keyset or cannot be read.
    fn drop_wrapping_key(
        &self,
        source: &Named<Box<dyn Key>>,
        created: &Created,
        failure: Error,
    ) -> Error {
        if created.ownership != Ownership::Made {
            return failure;
        }
        if self.read_keyset().is_err_and(|error| error.is_miss()) {
            // The first failure is the one to report, even if this fails too.
            drop(
                source
                    .backend
                    .delete(&keyset_file::wrapping_key(self.parts.id), &created.parameters),
            );
            return failure;
        }
        let hint =
            format!("The storage may have kept the keyset, so its key stays in `{}`", source.name);
        failure.hint(hint)
    }

    /// Returns the key that wraps the keyset in `blob`. It asks the key source once.
    pub(crate) fn load_wrapping_key(&self, blob: &[u8]) -> Result<Secret> {
        let (header, _) = keyset_file::Header::parse(blob, &self.parts)?;
        let mut wrapping = self.wrapping.lock()?;
        if let Some((parameters, key)) = wrapping.as_ref()
            && *parameters == header.parameters
        {
            return Ok(key.clone());
        }
        let source = self.parts.key.as_ref().ok_or_else(|| Error::new(ErrorKind::NoKey, "open"))?;
        let key = source
            .backend
            .load(&keyset_file::wrapping_key(self.parts.id), &header.parameters)
            .map_err(|error| source.failed(error))?
            .secret;
        *wrapping = Some((header.parameters, key.clone()));
        Ok(key)
    }
}

/// Returns the error for a keyset that does not open: it was altered, or its key was replaced.
fn other_key(error: Error) -> Error {
    if error.kind() != ErrorKind::Corrupt {
        return error;
    }
    Error::new(ErrorKind::NoKey, "open")
        .because("the keyset does not open: the key is wrong, or the keyset was altered")
        .hint("A passphrase may have been mistyped, or a key file replaced")
}
