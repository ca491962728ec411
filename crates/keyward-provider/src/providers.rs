use std::collections::BTreeMap;

use keyward_core::Error;
use keyward_origin::Target;

use crate::provider::Provider;

/// Where a provider comes from. The first ones come first if two say the same about a URL.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// The configuration of the user.
    User,
    /// That of the system.
    System,
    /// Keyward itself.
    Packaged,
    /// A project that the user trusts.
    Project,
}

impl Level {
    /// The name, as it is shown.
    pub const fn name(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::System => "system",
            Self::Packaged => "packaged",
            Self::Project => "project",
        }
    }
}

/// All providers, and what is wrong with the files of others.
///
/// If several levels have a provider of one name, only that of the first level counts. So a user can
/// change a provider of the system or of Keyward, and a project can change none of them.
#[derive(Debug, Default)]
pub struct Providers {
    /// By name.
    list: BTreeMap<String, (Level, Provider)>,
    broken: Vec<Error>,
}

impl Providers {
    /// Adds a provider. It replaces one of the same name, unless that one is of a level that comes
    /// before.
    pub fn add(&mut self, level: Level, provider: Provider) {
        let comes_before = |known: &(Level, Provider)| known.0 < level;
        if !self.list.get(&provider.name).is_some_and(comes_before) {
            self.list.insert(provider.name.clone(), (level, provider));
        }
    }

    /// Adds what is wrong with a file. It prevents no other provider from being used.
    pub fn add_broken(&mut self, error: Error) {
        self.broken.push(error);
    }

    /// Returns the provider of this name.
    pub fn get(&self, name: &str) -> Option<(Level, &Provider)> {
        self.list.get(name).map(|(level, provider)| (*level, provider))
    }

    /// Iterates over all providers, by level and name.
    pub fn iter(&self) -> impl Iterator<Item = (Level, &Provider)> {
        let mut all: Vec<_> = self.list.values().collect();
        all.sort_by_key(|(level, provider)| (*level, &provider.name));
        all.into_iter().map(|(level, provider)| (*level, provider))
    }

    /// What is wrong with files that cannot be used.
    pub fn broken(&self) -> &[Error] {
        &self.broken
    }

    /// Returns the same, for a caller that needs nothing else.
    pub fn into_broken(self) -> Vec<Error> {
        self.broken
    }

    /// Returns the providers that apply to a target, the one that counts first: the one whose origin
    /// says more (a host more than a domain, a longer domain more than a shorter one), then the one
    /// whose path begins with more literal text, then by level, then by name.
    pub fn matching(&self, target: &Target) -> Vec<(Level, &Provider)> {
        let matching = self
            .list
            .values()
            .filter_map(|(level, provider)| Some((provider.matching(target)?, *level, provider)));
        let mut matching: Vec<_> = matching.collect();
        matching.sort_by(|(one, one_level, one_provider), (other, other_level, other_provider)| {
            other
                .compare(one)
                .then_with(|| other_provider.compare_paths(one_provider))
                .then_with(|| one_level.cmp(other_level))
                .then_with(|| one_provider.name.cmp(&other_provider.name))
        });
        matching.into_iter().map(|(_, level, provider)| (level, provider)).collect()
    }
}
