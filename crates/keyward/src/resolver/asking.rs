use keyward_core::{EntryId, Record, Result};
use keyward_kinds::labels::EXCHANGE;
use keyward_kinds::{Exchange, Kinds, find_exchange, has_exchanges};
use keyward_resolver::{Finder, Prompts, Query};

use crate::facade::Keyward;

/// Asks the user. If the user must be asked for a record that was made from another one, it asks for
/// that other one, which the user knows, and makes the record from it. Nothing is stored.
#[derive(Debug)]
pub(super) struct Asking {
    pub(super) keyward: Keyward,
    pub(super) prompts: Prompts,
    pub(super) stores: Vec<String>,
}

impl Asking {
    /// Returns from which entry the record was made, and how; `None` if it was not, or if that
    /// cannot be found out.
    fn source(&self, query: &Query<'_>) -> Option<(EntryId, &'static dyn Exchange)> {
        // Most programs have no exchange, and then no store is opened to ask a question.
        if !query.forces_prompt() || !has_exchanges() {
            return None;
        }
        let record = self.stores.iter().find_map(|store| self.record(store, query).ok())?;
        let exchange = find_exchange(record.labels.get(EXCHANGE)?).ok()?;
        Some((record.derived_from?.entry, exchange))
    }

    fn record(&self, store: &str, query: &Query<'_>) -> Result<Record> {
        let store = self.keyward.store_of(store, query.user())?;
        store.get(&store.entry(query.user(), Some(query.name()))?)
    }
}

/// Returns the query for the record from which another one is made.
fn source_query<'a>(
    query: &Query<'a>,
    entry: &'a EntryId,
    exchange: &dyn Exchange,
    kinds: &'a Kinds,
) -> Result<Query<'a>> {
    let name = entry.name().unwrap_or(query.name());
    Ok(Query::new(name, query.user())?.of_kind(kinds.find(exchange.source_kind())?))
}

impl Finder for Asking {
    fn name(&self) -> String {
        self.prompts.name()
    }

    fn places(&self, query: &Query<'_>, kinds: &Kinds) -> Vec<String> {
        self.prompts.places(query, kinds)
    }

    fn question(&self, query: &Query<'_>, kinds: &Kinds) -> Option<Result<Vec<String>>> {
        let Some((entry, exchange)) = self.source(query) else {
            return self.prompts.question(query, kinds);
        };
        match source_query(query, &entry, exchange, kinds) {
            Ok(query) => self.prompts.question(&query, kinds),
            Err(error) => Some(Err(error)),
        }
    }

    fn look_up(&self, query: &Query<'_>, kinds: &Kinds) -> Result<Record> {
        let Some((entry, exchange)) = self.source(query) else {
            return self.prompts.look_up(query, kinds);
        };
        let asked = source_query(query, &entry, exchange, kinds)?;
        let mut source = self.prompts.look_up(&asked, kinds)?;
        // The user answers with the secret only. Where it may go is as before.
        if let Some(known) = self.stores.iter().find_map(|store| self.record(store, &asked).ok()) {
            source.origins = known.origins;
            source.labels = known.labels;
        }
        exchange.exchange(&source, &self.keyward.config().network()?)
    }
}
