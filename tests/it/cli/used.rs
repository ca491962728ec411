//! The time when a record was last given out, in stores that track it.

use keyward_core::{Change, Timestamp};
use serde_json::Value;

use crate::helpers::home::Home;
use crate::helpers::program::keyward;

const HOUR: u64 = 3600;

/// A home with the entry `mail` of a store `s` that tracks use.
fn home() -> Home {
    let home = Home::with_store("--option key.from=file --track-use");
    home.keyward("set s ann --name mail --stdin").input("x").run().ends(0);
    home
}

fn shown(home: &Home, name: &str) -> Value {
    let listed = home.keyward("list s --long --json").run().ends(0).json();
    listed.into_iter().find(|line| line["name"] == name).unwrap()
}

/// Sets the time when `mail` was last given out.
fn set_used(home: &Home, used: Option<Timestamp>) {
    let store = home.store("s");
    let id = store.entry(None, Some("mail")).unwrap();
    let change = |record: Option<keyward::Record>| {
        Ok(Change::Put(Box::new(record.unwrap().with_used(used))))
    };
    store.update(&id, change).unwrap();
}

#[test]
fn a_use_is_noted_once_an_hour() {
    let home = home();
    home.keyward("get s --name mail").run().ends(0);
    home.keyward("list s --long").run().ends(0);
    assert_eq!(shown(&home, "mail")["used"], Value::Null);
    let updated = shown(&home, "mail")["updated"].clone();
    let now = || home.store("s").now();
    let hours_ago = |hours| Some(Timestamp::from_unix(now().as_unix() - hours * HOUR));
    for (at, before) in [None, hours_ago(2), Some(now().after(std::time::Duration::from_secs(99)))]
        .into_iter()
        .enumerate()
    {
        for line in
            ["get s --name mail -p", "read keyward://s/mail", "run --env P=keyward:///mail -- true"]
        {
            set_used(&home, before);
            let before = shown(&home, "mail")["used"].clone();
            home.keyward(line).run().ends(0).says_nothing();
            let after = shown(&home, "mail");
            assert_ne!(after["used"], before, "{at}: {line}");
            assert_eq!(after["updated"], updated, "{at}: {line}");
        }
    }
    let files = home.files();
    home.keyward("get s --name mail -p").run().ends(0);
    assert!(home.files() == files, "it was written again within the hour");
    let json = home.keyward("get s --name mail --json").run().ends(0).json().remove(0);
    assert_eq!(json["used"], shown(&home, "mail")["used"]);
    let long = home.keyward("list s --long").run().ends(0).into_text();
    assert_eq!(long.split('\t').nth(5), json["used"].as_str(), "{long}");
}

#[test]
fn other_stores_do_not_note_it() {
    let home = Home::with_store("--option key.from=file");
    home.keyward("set s ann --name mail --stdin").input("x").run().ends(0);
    home.keyward("get s --name mail -p").run().ends(0);
    assert_eq!(shown(&home, "mail")["used"], Value::Null);
    for (options, tracks) in [("", false), ("--track-use", true)] {
        home.keyward(&format!("init t --option key.from=file {options}")).run().ends(0);
        assert_eq!(home.keyward("info t --json").run().json()[0]["track_use"], tracks);
        assert_eq!(home.run_ok(&["info", "t"]).contains("last given out"), tracks);
        home.keyward("rm t --yes").run().ends(0);
    }
}

/// What reads a record and then changes the entry notes its use in between.
#[test]
fn a_noted_use_is_no_change_of_another_program() {
    let home = home();
    home.keyward("edit s --name mail").env("EDITOR", "sed -i s/ann/bob/").run().ends(0);
    set_used(&home, None);
    home.keyward("rename keyward://s/mail keyward://s/post").run().ends(0);
    home.keyward("get s --name post -n").run().ends(0).prints("bob\n");
    home.keyward("get s --name mail").run().ends(3);
    let json = home.run_ok(&["get", "s", "--name", "post", "--json", "--reveal"]);
    home.keyward("set s --name mail --json").input(json).run().ends(0);
}

#[test]
fn no_change_is_lost_to_a_noted_use() {
    let home = home();
    set_used(&home, None);
    let start = |line: &str| {
        let mut command = home.command(keyward());
        command.args(line.split(' ')).stdout(std::process::Stdio::null());
        command.spawn().unwrap()
    };
    let mut children = Vec::new();
    for writer in 0..5 {
        children.push(start("get s --name mail -p"));
        children.push(start(&format!("set s --name mail --label l{writer}=x")));
        children.push(start("read keyward://s/mail"));
    }
    for mut child in children {
        assert!(child.wait().unwrap().success());
    }
    let shown = shown(&home, "mail");
    assert_eq!(shown["labels"].as_object().unwrap().len(), 5, "{shown}");
    assert_ne!(shown["used"], Value::Null);
}
