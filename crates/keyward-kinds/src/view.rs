//! What all typed views have in common.

use keyward_core::{Error, ErrorKind, Field, Record, Result, Secret, printable};

use crate::{fields, labels, names};

/// Makes a view: a struct with a member for each field of a kind that code needs.
///
/// The type of a member says whether the field is secret (`Secret`) and whether a record must have it
/// (no `Option`).
macro_rules! view {
    (
        $(#[$meta:meta])*
        $name:ident: $kind:path, $main:path {
            $($(#[$doc:meta])* $member:ident: $type:ty = $field:path,)+
        }
    ) => {
        $(#[$meta])*
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub struct $name {
            $($(#[$doc])* pub $member: $type,)+
        }

        impl $name {
            /// The kind of its records.
            pub const KIND: &'static str = $kind;

            /// Returns the record with these values in place of those of `record`.
            ///
            /// All else in the record stays as it is, also fields that this type does not have. But
            /// if the main secret changes, it comes from another grant: then the record loses the
            /// expiry and the refresh token of the old one. For a new entry, pass a record whose
            /// kind is empty.
            ///
            /// # Errors
            /// [`Exists`](keyward_core::ErrorKind::Exists) if `record` is of another kind.
            pub fn write(&self, record: keyward_core::Record) -> keyward_core::Result<keyward_core::Record> {
                let mut record = $crate::view::claim(record, $kind)?;
                let before = $crate::view::value(&record, $main);
                $($crate::view::Member::write(&self.$member, &mut record, $field);)+
                $crate::view::forget_old_grant(&mut record, before.as_ref(), $main, &[$($field),+]);
                Ok(record)
            }
        }

        impl From<&$name> for keyward_core::Record {
            fn from(view: &$name) -> Self {
                let mut record = Self::new($kind);
                $($crate::view::Member::write(&view.$member, &mut record, $field);)+
                record
            }
        }

        impl TryFrom<&keyward_core::Record> for $name {
            type Error = keyward_core::Error;

            /// # Errors
            /// `Unsupported` if the record is of another kind, lacks a field, or has a field that
            /// should be text and is not.
            fn try_from(record: &keyward_core::Record) -> keyward_core::Result<Self> {
                $crate::view::check_kind(record, $kind)?;
                Ok(Self { $($member: $crate::view::Member::read(record, $field)?,)+ })
            }
        }
    };
}

pub(crate) use view;

/// A member of a view.
pub(crate) trait Member: Sized {
    fn read(record: &Record, name: &str) -> Result<Self>;
    fn write(&self, record: &mut Record, name: &str);
}

impl Member for Option<Secret> {
    fn read(record: &Record, name: &str) -> Result<Self> {
        Ok(value(record, name))
    }

    fn write(&self, record: &mut Record, name: &str) {
        match self {
            Some(value) => put(record, name, Field::secret(value.clone())),
            None => drop(record.fields.remove(name)),
        }
    }
}

impl Member for Option<String> {
    fn read(record: &Record, name: &str) -> Result<Self> {
        let text = |field: &Field| field.value.expose_str().map(str::to_owned);
        let not_text = || unsupported(format!("the field `{name}` is not text"));
        record.field(name).map(|field| text(field).ok_or_else(not_text)).transpose()
    }

    fn write(&self, record: &mut Record, name: &str) {
        match self {
            Some(text) => put(record, name, Field::open(text.as_str())),
            None => drop(record.fields.remove(name)),
        }
    }
}

impl Member for Secret {
    fn read(record: &Record, name: &str) -> Result<Self> {
        value(record, name).ok_or_else(|| missing(name))
    }

    fn write(&self, record: &mut Record, name: &str) {
        put(record, name, Field::secret(self.clone()));
    }
}

impl Member for String {
    fn read(record: &Record, name: &str) -> Result<Self> {
        Option::read(record, name)?.ok_or_else(|| missing(name))
    }

    fn write(&self, record: &mut Record, name: &str) {
        put(record, name, Field::open(self.as_str()));
    }
}

pub(crate) fn value(record: &Record, name: &str) -> Option<Secret> {
    record.field(name).map(|field| field.value.clone())
}

/// Sets a field. A field that has this value already keeps its expiry. A field that was secret stays
/// so.
pub(crate) fn put(record: &mut Record, name: &str, mut field: Field) {
    if let Some(old) = record.fields.get(name) {
        field.secret |= old.secret;
        if old.value == field.value {
            (field.form, field.expires) = (old.form, old.expires);
        }
    }
    record.fields.insert(name.to_owned(), field);
}

/// Removes what belongs to the grant of another main secret, unless the view has just written it.
pub(crate) fn forget_old_grant(
    record: &mut Record,
    before: Option<&Secret>,
    main: &str,
    written: &[&str],
) {
    let now = record.field(main).map(|field| &field.value);
    if before.is_some() && before != now {
        record.expires = None;
        record.labels.remove(labels::REJECTED);
        record.derived_from = None;
        if !written.contains(&fields::REFRESH_TOKEN) {
            record.fields.remove(fields::REFRESH_TOKEN);
        }
    }
}

/// Returns the record as one of this kind, which it must be unless it is new.
pub(crate) fn claim(record: Record, kind: &str) -> Result<Record> {
    match record.kind.is_empty() || record.kind == kind {
        true => Ok(record.with_kind(kind)),
        false => Err(other_kind(&record)),
    }
}

pub(crate) fn check_kind(record: &Record, kind: &str) -> Result<()> {
    if record.kind == kind {
        return Ok(());
    }
    let found = printable(&record.kind);
    Err(unsupported(format!("the entry holds a record of the kind `{found}`, not `{kind}`")))
}

fn missing(name: &str) -> Error {
    unsupported(format!("the record has no field `{name}`"))
}

fn unsupported(why: String) -> Error {
    Error::new(ErrorKind::Unsupported, "get").because(why)
}

/// Returns the error for an entry whose record is of another kind than the one to be set.
pub fn other_kind(record: &Record) -> Error {
    let error = Error::new(ErrorKind::Exists, "set");
    if record.kind == names::ACCOUNTS {
        return error
            .because("the entry lists the accounts of an origin")
            .hint("Use --origin instead of --name to select the account");
    }
    let kind = printable(&record.kind);
    error
        .because(format!("the entry holds a record of the kind `{kind}`"))
        .hint("To replace it, remove it first with `keyward unset`")
}
