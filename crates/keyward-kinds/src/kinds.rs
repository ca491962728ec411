use std::collections::BTreeMap;

use keyward_core::{Error, ErrorKind, Field, Record, Result, Secret, Timestamp, printable};

use crate::registration::KindRegistration;
use crate::{Kind, built_in, rules};

/// Every kind whose table is known.
///
/// # Examples
/// ```
/// use keyward_kinds::{FieldSpec, Kind, Kinds, names};
///
/// let deploy = Kind::new("acme.deploy", "A key that deploys to Acme")
///     .with_main(FieldSpec::secret("key", "The key").required());
/// let kinds = Kinds::linked().with([deploy]);
/// assert_eq!(kinds.find(names::TOKEN)?.main.as_deref(), Some("token"));
/// assert_eq!(kinds.find("acme.deploy")?.fields.len(), 1);
/// assert!(kinds.find("acme.other").is_err());
/// # Ok::<(), keyward_core::Error>(())
/// ```
#[derive(Debug, Default)]
pub struct Kinds {
    /// What is defined under each name. Only a name with exactly one valid table can be used.
    slots: BTreeMap<String, Slot>,
    /// Places that could not be searched, and tables whose name is not valid.
    lost: Vec<Error>,
}

#[derive(Debug, Default)]
struct Slot {
    kinds: Vec<Kind>,
    broken: Vec<Error>,
}

impl Kinds {
    /// The built-in kinds, and those that crates of this program have
    /// [registered](crate::register).
    pub fn linked() -> Self {
        let mut kinds = Self::default();
        for kind in built_in::kinds() {
            // A test checks them: to compile their patterns takes longer than all else in a `get`.
            let kind = Kind { from: "built in".into(), ..kind };
            kinds.slots.entry(kind.name.clone()).or_default().kinds.push(kind);
        }
        let registered = inventory::iter::<KindRegistration>();
        kinds.with(registered.map(KindRegistration::kind))
    }

    /// Adds these kinds.
    ///
    /// If a kind has the name of another one, neither of the two can be used; all others can. The
    /// same applies to a kind whose table is not valid. [`faults`](Self::faults) reports both.
    #[must_use]
    pub fn with(mut self, kinds: impl IntoIterator<Item = Kind>) -> Self {
        self.extend(kinds);
        self
    }

    fn add(&mut self, kind: Kind) {
        match rules::check(&kind, false) {
            Ok(()) => self.slots.entry(kind.name.clone()).or_default().kinds.push(kind),
            Err(error) => self.add_broken(Some(&kind.name), error),
        }
    }

    /// Adds an error of reading the kind of this name, which then cannot be used, or of searching a
    /// place for kinds.
    pub fn add_broken(&mut self, name: Option<&str>, error: Error) {
        match name {
            // A table with a wrong name must not disable a built-in kind.
            Some(name) if rules::check_name(name, false).is_ok() => {
                self.slots.entry(name.to_owned()).or_default().broken.push(error);
            }
            _ => self.lost.push(error),
        }
    }

    /// Iterates over the kinds that can be used, by name, without the internal ones.
    pub fn iter(&self) -> impl Iterator<Item = &Kind> {
        self.slots.values().filter_map(Slot::usable).filter(|kind| !kind.internal)
    }

    /// Returns the table of this name, also of an internal kind, if there is exactly one.
    ///
    /// Use it for a record that exists: a record without a table can be read and copied.
    pub fn get(&self, name: &str) -> Option<&Kind> {
        self.slots.get(name).and_then(Slot::usable)
    }

    /// Returns the kind of this name, to make or change a record of it.
    ///
    /// # Errors
    /// - [`Invalid`](ErrorKind::Invalid) if there is none, or it is internal.
    /// - [`Refused`](ErrorKind::Refused) if there are two.
    /// - The error of its table.
    pub fn find(&self, name: &str) -> Result<&Kind> {
        match self.slots.get(name) {
            Some(slot) => match slot.usable() {
                Some(kind) if !kind.internal => Ok(kind),
                Some(_) => {
                    Err(Error::invalid("registry", format!("the kind `{name}` is internal"))
                        .hint("Only Keyward itself writes such records"))
                }
                None => Err(slot.fault(name)),
            },
            None => Err(self.unknown(name)),
        }
    }

    fn unknown(&self, name: &str) -> Error {
        let names: Vec<_> = self.iter().map(|kind| kind.name.as_str()).collect();
        let why = format!("there is no kind `{}`", printable(name));
        let error =
            Error::new(self.lost.first().map_or(ErrorKind::Invalid, Error::kind), "registry")
                .because(why)
                .hint(format!("The kinds are: {}", names.join(", ")));
        let lost: Vec<_> = self.lost.iter().map(Error::message).collect();
        if lost.is_empty() { error } else { error.caused_by(lost.join("; ")) }
    }

    /// Returns an error for each name that cannot be used, and for each place that could not be
    /// searched.
    pub fn faults(&self) -> Vec<Error> {
        let unusable = self.slots.iter().filter(|(_, slot)| slot.usable().is_none());
        let unusable = unusable.map(|(name, slot)| slot.fault(name));
        self.lost.iter().map(again).chain(unusable).collect()
    }

    /// Returns the value of a field, or of the main secret if no field is named.
    ///
    /// # Errors
    /// [`NotFound`](ErrorKind::NotFound) if the record does not have it;
    /// [`Invalid`](ErrorKind::Invalid) if it is not known which secret is the main one.
    pub fn value<'a>(&self, record: &'a Record, field: Option<&str>) -> Result<&'a Secret> {
        self.find_field(record, field).map(|(_, field)| &field.value)
    }

    /// Returns a field, or the one of the main secret if no field is named. It is secret if the
    /// record or the table of its kind says so.
    ///
    /// # Errors
    /// Those of [`value`](Self::value).
    pub fn field(&self, record: &Record, field: Option<&str>) -> Result<Field> {
        let (name, field) = self.find_field(record, field)?;
        let mut field = field.clone();
        field.secret = self.is_secret(record, name);
        Ok(field)
    }

    fn find_field<'a>(
        &self,
        record: &'a Record,
        field: Option<&str>,
    ) -> Result<(&'a str, &'a Field)> {
        let main = || self.get(&record.kind).and_then(|kind| kind.main.as_deref());
        let Some(name) = field.or_else(main) else {
            let kind = printable(&record.kind);
            let why = format!("records of the kind `{kind}` have no main secret");
            return Err(Error::invalid("read", why).hint("Name a field"));
        };
        let found = record.fields.get_key_value(name);
        found.map(|(name, field)| (name.as_str(), field)).ok_or_else(|| {
            let names = record.fields.keys().map(|name| printable(name).to_string());
            Error::not_found("read")
                .because(format!("the record has no field `{}`", printable(name)))
                .hint(format!("Its fields are: {}", names.collect::<Vec<_>>().join(", ")))
        })
    }

    /// Whether a record counts as expired at this time: as the table of its kind says, or, without a
    /// table, if the record itself has expired.
    pub fn is_expired(&self, record: &Record, now: Timestamp) -> bool {
        let expires = match self.get(&record.kind) {
            Some(kind) => kind.expiry(record),
            None => record.expires,
        };
        expires.is_some_and(|expires| expires <= now)
    }

    /// Whether the value of a record's field is shown only on explicit request: if the record says
    /// so, or the table of its kind.
    pub fn is_secret(&self, record: &Record, name: &str) -> bool {
        record.field(name).is_some_and(|field| field.secret)
            || self.get(&record.kind).is_some_and(|kind| kind.is_secret(record, name))
    }
}

/// Adds kinds, as [`Kinds::with`] does.
impl Extend<Kind> for Kinds {
    fn extend<T: IntoIterator<Item = Kind>>(&mut self, kinds: T) {
        kinds.into_iter().for_each(|kind| self.add(kind));
    }
}

impl Slot {
    /// Returns the table, if it is the only one and valid.
    fn usable(&self) -> Option<&Kind> {
        match (&self.kinds[..], &self.broken[..]) {
            ([kind], []) => Some(kind),
            _ => None,
        }
    }

    /// Returns why the name cannot be used.
    fn fault(&self, name: &str) -> Error {
        if let ([], [error]) = (&self.kinds[..], &self.broken[..]) {
            return again(error);
        }
        let places = self.kinds.iter().map(|kind| kind.from.as_str());
        let places: Vec<_> = places.chain(self.broken.iter().map(Error::message)).collect();
        let why = format!("the kind `{name}` is defined more than once: {}", places.join("; "));
        Error::new(ErrorKind::Refused, "registry").because(why).hint("Remove all but one of them")
    }
}

/// Returns the same error once more.
fn again(error: &Error) -> Error {
    Error::new(error.kind(), error.operation().to_owned())
        .because(error.message())
        .hint(error.advice().unwrap_or_default())
}
