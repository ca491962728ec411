//! A storage whose list never ends.

use std::sync::Arc;

use keyward_core::{
    Cursor, EntryId, Error, ErrorKind, Expect, Host, Page, Put, Query, Registry, Result, Revision,
    Storage, StorageAbilities, StoreId, Stored, Values,
};
use keyward_defaults as _;
use keyward_store::{Named, Parts, Store};
use keyward_testkit::TestHost;

/// Its second page is followed by its second page.
#[derive(Debug)]
struct Circle(Box<dyn Storage>);

impl Storage for Circle {
    fn list(&self, _: &Query<'_>) -> Result<Page> {
        Ok(Page::new(Vec::new(), Some(Cursor(b"second".to_vec()))))
    }

    fn get(&self, _: &EntryId) -> Result<Stored> {
        Err(Error::not_found("get"))
    }

    fn put(&self, id: &EntryId, blob: &[u8], put: &Put) -> Result<Revision> {
        self.0.put(id, blob, put)
    }

    fn delete(&self, id: &EntryId, expect: &Expect) -> Result<()> {
        self.0.delete(id, expect)
    }

    fn destroy(&self) -> Result<()> {
        self.0.destroy()
    }

    fn abilities(&self) -> StorageAbilities<'_> {
        self.0.abilities()
    }
}

#[test]
fn pages_that_do_not_go_on_are_the_end() {
    let (linked, none) = (Registry::linked().unwrap(), Values::new());
    let host: Arc<dyn Host> = Arc::new(TestHost::new());
    let circle = Circle(linked.open("memory", &none, &host).unwrap());
    let store = Store::open(Parts {
        id: StoreId([1; 16]),
        serializer: Named::new("json", linked.open("json", &none, &host).unwrap()),
        encryption: Named::new("clear", linked.open("clear", &none, &host).unwrap()),
        storage: Named::new("circle", Box::new(circle)),
        key: None,
        envelope: true,
        host,
    });
    let listed: Vec<_> = store.unwrap().entries(None).take(9).collect();
    let [Err(error)] = &listed[..] else { panic!("{listed:?}") };
    assert_eq!((error.kind(), error.backend()), (ErrorKind::Corrupt, "circle"));
}
