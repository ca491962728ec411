use std::fmt::{self, Debug};
use std::sync::{Arc, OnceLock};

use crate::{Error, ErrorKind, Host, Registration, Result, Role, RoleTrait, Values, printable};

/// Every backend that can be opened.
///
/// A linked backend is found if the program refers to its crate (`use backend_crate as _;`). A
/// program builds its registry once. Backends in shared libraries and child processes are
/// [offered](Offer), and fetched when they are needed.
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
    /// [`Refused`](ErrorKind::Refused) if two of them have the same role and name.
    pub fn linked() -> Result<Self> {
        Self::new(inventory::iter::<Registration>().cloned())
    }

    /// Makes a registry of these backends.
    ///
    /// # Errors
    /// [`Refused`](ErrorKind::Refused) if two of them have the same role and name: chance must not
    /// decide which of the two seals a user's passwords.
    pub fn new(registrations: impl IntoIterator<Item = Registration>) -> Result<Self> {
        let mut linked: Vec<_> = registrations.into_iter().collect();
        linked.sort_unstable_by_key(|entry| (entry.role(), entry.info.name));
        for pair in linked.windows(2) {
            if (pair[0].role(), pair[0].info.name) == (pair[1].role(), pair[1].info.name) {
                let packages = [pair[0].package, pair[1].package];
                return Err(provided_twice(pair[0].role(), pair[0].info.name, packages));
            }
        }
        Ok(Self { linked, offers: Vec::new(), lacking: Vec::new(), searched: Vec::new() })
    }

    /// Adds the backends of these offers.
    ///
    /// If an offer has the role and name of another backend, neither of the two can be used; all
    /// others can. An offer whose name a plugin's backend [may not have](Role::allows_plugin) cannot
    /// be used, and no other backend is affected by it, unless it is one of
    /// [Keyward's own](Offer::own).
    #[must_use]
    pub fn with(mut self, offers: impl IntoIterator<Item = Offer>) -> Self {
        self.offers.extend(offers);
        self.offers.sort_by(|one, other| (one.role, &one.name).cmp(&(other.role, &other.name)));
        self
    }

    /// Adds the errors of plugins that failed to load, whose backends are therefore unknown. A
    /// look-up that finds nothing reports them as the likely cause.
    #[must_use]
    pub fn lacking(mut self, failures: impl IntoIterator<Item = Error>) -> Self {
        self.lacking.extend(failures);
        self
    }

    /// Names the places where plugins were searched for. A look-up that finds nothing reports them.
    #[must_use]
    pub fn searched(mut self, places: impl IntoIterator<Item = String>) -> Self {
        self.searched.extend(places);
        self
    }

    /// Iterates over the linked backends, by role and name.
    pub fn iter(&self) -> impl Iterator<Item = &Registration> {
        self.linked.iter()
    }

    /// Iterates over the offers, by role and name.
    pub fn offers(&self) -> impl Iterator<Item = &Offer> {
        self.offers.iter()
    }

    /// Returns the backend of this role and name.
    ///
    /// # Errors
    /// - [`Invalid`](ErrorKind::Invalid) if there is none; the hint lists those that exist. If
    ///   plugins [failed to load](Self::lacking), the kind is that of the first failure.
    /// - [`Refused`](ErrorKind::Refused) if there are two, or if a plugin's backend may not have this
    ///   name.
    /// - The errors of fetching an offer.
    pub fn find(&self, role: Role, name: &str) -> Result<&Registration> {
        let linked =
            self.linked.iter().find(|entry| entry.role() == role && entry.info.name == name);
        let offers = self.offers.iter().filter(|offer| offer.role == role && offer.name == name);
        if !role.allows_plugin(name) {
            return match (linked, offers.clone().find(|offer| offer.is_own), offers.last()) {
                (Some(found), ..) => Ok(found),
                (None, Some(own), _) => own.fetch(),
                (None, None, Some(offer)) => Err(offer.badly_named()),
                (None, None, None) => Err(self.unknown(role, name)),
            };
        }
        let mut offers = offers;
        match (linked, offers.next(), offers.next()) {
            (Some(found), None, None) => Ok(found),
            (None, Some(offer), None) => offer.fetch(),
            (None, None, None) => Err(self.unknown(role, name)),
            (Some(one), Some(other), _) => {
                Err(provided_twice(role, name, [one.package, &other.from]))
            }
            (None, Some(one), Some(other)) => {
                Err(provided_twice(role, name, [&one.from, &other.from]))
            }
            (_, None, Some(_)) => unreachable!("the second comes after the first"),
        }
    }

    fn unknown(&self, role: Role, name: &str) -> Error {
        let linked = self.linked.iter().filter(|entry| entry.role() == role);
        let offers = self.offers.iter().filter(|offer| offer.role == role);
        let mut names: Vec<_> = linked.map(|entry| entry.info.name).collect();
        names.extend(offers.map(|offer| offer.name.as_str()));
        names.sort_unstable();
        let mut hint = format!("The {role} backends are: {}", names.join(", "));
        if !self.searched.is_empty() {
            hint += &format!("; Keyward looked for plugins in {}", self.searched.join(" and "));
        }
        let lacking: Vec<_> = self.lacking.iter().map(Error::message).collect();
        let kind = self.lacking.first().map_or(ErrorKind::Invalid, Error::kind);
        let error = Error::new(kind, "registry")
            .because(format!("there is no {role} called `{}`", printable(name)))
            .hint(hint);
        if lacking.is_empty() { error } else { error.caused_by(lacking.join("; ")) }
    }

    /// Opens the backend of this name, as in `registry.open::<dyn Storage>(name, &values, &host)`.
    ///
    /// # Errors
    /// Those of [`find`](Self::find) and [`Registration::open`].
    pub fn open<T: RoleTrait + ?Sized>(
        &self,
        name: &str,
        values: &Values,
        host: &Arc<dyn Host>,
    ) -> Result<Box<T>> {
        self.find(T::ROLE, name)?.open(values, host)
    }
}

/// A backend that is fetched when it is needed: a shared library to load, a program to start.
pub struct Offer {
    role: Role,
    name: String,
    from: String,
    is_own: bool,
    fetch: Box<Fetch>,
    fetched: OnceLock<Registration>,
}

type Fetch = dyn Fn() -> Result<Registration> + Send + Sync;

impl Offer {
    /// Makes the offer of the backend of this role and name, which `fetch` gets.
    ///
    /// `from` says in errors where it comes from: a path.
    pub fn new(
        role: Role,
        name: impl Into<String>,
        from: impl Into<String>,
        fetch: impl Fn() -> Result<Registration> + Send + Sync + 'static,
    ) -> Self {
        let (name, from) = (name.into(), from.into());
        let (fetch, fetched) = (Box::new(fetch), OnceLock::new());
        Self { role, name, from, is_own: false, fetch, fetched }
    }

    /// Returns the same for a backend that comes with Keyward, in another file than this program. It
    /// may have a name that a plugin's backend may not have.
    #[must_use]
    pub fn own(self) -> Self {
        Self { is_own: true, ..self }
    }

    /// Whether it is [Keyward's own](Self::own).
    pub fn is_own(&self) -> bool {
        self.is_own
    }

    /// The role of the backend.
    pub fn role(&self) -> Role {
        self.role
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Where it comes from.
    pub fn from(&self) -> &str {
        &self.from
    }

    fn badly_named(&self) -> Error {
        let Self { role, name, from, .. } = self;
        let why = format!("{from} provides the {role} {name}, whose name does not contain a dot");
        Error::new(ErrorKind::Refused, "registry")
            .because(why)
            .hint(format!("The {role} of a plugin has a name such as example.{name}"))
    }

    /// Returns the backend itself; it is fetched once.
    ///
    /// # Errors
    /// The errors of fetching it; [`Refused`](ErrorKind::Refused) if another backend is fetched.
    pub fn fetch(&self) -> Result<&Registration> {
        if let Some(fetched) = self.fetched.get() {
            return Ok(fetched);
        }
        let came = (self.fetch)()?;
        if (came.role(), came.info.name) != (self.role, self.name.as_str()) {
            let why = format!(
                "{} provides the {} {}, but the {} {} was requested",
                self.from,
                came.role(),
                printable(came.info.name),
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

fn provided_twice(role: Role, name: &str, packages: [&str; 2]) -> Error {
    let [one, other] = packages;
    Error::new(ErrorKind::Refused, "registry")
        .because(format!("{one} and {other} both provide a {role} called {name}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        Door, Factory, Info, Level, Loaded, Open, Prompt, Secret, SecretRef, Storage, Timestamp,
    };

    fn storage(name: &'static str) -> Registration {
        Registration {
            info: Info::new(name, ""),
            per_user: None,
            options: &[],
            package: "a crate",
            version: "1.0.0",
            door: Door::Linked,
            factory: Factory::Storage(Open::Linked(|_, _| Err(Error::not_found("open")))),
        }
    }

    fn offer(name: &'static str) -> Offer {
        Offer::new(Role::Storage, name, "a file", move || {
            Ok(Registration { door: Door::Loaded, ..storage(name) })
        })
    }

    #[test]
    fn an_offered_backend_is_found() {
        let registry = Registry::new([storage("a")]).unwrap().with([offer("b")]);
        assert_eq!(registry.find(Role::Storage, "a").unwrap().door, Door::Linked);
        assert_eq!(registry.find(Role::Storage, "b").unwrap().door, Door::Loaded);
        let error = registry.find(Role::Storage, "c").unwrap_err();
        assert_eq!(error.advice(), Some("The storage backends are: a, b"));
        let registry = registry.searched(["/etc/p".to_owned(), "/home/p".to_owned()]);
        let error = registry.find(Role::Storage, "c").unwrap_err();
        let hint =
            "The storage backends are: a, b; Keyward looked for plugins in /etc/p and /home/p";
        assert_eq!(error.advice(), Some(hint));
        assert!(registry.find(Role::Key, "b").is_err());
    }

    #[test]
    fn a_plugin_that_failed_to_load_is_the_likely_cause() {
        let lacking = Error::new(ErrorKind::Refused, "config").because("a file is not safe");
        let registry = Registry::new([storage("a")]).unwrap().lacking([lacking]);
        assert!(registry.find(Role::Storage, "a").is_ok());
        let error = registry.find(Role::Storage, "b").unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Refused);
        let cause = std::error::Error::source(&error).unwrap();
        assert_eq!(cause.to_string(), "a file is not safe");
    }

    #[test]
    fn two_backends_with_one_name_are_refused() {
        assert!(Registry::new([storage("a"), storage("a")]).is_err());
        for offers in [vec![offer("a")], vec![offer("b"), offer("b")]] {
            let name = offers[0].name().to_owned();
            let registry = Registry::new([storage("a"), storage("z")]).unwrap().with(offers);
            let error = registry.find(Role::Storage, &name).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Refused);
            assert!(registry.find(Role::Storage, "z").is_ok());
        }
    }

    #[test]
    fn a_plugin_is_not_in_the_way_of_an_authenticator() {
        let named = |name: &'static str| Registration {
            factory: Factory::Authenticator(Open::Linked(|_, _| Err(Error::not_found("open")))),
            ..storage(name)
        };
        let offer = |name: &'static str| {
            Offer::new(Role::Authenticator, name, "a file", move || {
                Ok(Registration { door: Door::Run, ..named(name) })
            })
        };
        let registry = Registry::new([named("basic")]).unwrap();
        let registry = registry.with(["basic", "other", "x.token", "x.two", "x.two"].map(offer));
        let registry = registry.with([offer("of-keyward"), offer("of-keyward").own()]);
        let find = |name| registry.find(Role::Authenticator, name);
        assert_eq!(find("basic").unwrap().door, Door::Linked);
        assert_eq!(find("x.token").unwrap().door, Door::Run);
        assert_eq!(find("of-keyward").unwrap().door, Door::Run);
        for (name, why) in [("other", "does not contain a dot"), ("x.two", "both provide")] {
            let error = find(name).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Refused);
            assert!(error.message().contains(why), "{error}");
        }
    }

    #[test]
    fn an_offer_that_fetches_another_backend_is_refused() {
        let liar = Offer::new(Role::Storage, "a", "a file", || Ok(storage("b")));
        assert_eq!(liar.fetch().unwrap_err().kind(), ErrorKind::Refused);
    }

    #[test]
    fn an_error_of_opening_a_backend_is_never_a_miss() {
        #[derive(Debug)]
        struct NoHost;
        impl Host for NoHost {
            fn secret(&self, _: &SecretRef) -> Result<Loaded> {
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
        let registry = Registry::new([storage("a")]).unwrap();
        let host: Arc<dyn Host> = Arc::new(NoHost);
        let error = registry.open::<dyn Storage>("a", &Values::new(), &host).unwrap_err();
        assert_eq!((error.kind(), error.backend()), (ErrorKind::Unavailable, "a"));
    }

    #[test]
    fn an_offer_that_cannot_be_fetched_does_not_affect_others() {
        let broken = Offer::new(Role::Storage, "b", "a file", || {
            Err(Error::new(ErrorKind::Refused, "load"))
        });
        let registry = Registry::new([storage("a")]).unwrap().with([broken]);
        assert!(registry.find(Role::Storage, "a").is_ok());
        assert_eq!(registry.find(Role::Storage, "b").unwrap_err().operation(), "load");
    }
}
