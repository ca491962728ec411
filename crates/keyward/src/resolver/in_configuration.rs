use std::cell::RefCell;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use keyward_config::{Credential, Expander, Setting, SettingKey, SettingTarget, StoreHost};
use keyward_core::{
    Error, ErrorKind, Field, Host, Record, Result, Role, Secret, SecretRef, Value, printable,
};
use keyward_kinds::{Kind, Kinds};
use keyward_resolver::{Finder, Place, Query, Reference, Resolver, bind, kind_with_fields};

use crate::facade::Keyward;
use crate::references::{self, Ungiven, named};

/// The credentials in the configuration.
#[derive(Debug)]
pub(super) struct InConfiguration {
    keyward: Keyward,
    /// What must be given out with a credential that was found, by its name.
    pending: Mutex<BTreeMap<String, Pending>>,
}

/// The records to which a credential refers.
#[derive(Debug, Default)]
struct Pending {
    stores: Ungiven,
    /// What found the others, and in which sources.
    resolver: Option<Resolver>,
    resolved: Vec<(Reference, Vec<String>)>,
}

/// How many credentials of the configuration may need one another.
const MAX_DEPTH: usize = 8;

thread_local! {
    /// The names of the credentials whose references this thread is resolving, outermost first.
    static ASKED: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) };
}

impl Finder for InConfiguration {
    fn name(&self) -> String {
        "configuration".into()
    }

    fn places(&self, query: &Query<'_>, _: &Kinds) -> Vec<String> {
        let credential = self.keyward.config.settings().credential(query.name());
        let fields = credential.map(|credential| credential.fields).unwrap_or_default();
        fields.into_values().map(|setting| setting.place).collect()
    }

    fn look_up(&self, query: &Query<'_>, kinds: &Kinds) -> Result<Record> {
        let credential = self.keyward.config.settings().credential(query.name());
        let Some(credential) = credential.filter(|credential| !credential.fields.is_empty()) else {
            return Err(Error::not_found("resolve"));
        };
        let kind = kind_of(&credential, query.kind(), kinds)?;
        check_fields(&credential, kind, kinds)?;
        let _asked = Asked::enter(query.name())?;
        let mut record = Record::new(kind.map_or("", |kind| &kind.name));
        for (name, found, setting) in self.values(&credential, &mut record)? {
            let mut field = match kind {
                Some(kind) => {
                    kind.field(name, found.value).map_err(|error| located(setting, &error))?
                }
                None => Field::secret(found.value),
            };
            field.secret |= found.secret;
            field.expires = found.expires;
            record.fields.insert(name.to_owned(), field);
        }
        Ok(record)
    }

    fn give_out(&self, query: &Query<'_>) -> Result<()> {
        let Some(pending) = self.pending.lock()?.remove(query.name()) else { return Ok(()) };
        pending.stores.iter().try_for_each(|(store, ids)| store.give_out(ids))?;
        for (reference, sources) in &pending.resolved {
            if let Some(resolver) = &pending.resolver {
                resolver.give_out(&references::query(reference)?, sources)?;
            }
        }
        Ok(())
    }
}

/// A field, its value, and the setting that describes it.
type Found<'a> = (&'a str, Field, &'a Setting);

impl InConfiguration {
    pub(super) fn new(keyward: &Keyward) -> Self {
        Self { keyward: keyward.clone(), pending: Mutex::default() }
    }

    /// Returns the records that these references name, which are not given out yet.
    fn fetch(
        &self,
        references: &[Reference],
        pending: &mut Pending,
    ) -> Result<Vec<Result<Record>>> {
        let (records, stores) = self.keyward.fetch(references, |queries| {
            // A reference is no reason to ask the user.
            let resolver = self.keyward.silent_resolver()?;
            let found = resolver.explain_many(queries);
            let of_resolver =
                references.iter().filter(|reference| reference.store == Place::Resolver);
            for (reference, explanation) in of_resolver.zip(&found) {
                if let Ok(resolution) = &explanation.result {
                    pending.resolved.push((reference.clone(), resolution.sources.clone()));
                }
            }
            pending.resolver = Some(resolver);
            Ok(found.into_iter().map(|found| found.result.map(|found| found.record)).collect())
        })?;
        pending.stores = stores;
        Ok(records)
    }

    /// Returns the value of each field. Adds to the record what is known of the records that the
    /// values come from: to which origins they are bound, and when they expire.
    fn values<'a>(&self, credential: &'a Credential, to: &mut Record) -> Result<Vec<Found<'a>>> {
        let (mut values, mut wanted, mut references) = (Vec::new(), Vec::new(), Vec::new());
        for (name, setting) in &credential.fields {
            let name = name.as_str();
            match (&setting.value, reference(setting)?) {
                (_, Some(reference)) => {
                    wanted.push((name, setting));
                    references.push(reference);
                }
                (Value::Text(text), None) => {
                    values.push((name, Field::open(text.as_str()), setting));
                }
                (Value::Secret(source), None) => {
                    let loaded = self.keyward.key_source_host().secret(source);
                    let loaded = loaded.map_err(|error| located(setting, &not_missing(error)))?;
                    // The kind says whether it is secret.
                    let mut field = Field::open(loaded.secret);
                    field.expires = loaded.expires;
                    values.push((name, field, setting));
                }
                // The configuration has no other values.
                _ => {}
            }
        }
        let Some((_, first)) = wanted.first() else { return Ok(values) };
        let mut pending = Pending::default();
        let records = self.fetch(&references, &mut pending);
        let records = records.map_err(|error| located(first, &error))?;
        self.pending.lock()?.insert(credential.name.clone(), pending);
        let kinds = self.keyward.config.kinds();
        for (((name, setting), reference), record) in
            wanted.into_iter().zip(&references).zip(records)
        {
            let found = record.and_then(|record| {
                let field = kinds.field(&record, reference.field.as_deref())?;
                bind(to, &record)?;
                Ok(field)
            });
            let field = found.map_err(|error| located(setting, &named(reference, error)))?;
            values.push((name, field, setting));
        }
        Ok(values)
    }
}

impl Keyward {
    /// Returns an error for each credential and each profile of the configuration that cannot be
    /// used. It fetches no secret.
    pub fn check_resolver(&self) -> Vec<Error> {
        let settings = self.config.settings();
        let credentials = settings.credential_names().filter_map(|name| settings.credential(name));
        let kinds = self.config.kinds();
        let credentials = credentials.filter_map(|it| self.check_with(&kinds, &it).err());
        let profiles = settings.profile_names().into_iter();
        let profiles = profiles.filter_map(|name| settings.profile(name).err());
        credentials.chain(profiles).chain(settings.selected_profile().err()).collect()
    }

    /// Checks a credential of the configuration: its kind has its fields, and those that are secret
    /// are references. It fetches no secret.
    ///
    /// # Errors
    /// [`Invalid`](ErrorKind::Invalid), with the place of the fault; it contains no value.
    pub fn check_credential(&self, credential: &Credential) -> Result<()> {
        self.check_with(&self.config.kinds(), credential)
    }

    fn check_with(&self, kinds: &Kinds, credential: &Credential) -> Result<()> {
        check_fields(credential, kind_of(credential, None, kinds)?, kinds)?;
        for setting in credential.fields.values() {
            if let Value::Secret(source) = &setting.value {
                self.check_key_source(source).map_err(|error| located(setting, &error))?;
            }
        }
        Ok(())
    }

    /// Whether a value of the configuration may be shown: it is not the text of a field that is, or
    /// may be, secret.
    pub fn is_public(&self, key: &SettingKey, setting: &Setting) -> bool {
        let Some(SettingTarget::Credential { name, field }) = key.target() else { return true };
        let kind = self.config.settings().credential(name).and_then(|found| found.kind);
        let fields = [(field.to_owned(), setting.clone())].into();
        let is_field = field != Credential::KIND && matches!(setting.value, Value::Text(_));
        let credential = Credential { name: name.to_owned(), kind, fields };
        !is_field || self.check_credential(&credential).is_ok()
    }

    fn check_key_source(&self, source: &SecretRef) -> Result<()> {
        let registration = self.registry.find(Role::Key, &source.from)?;
        let expander = Expander::without_store(self.config.places());
        expander.values(&source.options, registration.options, Error::from).map(drop)
    }

    /// Returns the host of key sources that belong to no store.
    fn key_source_host(&self) -> StoreHost {
        let expander = Expander::without_store(self.config.places());
        let (registry, config) = (Arc::clone(&self.registry), Arc::clone(&self.config));
        let stores = Arc::new(self.clone());
        StoreHost::new(registry, config, expander, Arc::clone(&self.interaction), stores)
    }
}

/// Returns the kind of a credential: the one that its table names, else the one that is asked for,
/// else the one that its fields show.
fn kind_of<'a>(
    credential: &Credential,
    asked: Option<&'a Kind>,
    kinds: &'a Kinds,
) -> Result<Option<&'a Kind>> {
    if let Some(setting) = &credential.kind
        && let Value::Text(kind) = &setting.value
    {
        let is_asked = |asked: &&Kind| asked.name == *kind;
        let found = asked.filter(is_asked).map_or_else(|| kinds.find(kind), Ok);
        return found.map(Some).map_err(|error| located(setting, &error));
    }
    let fields: Vec<_> = credential.fields.keys().map(String::as_str).collect();
    Ok(asked.or_else(|| kind_with_fields(kinds, &fields)))
}

/// Checks that the kind has the fields, and that a text is a reference unless its field is public.
fn check_fields(credential: &Credential, kind: Option<&Kind>, kinds: &Kinds) -> Result<()> {
    for (name, setting) in &credential.fields {
        let is_public = match kind {
            Some(kind) => match kind.spec(name) {
                Some(spec) => !spec.secret,
                // The value is only checked if the kind has the field.
                None => kind
                    .field(name, Secret::default())
                    .map(|field| !field.secret)
                    .map_err(|error| located(setting, &error))?,
            },
            None => is_public_everywhere(kinds, name),
        };
        let is_text = matches!(setting.value, Value::Text(_)) && reference(setting)?.is_none();
        if is_text && !is_public {
            return Err(plain_text(name, setting, kind));
        }
    }
    Ok(())
}

/// Whether built-in kinds have a field of this name, and it is public in all of them.
fn is_public_everywhere(kinds: &Kinds, name: &str) -> bool {
    let built_in = kinds.iter().filter(|kind| !kind.name.contains('.'));
    let specs: Vec<_> = built_in.filter_map(|kind| kind.spec(name)).collect();
    !specs.is_empty() && specs.iter().all(|spec| !spec.secret)
}

/// Returns the reference to a credential that a text is.
fn reference(setting: &Setting) -> Result<Option<Reference>> {
    match &setting.value {
        Value::Text(text) if Reference::is_meant_by(text) => {
            text.parse().map(Some).map_err(|error| located(setting, &error))
        }
        _ => Ok(None),
    }
}

/// Returns the error for a secret that the configuration contains itself.
fn plain_text(name: &str, setting: &Setting, kind: Option<&Kind>) -> Error {
    let name = printable(name);
    let references = format!(
        "a reference: {name} = \"keyward://STORE/NAME\", or a key source such as {{ from = \"env\", \
         name = \"…\" }}"
    );
    let (what, hint) = match kind {
        Some(_) => ("is secret", format!("Write {references}")),
        None => ("may be secret", format!("Add `kind`, or write {references}")),
    };
    let why = format!("{}: the field `{name}` {what}, so it cannot be plain text", setting.place);
    Error::invalid("resolve", why).hint(hint)
}

/// Returns an error with the place in the configuration. A reference to an entry that does not exist
/// is a fault of the configuration: the credential itself is not absent.
fn located(setting: &Setting, error: &Error) -> Error {
    let kind = if error.is_miss() { ErrorKind::Invalid } else { error.kind() };
    let mut why = format!("{}: {}", setting.place, error.message());
    for cause in error.causes() {
        if !why.contains(&cause) {
            why += &format!(": {cause}");
        }
    }
    Error::new(kind, "resolve").because(why).hint(error.advice().unwrap_or_default())
}

/// Returns the error of a key source. One that has no secret is wrongly configured.
fn not_missing(error: Error) -> Error {
    match error.kind() {
        ErrorKind::NoKey => Error::invalid("resolve", error.message()),
        _ => error,
    }
}

/// Notes that the references of a credential are being resolved, until it is dropped.
struct Asked;

impl Asked {
    /// # Errors
    /// `Invalid` if they are being resolved already, or if too many others are.
    fn enter(name: &str) -> Result<Self> {
        ASKED.with_borrow_mut(|asked| {
            let is_cycle = asked.iter().any(|other| other == name);
            if is_cycle || asked.len() == MAX_DEPTH {
                let chain = asked.iter().map(String::as_str).chain([name]);
                let chain: Vec<_> = chain.map(|name| format!("`{}`", printable(name))).collect();
                let what =
                    if is_cycle { "a credential needs itself" } else { "too many references" };
                let why = format!("{what}: {}", chain.join(" needs "));
                return Err(Error::invalid("resolve", why).hint("Let one of them refer to a store"));
            }
            asked.push(name.to_owned());
            Ok(Self)
        })
    }
}

impl Drop for Asked {
    fn drop(&mut self) {
        ASKED.with_borrow_mut(Vec::pop);
    }
}

#[cfg(test)]
mod tests;
