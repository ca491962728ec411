//! The source that asks the user.

use std::path::PathBuf;
use std::sync::Arc;

use keyward_config::Interaction;
use keyward_core::{Error, Level, Record, Result, Secret, hex, printable};
use keyward_kinds::{FieldSpec, Kind, Kinds};
use sha2::{Digest, Sha256};

use crate::values::kinds_with_main;
use crate::{Finder, Query, shared, variable_name};

/// The name of this source.
pub const PROMPT: &str = "prompt";

/// Asks the user for the fields that a query needs.
///
/// # Contract
/// - The query names the kind, or a field that is the main secret of only one built-in kind.
///   Otherwise the credential is absent: a name that is only misspelt must not lead to a question.
/// - It asks for the fields that the kind requires, and for those that the query needs, in the order
///   of the kind's table.
/// - It stores nothing.
#[derive(Debug)]
pub struct Prompts {
    interaction: Arc<dyn Interaction>,
    folder: Option<PathBuf>,
}

impl Prompts {
    /// Makes a source whose questions go to this interaction.
    pub fn new(interaction: Arc<dyn Interaction>) -> Self {
        Self { interaction, folder: None }
    }

    /// Returns the same source, which asks once for all processes that need the same answer at the
    /// same time and name the same private folder. The answer is not written to disk.
    #[must_use]
    pub fn shared_in(self, folder: PathBuf) -> Self {
        Self { folder: Some(folder), ..self }
    }

    /// Returns the answers to a question, in the order of its fields.
    fn ask(&self, question: &Question<'_>, query: &Query<'_>) -> Result<Vec<Secret>> {
        self.interaction.check_can_ask()?;
        let fields: Vec<_> = question.fields.iter().collect();
        let ask = || self.interaction.ask(&question.purpose(query), &fields);
        let Some(folder) = &self.folder else { return ask() };
        let waits = || {
            let message = format_args!("another process asks for `{}`", printable(query.name()));
            self.interaction.log(Level::Info, message);
        };
        shared::ask_once(folder, &question.key(query), fields.len(), waits, ask)
    }
}

impl Finder for Prompts {
    fn name(&self) -> String {
        PROMPT.into()
    }

    fn places(&self, _: &Query<'_>, _: &Kinds) -> Vec<String> {
        Vec::new()
    }

    fn question(&self, query: &Query<'_>, kinds: &Kinds) -> Option<Result<Vec<String>>> {
        let question = Question::new(query, kinds);
        Some(question.map(|question| question.names().map(str::to_owned).collect()))
    }

    fn look_up(&self, query: &Query<'_>, kinds: &Kinds) -> Result<Record> {
        let question = Question::new(query, kinds)?;
        let values = self.ask(&question, query);
        let values = values.map_err(|error| question.not_asked(query, &error))?;
        let mut record = Record::new(question.kind.name.as_str());
        record.origins.extend(query.url().map(|url| url.origin().clone()));
        for (name, value) in question.names().zip(values) {
            record.fields.insert(name.to_owned(), question.kind.field(name, value)?);
        }
        Ok(record)
    }
}

/// What to ask.
struct Question<'a> {
    kind: &'a Kind,
    fields: Vec<FieldSpec>,
}

impl<'a> Question<'a> {
    /// # Errors
    /// `NotFound` if it is not clear what to ask, or a value cannot be typed.
    fn new(query: &Query<'a>, kinds: &'a Kinds) -> Result<Self> {
        let kind = match query.kind() {
            Some(kind) => kind,
            None => kind_of_fields(query, kinds).ok_or_else(unclear_kind)?,
        };
        let question = Self { kind, fields: needed(query, kind) };
        match question.fields.iter().find(|spec| !can_be_typed(spec)) {
            _ if question.fields.is_empty() => Err(nothing_needed(kind)),
            Some(spec) => Err(not_typed(spec)),
            None => Ok(question),
        }
    }

    fn names(&self) -> impl Iterator<Item = &str> {
        self.fields.iter().map(|spec| spec.name.as_str())
    }

    /// Says what the answers are for.
    fn purpose(&self, query: &Query<'_>) -> String {
        let (name, kind) = (printable(query.name()), printable(&self.kind.name));
        let url = query.url().map(|url| format!(", for {}", printable(&url.to_string())));
        let url = url.unwrap_or_default();
        let page = self.kind.url.as_ref().map(|page| format!("\nGet one at {}", printable(page)));
        let page = page.unwrap_or_default();
        format!("Keyward needs the credential `{name}`, of the kind `{kind}`{url}.{page}")
    }

    /// Returns a text that is the same in all processes that need this answer.
    fn key(&self, query: &Query<'_>) -> String {
        let url = query.url().map(ToString::to_string).unwrap_or_default();
        let parts = [query.name(), query.user().unwrap_or_default(), &url, &self.kind.name];
        let mut digest = Sha256::new();
        for part in parts.into_iter().chain(self.names()) {
            // No name contains a NUL.
            digest.update(part);
            digest.update([0]);
        }
        hex::encode(&digest.finalize()[..16])
    }

    /// Returns the error if there is no answer, with what is missing.
    fn not_asked(&self, query: &Query<'_>, error: &Error) -> Error {
        let names: Vec<_> = self.names().map(|name| format!("`{}`", printable(name))).collect();
        let missing =
            format!("the credential `{}` lacks {}", printable(query.name()), names.join(", "));
        let variable = self.names().find_map(|name| variable_name(query.name(), name));
        let hint = variable.map(|variable| format!("Set {variable} and the like, or store it"));
        Error::new(error.kind(), "resolve")
            .because(error.message())
            .caused_by(missing)
            .hint(hint.unwrap_or_default())
    }
}

/// Returns the only built-in kind whose main secret is among the needed fields, and which has all of
/// them.
fn kind_of_fields<'a>(query: &Query<'_>, kinds: &'a Kinds) -> Option<&'a Kind> {
    match kinds_with_main(kinds, query.fields())[..] {
        [kind] => Some(kind),
        _ => None,
    }
}

/// Returns the fields that a record of the kind needs and that are not found yet, or the main secret
/// if it needs none.
fn needed(query: &Query<'_>, kind: &Kind) -> Vec<FieldSpec> {
    let is_main = |spec: &FieldSpec| kind.main.as_ref() == Some(&spec.name);
    let is_named = |spec: &FieldSpec| query.fields().contains(&spec.name.as_str());
    let is_needed = |spec: &&FieldSpec| {
        spec.default.is_none()
            && (spec.required || is_named(spec) || query.needs_main() && is_main(spec))
    };
    let mut needed: Vec<_> = kind.fields.iter().filter(is_needed).cloned().collect();
    let others = query.fields().iter().filter(|name| kind.any_fields && kind.spec(name).is_none());
    needed.extend(others.map(|name| FieldSpec::secret(*name, "")));
    if needed.is_empty() {
        needed.extend(kind.main_spec().cloned());
    }
    needed.retain(|spec| !query.found().contains(&spec.name));
    needed
}

/// Whether a user can type the value. Any bytes are the content of a file.
fn can_be_typed(spec: &FieldSpec) -> bool {
    spec.is_typed() || spec.shape == keyward_kinds::Shape::Text
}

fn unclear_kind() -> Error {
    absent("Keyward asks only for a credential whose kind it knows; --kind names it")
}

fn nothing_needed(kind: &Kind) -> Error {
    absent(format!("a record of the kind `{}` needs no fields", printable(&kind.name)))
}

fn not_typed(spec: &FieldSpec) -> Error {
    absent(format!("the field `{}` cannot be typed", printable(&spec.name)))
}

fn absent(why: impl Into<String>) -> Error {
    Error::not_found("resolve").because(why)
}

#[cfg(test)]
mod tests {
    use std::fmt::Arguments;
    use std::sync::Mutex;

    use keyward_core::{ErrorKind, Level, Secret};
    use keyward_kinds::names;

    use super::*;
    use crate::{Outcome, Resolution, Resolver};

    /// A user who answers each question with its field, and remembers what was asked.
    #[derive(Debug, Default)]
    struct User(Mutex<Vec<String>>);

    impl Interaction for User {
        fn prompt(&self, prompt: &keyward_core::Prompt<'_>) -> Result<Secret> {
            let asked = prompt.text.lines().last().unwrap_or_default().to_lowercase();
            self.0.lock().unwrap().push(asked.clone());
            Ok(Secret::from(asked.as_str()))
        }

        fn log(&self, _: Level, _: Arguments<'_>) {}
    }

    fn resolver() -> (Arc<User>, Resolver) {
        let user = Arc::new(User::default());
        let prompts = Prompts::new(Arc::<User>::clone(&user));
        let mut resolver = Resolver::new(Kinds::linked(), vec![Box::new(prompts)]);
        resolver.set("set", "username", "ann");
        resolver.set("whole", "token", "of the session");
        (user, resolver)
    }

    fn ask(resolver: &Resolver, query: &Query<'_>) -> Vec<String> {
        let Resolution { record, sources, .. } = resolver.resolve(query).unwrap();
        assert_eq!(sources.last().unwrap(), PROMPT);
        record.fields.keys().cloned().collect()
    }

    #[test]
    fn it_asks_for_what_the_kind_requires_and_the_query_needs() {
        let (user, resolver) = resolver();
        for (kind, fields, asked) in [
            (Some(names::TOKEN), &[][..], &["token"][..]),
            (Some(names::TOKEN), &["username"], &["username", "token"]),
            (Some(names::USER_PASSWORD), &[], &["username", "password"]),
            (Some(names::GENERIC), &[], &["secret"]),
            (Some(names::GENERIC), &["pin"], &["pin"]),
            (None, &["password"], &["username", "password"]),
            (None, &["token"], &["token"]),
        ] {
            let query = Query::new("mail", None).unwrap();
            let query = fields.iter().fold(query, |query, field| query.needing(field));
            let query = match kind {
                Some(kind) => query.of_kind(resolver.kinds().find(kind).unwrap()),
                None => query,
            };
            let explained = resolver.explain(&query);
            assert_eq!(explained.result.unwrap_err().kind(), ErrorKind::Locked);
            assert_eq!(explained.steps[2].outcome, Outcome::WouldAsk);
            assert_eq!(explained.steps[2].missing, asked, "{kind:?} {fields:?}");
            assert!(user.0.lock().unwrap().is_empty(), "to explain is not to ask");
            ask(&resolver, &query);
            assert_eq!(std::mem::take(&mut *user.0.lock().unwrap()), asked);
        }
    }

    #[test]
    fn what_cannot_be_asked_for_is_absent() {
        let (user, resolver) = resolver();
        let kind = |name| resolver.kinds().find(name).unwrap();
        let query = Query::new("mail", None).unwrap();
        for (query, why) in [
            (query.clone().needing_main(), "--kind"),
            // Two kinds have it.
            (query.clone().needing("secret_access_key"), "--kind"),
            (query.clone().of_kind(kind(names::FILE)), "`content` cannot be typed"),
        ] {
            let error = resolver.resolve(&query).unwrap_err();
            assert!(error.is_miss() && error.report().to_string().contains(why), "{error:?}");
        }
        assert!(user.0.lock().unwrap().is_empty());
    }

    #[test]
    fn a_merged_credential_needs_only_what_is_missing() {
        let (user, resolver) = resolver();
        let resolver = resolver.merging();
        let kind = resolver.kinds().find(names::USER_PASSWORD).unwrap();
        let query = Query::new("set", None).unwrap().of_kind(kind);
        assert_eq!(resolver.explain(&query).steps[2].missing, ["password"]);
        assert_eq!(ask(&resolver, &query), ["password", "username"]);
        assert_eq!(*user.0.lock().unwrap(), ["password"]);
    }

    #[test]
    fn a_forced_prompt_passes_over_all_sources_but_the_argument() {
        let (user, resolver) = resolver();
        let kind = resolver.kinds().find(names::TOKEN).unwrap();
        let query = |name| Query::new(name, None).unwrap().of_kind(kind);
        assert_eq!(resolver.resolve(&query("whole")).unwrap().sources, ["session"]);
        let forced = query("whole").forcing_prompt();
        assert_eq!(resolver.explain(&forced).steps[1].outcome, Outcome::NotAsked);
        ask(&resolver, &forced);
        let argument = forced.with_value("token", "of the call");
        assert_eq!(resolver.resolve(&argument).unwrap().sources, ["argument"]);
        assert_eq!(user.0.lock().unwrap().len(), 1);
        for (names, sources) in [(["*"], [PROMPT]), (["whole"], [PROMPT]), (["set"], ["session"])] {
            let (_, resolver) = self::resolver();
            let resolver = resolver.always_prompting_for(names);
            assert_eq!(resolver.resolve(&query("whole")).unwrap().sources, sources, "{names:?}");
        }
    }

    #[test]
    fn a_forced_prompt_needs_a_source_that_asks() {
        let mut resolver = Resolver::new(Kinds::linked(), Vec::new()).always_prompting_for(["*"]);
        resolver.set("a", "token", "t");
        let query = Query::new("a", None).unwrap();
        assert_eq!(resolver.resolve(&query).unwrap().sources, ["session"]);
        let error = resolver.resolve(&query.forcing_prompt()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Invalid);
    }
}
