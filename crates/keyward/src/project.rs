//! The secrets that a project declares.

use keyward_config::DeclaredSecret;
use keyward_core::{Error, Record, Result};
use keyward_kinds::{Kind, Kinds};
use keyward_resolver::{Explanation, Finder, Query, Resolution, Resolver};

use crate::facade::Keyward;

/// The source of the values that a project declares as defaults, in [`Resolution::sources`].
pub const PROJECT_DEFAULT: &str = "default";

impl Keyward {
    /// Returns the credentials that a project declares: one result for each, in their order. The
    /// resolver looks for each by its name, but never asks the user; the project's default counts
    /// only if every source was asked and none has the credential.
    ///
    /// # Errors
    /// Those of [`resolver`](Self::resolver). Those of
    /// [`resolve`](keyward_resolver::Resolver::resolve) are the results of the credentials: only
    /// [`NotFound`](keyward_core::ErrorKind::NotFound) means that one is missing.
    ///
    /// # Security
    /// Pass only secrets of a declaration that the user trusts:
    /// [`Config::trusted_declaration`](keyward_config::Config::trusted_declaration).
    ///
    /// # Examples
    /// ```
    /// use std::path::Path;
    ///
    /// use keyward::{Environment, Keyward, Silent};
    /// use keyward_config::Declaration;
    ///
    /// # let home = tempfile::tempdir()?;
    /// let environment = Environment::new([("HOME", home.path())])
    ///     .with("KEYWARD_CREDENTIAL_API_TOKEN", "t0ken");
    /// let keyward = Keyward::with(environment, Silent)?;
    /// let text = b"version = 1\n[secrets.api]\nkind = 'token'\n[secrets.other]".to_vec();
    /// let declaration = Declaration::parse(text, Path::new(".keyward.toml"))?;
    /// let found = keyward.resolve_declared(&declaration.secrets)?;
    /// assert_eq!(found[0].as_ref().unwrap().field(None)?.value.expose(), b"t0ken");
    /// assert!(found[1].as_ref().unwrap_err().is_miss());
    /// let checked = keyward.check_declared(&declaration.secrets)?;
    /// assert_eq!(checked[0].as_ref().unwrap(), &["environment"]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn resolve_declared(&self, secrets: &[DeclaredSecret]) -> Result<Vec<Result<Resolution>>> {
        self.look_up_declared(secrets, Resolver::resolve_many)
    }

    /// Returns the names of the sources that have the credentials, as
    /// [`resolve_declared`](Self::resolve_declared) would find them, or why it would fail. It gives
    /// no credential out.
    ///
    /// # Errors
    /// As [`resolve_declared`](Self::resolve_declared).
    pub fn check_declared(&self, secrets: &[DeclaredSecret]) -> Result<Vec<Result<Vec<String>>>> {
        let sources = |explanation: Explanation| explanation.result.map(|found| found.sources);
        self.look_up_declared(secrets, |resolver, queries| {
            resolver.explain_many(queries).into_iter().map(sources).collect()
        })
    }

    fn look_up_declared<T>(
        &self,
        secrets: &[DeclaredSecret],
        look_up: impl Fn(&Resolver, &[Query<'_>]) -> Vec<Result<T>>,
    ) -> Result<Vec<Result<T>>> {
        let resolver = self.silent_resolver()?.with_last(Box::new(Defaults(secrets.to_vec())));
        let (mut queries, mut found) = (Vec::new(), Vec::new());
        for secret in secrets {
            match query(secret, resolver.kinds()) {
                Ok(query) => {
                    queries.push(query);
                    found.push(None);
                }
                Err(error) => found.push(Some(Err(error))),
            }
        }
        let mut results = look_up(&resolver, &queries).into_iter();
        let found = found.into_iter().map(|wrong| wrong.or_else(|| results.next()));
        Ok(found.map(|result| result.expect("each query has a result")).collect())
    }
}

fn query<'a>(secret: &'a DeclaredSecret, kinds: &'a Kinds) -> Result<Query<'a>> {
    let mut query = Query::new(&secret.name, None)?;
    if let Some(kind) = &secret.kind {
        query = query.of_kind(kinds.find(kind)?);
    }
    for field in secret.variables.values() {
        query = match field {
            Some(field) => query.needing(field),
            None => query.needing_main(),
        };
    }
    Ok(query)
}

/// The defaults of these secrets.
#[derive(Debug)]
struct Defaults(Vec<DeclaredSecret>);

impl Finder for Defaults {
    fn name(&self) -> String {
        PROJECT_DEFAULT.into()
    }

    fn places(&self, _: &Query<'_>, _: &Kinds) -> Vec<String> {
        Vec::new()
    }

    fn look_up(&self, query: &Query<'_>, _: &Kinds) -> Result<Record> {
        let secret = self.0.iter().find(|secret| secret.name == query.name());
        match (secret.filter(|secret| !secret.default.is_empty()), query.kind()) {
            (Some(secret), Some(kind)) => default_record(secret, kind),
            _ => Err(Error::not_found("resolve")),
        }
    }
}

fn default_record(secret: &DeclaredSecret, kind: &Kind) -> Result<Record> {
    let mut record = Record::new(kind.name.as_str());
    for (field, value) in &secret.default {
        let Some(name) = field.as_deref().or(kind.main.as_deref()) else {
            let why = format!("the kind `{}` has no main secret", kind.name);
            return Err(Error::invalid("resolve", why).hint("Name the field of the default"));
        };
        record = record.with(name, kind.field(name, value.as_str().into())?);
    }
    Ok(record)
}
