//! The sources of the resolver.

mod asking;
mod audited;
mod in_configuration;
mod in_datalad;
mod in_git;
mod in_profile;
pub(crate) mod in_store;
#[cfg(test)]
mod model;
mod prompt;
mod results;

use std::sync::Arc;

use keyward_config::{Profile, ProfileKey};
use keyward_core::Result;
use keyward_resolver::pancloud::{Names, PanCloud};
use keyward_resolver::{Finder, PROMPT, Prompts, Query, Resolver, Variables};

use crate::facade::Keyward;
use asking::Asking;
use audited::Audited;
use in_configuration::InConfiguration;
use in_datalad::InDataLad;
use in_git::InGit;
use in_profile::InProfile;
use in_store::InStore;

/// For which entry of which stores the resolver looks.
#[derive(Debug)]
pub(crate) struct Aim {
    /// The names of the stores; `-` is the default store.
    pub(crate) stores: Vec<String>,
    pub(crate) name: String,
    pub(crate) user: Option<String>,
}

impl Keyward {
    /// Returns what finds credentials by name, in the sources of the selected profile or of the
    /// setting `resolve.sources`: by default in the environment, in the configuration, in the stores
    /// of the setting `resolve.stores`, in git's credential helpers, and then from the user, if the
    /// interaction can ask.
    ///
    /// It opens a store when it looks into it for the first time, and keeps it open.
    ///
    /// # Errors
    /// [`Invalid`](keyward_core::ErrorKind::Invalid) if the setting `profile` selects a profile that
    /// does not exist, or that inherits from itself.
    ///
    /// # Examples
    /// ```
    /// use keyward::{Environment, Keyward, Silent};
    ///
    /// # let home = tempfile::tempdir()?;
    /// let environment = Environment::new([("HOME", home.path())])
    ///     .with("KEYWARD_CREDENTIAL_MAIL_TOKEN", "t0ken");
    /// // An application: let keyward = Keyward::open()?;
    /// let keyward = Keyward::with(environment, Silent)?;
    /// let token = keyward.resolver()?.value("mail", None, None)?;
    /// assert_eq!(token.expose(), b"t0ken");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn resolver(&self) -> Result<Resolver> {
        let resolver = self.resolver_with(|_| true)?;
        Ok(resolver.always_prompting_for(self.config.settings().texts("prompt.always")))
    }

    /// Returns the same without the source that asks the user.
    pub(crate) fn silent_resolver(&self) -> Result<Resolver> {
        self.resolver_with(|source| source != PROMPT)
    }

    fn resolver_with(&self, is_wanted: impl Fn(&str) -> bool) -> Result<Resolver> {
        let profile = self.config.settings().selected_profile()?;
        let stores = self.texts(profile.as_ref(), ProfileKey::Stores);
        let sources = self.texts(profile.as_ref(), ProfileKey::Sources);
        let sources = sources.into_iter().filter(|source| is_wanted(source));
        let finders = sources.flat_map(|source| self.finders(source, &stores));
        let profile = profile.clone().map(Arc::new);
        let finders = finders.map(|finder| match &profile {
            Some(profile) => Box::new(InProfile::new(finder, profile)),
            None => finder,
        });
        Ok(Resolver::new(self.config.kinds(), finders.collect()))
    }

    /// Returns the items of a list of the profile, or of the setting of the same meaning.
    pub(crate) fn texts<'a>(
        &'a self,
        profile: Option<&'a Profile>,
        key: ProfileKey,
    ) -> Vec<&'a str> {
        let of_profile = profile.and_then(|profile| profile.texts(key));
        let setting = key.setting().map(|setting| setting.key).unwrap_or_default();
        of_profile.unwrap_or_else(|| self.config.settings().texts(setting))
    }

    /// Returns for which entry of which stores the resolver looks.
    ///
    /// # Errors
    /// Those of [`resolver`](Self::resolver).
    pub(crate) fn aim(&self, query: &Query<'_>) -> Result<Aim> {
        let profile = self.config.settings().selected_profile()?;
        let profile = profile.as_ref();
        let stores = self.texts(profile, ProfileKey::Stores);
        let name = profile.and_then(|profile| profile.name_for(query.name()));
        let user = query.user().or_else(|| profile.and_then(Profile::user));
        Ok(Aim {
            stores: stores.into_iter().map(str::to_owned).collect(),
            name: name.unwrap_or_else(|| query.name().to_owned()),
            user: user.map(str::to_owned),
        })
    }

    /// Returns the same with this profile, whatever the settings select. It changes only what the
    /// [resolver](Self::resolver) finds, also for references to it, and no store.
    ///
    /// # Errors
    /// [`Invalid`](keyward_core::ErrorKind::Invalid) if there is no such profile, or it inherits
    /// from itself.
    ///
    /// # Examples
    /// ```
    /// use keyward::{Environment, Keyward, Silent};
    ///
    /// # let home = tempfile::tempdir()?;
    /// # let file = home.path().join("config.toml");
    /// # std::fs::write(&file, "version = 1\nprofiles.dev.names = 'dev-{name}'\n")?;
    /// let environment = Environment::new([("HOME", home.path())])
    /// #    .with("KEYWARD_CONFIG_FILE", &file)
    ///     .with("KEYWARD_CREDENTIAL_DEV__2DMAIL_TOKEN", "t0ken");
    /// // In the configuration: profiles.dev.names = "dev-{name}"
    /// let keyward = Keyward::with(environment, Silent)?.with_profile("dev")?;
    /// let token = keyward.resolver()?.value("mail", None, None)?;
    /// assert_eq!(token.expose(), b"t0ken");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn with_profile(self, name: &str) -> Result<Self> {
        let config = Arc::unwrap_or_clone(self.config).with_profile(name)?;
        Ok(Self { config: Arc::new(config), ..self })
    }

    /// Returns what looks in the sources that a word of the setting `resolve.sources` names.
    fn finders(&self, source: &str, stores: &[&str]) -> Vec<Box<dyn Finder>> {
        let environment = || self.config.environment().clone();
        match source {
            "environment" => vec![self.audited(Variables(environment()))],
            "configuration" => vec![self.audited(InConfiguration::new(self))],
            "stores" => {
                let stores = stores.iter();
                stores
                    .map(|store| -> Box<dyn Finder> { Box::new(InStore::new(self, store)) })
                    .collect()
            }
            "git" => vec![self.audited(InGit(environment()))],
            "datalad" => vec![self.audited(InDataLad(environment()))],
            "pancloud" => vec![self.audited(PanCloud::new(environment(), Names::Current))],
            "pancloud-1.2" => vec![self.audited(PanCloud::new(environment(), Names::Old))],
            PROMPT => {
                let prompts = Prompts::new(Arc::clone(&self.interaction));
                let prompts = match prompt::folder(&self.config) {
                    Some(folder) => prompts.shared_in(folder),
                    None => prompts,
                };
                let stores = stores.iter().map(|store| (*store).to_owned()).collect();
                vec![self.audited(Asking { keyward: self.clone(), prompts, stores })]
            }
            // The setting takes no other words.
            _ => Vec::new(),
        }
    }

    fn audited(&self, finder: impl Finder + 'static) -> Box<dyn Finder> {
        Box::new(Audited { finder: Box::new(finder), audit: self.audit() })
    }
}

#[cfg(test)]
mod tests {
    use keyward_config::{Environment, Silent};
    use keyward_core::{Expect, Field, Record, Timestamp};
    use keyward_defaults as _;
    use keyward_resolver::Outcome;

    use super::*;
    use crate::NewStore;

    fn keyward(stores: &[&str]) -> (tempfile::TempDir, Keyward) {
        let home = tempfile::tempdir().unwrap();
        let environment = Environment::new([("HOME", home.path())])
            .with("KEYWARD_RESOLVE_STORES", stores.join(","));
        let keyward = Keyward::with(environment, Silent).unwrap();
        for name in stores {
            let memory =
                NewStore { storage: Some("file".into()), ..NewStore::named(name).unwrap() };
            keyward.init_store(&memory).unwrap();
        }
        (home, keyward)
    }

    fn put(keyward: &Keyward, store: &str, token: &str, expires: Option<u64>) {
        let store = keyward.store(store).unwrap();
        let record = Record::new("token")
            .with("token", Field::secret(token))
            .with_expires(expires.map(Timestamp::from_unix));
        let id = store.entry(None, Some("mail")).unwrap();
        store.put(&id, &record, Expect::Any).unwrap();
    }

    #[test]
    fn an_expired_record_counts_as_absent_unless_the_caller_accepts_it() {
        let (_home, keyward) = keyward(&["s", "t"]);
        put(&keyward, "s", "old", Some(1));
        let resolver = keyward.resolver().unwrap();
        let query = Query::new("mail", None).unwrap();
        let error = resolver.resolve(&query).unwrap_err();
        assert!(error.is_miss() && error.report().contains("store s: the record has expired"));
        put(&keyward, "t", "new", Some(u64::MAX));
        assert_eq!(resolver.value("mail", None, None).unwrap().expose(), b"new");
        let found = resolver.resolve(&query.accepting_expired()).unwrap();
        assert_eq!(found.sources, ["store s"]);
    }

    #[test]
    fn many_queries_are_answered_like_single_ones() {
        let (_home, keyward) = keyward(&["s", "t"]);
        put(&keyward, "s", "stored", None);
        let mut resolver = keyward.resolver().unwrap();
        resolver.set("other", "token", "of the session");
        let query = |name, user| Query::new(name, user).unwrap();
        let queries = [
            query("mail", None),
            query("nothing", None),
            query("other", None),
            query("mail", Some("zoe")),
            query("mail", None).needing("username"),
            query("mail", None),
        ];
        let many = resolver.resolve_many(&queries);
        assert_eq!(many.len(), queries.len());
        for (query, found) in queries.iter().zip(many) {
            match (found, resolver.resolve(query)) {
                (Ok(found), Ok(single)) => assert_eq!(found, single),
                (Err(found), Err(single)) => assert_eq!(found.report(), single.report()),
                (found, single) => panic!("{found:?}, {single:?}"),
            }
        }
    }

    #[test]
    fn what_the_application_sets_comes_before_the_stores() {
        let (_home, keyward) = keyward(&["s"]);
        put(&keyward, "s", "stored", None);
        let mut resolver = keyward.resolver().unwrap();
        let query = Query::new("mail", None).unwrap();
        resolver.set("mail", "token", "of the session");
        assert_eq!(resolver.value("mail", None, None).unwrap().expose(), b"of the session");
        let steps = resolver.explain(&query.clone().with_value("token", "of the call")).steps;
        let outcomes: Vec<_> = steps.iter().map(|step| step.outcome).collect();
        assert_eq!(outcomes[..2], [Outcome::Found, Outcome::NotAsked]);
        resolver.unset("mail");
        assert_eq!(resolver.resolve(&query).unwrap().sources, ["store s"]);
    }
}
