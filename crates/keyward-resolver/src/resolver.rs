use std::borrow::Cow;
use std::sync::Arc;
use std::{iter, slice};

use keyward_core::{Error, ErrorKind, Field, Record, Result, Secret, printable};
use keyward_kinds::Kinds;

use crate::gathered::{Gathered, no_main};
use crate::trace::Step;
use crate::values::{Argument, Session};
use crate::{Finder, Query};

/// Looks for a credential by its name in an ordered list of sources: the values in the query, those
/// that the application has [set](Self::set), and then its finders.
///
/// # Contract
/// - Only an absent credential lets the look-up ask the next source. Any other failure ends it, and
///   keeps its kind.
/// - All fields come from the first source that has any of them. If that source lacks a field that
///   is needed, the look-up ends with [`Invalid`](ErrorKind::Invalid): a caller never gets a part of
///   a credential. With [`merging`](Self::merging), later sources may supply what is missing.
/// - A field is needed if its kind requires it or the query names it.
///
/// # Examples
/// ```
/// use keyward_config::Environment;
/// use keyward_kinds::Kinds;
/// use keyward_resolver::{Query, Resolver, Variables};
///
/// let variables = Environment::new([
///     ("KEYWARD_CREDENTIAL_WORK_USERNAME", "ann"),
///     ("KEYWARD_CREDENTIAL_WORK_PASSWORD", "s3cret"),
/// ]);
/// let resolver = Resolver::new(Kinds::linked(), vec![Box::new(Variables(variables))]);
///
/// let resolution = resolver.resolve(&Query::new("work", None)?)?;
/// assert_eq!(resolution.sources, ["environment"]);
/// assert_eq!(resolution.record.kind, "user-password");
/// assert_eq!(resolver.value("work", None, None)?.expose(), b"s3cret");
///
/// let other = Query::new("other", None)?;
/// assert!(resolver.resolve(&other).unwrap_err().is_miss());
/// for step in resolver.explain(&other).steps {
///     println!("{}: {}", step.source, step.outcome);
/// }
/// # Ok::<(), keyward_core::Error>(())
/// ```
#[derive(Debug)]
pub struct Resolver {
    kinds: Arc<Kinds>,
    session: Session,
    finders: Vec<Box<dyn Finder>>,
    merges: bool,
    /// The names for which every query forces a prompt; `*` is all of them.
    prompted: Vec<String>,
}

/// A credential that was found.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Resolution {
    /// The credential.
    pub record: Record,
    /// The field that is meant if no field is named, if the kind has one.
    pub main: Option<String>,
    /// The names of the sources that it comes from: one, or several if fields were merged.
    pub sources: Vec<String>,
}

impl Resolution {
    /// Returns the value of this field, or the main secret.
    ///
    /// # Errors
    /// [`Invalid`](ErrorKind::Invalid) if the record does not have it. That cannot happen if the
    /// query needed it.
    pub fn field(&self, name: Option<&str>) -> Result<&Field> {
        let Some(name) = name.or(self.main.as_deref()) else {
            return Err(no_main(&self.record.kind));
        };
        self.record.field(name).ok_or_else(|| {
            let name = printable(name);
            Error::invalid("resolve", format!("the record has no field `{name}`"))
        })
    }
}

/// How a look-up went, also of one that failed.
#[derive(Debug)]
#[non_exhaustive]
pub struct Explanation {
    /// What each source contributed, in order. It contains no values.
    pub steps: Vec<Step>,
    /// The result of the look-up.
    pub result: Result<Resolution>,
}

impl Resolver {
    /// Makes a resolver that asks these finders in this order.
    pub fn new(kinds: impl Into<Arc<Kinds>>, finders: Vec<Box<dyn Finder>>) -> Self {
        Self {
            kinds: kinds.into(),
            session: Session::default(),
            finders,
            merges: false,
            prompted: Vec::new(),
        }
    }

    /// Returns the same resolver, which asks one more source after all others.
    #[must_use]
    pub fn with_last(mut self, finder: Box<dyn Finder>) -> Self {
        self.finders.push(finder);
        self
    }

    /// Returns the same resolver, which completes a part of a credential from later sources.
    ///
    /// Each source that is asked supplies all fields that the earlier ones lack. The result may be
    /// given only to those servers to which each of its parts may be given, and expires with the
    /// first of them.
    #[must_use]
    pub fn merging(self) -> Self {
        Self { merges: true, ..self }
    }

    /// Returns the same resolver, for which each query of one of these names
    /// [forces a prompt](Query::forcing_prompt); `*` is all names. Without a source that asks, this
    /// has no effect.
    #[must_use]
    pub fn always_prompting_for(self, names: impl IntoIterator<Item = impl Into<String>>) -> Self {
        Self { prompted: names.into_iter().map(Into::into).collect(), ..self }
    }

    /// Sets the value of a field of the credential of this name, for this resolver only.
    pub fn set(&mut self, name: &str, field: &str, value: impl Into<Secret>) {
        self.session.0.entry(name.into()).or_default().insert(field.into(), value.into());
    }

    /// Removes all values that were [set](Self::set) for this name.
    pub fn unset(&mut self, name: &str) {
        self.session.0.remove(name);
    }

    /// Returns the kinds that it knows.
    pub fn kinds(&self) -> &Kinds {
        &self.kinds
    }

    /// Returns one value: a field of the credential of this name, or its main secret.
    ///
    /// # Errors
    /// As [`resolve`](Self::resolve).
    pub fn value(&self, name: &str, field: Option<&str>, user: Option<&str>) -> Result<Secret> {
        let query = Query::new(name, user)?;
        let query = match field {
            Some(field) => query.needing(field),
            None => query.needing_main(),
        };
        Ok(self.resolve(&query)?.field(field)?.value.clone())
    }

    /// Returns the credential.
    ///
    /// # Errors
    /// - [`NotFound`](ErrorKind::NotFound): each source was asked, and none has it.
    /// - [`Invalid`](ErrorKind::Invalid): a source has only a part of it, has it with another kind or
    ///   a wrong value, or is wrongly configured.
    /// - The errors of the source that failed, with its name.
    pub fn resolve(&self, query: &Query<'_>) -> Result<Resolution> {
        self.given_out(query, self.find(query))
    }

    /// Returns the credential, for a caller that may then not use it. Before the caller uses it, it
    /// calls [`give_out`](Self::give_out).
    ///
    /// # Errors
    /// Those of [`resolve`](Self::resolve).
    pub fn find(&self, query: &Query<'_>) -> Result<Resolution> {
        self.look_up(slice::from_ref(query), Questions::Asked).remove(0).result
    }

    /// Returns the credentials of many queries, in their order, as [`resolve`](Self::resolve) does
    /// for one. Each source is asked once, for all queries that are still open.
    pub fn resolve_many(&self, queries: &[Query<'_>]) -> Vec<Result<Resolution>> {
        let found = self.look_up(queries, Questions::Asked).into_iter().zip(queries);
        found.map(|(explanation, query)| self.given_out(query, explanation.result)).collect()
    }

    /// Does the same look-up as [`resolve`](Self::resolve), and also returns how it went. If a source
    /// would ask the user, the look-up ends there with [`Locked`](ErrorKind::Locked). It does not
    /// count as [giving the credential out](Finder::give_out).
    pub fn explain(&self, query: &Query<'_>) -> Explanation {
        self.explain_many(slice::from_ref(query)).remove(0)
    }

    /// Returns how the look-ups of many queries go, in their order, as [`explain`](Self::explain) does
    /// for one. Each source is asked once, for all queries that are still open.
    pub fn explain_many(&self, queries: &[Query<'_>]) -> Vec<Explanation> {
        self.look_up(queries, Questions::Shown)
    }

    fn look_up(&self, queries: &[Query<'_>], questions: Questions) -> Vec<Explanation> {
        let mut look_ups: Vec<_> = queries.iter().map(|query| self.start(query)).collect();
        for (place, finder) in self.finders().enumerate() {
            let mut open = Vec::new();
            for look_up in &mut look_ups {
                let places = finder.places(look_up.query, &self.kinds);
                look_up.steps.push(Step::new(finder.name(), places));
                if look_up.end.is_some() {
                    continue;
                }
                let question = finder.question(&look_up.query(), &self.kinds);
                match (question, questions) {
                    (Some(question), Questions::Shown) => look_up.end = look_up.show(question),
                    (None, _) if look_up.is_forced && place > 0 => {}
                    _ => open.push(look_up),
                }
            }
            let queries: Vec<_> = open.iter().map(|look_up| look_up.query()).collect();
            let queries: Vec<_> = queries.iter().map(AsRef::as_ref).collect();
            let found = finder.look_up_many(&queries, &self.kinds);
            // A look-up without an answer must not go on to the next source.
            let found = found.into_iter().chain(iter::repeat_with(|| Err(no_answer())));
            for (look_up, found) in open.into_iter().zip(found) {
                look_up.end = look_up.add(found, self.merges);
            }
        }
        look_ups.into_iter().map(LookUp::finish).collect()
    }

    /// Lets these sources do what they must before what [`find`](Self::find) or
    /// [`explain`](Self::explain) found in them is given out.
    ///
    /// # Errors
    /// Those of [`Finder::give_out`]. Then do not give the credential out.
    pub fn give_out(&self, query: &Query<'_>, sources: &[String]) -> Result<()> {
        for finder in self.finders().filter(|finder| sources.contains(&finder.name())) {
            finder.give_out(query).map_err(Error::not_a_miss)?;
        }
        Ok(())
    }

    fn given_out(&self, query: &Query<'_>, found: Result<Resolution>) -> Result<Resolution> {
        let found = found?;
        self.give_out(query, &found.sources)?;
        Ok(found)
    }

    /// Returns a look-up that has asked no source yet.
    fn start<'a>(&'a self, query: &'a Query<'a>) -> LookUp<'a> {
        let can_ask = self.finders.iter().any(|it| it.question(query, &self.kinds).is_some());
        let is_prompted = |name: &String| name == "*" || name == query.name();
        LookUp {
            query,
            gathered: Gathered::new(&self.kinds, query),
            steps: Vec::new(),
            end: (query.forces_prompt() && !can_ask).then(|| Err(no_prompt())),
            is_forced: query.forces_prompt() || can_ask && self.prompted.iter().any(is_prompted),
        }
    }

    fn finders(&self) -> impl Iterator<Item = &dyn Finder> {
        let first: [&dyn Finder; 2] = [&Argument, &self.session];
        first.into_iter().chain(self.finders.iter().map(AsRef::as_ref))
    }
}

/// What to do with a source that asks the user.
#[derive(Clone, Copy)]
enum Questions {
    Asked,
    Shown,
}

/// A look-up that is under way.
struct LookUp<'a> {
    query: &'a Query<'a>,
    gathered: Gathered<'a>,
    /// A step for each source so far; the last one is for the source that is asked now.
    steps: Vec<Step>,
    /// How the look-up ended, if it has.
    end: Option<Result<()>>,
    /// Whether only the caller's values and sources that ask the user count.
    is_forced: bool,
}

impl<'a> LookUp<'a> {
    /// Returns what to ask the next source for: the query, or what is left of it.
    fn query(&self) -> Cow<'a, Query<'a>> {
        match self.gathered.remaining_query() {
            Some(query) => Cow::Owned(query),
            None => Cow::Borrowed(self.query),
        }
    }

    /// Adds the fields for which a source would ask. Returns how the look-up ends.
    fn show(&mut self, question: Result<Vec<String>>) -> Option<Result<()>> {
        let step = self.steps.last_mut()?;
        match question {
            Ok(fields) => {
                let error = would_ask(&fields);
                step.would_ask(fields);
                Some(Err(in_source(&step.source, &error)))
            }
            Err(error) => {
                step.failed(&error);
                (!error.is_miss()).then(|| Err(in_source(&step.source, &error)))
            }
        }
    }

    /// Adds what a source has. Returns how the look-up ends, if it ends with this source.
    fn add(&mut self, found: Result<Record>, merges: bool) -> Option<Result<()>> {
        let step = self.steps.last_mut()?;
        let added = found.and_then(|record| {
            step.found(&record);
            self.gathered.add(record, &step.source)
        });
        if let Err(error) = added {
            step.failed(&error);
            return (!error.is_miss()).then(|| Err(in_source(&step.source, &error)));
        }
        let Some(lack) = self.gathered.lack() else { return Some(Ok(())) };
        step.missing = lack.fields;
        if merges {
            return None;
        }
        step.failed(&lack.error);
        Some(Err(in_source(&step.source, &lack.error)))
    }

    fn finish(self) -> Explanation {
        let Self { query, gathered, steps, end, .. } = self;
        let result = match end {
            Some(Err(error)) => Err(error),
            _ => gathered.finish().unwrap_or_else(|| Err(absent(query, &steps))),
        };
        Explanation { steps, result }
    }
}

fn no_answer() -> Error {
    Error::new(ErrorKind::Other, "resolve").because("the source did not answer every query")
}

fn no_prompt() -> Error {
    Error::invalid("resolve", "a prompt is forced, and no source asks the user")
        .hint("Add `prompt` to the setting `resolve.sources`")
}

fn would_ask(fields: &[String]) -> Error {
    let fields: Vec<_> = fields.iter().map(|name| format!("`{}`", printable(name))).collect();
    Error::new(ErrorKind::Locked, "resolve")
        .because(format!("Keyward would ask for {}", fields.join(", ")))
}

/// Returns the error of a look-up in which no source has the credential.
fn absent(query: &Query<'_>, steps: &[Step]) -> Error {
    let name = printable(query.name());
    let error = Error::not_found("resolve")
        .because(format!("no source has a credential `{name}`"))
        .hint("`keyward explain NAME` shows where Keyward looks");
    let reason = |step: &Step| Some(format!("{}: {}", step.source, step.why.as_ref()?));
    let reasons: Vec<_> = steps.iter().filter_map(reason).collect();
    if reasons.is_empty() { error } else { error.caused_by(reasons.join("; ")) }
}

/// Returns an error with the name of the source in which it happened.
fn in_source(source: &str, error: &Error) -> Error {
    let named = Error::new(error.kind(), "resolve")
        .because(format!("{}: {}", printable(source), error.summary()))
        .hint(error.advice().unwrap_or_default());
    let causes: Vec<_> = error.causes().collect();
    if causes.is_empty() { named } else { named.caused_by(causes.join("; ")) }
}
