//! `copy` and `rename`.

use keyward_core::{Expect, Field, Record};

use crate::helpers::home::Home;

fn home() -> Home {
    let home = Home::with_store("--option key.from=file");
    home.keyward("init t --serializer json --encryption clear").run().ends(0);
    home.keyward("set s --name ci --kind token --stdin --expires 2099-01-01 --label team=web")
        .input("t0ken")
        .run()
        .ends(0);
    home
}

#[test]
fn an_entry_is_copied_to_another_name_user_and_store() {
    let home = home();
    let record = |line: &str| {
        let mut record = home.keyward(line).run().ends(0).json().remove(0);
        let object = record.as_object_mut().unwrap();
        object.remove("name");
        object.remove("user");
        record
    };
    let first = record("get s --name ci --json --reveal");
    assert_eq!(first["labels"]["team"], "web");
    for (to, get) in [
        ("keyward://s/build", "get s --name build"),
        ("keyward://s/ci?user=bob", "get s --name ci --user bob"),
        ("keyward://t/", "get t"),
    ] {
        let copy = format!("copy keyward://s/ci {to}");
        home.keyward(&copy).run().ends(0).prints("").says_nothing();
        assert_eq!(record(&format!("{get} --json --reveal")), first);
    }
    home.keyward("rename keyward://s/build keyward://t/build").run().ends(0).says_nothing();
    assert_eq!(record("get t --name build --json --reveal"), first);
    home.keyward("get s --name build").run().ends(3);
}

#[test]
fn an_entry_that_exists_is_replaced_only_with_force() {
    let home = home();
    home.keyward("set s ann --stdin").input("x").run().ends(0);
    for command in ["copy", "rename"] {
        let line = format!("{command} keyward://s/ci keyward://s/");
        home.keyward(&line).run().ends(2).says("the entry exists").says("--force");
        home.keyward("get s -p").run().ends(0).prints("x\n");
    }
    home.keyward("rename keyward://s/ci keyward://s/ --force").run().ends(0);
    home.keyward("get s -p").run().ends(0).prints("t0ken\n");
    home.keyward("get s --name ci").run().ends(3);
}

#[test]
fn a_record_of_an_unknown_kind_is_renamed() {
    let home = home();
    let store = home.store("s");
    let record = Record::new("example.unheard").with("shape", Field::open("flat"));
    store.put(&store.entry(None, Some("a")).unwrap(), &record, Expect::Any).unwrap();
    home.keyward("rename keyward://s/a keyward://t/b").run().ends(0);
    home.keyward("get t --name b --field shape").run().ends(0).prints("flat\n");
    home.keyward("get s --name a").run().ends(3);
}

#[test]
fn what_cannot_be_copied_is_refused() {
    let home = home();
    home.keyward("set s ann --origin https://x.example --stdin").input("x").run().ends(0);
    for (from, to, code, why) in [
        ("keyward://s/none", "keyward://s/a", 3, "keyward://s/none"),
        ("keyward://s/ci/token", "keyward://s/a", 2, "it names a field"),
        ("keyward://s/ci", "keyward://s/ci", 2, "the same entry"),
        ("keyward://s/ci", "keyward://none/ci", 2, "none"),
        ("s", "keyward://s/a", 2, "keyward://STORE/NAME"),
        ("keyward://s/https%3A%2F%2Fx.example", "keyward://s/a", 2, "lists the accounts"),
        ("keyward://s/https%3A%2F%2Fann%40x.example", "keyward://s/a", 2, "account of an origin"),
        ("keyward://s/ci", "keyward://s/https%3A%2F%2Fann%40x.example", 2, "account of an origin"),
    ] {
        for command in ["copy", "rename"] {
            let line = format!("{command} {from} {to} --force");
            home.keyward(&line).run().ends(code).says(why);
        }
    }
    home.keyward("get s --name a").run().ends(3);
    home.keyward("get s --name ci").run().ends(0);
    home.keyward("get s --name https://ann@x.example -p").run().ends(0).prints("x\n");
}
