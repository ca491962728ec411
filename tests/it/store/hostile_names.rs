//! Hostile names of stores, users and entries, on every storage.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use keyward::{Credentials, EntryId, ErrorKind, OpenStore};

use crate::helpers::home::Home;
use crate::helpers::hostile_values::names;
use crate::helpers::program::keyward;
use crate::store::combinations::StorageHome;

macro_rules! storages {
    ($($storage:ident)*) => {
        mod entries { $(#[test] fn $storage() { super::entries(stringify!($storage)) })* }
        mod stores { $(#[test] fn $storage() { super::stores(stringify!($storage)) })* }
    };
}

storages!(memory file sqlite redb keyring);

/// All names at once as users and as names: each is refused, or keeps its own value.
fn entries(storage: &str) {
    let home = StorageHome::new(storage);
    home.init("s", None, None);
    let store = home.open("s");
    let ids: Vec<EntryId> = texts().iter().flat_map(|name| ids(&store, name)).collect();
    assert!(ids.len() > 100, "{}", ids.len());
    let inside = |path: &Path| path.to_str().unwrap().contains(&store.file.id.to_string());
    let before = outside(&home.home, inside);
    for id in &ids {
        store.set_credentials(id, &credentials(id)).unwrap();
    }
    for id in &ids {
        assert_eq!(store.credentials(id).unwrap(), Some(credentials(id)), "{id}");
    }
    let expected: BTreeSet<_> = ids.iter().cloned().collect();
    assert_eq!(expected.len(), ids.len());
    assert_eq!(listed(&store, None), expected);
    for user in expected.iter().map(EntryId::user) {
        let own = expected.iter().filter(|id| id.user() == user).cloned().collect();
        assert_eq!(listed(&store, Some(user)), own, "{user:?}");
    }
    for (done, id) in ids.iter().enumerate() {
        store.unset(id).unwrap();
        assert_eq!(store.credentials(id).unwrap(), None, "{id}");
        if let Some(next) = ids.get(done + 1) {
            assert_eq!(
                store.credentials(next).unwrap(),
                Some(credentials(next)),
                "{id} took {next} along"
            );
        }
    }
    assert_eq!(listed(&store, None), BTreeSet::new());
    assert_eq!(outside(&home.home, inside), before);
}

/// The entries that a name makes possible.
fn ids(store: &OpenStore, name: &str) -> Vec<EntryId> {
    let tried = [store.entry(Some(name), None), store.entry(Some("ann"), Some(name))];
    let made = tried.into_iter().filter_map(|id| match id {
        Ok(id) => Some(id),
        Err(error) => {
            assert_eq!(error.kind(), ErrorKind::Invalid, "{name:?}: {error}");
            None
        }
    });
    made.collect()
}

fn credentials(id: &EntryId) -> Credentials {
    Credentials::new(format!("of {id}"), id.to_bytes())
}

fn listed(store: &OpenStore, user: Option<&str>) -> BTreeSet<EntryId> {
    let listed: Vec<_> = store.entries(user).map(Result::unwrap).collect();
    let unique: BTreeSet<_> = listed.iter().cloned().collect();
    assert_eq!(listed.len(), unique.len(), "an entry was listed twice");
    unique
}

/// Returns every file except those `inside`, from a folder far above the home on.
fn outside(home: &Home, inside: impl Fn(&Path) -> bool) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut files = crate::helpers::home::files(home.top());
    files.retain(|path, _| !inside(path));
    files
}

/// All names at once as stores, one after the other removed.
fn stores(storage: &str) {
    let home = StorageHome::new(storage);
    let keyward = home.keyward();
    let mut made = BTreeMap::new();
    for name in texts() {
        match home.describe(&name, None, None) {
            Ok(new) => drop(made.insert(name, keyward.init_store(&new).unwrap())),
            Err(error) => assert_eq!(error.kind(), ErrorKind::Invalid, "{name:?}: {error}"),
        }
    }
    assert!(made.len() > 50, "{}", made.len());
    let folder = home.home.folder();
    let strays: Vec<_> =
        outside(&home.home, |path| path.starts_with(folder) || folder.starts_with(path))
            .into_keys()
            .collect();
    assert!(strays.is_empty(), "{strays:?}");
    let files: BTreeSet<_> = made.values().map(|file| file.path.clone()).collect();
    assert_eq!(files.len(), made.len(), "two stores share a file");
    let folder = folder.join(".config/keyward/stores");
    assert!(files.iter().all(|file| file.parent() == Some(&folder)), "{files:?}");
    if storage != "memory" {
        for name in made.keys() {
            let store = keyward.store(name).unwrap();
            let id = store.entry(None, None).unwrap();
            store.set_credentials(&id, &Credentials::new("ann", name.as_str())).unwrap();
        }
    }
    let mut left: BTreeSet<_> = made.into_keys().collect();
    while let Some(name) = left.pop_last() {
        // If the removal of another store had removed this one too, this would fail.
        if storage != "memory" {
            let store = keyward.store(&name).unwrap();
            let kept = store.credentials(&store.entry(None, None).unwrap()).unwrap();
            assert_eq!(kept, Some(Credentials::new("ann", name.as_str())), "{name:?}");
        }
        keyward.delete_store(&name).unwrap();
        let names = keyward.store_names().unwrap();
        let names: BTreeSet<_> = names.iter().map(|name| name.as_str().to_owned()).collect();
        assert_eq!(names, left, "after {name:?}");
    }
}

fn texts() -> Vec<String> {
    names().into_iter().filter_map(|name| String::from_utf8(name).ok()).collect()
}

#[test]
fn the_program_takes_a_name_exactly_or_not_at_all() {
    let home = Home::with_store("--option key.from=file");
    for name in names().into_iter().filter(|name| !name.contains(&0)) {
        let name = OsStr::from_bytes(&name);
        for option in ["--user=", "--name="] {
            let mut chosen = std::ffi::OsString::from(option);
            chosen.push(name);
            let call = |command: &str| home.program(keyward()).arg(command).arg("s").arg(&chosen);
            let before = home.files();
            let set = call("set").args(["ann", "--stdin"]).input(name.as_bytes()).run();
            if set.code != 0 {
                set.ends(2).prints("");
                assert!(home.files() == before, "{name:?} was refused and left something");
                call("get").run().ends(2).prints("");
                continue;
            }
            call("get").arg("--raw").run().ends(0).says_nothing().prints(name.as_bytes());
            let listed = home.keyward("list s --json").run().ends(0).json();
            let key = option.trim_matches(['-', '=']);
            assert_eq!(listed.len(), 1);
            assert_eq!(listed[0][key].as_str().map(OsStr::new), Some(name));
            call("unset").run().ends(0).says_nothing();
            call("get").run().ends(3).prints("");
        }
    }
}

#[test]
fn the_program_makes_a_store_of_exactly_that_name_or_none() {
    for name in names().into_iter().filter(|name| !name.contains(&0)) {
        let home = Home::new();
        let call = |command: &str, options: &[&str]| {
            let call = home.program(keyward()).arg(command).args(options);
            call.arg("--").arg(OsStr::from_bytes(&name))
        };
        let before = home.files();
        let made = call("init", &["--encryption=clear"]).run();
        if made.code != 0 {
            made.ends(2).prints("");
            assert!(home.files() == before, "{} left something", name.escape_ascii());
            call("get", &[]).run().ends(2).prints("");
            continue;
        }
        call("set", &["--stdin"]).arg("ann").input(&name).run().ends(0);
        call("get", &["--raw"]).run().ends(0).prints(&name);
        let listed = home.keyward("list --json").run().ends(0).json();
        assert_eq!(listed.len(), 1);
        assert_eq!(listed[0]["store"].as_str().map(str::as_bytes), Some(name.as_slice()));
        call("rm", &["--yes"]).run().ends(0);
        home.keyward("list").run().ends(0).prints("");
    }
}

#[test]
fn a_terminal_sees_nothing_but_plain_characters() {
    let home = Home::with_store("--encryption clear");
    for name in texts() {
        if name.contains('\0') {
            continue;
        }
        let program = keyward();
        let program = program.to_str().unwrap();
        let set = home.program(program).args(["set", "s", "ann", "--stdin"]);
        set.arg(format!("--user={name}")).arg(format!("--name={name}")).run();
        home.program(program).args(["init", "--encryption=clear", "--", &name]).run();
        for line in [
            format!("get s --user={}", quoted(&name)),
            format!("get -- {}", quoted(&name)),
            format!("help -- {}", quoted(&name)),
            format!("init --storage={} t", quoted(&name)),
            format!("config get -- {}", quoted(&name)),
        ] {
            plain(&home, &line);
        }
    }
    for line in ["list", "list s", "info s --users", "doctor"] {
        plain(&home, line);
    }
}

/// Runs a command on a terminal, and checks that it shows no control characters there.
#[track_caller]
fn plain(home: &Home, line: &str) {
    let line = format!("{} {line}", keyward().display());
    let shown = home.program("script").args(["-qec", &line, "/dev/null"]).run();
    let shown = String::from_utf8(shown.out).unwrap();
    let wrong = |c: char| {
        (c.is_control() && !['\r', '\n', '\t'].contains(&c))
            || matches!(c, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
    };
    assert!(!shown.contains(wrong), "{line:?} showed {shown:?}");
}

/// Quotes a text for a shell.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}
