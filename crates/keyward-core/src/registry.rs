use std::fmt::{self, Debug};
use std::sync::{Arc, OnceLock};

use crate::{
    Encryption, Error, ErrorKind, Factory, Host, Key, Registration, Result, Role, Serializer,
    Storage, Values,
};

/// Every backend that can be opened.
///
/// Linked backends are found where each program anchors their crates
/// (`use backend_crate as _;`); a program builds its registry once. Backends that come through
/// other doors are [offered](Offer), and fetched when somebody asks for them.
#[derive(Debug)]
pub struct Registry {
    linked: Vec<Registration>,
    offers: Vec<Offer>,
    lacking: Vec<Error>,
    searched: Vec<String>,
}

impl Registry {
    /// The backends linked into this program.
    ///
    /// # Errors
    /// [`Refused`](ErrorKind::Refused) if two of them have one role and one name.
    pub fn linked() -> Result<Self> {
        Self::of(inventory::iter::<Registration>().copied())
    }

    /// These backends.
    ///
    /// # Errors
    /// [`Refused`](ErrorKind::Refused) if two of them have one role and one name: which
    /// of them would seal somebody's passwords must never be a matter of luck.
    pub fn of(registrations: impl IntoIterator<Item = Registration>) -> Result<Self> {
        let mut linked: Vec<_> = registrations.into_iter().collect();
        linked.sort_unstable_by_key(|entry| (entry.role(), entry.info.name));
        for pair in linked.windows(2) {
            if (pair[0].role(), pair[0].info.name) == (pair[1].role(), pair[1].info.name) {
                let packages = [pair[0].package, pair[1].package];
                return Err(twice(pair[0].role(), pair[0].info.name, packages));
            }
        }
        Ok(Self { linked, offers: Vec::new(), lacking: Vec::new(), searched: Vec::new() })
    }

    /// The same backends, and those that others offer.
    ///
    /// Where an offer has the role and name of another backend, neither of the two can be used;
    /// all others can.
    #[must_use]
    pub fn with(mut self, offers: impl IntoIterator<Item = Offer>) -> Self {
        self.offers.extend(offers);
        self.offers.sort_by(|one, other| (one.role, &one.name).cmp(&(other.role, &other.name)));
        self
    }

    /// The same backends, where there should be more: of what failed so, nobody knows what it
    /// brings. Look-ups that find nothing name it as the probable cause.
    #[must_use]
    pub fn lacking(mut self, failures: impl IntoIterator<Item = Error>) -> Self {
        self.lacking.extend(failures);
        self
    }

    /// The same backends, which are all that these places had. Look-ups that find nothing name them.
    #[must_use]
    pub fn searched(mut self, places: impl IntoIterator<Item = String>) -> Self {
        self.searched.extend(places);
        self
    }

    /// The linked backends, by role and name.
    pub fn iter(&self) -> impl Iterator<Item = &Registration> {
        self.linked.iter()
    }

    /// What is offered, by role and name.
    pub fn offers(&self) -> impl Iterator<Item = &Offer> {
        self.offers.iter()
    }

    /// The backend of this role and name.
    ///
    /// # Errors
    /// - [`Invalid`](ErrorKind::Invalid) if there is none, listing those there are; but the kind of
    ///   what is [`lacking`](Self::lacking), if something is.
    /// - [`Refused`](ErrorKind::Refused) if there are two.
    /// - Those of fetching what is offered.
    pub fn find(&self, role: Role, name: &str) -> Result<&Registration> {
        let linked =
            self.linked.iter().find(|entry| entry.role() == role && entry.info.name == name);
        let mut offers =
            self.offers.iter().filter(|offer| offer.role == role && offer.name == name);
        match (linked, offers.next(), offers.next()) {
            (Some(found), None, None) => Ok(found),
            (None, Some(offer), None) => offer.fetch(),
            (None, None, None) => Err(self.unknown(role, name)),
            (Some(one), Some(other), _) => Err(twice(role, name, [one.package, &other.from])),
            (None, Some(one), Some(other)) => Err(twice(role, name, [&one.from, &other.from])),
            (_, None, Some(_)) => unreachable!("the second comes after the first"),
        }
    }

    fn unknown(&self, role: Role, name: &str) -> Error {
        let linked = self.linked.iter().filter(|entry| entry.role() == role);
        let offers = self.offers.iter().filter(|offer| offer.role == role);
        let mut names: Vec<_> = linked.map(|entry| entry.info.name).collect();
        names.extend(offers.map(|offer| offer.name.as_str()));
        names.sort_unstable();
        let mut hint = format!("There are: {}", names.join(", "));
        if !self.searched.is_empty() {
            hint += &format!("; plugins were looked for in {}", self.searched.join(" and "));
        }
        let lacking: Vec<_> = self.lacking.iter().map(Error::message).collect();
        let kind = self.lacking.first().map_or(ErrorKind::Invalid, Error::kind);
        let error = Error::new(kind, "registry")
            .because(format!("there is no {role} called `{}`", name.escape_debug()))
            .hint(hint);
        if lacking.is_empty() { error } else { error.caused_by(lacking.join("; ")) }
    }

    /// Opens a serializer.
    ///
    /// # Errors
    /// As [`find`](Self::find) and [`Backend::open`](crate::Backend::open).
    pub fn serializer(
        &self,
        name: &str,
        values: &Values,
        host: &Arc<dyn Host>,
    ) -> Result<Box<dyn Serializer>> {
        match self.find(Role::Serializer, name)?.factory {
            Factory::Serializer(open) => open(values, host).map_err(|error| opening(error, name)),
            _ => unreachable!("found by role"),
        }
    }

    /// Opens an encryption.
    ///
    /// # Errors
    /// As [`find`](Self::find) and [`Backend::open`](crate::Backend::open).
    pub fn encryption(
        &self,
        name: &str,
        values: &Values,
        host: &Arc<dyn Host>,
    ) -> Result<Box<dyn Encryption>> {
        match self.find(Role::Encryption, name)?.factory {
            Factory::Encryption(open) => open(values, host).map_err(|error| opening(error, name)),
            _ => unreachable!("found by role"),
        }
    }

    /// Opens a key source.
    ///
    /// # Errors
    /// As [`find`](Self::find) and [`Backend::open`](crate::Backend::open).
    pub fn key(&self, name: &str, values: &Values, host: &Arc<dyn Host>) -> Result<Box<dyn Key>> {
        match self.find(Role::Key, name)?.factory {
            Factory::Key(open) => open(values, host).map_err(|error| opening(error, name)),
            _ => unreachable!("found by role"),
        }
    }

    /// Opens a storage.
    ///
    /// # Errors
    /// As [`find`](Self::find) and [`Backend::open`](crate::Backend::open).
    pub fn storage(
        &self,
        name: &str,
        values: &Values,
        host: &Arc<dyn Host>,
    ) -> Result<Box<dyn Storage>> {
        match self.find(Role::Storage, name)?.factory {
            Factory::Storage(open) => open(values, host).map_err(|error| opening(error, name)),
            _ => unreachable!("found by role"),
        }
    }
}

/// A backend that is there on demand: a shared library to load, a program to start.
pub struct Offer {
    role: Role,
    name: String,
    from: String,
    fetch: Box<Fetch>,
    fetched: OnceLock<Registration>,
}

type Fetch = dyn Fn() -> Result<Registration> + Send + Sync;

impl Offer {
    /// The backend of this role and name, which `fetch` gets.
    ///
    /// `from` says in errors where it comes from: a path.
    pub fn new(
        role: Role,
        name: impl Into<String>,
        from: impl Into<String>,
        fetch: impl Fn() -> Result<Registration> + Send + Sync + 'static,
    ) -> Self {
        let (name, from) = (name.into(), from.into());
        Self { role, name, from, fetch: Box::new(fetch), fetched: OnceLock::new() }
    }

    /// The role it plays.
    pub fn role(&self) -> Role {
        self.role
    }

    /// What it is called.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Where it comes from.
    pub fn from(&self) -> &str {
        &self.from
    }

    /// The backend itself; it is fetched once.
    ///
    /// # Errors
    /// Those of fetching it; [`Refused`](ErrorKind::Refused) if what comes is another backend.
    pub fn fetch(&self) -> Result<&Registration> {
        if let Some(fetched) = self.fetched.get() {
            return Ok(fetched);
        }
        let came = (self.fetch)()?;
        if (came.role(), came.info.name) != (self.role, self.name.as_str()) {
            let why = format!(
                "{} brings the {} {} where the {} {} is meant",
                self.from,
                came.role(),
                came.info.name.escape_debug(),
                self.role,
                self.name
            );
            return Err(Error::new(ErrorKind::Refused, "registry").because(why));
        }
        Ok(self.fetched.get_or_init(|| came))
    }
}

impl Debug for Offer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Offer")
            .field("role", &self.role)
            .field("name", &self.name)
            .field("from", &self.from)
            .finish_non_exhaustive()
    }
}

/// An error of opening the backend `name`: opening looks up no entry, so it is never a miss.
fn opening(error: Error, name: &str) -> Error {
    error.not_a_miss().in_backend(name)
}

fn twice(role: Role, name: &str, packages: [&str; 2]) -> Error {
    let [one, other] = packages;
    Error::new(ErrorKind::Refused, "registry")
        .because(format!("{one} and {other} both bring a {role} called {name}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Door, Info, Level, Prompt, Secret, SecretRef, Timestamp};

    fn storage(name: &'static str) -> Registration {
        Registration {
            info: Info::new(name, ""),
            options: &[],
            package: "a crate",
            version: "1.0.0",
            door: Door::Linked,
            factory: Factory::Storage(&|_, _| Err(Error::not_found("open"))),
        }
    }

    fn offer(name: &'static str) -> Offer {
        Offer::new(Role::Storage, name, "a file", move || {
            Ok(Registration { door: Door::Loaded, ..storage(name) })
        })
    }

    #[test]
    fn what_is_offered_is_found() {
        let registry = Registry::of([storage("a")]).unwrap().with([offer("b")]);
        assert_eq!(registry.find(Role::Storage, "a").unwrap().door, Door::Linked);
        assert_eq!(registry.find(Role::Storage, "b").unwrap().door, Door::Loaded);
        let error = registry.find(Role::Storage, "c").unwrap_err();
        assert_eq!(error.advice(), Some("There are: a, b"));
        let registry = registry.searched(["/etc/p".to_owned(), "/home/p".to_owned()]);
        let error = registry.find(Role::Storage, "c").unwrap_err();
        let hint = "There are: a, b; plugins were looked for in /etc/p and /home/p";
        assert_eq!(error.advice(), Some(hint));
        assert!(registry.find(Role::Key, "b").is_err());
    }

    #[test]
    fn what_is_lacking_is_the_probable_cause() {
        let lacking = Error::new(ErrorKind::Refused, "config").because("a file is not safe");
        let registry = Registry::of([storage("a")]).unwrap().lacking([lacking]);
        assert!(registry.find(Role::Storage, "a").is_ok());
        let error = registry.find(Role::Storage, "b").unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Refused);
        let cause = std::error::Error::source(&error).unwrap();
        assert_eq!(cause.to_string(), "a file is not safe");
    }

    #[test]
    fn two_of_one_name_are_an_error_and_no_choice() {
        assert!(Registry::of([storage("a"), storage("a")]).is_err());
        for offers in [vec![offer("a")], vec![offer("b"), offer("b")]] {
            let name = offers[0].name().to_owned();
            let registry = Registry::of([storage("a"), storage("z")]).unwrap().with(offers);
            let error = registry.find(Role::Storage, &name).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Refused);
            assert!(registry.find(Role::Storage, "z").is_ok());
        }
    }

    #[test]
    fn an_offer_brings_what_it_says() {
        let liar = Offer::new(Role::Storage, "a", "a file", || Ok(storage("b")));
        assert_eq!(liar.fetch().unwrap_err().kind(), ErrorKind::Refused);
    }

    #[test]
    fn opening_a_backend_misses_nothing() {
        #[derive(Debug)]
        struct NoHost;
        impl Host for NoHost {
            fn secret(&self, _: &SecretRef) -> Result<Secret> {
                Err(Error::new(ErrorKind::Locked, "secret"))
            }
            fn prompt(&self, _: &Prompt<'_>) -> Result<Secret> {
                Err(Error::new(ErrorKind::Locked, "prompt"))
            }
            fn variable(&self, _: &str) -> Option<Secret> {
                None
            }
            fn now(&self) -> Timestamp {
                Timestamp::default()
            }
            fn log(&self, _: Level, _: std::fmt::Arguments<'_>) {}
            fn remaining(&self) -> Option<std::time::Duration> {
                None
            }
        }
        let registry = Registry::of([storage("a")]).unwrap();
        let host: Arc<dyn Host> = Arc::new(NoHost);
        let error = registry.storage("a", &Values::new(), &host).unwrap_err();
        assert_eq!((error.kind(), error.backend()), (ErrorKind::Unavailable, "a"));
    }

    #[test]
    fn what_cannot_be_fetched_spoils_nothing_else() {
        let broken = Offer::new(Role::Storage, "b", "a file", || {
            Err(Error::new(ErrorKind::Refused, "load"))
        });
        let registry = Registry::of([storage("a")]).unwrap().with([broken]);
        assert!(registry.find(Role::Storage, "a").is_ok());
        assert_eq!(registry.find(Role::Storage, "b").unwrap_err().operation(), "load");
    }
}
