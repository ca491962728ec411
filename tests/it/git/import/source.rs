//! git's helpers as a `Source` for applications.

use std::time::Duration;

use keyward::{EntryId, Environment, ErrorKind, Record};
use keyward_core::{Change, Field, Origin, Query, Source, Timestamp};
use keyward_git::GitSource;

use crate::helpers::home::Home;

/// The helpers of a home, for the user `me`.
fn source(home: &Home, helper: &str) -> GitSource {
    home.write(".gitconfig", format!("[credential]\n\thelper = {helper:?}\n"));
    let variables = [("HOME", home.path("")), ("PATH", "/usr/local/bin:/usr/bin:/bin".into())];
    GitSource::new(Environment::new(variables), "me", Duration::from_secs(20))
}

fn id(name: &str) -> EntryId {
    EntryId::new("me", Some(name)).unwrap()
}

fn record(host: &str, username: &str, password: &str) -> Record {
    let mut record = Record::new("user-password")
        .with("username", Field::open(username))
        .with("password", Field::secret(password));
    record.origins = vec![Origin { scheme: "https".into(), host: host.into(), port: 443 }];
    record
}

#[track_caller]
fn fails<T: std::fmt::Debug>(result: keyward::Result<T>, kind: ErrorKind) {
    let error = result.unwrap_err();
    assert_eq!(error.kind(), kind, "{error:?}");
}

#[test]
fn what_is_put_is_there_until_it_is_erased() {
    let home = Home::new();
    let git = source(&home, "store");
    let (ann, bob) = (record("x", "ann", "1"), record("x", "bob", "2"));
    for (name, record) in [("https://ann@x", &ann), ("https://bob@x", &bob)] {
        fails(git.get(&id(name)), ErrorKind::NotFound);
        git.put(&id(name), record).unwrap();
        assert_eq!(&git.get(&id(name)).unwrap(), record);
    }
    assert_eq!(git.get(&id("https://x")).unwrap(), bob, "the newest");
    git.erase(&id("https://bob@x")).unwrap();
    fails(git.erase(&id("https://bob@x")), ErrorKind::NotFound);
    assert_eq!(git.get(&id("https://x")).unwrap(), ann);
    git.put(&id("https://x"), &bob).unwrap();
    assert_eq!(git.get(&id("https://x")).unwrap(), bob);
}

#[test]
fn an_update_gets_then_puts() {
    let home = Home::new();
    let git = source(&home, "store");
    let name = id("https://ann@x/p");
    let mut seen = Vec::new();
    for change in [
        Change::Remove,
        Change::Put(Box::new(record("x", "ann", "1"))),
        Change::Leave,
        Change::Remove,
        Change::Leave,
    ] {
        let mut change = Some(change);
        git.update(&name, &mut |old| {
            seen.push(old.is_some());
            Ok(change.take().expect("it is asked once"))
        })
        .unwrap();
    }
    assert_eq!(seen, [false, false, true, true, false]);
    fails(git.list(&Query::default()), ErrorKind::Unsupported);
}

#[test]
fn other_names_and_other_users_are_not_here() {
    let home = Home::new();
    let git = source(&home, "!f() { touch \"$HOME/asked\"; }; f");
    for id in [
        EntryId::new("me", None).unwrap(),
        id("work"),
        id("https://X"),
        id("https://ann:pw@x"),
        EntryId::new("other", Some("https://x")).unwrap(),
    ] {
        fails(git.get(&id), ErrorKind::NotFound);
        fails(git.erase(&id), ErrorKind::NotFound);
        fails(git.put(&id, &record("x", "ann", "1")), ErrorKind::Unsupported);
    }
    assert!(!home.path("asked").exists());
}

#[test]
fn what_no_helper_keeps_is_an_error() {
    let home = Home::new();
    let ann = record("x", "ann", "1");
    fails(source(&home, "").put(&id("https://ann@x"), &ann), ErrorKind::Unsupported);
    let constant = "!f() { printf 'username=ann\\npassword=other\\n'; }; f";
    let git = source(&home, constant);
    fails(git.put(&id("https://ann@x"), &ann), ErrorKind::Unsupported);
    fails(git.erase(&id("https://ann@x")), ErrorKind::Unsupported);
    let git = source(&home, "store");
    fails(git.put(&id("https://ann@x"), &record("x", "ann", "a\nhost=y")), ErrorKind::Unsupported);
    fails(git.put(&id("https://ann@x"), &ann.clone().with_kind("token")), ErrorKind::Unsupported);
    fails(git.put(&id("https://bob@x"), &ann), ErrorKind::Invalid);
    fails(git.put(&id("https://ann@y"), &ann), ErrorKind::Refused);
    let noted = ann.clone().with("note", Field::open("n"));
    fails(git.put(&id("https://ann@x"), &noted), ErrorKind::Unsupported);
    assert!(!home.path(".git-credentials").exists());
    let expired = ann.clone().with_expires(Some(Timestamp::from_unix(1000)));
    fails(git.put(&id("https://ann@x"), &expired), ErrorKind::Unsupported);
    let token = ann.with("refresh_token", Field::secret("R"));
    fails(git.put(&id("https://ann@x"), &token), ErrorKind::Unsupported);
}
