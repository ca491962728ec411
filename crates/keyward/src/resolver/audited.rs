use keyward_core::{Record, Result};
use keyward_kinds::Kinds;
use keyward_resolver::{Finder, Query};

use crate::audit::{Audit, Given};

/// A source that is no store, with an audit of what it gives out.
#[derive(Debug)]
pub(super) struct Audited {
    pub(super) finder: Box<dyn Finder>,
    pub(super) audit: Audit,
}

impl Finder for Audited {
    fn name(&self) -> String {
        self.finder.name()
    }

    fn places(&self, query: &Query<'_>, kinds: &Kinds) -> Vec<String> {
        self.finder.places(query, kinds)
    }

    fn look_up(&self, query: &Query<'_>, kinds: &Kinds) -> Result<Record> {
        self.finder.look_up(query, kinds)
    }

    fn question(&self, query: &Query<'_>, kinds: &Kinds) -> Option<Result<Vec<String>>> {
        self.finder.question(query, kinds)
    }

    fn look_up_many(&self, queries: &[&Query<'_>], kinds: &Kinds) -> Vec<Result<Record>> {
        self.finder.look_up_many(queries, kinds)
    }

    fn give_out(&self, query: &Query<'_>) -> Result<()> {
        self.finder.give_out(query)?;
        let name = Some(query.name());
        self.audit.add(&[Given { store: None, user: query.user(), name, source: &self.name() }])
    }
}
