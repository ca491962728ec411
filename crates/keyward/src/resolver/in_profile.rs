use std::sync::Arc;

use keyward_config::Profile;
use keyward_core::{Record, Result};
use keyward_kinds::Kinds;
use keyward_resolver::{Finder, Query};

/// A source as a profile asks it: for another name, and for the entries of another user.
#[derive(Debug)]
pub(super) struct InProfile {
    source: Box<dyn Finder>,
    profile: Arc<Profile>,
}

impl InProfile {
    pub(super) fn new(source: Box<dyn Finder>, profile: &Arc<Profile>) -> Self {
        Self { source, profile: Arc::clone(profile) }
    }

    /// Returns the query for the source. `name` is the name that the profile makes of the query's.
    fn query<'a>(&'a self, query: &Query<'a>, name: Option<&'a str>) -> Result<Query<'a>> {
        let mut query = query.clone();
        if let Some(name) = name {
            query = query.named(name)?;
        }
        match self.profile.user() {
            Some(user) => query.or_user(user),
            None => Ok(query),
        }
    }
}

impl Finder for InProfile {
    fn name(&self) -> String {
        self.source.name()
    }

    fn places(&self, query: &Query<'_>, kinds: &Kinds) -> Vec<String> {
        let name = self.profile.name_for(query.name());
        match self.query(query, name.as_deref()) {
            Ok(query) => self.source.places(&query, kinds),
            Err(_) => Vec::new(),
        }
    }

    fn look_up(&self, query: &Query<'_>, kinds: &Kinds) -> Result<Record> {
        let name = self.profile.name_for(query.name());
        self.source.look_up(&self.query(query, name.as_deref())?, kinds)
    }

    fn question(&self, query: &Query<'_>, kinds: &Kinds) -> Option<Result<Vec<String>>> {
        let name = self.profile.name_for(query.name());
        match self.query(query, name.as_deref()) {
            Ok(query) => self.source.question(&query, kinds),
            // The look-up fails.
            Err(_) => None,
        }
    }

    fn give_out(&self, query: &Query<'_>) -> Result<()> {
        let name = self.profile.name_for(query.name());
        self.source.give_out(&self.query(query, name.as_deref())?)
    }

    fn look_up_many(&self, queries: &[&Query<'_>], kinds: &Kinds) -> Vec<Result<Record>> {
        let names: Vec<_> =
            queries.iter().map(|query| self.profile.name_for(query.name())).collect();
        let asked = queries.iter().zip(&names);
        let asked: Result<Vec<_>> =
            asked.map(|(query, name)| self.query(query, name.as_deref())).collect();
        match asked {
            Ok(asked) => self.source.look_up_many(&asked.iter().collect::<Vec<_>>(), kinds),
            // One of the names is too long; the others still have a result.
            Err(_) => queries.iter().map(|query| self.look_up(query, kinds)).collect(),
        }
    }
}
