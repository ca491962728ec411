use keyward_config::{Environment, find_program, now};
use keyward_core::{Error, Record, Result, Secret};
use keyward_git::user_settings;
use keyward_kinds::Kinds;
use keyward_resolver::datalad::{self, Properties, SETTINGS};
use keyward_resolver::{Finder, Query};

use crate::resolver::results::{again, unexpired};

/// The variables and settings of git that DataLad reads.
#[derive(Debug)]
pub(super) struct InDataLad(pub(super) Environment);

impl Finder for InDataLad {
    fn name(&self) -> String {
        "datalad".into()
    }

    fn places(&self, query: &Query<'_>, _: &Kinds) -> Vec<String> {
        let settings = format!("{SETTINGS}{}.*", query.name());
        datalad::variables_of(query.name()).into_iter().chain([settings]).collect()
    }

    fn look_up(&self, query: &Query<'_>, kinds: &Kinds) -> Result<Record> {
        self.record(query, kinds, &self.settings()?)
    }

    fn look_up_many(&self, queries: &[&Query<'_>], kinds: &Kinds) -> Vec<Result<Record>> {
        match self.settings() {
            Ok(settings) => {
                queries.iter().map(|query| self.record(query, kinds, &settings)).collect()
            }
            Err(error) => queries.iter().map(|_| Err(again(&error))).collect(),
        }
    }
}

impl InDataLad {
    /// Returns git's settings for all credentials. Without git, there are none.
    fn settings(&self) -> Result<Vec<(String, Secret)>> {
        match find_program(&self.0, "git") {
            Some(_) => user_settings(&self.0, SETTINGS),
            None => Ok(Vec::new()),
        }
    }

    fn record(
        &self,
        query: &Query<'_>,
        kinds: &Kinds,
        settings: &[(String, Secret)],
    ) -> Result<Record> {
        let mut properties = Properties::default();
        for (setting, value) in settings {
            if let Some(field) = datalad::field_of(setting, query.name()) {
                properties.set(field, value.clone());
            }
        }
        datalad::add_variables(&mut properties, query.name(), &self.0)?;
        if properties.is_empty() {
            return Err(Error::not_found("resolve"));
        }
        let record = properties.into_record(query.kind().map(|kind| kind.name.as_str()))?;
        unexpired(record, now(), query, kinds)
    }
}
