//! A keyset whose key is wrapped by a key service: it can be wrapped again, and no mistake of the
//! service closes the store.

use std::cell::Cell;
use std::sync::Arc;

use keyward::{Credentials, Keyward, NewStore, OpenStore};
use keyward_core::{
    Backend, Created, Error, ErrorKind, Host, Info, Key, KeyId, Loaded, NoOptions, Registration,
    Registry, Result, Secret, SecretRef, Values,
};

use crate::helpers::home::Home;

thread_local! {
    /// The newest version of the service's own key.
    static VERSION: Cell<u8> = const { Cell::new(1) };
    static WRAPS_ANOTHER_KEY: Cell<bool> = const { Cell::new(false) };
    static DELETED: Cell<bool> = const { Cell::new(false) };
}

/// A key source that wraps keys as a key service does, and holds none of them.
#[derive(Debug)]
struct Service;

impl Backend for Service {
    const INFO: Info = Info::new("service", "A key service of a test");
    type Options = NoOptions;

    fn open(_: NoOptions, _: &Arc<dyn Host>) -> Result<Self> {
        Ok(Self)
    }
}

impl Key for Service {
    fn create(&self, _: &KeyId) -> Result<Created> {
        let key = [42; 32];
        Ok(Created::kept(Secret::from(&key[..]), wrap(&key)))
    }

    fn load(&self, _: &KeyId, parameters: &[u8]) -> Result<Loaded> {
        match parameters {
            [version, wrapped @ ..] if (1..=VERSION.get()).contains(version) => {
                Ok(Secret::new(wrapped.iter().map(|byte| byte ^ version).collect()).into())
            }
            _ => Err(Error::new(ErrorKind::NoKey, "load")),
        }
    }

    fn delete(&self, _: &KeyId, _: &[u8]) -> Result<()> {
        DELETED.set(true);
        Ok(())
    }

    fn rewrap(&self, id: &KeyId, parameters: &[u8]) -> Result<Vec<u8>> {
        let key = self.load(id, parameters)?;
        Ok(if WRAPS_ANOTHER_KEY.get() { wrap(&[7; 32]) } else { wrap(key.expose()) })
    }
}

fn wrap(key: &[u8]) -> Vec<u8> {
    let version = VERSION.get();
    [version].into_iter().chain(key.iter().map(|byte| byte ^ version)).collect()
}

fn library(home: &Home) -> Keyward {
    let linked = Registry::linked().unwrap();
    let service = Registration::key::<Service>("keyward-tests", "0");
    let backends = linked.iter().cloned().chain([service]);
    home.library().with_backends(Registry::new(backends).unwrap())
}

/// A store with one entry, whose key is wrapped by the service.
fn store(keyward: &Keyward) -> OpenStore {
    let service = SecretRef { from: "service".into(), options: Values::new() };
    let new = NewStore { key: Some(service), ..NewStore::named("s").unwrap() };
    keyward.init_store(&new).unwrap();
    let store = keyward.store("s").unwrap();
    let id = store.entry(Some("ann"), None).unwrap();
    store.set_credentials(&id, &Credentials::new("ann", "s3cret")).unwrap();
    store
}

fn assert_opens(keyward: &Keyward) {
    let store = keyward.store("s").unwrap();
    let id = store.entry(Some("ann"), None).unwrap();
    assert_eq!(store.credentials(&id).unwrap().unwrap().password.expose(), b"s3cret");
}

#[test]
fn a_keyset_is_wrapped_with_the_services_newest_key() {
    let home = Home::new();
    let keyward = library(&home);
    let store = store(&keyward);
    store.rewrap().unwrap();
    VERSION.set(2);
    store.rewrap().unwrap();
    assert_opens(&keyward);
    // A process that read the old keyset works, and so does a rotation after it.
    store.rotate(|_| {}).unwrap();
    assert_opens(&keyward);
    keyward.delete_store("s").unwrap();
    assert!(DELETED.get());
}

#[test]
fn parameters_of_another_key_are_not_kept() {
    let home = Home::new();
    let keyward = library(&home);
    let store = store(&keyward);
    WRAPS_ANOTHER_KEY.set(true);
    VERSION.set(2);
    let error = store.rewrap().unwrap_err();
    assert!(error.message().contains("the keyset stays as it is"), "{error}");
    assert_opens(&keyward);
}

#[test]
fn a_key_that_is_not_wrapped_is_not_supported() {
    let home = Home::new();
    home.keyward("init s --option key.from=file").run().ends(0);
    home.keyward("store rotate s --rewrap")
        .run()
        .ends(2)
        .says("this key source does not wrap keys");
    home.keyward("store rotate s --rewrap --retire").run().ends(2);
}
