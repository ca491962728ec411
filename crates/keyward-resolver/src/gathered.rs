use keyward_core::{Error, ErrorKind, Record, Result, printable};
use keyward_kinds::{Kind, Kinds};

use crate::{Query, Resolution};

/// What a look-up has found so far.
#[derive(Debug)]
pub(crate) struct Gathered<'a> {
    kinds: &'a Kinds,
    query: &'a Query<'a>,
    /// The record, and the names of the sources that had a part of it.
    found: Option<(Record, Vec<String>)>,
}

/// What a record lacks.
#[derive(Debug)]
pub(crate) struct Lack {
    /// The needed fields that it does not have.
    pub(crate) fields: Vec<String>,
    /// The same in words.
    pub(crate) error: Error,
}

impl<'a> Gathered<'a> {
    pub(crate) fn new(kinds: &'a Kinds, query: &'a Query<'a>) -> Self {
        Self { kinds, query, found: None }
    }

    /// Adds what a source has.
    ///
    /// # Errors
    /// - `Invalid` if the record is of a kind that was not asked for or that is internal, or has a
    ///   wrong value.
    /// - `Refused` if it is bound to origins, and that of the query's URL is not among them.
    pub(crate) fn add(&mut self, record: Record, source: &str) -> Result<()> {
        self.check_origin(&record)?;
        let record = self.with_known_kind(record)?;
        let Some((first, mut sources)) = self.found.take() else {
            self.found = Some((record, vec![source.to_owned()]));
            return Ok(());
        };
        // What was found first may not have shown its kind.
        let first = self.retyped(first, &record.kind)?;
        if record.fields.keys().any(|name| first.field(name).is_none()) {
            sources.push(source.to_owned());
            self.found = Some((merge(first, record)?, sources));
        } else {
            self.found = Some((first, sources));
        }
        Ok(())
    }

    fn check_origin(&self, record: &Record) -> Result<()> {
        let Some(url) = self.query.url() else { return Ok(()) };
        if record.origins.is_empty() || record.origins.contains(url.origin()) {
            return Ok(());
        }
        let why = format!("the record may not be given to {}", url.origin());
        let (name, origin) = (printable(self.query.name()), url.origin());
        Err(Error::new(ErrorKind::Refused, "resolve").because(why).hint(format!(
            "If that server may get it: keyward set STORE --name {name} --bind {origin}"
        )))
    }

    /// Checks a record, and gives it the kind that is known by now if it does not show its own.
    fn with_known_kind(&self, record: Record) -> Result<Record> {
        let kind = self.known_kind().to_owned();
        let record = self.retyped(record, &kind)?;
        if !kind.is_empty() && record.kind != kind {
            let found = printable(&record.kind);
            let why = format!("the record is of the kind `{found}`, not `{}`", printable(&kind));
            return Err(Error::invalid("resolve", why));
        }
        let Some(table) = self.table(&record.kind) else { return Ok(record) };
        if table.internal {
            let why =
                format!("the entry is a record of the kind `{}`, which is internal", table.name);
            return Err(Error::invalid("resolve", why));
        }
        for spec in &table.fields {
            record.field(&spec.name).map_or(Ok(()), |field| spec.check(&field.value))?;
        }
        Ok(record)
    }

    /// Returns the kind that the query asks for, or that of what was found; empty if neither is
    /// known.
    fn known_kind(&self) -> &str {
        match (self.query.kind(), &self.found) {
            (Some(kind), _) => &kind.name,
            (None, Some((record, _))) => &record.kind,
            (None, None) => "",
        }
    }

    /// Returns a record that does not show its kind as one of this kind.
    fn retyped(&self, record: Record, kind: &str) -> Result<Record> {
        if !record.kind.is_empty() || kind.is_empty() {
            return Ok(record);
        }
        let mut record = record.with_kind(kind);
        if let Some(table) = self.table(kind) {
            for (name, field) in &mut record.fields {
                *field = table.field(name, std::mem::take(&mut field.value))?;
            }
        }
        Ok(record)
    }

    fn table(&self, kind: &str) -> Option<&'a Kind> {
        let wanted = self.query.kind().filter(|wanted| wanted.name == kind);
        wanted.or_else(|| self.kinds.get(kind))
    }

    /// Returns the query for what is missing; `None` if nothing was found so far.
    pub(crate) fn remaining_query(&self) -> Option<Query<'a>> {
        let (record, _) = self.found.as_ref()?;
        let query = self.query.clone().after(record.fields.keys().cloned());
        Some(match self.table(&record.kind) {
            Some(kind) => query.of_kind(kind),
            None => query,
        })
    }

    /// Returns what is missing; `None` if nothing is.
    pub(crate) fn lack(&self) -> Option<Lack> {
        let (record, _) = self.found.as_ref()?;
        if record.kind.is_empty() {
            return Some(Lack { fields: Vec::new(), error: unclear_kind() });
        }
        let table = self.table(&record.kind);
        let main = table.and_then(|table| table.main.as_deref());
        if self.query.needs_main() && main.is_none() {
            return Some(Lack { fields: Vec::new(), error: no_main(&record.kind) });
        }
        let required = table.into_iter().flat_map(|table| &table.fields);
        let required = required.filter(|spec| spec.required).map(|spec| spec.name.as_str());
        let main = main.filter(|_| self.query.needs_main());
        let mut fields: Vec<String> = Vec::new();
        for name in required.chain(main).chain(self.query.fields().iter().copied()) {
            let spec = table.and_then(|table| table.spec(name));
            let has_default = spec.is_some_and(|spec| spec.default.is_some());
            if record.field(name).is_none() && !has_default && !fields.iter().any(|it| it == name) {
                fields.push(name.to_owned());
            }
        }
        (!fields.is_empty()).then(|| Lack { error: incomplete(record, &fields), fields })
    }

    /// Returns the credential; `None` if no source has any part of it.
    pub(crate) fn finish(self) -> Option<Result<Resolution>> {
        if let Some(lack) = self.lack() {
            return Some(Err(lack.error));
        }
        let table = self.table(self.known_kind());
        let (record, sources) = self.found?;
        let record = match table {
            Some(table) => table.with_defaults(record),
            None => record,
        };
        let main = table.and_then(|table| table.main.clone());
        Some(Ok(Resolution { record, main, sources }))
    }
}

/// Adds the fields that the first record lacks.
///
/// # Errors
/// Those of [`bind`].
fn merge(mut first: Record, later: Record) -> Result<Record> {
    bind(&mut first, &later)?;
    for (name, field) in later.fields {
        first.fields.entry(name).or_insert(field);
    }
    first.derived_from = None;
    Ok(first)
}

/// Restricts a record, a part of which comes from another one: it goes only to those servers to
/// which the part may go too, and expires with the part.
///
/// # Errors
/// [`Refused`](ErrorKind::Refused) if there is no server to which both may go.
///
/// # Examples
/// ```
/// use keyward_core::{Origin, Record};
///
/// let origin = |host: &str| Origin { scheme: "https".into(), host: host.into(), port: 443 };
/// let part = Record::new("").with_origins(vec![origin("a"), origin("b")]);
/// let mut record = Record::new("token");
/// keyward_resolver::bind(&mut record, &part)?;
/// assert_eq!(record.origins, part.origins);
/// let other = Record::new("").with_origins(vec![origin("c")]);
/// assert!(keyward_resolver::bind(&mut record, &other).is_err());
/// # Ok::<(), keyward_core::Error>(())
/// ```
pub fn bind(record: &mut Record, part: &Record) -> Result<()> {
    record.expires = [record.expires, part.expires].into_iter().flatten().min();
    if part.origins.is_empty() {
        return Ok(());
    }
    match record.origins.is_empty() {
        true => record.origins.clone_from(&part.origins),
        false => record.origins.retain(|origin| part.origins.contains(origin)),
    }
    if record.origins.is_empty() {
        return Err(Error::new(ErrorKind::Refused, "resolve")
            .because("the parts of the credential are bound to different origins"));
    }
    Ok(())
}

fn incomplete(record: &Record, missing: &[String]) -> Error {
    let missing: Vec<_> = missing.iter().map(|name| format!("`{}`", printable(name))).collect();
    let kind = printable(&record.kind);
    let why = format!("the `{kind}` record has no field {}", missing.join(", "));
    Error::invalid("resolve", why)
        .hint("All fields come from the first source that has any, unless you ask for --merge")
}

fn unclear_kind() -> Error {
    Error::invalid("resolve", "the fields do not show of which kind the credential is")
        .hint("Ask for a kind with --kind, or supply its main secret")
}

pub(crate) fn no_main(kind: &str) -> Error {
    let why = format!("the kind `{}` has no main secret", printable(kind));
    Error::invalid("resolve", why).hint("Name the field")
}
