//! Key source `borrowed`: keeps its keys as records of another store, for tests of all doors.

use std::sync::Arc;

use keyward_plugin::{
    Backend, Change, Created, EntryId, Error, ErrorKind, Field, Host, Info, KEY_LENGTH, Key, KeyId,
    Loaded, Query, Record, Result, Secret, Source, StoreRef, options, random,
};

const MADE: &[u8] = b"made";

options! {
    /// Where the keys are.
    pub struct Options {
        /// The store that keeps them.
        pub store: StoreRef,
    }
}

/// The key source `borrowed`.
#[derive(Debug)]
pub struct Borrowed {
    store: StoreRef,
    host: Arc<dyn Host>,
}

impl Backend for Borrowed {
    const INFO: Info = Info::new("borrowed", "Keys in another store; for tests");
    type Options = Options;

    fn open(options: Options, host: &Arc<dyn Host>) -> Result<Self> {
        Ok(Self { store: options.store, host: Arc::clone(host) })
    }
}

impl Borrowed {
    fn source(&self) -> Result<Arc<dyn Source>> {
        self.host.source(&self.store.0)
    }
}

fn entry(id: &KeyId) -> EntryId {
    EntryId::new("keys", Some(&format!("key {id}"))).expect("digits are canonical")
}

impl Key for Borrowed {
    fn create(&self, id: &KeyId) -> Result<Created> {
        let key = Secret::from(&random::<KEY_LENGTH>()?[..]);
        let source = self.source()?;
        source.update(&entry(id), &mut |present| match present {
            Some(_) => Err(Error::new(ErrorKind::Exists, "create")),
            None => {
                let record = Record::new("key").with("key", Field::secret(key.clone()));
                Ok(Change::Put(Box::new(record)))
            }
        })?;
        if !source.contains(&entry(id))? {
            return Err(Error::new(ErrorKind::Unavailable, "create").because("it is not there"));
        }
        Ok(Created::made(key, MADE.to_vec()))
    }

    fn load(&self, id: &KeyId, parameters: &[u8]) -> Result<Loaded> {
        if ![MADE, &[]].contains(&parameters) {
            return Err(Error::corrupt("load"));
        }
        let no_key = || Error::new(ErrorKind::NoKey, "load");
        let record = match self.source()?.get(&entry(id)) {
            Err(error) if error.is_miss() => return Err(no_key()),
            found => found?,
        };
        Ok(record.field("key").ok_or_else(no_key)?.value.clone().into())
    }

    fn delete(&self, id: &KeyId, _: &[u8]) -> Result<()> {
        self.source()?.update(&entry(id), &mut |_| Ok(Change::Remove))
    }

    /// Returns the names of all keys, one in each line, so that a test sees the list.
    fn rewrap(&self, _: &KeyId, parameters: &[u8]) -> Result<Vec<u8>> {
        if parameters != b"list" {
            return Err(Error::new(ErrorKind::Unsupported, "rewrap"));
        }
        let (mut names, mut cursor) = (Vec::new(), None);
        loop {
            let query = Query::default().with_user(Some("keys")).with_cursor(cursor).with_limit(2);
            let page = self.source()?.list(&query)?;
            names.extend(page.entries.iter().map(|id| id.name_or_empty().to_owned()));
            match page.next {
                Some(next) => cursor = Some(next),
                None => return Ok(names.join("\n").into_bytes()),
            }
        }
    }
}
