use std::time::Duration;

use keyward_config::{Environment, find_program, now};
use keyward_core::{Error, Record, Result};
use keyward_git::{GIT_ASKS, GitSource};
use keyward_kinds::{Kinds, names};
use keyward_resolver::{Finder, Query};

use crate::resolver::results::unexpired;

/// How long git and its helpers may take.
const LIMIT: Duration = Duration::from_secs(30);

/// The kinds that git's helpers have.
const KINDS: [&str; 2] = [names::USER_PASSWORD, names::HTTP_AUTHORIZATION];

/// Git's own credential helpers, which know a credential by its URL.
#[derive(Debug)]
pub(super) struct InGit(pub(super) Environment);

impl Finder for InGit {
    fn name(&self) -> String {
        "git".into()
    }

    fn places(&self, query: &Query<'_>, _: &Kinds) -> Vec<String> {
        query.url().map(ToString::to_string).into_iter().collect()
    }

    fn look_up(&self, query: &Query<'_>, kinds: &Kinds) -> Result<Record> {
        let absent = |why: &str| Error::not_found("resolve").because(why);
        let Some(url) = query.url() else { return Err(Error::not_found("resolve")) };
        if query.kind().is_some_and(|kind| !KINDS.contains(&kind.name.as_str())) {
            return Err(absent("git has no credentials of this kind"));
        }
        // A helper of git that asks Keyward would otherwise be asked again, and so on.
        if self.0.get(GIT_ASKS).is_some() {
            return Err(absent("git is asking Keyward"));
        }
        if find_program(&self.0, "git").is_none() {
            return Err(absent("git is not installed, or is not on PATH"));
        }
        let record = GitSource::new(self.0.clone(), "", LIMIT).find(url)?;
        unexpired(record, now(), query, kinds)
    }
}
