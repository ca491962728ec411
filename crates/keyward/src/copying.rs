//! Copies and renames entries.

use std::slice;

use keyward_accounts::Accounts;
use keyward_core::{Change, EntryId, Error, ErrorKind, Record, Result};
use keyward_kinds::names;
use keyward_origin::Location;
use keyward_resolver::Reference;

use crate::facade::Keyward;
use crate::open_store::OpenStore;
use crate::references::{id, named};

impl Keyward {
    /// Copies an entry to another name, user or store. The record stays as it is: its kind, which
    /// Keyward need not know, all of its fields, its origins, its labels and its times.
    ///
    /// With `overwrites`, the record replaces another one; without, only an equal one may be there.
    ///
    /// # Errors
    /// Those of both stores, with the reference that each is about, and:
    /// - [`Exists`](ErrorKind::Exists) if the place is taken, or if either entry is an account of an
    ///   origin, or lists the accounts of one.
    /// - [`Invalid`](ErrorKind::Invalid) if both references name the same entry, or one names a
    ///   field.
    ///
    /// # Examples
    /// ```
    /// # use keyward::{Credentials, Environment, Keyward, NewStore, Silent};
    /// # use keyward_defaults as _;
    /// # let home = tempfile::tempdir()?;
    /// # let keyward = Keyward::with(Environment::new([("HOME", home.path())]), Silent)?;
    /// # keyward.init_store(&NewStore::named("work")?)?;
    /// # let store = keyward.store("work")?;
    /// # store.set_credentials(&store.entry(None, Some("mail"))?, &Credentials::new("a", "b"))?;
    /// let (from, to) = ("keyward://work/mail".parse()?, "keyward://work/post".parse()?);
    /// keyward.copy(&from, &to, false)?;
    /// assert!(store.contains(&store.entry(None, Some("post"))?)?);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn copy(&self, from: &Reference, to: &Reference, overwrites: bool) -> Result<()> {
        let (source, target) = (self.place_of_entry(from)?, self.place_of_entry(to)?);
        copy(&source, &target, overwrites).map(drop)
    }

    /// Renames an entry: copies it, then removes it. If it is interrupted, the same call continues.
    ///
    /// # Errors
    /// Those of [`copy`](Self::copy); [`Conflict`](ErrorKind::Conflict) if another writer changed the
    /// entry after it was copied, and then both entries remain.
    pub fn rename(&self, from: &Reference, to: &Reference, overwrites: bool) -> Result<()> {
        let (source, target) = (self.place_of_entry(from)?, self.place_of_entry(to)?);
        let copied = copy(&source, &target, overwrites)?;
        source.remove(&copied)
    }

    fn place_of_entry<'a>(&self, reference: &'a Reference) -> Result<Place<'a>> {
        if reference.field.is_some() {
            return Err(Error::invalid("copy", format!("{reference}: it names a field"))
                .hint("Leave the field out: the whole entry is copied"));
        }
        let Some((name, user)) = self.place(reference)? else {
            return Err(Error::invalid("copy", format!("{reference}: it names no store")));
        };
        let store = self.store_of(&name, user)?;
        let id = id(&store, reference)?;
        Ok(Place { store, id, reference })
    }
}

/// An entry, in an open store.
struct Place<'a> {
    store: OpenStore,
    id: EntryId,
    reference: &'a Reference,
}

/// Returns the record that was copied.
fn copy(source: &Place<'_>, target: &Place<'_>, overwrites: bool) -> Result<Record> {
    if (source.store.id(), &source.id) == (target.store.id(), &target.id) {
        return Err(Error::invalid("copy", "both references name the same entry"));
    }
    let record = source.read().map_err(|error| named(source.reference, error))?;
    let written = target.write(&record, overwrites);
    written.map_err(|error| named(target.reference, error))?;
    Ok(record)
}

impl Place<'_> {
    /// Returns the record, if it may be copied.
    fn read(&self) -> Result<Record> {
        let record = self.store.get(&self.id)?;
        check_is_no_list(&record)?;
        self.check_is_not_listed()?;
        self.store.give_out(slice::from_ref(&self.id))?;
        Ok(record)
    }

    fn write(&self, record: &Record, overwrites: bool) -> Result<()> {
        self.store.check_not_deleting()?;
        self.check_is_not_listed()?;
        let mut change = |old: Option<Record>| match old {
            Some(old) if old.is_same_as(record) => Ok(Change::Leave),
            Some(_) if !overwrites => Err(Error::new(ErrorKind::Exists, "copy")
                .because("the entry exists")
                .hint("To replace it, add --force")),
            Some(old) => check_is_no_list(&old).map(|()| Change::Put(Box::new(record.clone()))),
            None => Ok(Change::Put(Box::new(record.clone()))),
        };
        if overwrites {
            self.store.update_or_replace(&self.id, change)
        } else {
            self.store.update(&self.id, &mut change)
        }
    }

    /// Removes the entry, unless its record is no longer the one that was copied. A rotation of the
    /// keys gives the entry another revision, but not another record.
    fn remove(&self, copied: &Record) -> Result<()> {
        let removed = self.store.update(&self.id, |now| match now {
            Some(record) if record.is_same_as(copied) => Ok(Change::Remove),
            None => Ok(Change::Leave),
            Some(_) => Err(Error::new(ErrorKind::Conflict, "rename")
                .because("another program changed the entry after it was copied")
                .hint("Both entries remain; to copy the change too, repeat with --force")),
        });
        removed.map_err(|error| named(self.reference, error))
    }

    /// Checks that no list of accounts names the entry: the list would be wrong afterwards.
    fn check_is_not_listed(&self) -> Result<()> {
        let Ok(location) = Location::parse(self.id.name_or_empty()) else { return Ok(()) };
        if location.account().is_none() {
            return Ok(());
        }
        let accounts = Accounts::new(&*self.store, self.id.user());
        let mut listed = accounts.list(location.origin())?.into_iter();
        if listed.all(|account| account.location != location) {
            return Ok(());
        }
        Err(Error::new(ErrorKind::Exists, "copy")
            .because("the entry is an account of an origin, and a list names it")
            .hint("Use `keyward set --origin` and `keyward account rm`"))
    }
}

fn check_is_no_list(record: &Record) -> Result<()> {
    if record.kind != names::ACCOUNTS {
        return Ok(());
    }
    Err(Error::new(ErrorKind::Exists, "copy")
        .because("the entry lists the accounts of an origin")
        .hint("Store the accounts with `keyward set --origin`"))
}

#[cfg(test)]
mod tests {
    use keyward_config::{Environment, Silent};
    use keyward_core::{Derivation, Expect, Field, Form, Origin, Timestamp};
    use keyward_defaults as _;

    use super::*;
    use crate::NewStore;

    /// A home with one store for each serializer, named after it.
    struct Stores {
        keyward: Keyward,
        _home: tempfile::TempDir,
    }

    const SERIALIZERS: [&str; 4] = ["bincode", "cbor", "json", "postcard"];

    fn stores() -> Stores {
        let home = tempfile::tempdir().unwrap();
        let keyward = Keyward::with(Environment::new([("HOME", home.path())]), Silent).unwrap();
        for serializer in SERIALIZERS {
            let mut new = NewStore::named(serializer).unwrap();
            new.serializer = Some(serializer.into());
            new.encryption = Some("clear".into());
            keyward.init_store(&new).unwrap();
        }
        Stores { keyward, _home: home }
    }

    impl Stores {
        fn put(&self, reference: &str, record: &Record) {
            let reference: Reference = reference.parse().unwrap();
            let place = self.keyward.place_of_entry(&reference).unwrap();
            place.store.put(&place.id, record, Expect::Any).unwrap();
        }

        fn get(&self, reference: &str) -> Option<Record> {
            let reference: Reference = reference.parse().unwrap();
            let place = self.keyward.place_of_entry(&reference).unwrap();
            place.store.get(&place.id).ok()
        }

        fn copy(&self, from: &str, to: &str, overwrites: bool) -> Result<()> {
            self.keyward.copy(&from.parse()?, &to.parse()?, overwrites)
        }

        fn rename(&self, from: &str, to: &str, overwrites: bool) -> Result<()> {
            self.keyward.rename(&from.parse()?, &to.parse()?, overwrites)
        }
    }

    /// A record of a kind that no table describes, with everything that a record can have.
    fn unknown() -> Record {
        let value = Field::open(&b"\xff\x00"[..]).with_form(Form::Bytes);
        let origin = Origin { scheme: "https".into(), host: "x".into(), port: 443 };
        let mut record = Record::new("example.unheard")
            .with("shape", Field::open("round"))
            .with("pin", Field::secret("1234").with_expires(Some(Timestamp::from_unix(9))))
            .with("bytes", value)
            .with_origins(vec![origin])
            .with_created(Timestamp::from_unix(1))
            .with_updated(Timestamp::from_unix(2))
            .with_expires(Some(Timestamp::from_unix(3)));
        record.used = Some(Timestamp::from_unix(4));
        record.labels.insert("team".into(), "red".into());
        let source = EntryId::new("ann", Some("source")).unwrap();
        let revision = keyward_core::Revision::of_content(b"x");
        record.derived_from = Some(Derivation::new(source, revision));
        record
    }

    #[test]
    fn a_record_of_an_unknown_kind_is_the_same_after_every_serializer() {
        let stores = stores();
        for from in SERIALIZERS {
            stores.put(&format!("keyward://{from}/a"), &unknown());
            for to in SERIALIZERS {
                let (from, to) =
                    (format!("keyward://{from}/a"), format!("keyward://{to}/b?user=v"));
                stores.copy(&from, &to, false).unwrap();
                assert_eq!(stores.get(&to), Some(unknown()), "{from} {to}");
                stores.rename(&to, "keyward://cbor/c", false).unwrap();
                assert_eq!((stores.get(&to), stores.get(&from)), (None, Some(unknown())));
                stores.rename("keyward://cbor/c", &to, false).unwrap();
                assert_eq!(stores.get(&to), Some(unknown()));
            }
        }
    }

    #[test]
    fn another_record_is_overwritten_only_on_request() {
        let stores = stores();
        let (from, to) = ("keyward://cbor/a", "keyward://json/");
        stores.put(from, &unknown());
        let other = Record::new("token").with("token", Field::secret("t"));
        stores.put(to, &other);
        for result in [stores.copy(from, to, false), stores.rename(from, to, false)] {
            assert_eq!(result.unwrap_err().kind(), ErrorKind::Exists);
            assert_eq!((stores.get(from), stores.get(to)), (Some(unknown()), Some(other.clone())));
        }
        stores.copy(from, to, true).unwrap();
        assert_eq!(stores.get(to), Some(unknown()));
        // A rename that was interrupted continues.
        stores.rename(from, to, false).unwrap();
        assert_eq!((stores.get(from), stores.get(to)), (None, Some(unknown())));
    }

    #[test]
    fn a_change_of_another_writer_is_not_removed() {
        let stores = stores();
        stores.put("keyward://cbor/a", &unknown());
        let changed = unknown().with("shape", Field::open("flat"));
        let (from, to) = ("keyward://cbor/a".parse().unwrap(), "keyward://cbor/b".parse().unwrap());
        let source = stores.keyward.place_of_entry(&from).unwrap();
        let target = stores.keyward.place_of_entry(&to).unwrap();
        let copied = copy(&source, &target, false).unwrap();
        stores.put("keyward://cbor/a", &changed);
        assert_eq!(source.remove(&copied).unwrap_err().kind(), ErrorKind::Conflict);
        assert_eq!(stores.get("keyward://cbor/a"), Some(changed));
        assert_eq!(stores.get("keyward://cbor/b"), Some(unknown()));
        stores.put("keyward://cbor/a", &unknown());
        source.remove(&copied).unwrap();
        assert_eq!(stores.get("keyward://cbor/a"), None);
        source.remove(&copied).unwrap();
    }

    #[test]
    fn accounts_of_an_origin_are_refused() {
        let stores = stores();
        let store = stores.keyward.store("cbor").unwrap();
        let location = Location::parse("https://ann@x.example").unwrap();
        let user = store.user(None);
        let accounts = Accounts::new(&*store, user);
        accounts.keep(&location, store.now(), &|record| Ok(record.with_kind("token"))).unwrap();
        let account = "keyward://cbor/https%3A%2F%2Fann%40x.example";
        let list = "keyward://cbor/https%3A%2F%2Fx.example";
        stores.put("keyward://cbor/a", &unknown());
        for (from, to) in [(account, "keyward://json/"), (list, "keyward://json/")] {
            assert_eq!(stores.copy(from, to, true).unwrap_err().kind(), ErrorKind::Exists);
            assert_eq!(stores.rename(from, to, true).unwrap_err().kind(), ErrorKind::Exists);
            assert!(stores.get(from).is_some() && stores.get(to).is_none());
            let error = stores.copy("keyward://cbor/a", from, true).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Exists);
        }
    }

    #[test]
    fn references_that_name_no_other_entry_are_refused() {
        let stores = stores();
        stores.put("keyward://cbor/a", &unknown());
        let user = stores.keyward.store("cbor").unwrap().user(None).to_owned();
        for (from, to) in [
            ("keyward://cbor/a", format!("keyward://cbor/a?user={user}")),
            ("keyward://cbor/a/pin", "keyward://cbor/b".to_owned()),
            ("keyward://cbor/a", "keyward://cbor/b/pin".to_owned()),
            ("keyward://cbor/a", "keyward://none/b".to_owned()),
            ("keyward://cbor/a", "keyward:///b".to_owned()),
        ] {
            assert_eq!(stores.rename(from, &to, true).unwrap_err().kind(), ErrorKind::Invalid);
            assert_eq!(stores.get("keyward://cbor/a"), Some(unknown()));
        }
        let missing = stores.copy("keyward://cbor/none", "keyward://cbor/b", false).unwrap_err();
        assert!(missing.is_miss());
    }
}
