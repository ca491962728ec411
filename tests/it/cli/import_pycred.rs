//! `keyward import`: PyCred's stores.
//!
//! `tests/fixtures/pycred/make.py` made the home that these tests unpack, and says how much of PyCred was in it.

use std::collections::BTreeMap;
use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

use base64::Engine;
use serde::Deserialize;
use xtask::root;
use xtask::transcript::steps;

use crate::helpers::console_pages::differences;
use crate::helpers::home::Home;
use crate::helpers::invocation::Finished;

const STORES: &str = "Büro, mit einem Namen: lang genug, # um ihn - umzubrechen\nempty\nhostile\nq[1] *\nvault\nwork\n";

/// The credentials that were stored with PyCred.
#[derive(Deserialize)]
struct Kept {
    store: String,
    user: String,
    username: String,
    password: String,
}

impl Kept {
    fn password(&self) -> Vec<u8> {
        base64::engine::general_purpose::STANDARD.decode(&self.password).unwrap()
    }
}

fn kept() -> Vec<Kept> {
    let text = fs::read(root().join("tests/fixtures/pycred/expected.json")).unwrap();
    serde_json::from_slice(&text).unwrap()
}

/// A home in which PyCred was used.
struct Used {
    home: Home,
    dir: PathBuf,
}

impl Used {
    fn everything() -> Self {
        Self::only(&[])
    }

    /// A home with only these stores of PyCred.
    fn only(stores: &[&str]) -> Self {
        let home = Home::in_memory();
        unpack(home.folder(), stores);
        Self { dir: home.path(".pycred"), home }
    }

    fn config(&self, store: &str) -> PathBuf {
        self.dir.join(format!("store/{store}.yaml"))
    }

    fn record(&self, store: &str, user: &str) -> PathBuf {
        self.dir.join(format!("data/{store}/storage/file/{user}.dat"))
    }

    fn key(&self, store: &str) -> PathBuf {
        self.dir.join(format!("data/{store}/encryption/aes/key.aes"))
    }

    fn import(&self) -> Finished {
        self.home.run(&["import", "pycred", self.dir.to_str().unwrap()])
    }

    /// Returns the exit code and the output of an import.
    fn outcome(&self) -> (i32, String) {
        let Finished { code, out, err, .. } = self.import();
        (code, String::from_utf8(out).unwrap() + &err)
    }

    fn password(&self, store: &str, user: &str) -> Option<Vec<u8>> {
        let store = self.home.store(store);
        let id = store.entry(Some(user), None).unwrap();
        store.credentials(&id).unwrap().map(|credentials| credentials.password.expose().to_vec())
    }

    /// Returns every file below PyCred's home, with its content.
    fn files(&self) -> BTreeMap<PathBuf, Vec<u8>> {
        let mut files = BTreeMap::new();
        let mut folders = vec![self.dir.clone()];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                } else {
                    files.insert(path.clone(), fs::read(&path).unwrap());
                }
            }
        }
        files
    }
}

fn unpack(into: &Path, stores: &[&str]) {
    let mut tar = Command::new("tar");
    tar.args(["--no-same-owner", "--no-wildcards", "-xpf"])
        .arg(root().join("tests/fixtures/pycred/home.tar"));
    tar.arg("-C").arg(into);
    for store in stores {
        tar.args([format!(".pycred/store/{store}.yaml"), format!(".pycred/data/{store}")]);
    }
    assert!(tar.status().unwrap().success());
    // The selected files do not include the folder that contains them, so its mode is set here.
    let stores = into.join(".pycred/store");
    fs::set_permissions(stores, Permissions::from_mode(0o700)).unwrap();
}

#[test]
fn an_import_copies_all_records_and_changes_no_file_of_pycred() {
    let used = Used::everything();
    let before = used.files();
    let (code, said) = used.outcome();
    assert_eq!(code, 6, "{said}");
    assert!(said.contains("hostile: 10 users imported into a new store, 6 refused\n"), "{said}");
    assert!(said.contains("q[1] *: 7 users imported into a new store\n"), "{said}");
    assert!(said.contains("fleeting: 0 users imported (PyCred kept it in memory)\n"), "{said}");
    assert_eq!(used.home.run_ok(&["list"]), STORES);
    for Kept { store, user, username, .. } in &kept() {
        let opened = used.home.store(store);
        let id = opened.entry(Some(user), None).unwrap();
        assert_eq!(&opened.credentials(&id).unwrap().unwrap().username, username, "{store}/{user}");
    }
    for kept in kept() {
        let password = kept.password();
        assert_eq!(used.password(&kept.store, &kept.user), Some(password.clone()), "{}", kept.user);
        let shows = String::from_utf8(password).is_ok_and(|it| it.len() > 3 && said.contains(&it));
        assert!(!shows, "the password of {} is in: {said}", kept.user);
    }
    assert_eq!(used.files(), before);
}

#[test]
fn an_import_can_be_repeated() {
    let used = Used::only(&["work", "vault"]);
    used.import().ends(0).into_text();
    let again = used.import().ends(0).into_text();
    assert_eq!(
        again,
        "vault: 0 users imported, 7 there already\nwork: 0 users imported, 7 there already\n"
    );
}

#[test]
fn nothing_that_is_there_is_replaced() {
    let used = Used::only(&["work"]);
    used.home.run_ok(&["init", "work"]);
    let file = used.home.path("password");
    fs::write(&file, "newer").unwrap();
    let file = file.to_str().unwrap();
    used.home.run_ok(&["set", "work", "ann", "--user", "ann", "--password-file", file]);
    let (code, said) = used.outcome();
    assert_eq!(code, 8, "{said}");
    assert!(
        said.contains("work: 6 users imported into the store that is there, 1 refused"),
        "{said}"
    );
    assert_eq!(used.password("work", "ann").unwrap(), b"newer");
    assert_eq!(used.password("work", "bob").unwrap(), b"");
}

#[test]
fn a_dry_run_opens_everything_and_writes_nothing() {
    let used = Used::only(&["work", "vault"]);
    fs::write(used.record("vault", "bob"), "canary").unwrap();
    let dir = used.dir.to_str().unwrap();
    let before = used.home.files();
    let import = used.home.run(&["import", "pycred", dir, "--dry-run", "--json"]);
    let lines = import.ends(6).json();
    assert_eq!(lines[0]["store"], "vault");
    assert_eq!(lines[0]["made"], true);
    assert_eq!(lines[0]["imported"].as_array().unwrap().len(), 6);
    assert_eq!(lines[0]["refused"][0]["user"], "bob");
    assert_eq!(lines[1]["imported"].as_array().unwrap().len(), 7);
    assert_eq!(used.home.files(), before);
}

#[test]
fn a_prefix_keeps_stores_apart() {
    let used = Used::only(&["work"]);
    let dir = used.dir.to_str().unwrap();
    let said = used.home.run_ok(&["import", "pycred", dir, "--prefix", "old "]);
    assert!(said.starts_with("work as old work: 7 users imported into a new store\n"), "{said}");
    assert_eq!(used.home.run_ok(&["list"]), "old work\n");
}

#[test]
fn pycreds_home_may_have_moved() {
    for inside in ["", "store"] {
        let mut used = Used::only(&["vault"]);
        let moved = used.home.path("backup");
        fs::rename(&used.dir, &moved).unwrap();
        used.dir = moved.join(inside);
        let said = used.import().ends(0).into_text();
        assert!(said.starts_with("vault: 7 users"), "{inside:?}: {said}");
        assert_eq!(used.password("vault", "ann").unwrap(), b"s3cret");
    }
}

#[test]
fn a_copy_is_not_mistaken_for_the_original() {
    let mut used = Used::only(&["work"]);
    let copy = used.home.path("copy");
    assert!(Command::new("cp").arg("-a").args([&used.dir, &copy]).status().unwrap().success());
    fs::write(used.record("work", "ann"), "[\"ann\", \"newer\"]").unwrap();
    used.dir = copy;
    used.import().ends(0).into_text();
    assert_eq!(used.password("work", "ann").unwrap(), b"s3cret");
}

#[test]
fn a_store_without_data_is_made_and_said() {
    let used = Used::only(&["work"]);
    fs::rename(used.dir.join("data"), used.home.path("gone")).unwrap();
    let said = used.import().ends(0).into_text();
    assert!(said.starts_with("work: 0 users imported into a new store ("), "{said}");
    assert!(said.ends_with("/.pycred/data/work/storage/file does not exist)\n"), "{said}");
}

#[test]
fn paths_are_followed_as_pycred_follows_them() {
    let used = Used::only(&["vault"]);
    let data = used.home.path("elsewhere/data");
    let key = used.home.path("elsewhere/key");
    fs::create_dir(data.parent().unwrap()).unwrap();
    fs::rename(used.record("vault", "ann").parent().unwrap(), &data).unwrap();
    fs::rename(used.key("vault"), key).unwrap();
    let config = fs::read_to_string(used.config("vault")).unwrap();
    let config = config
        .replace("~/.pycred/data/vault/storage/file", data.to_str().unwrap())
        .replace("~/.pycred/data/vault/encryption/aes/key.aes", "~/elsewhere/key");
    fs::write(used.config("vault"), config).unwrap();
    assert!(used.import().ends(0).into_text().starts_with("vault: 7 users"));
}

#[test]
fn pycreds_own_file_says_where_its_stores_are() {
    let used = Used::only(&["work"]);
    let config = used.dir.join(".config.yaml");
    fs::write(&config, "---\n").unwrap();
    assert!(
        used.import().ends(0).into_text().starts_with("work: 7 users"),
        "an empty file is the default"
    );
    fs::rename(used.dir.join("store"), used.home.path("stores")).unwrap();
    let role = "!PyCredBackendDefaultConfig {backends: [], default: a}";
    let text = format!(
        "!PyCredConfig\nencryptions: {role}\nserializers: {role}\nstorages: {role}\nstore_path: ~/stores\n"
    );
    fs::write(&config, text).unwrap();
    assert!(
        used.import().ends(0).into_text().starts_with("work: 0 users imported, 7 there already")
    );
}

#[test]
fn a_damaged_record_does_not_stop_the_others() {
    let used = Used::only(&["vault", "work"]);
    let token = fs::read(used.record("vault", "ann")).unwrap();
    let mut altered = token.clone();
    altered[token.len() / 2] ^= 1;
    fs::write(used.record("vault", "ann"), altered).unwrap();
    fs::write(used.record("vault", "bob"), &token[..token.len() - 4]).unwrap();
    fs::write(used.record("work", "ann"), "[\"canary\", \"canary\"").unwrap();
    fs::write(used.record("work", "bob"), "x".repeat((1 << 20) + 1)).unwrap();
    let (code, said) = used.outcome();
    assert_eq!(code, 6, "{said}");
    assert!(said.contains("vault: 5 users imported into a new store, 2 refused"), "{said}");
    assert!(said.contains("work: 5 users imported into a new store, 2 refused"), "{said}");
    assert!(said.contains("user `ann`: it was altered, or sealed with another key"), "{said}");
    assert!(said.contains("user `bob`: the file is too large"), "{said}");
    assert!(!said.contains("canary"), "{said}");
    assert_eq!(used.password("vault", "ann"), None);
}

#[test]
fn a_wrong_key_opens_nothing_and_makes_nothing() {
    let used = Used::only(&["vault", "q[1] *"]);
    fs::copy(used.key("q[1] *"), used.key("vault")).unwrap();
    let (code, said) = used.outcome();
    assert_eq!(code, 6, "{said}");
    assert!(said.contains("vault: 0 users imported, 7 refused"), "{said}");
    assert_eq!(used.home.run_ok(&["list"]), "q[1] *\n");
}

#[test]
fn a_missing_key_is_said_and_not_replaced() {
    let used = Used::only(&["vault", "work"]);
    fs::remove_file(used.key("vault")).unwrap();
    let (code, said) = used.outcome();
    assert_eq!(code, 6, "{said}");
    assert!(said.contains("vault: not imported: the key file "), "{said}");
    assert!(!used.key("vault").exists());
    assert_eq!(used.home.run_ok(&["list"]), "work\n");
}

#[test]
fn a_tag_of_python_runs_nothing() {
    for text in [
        "!!python/object/apply:os.system ['touch MARK']\n",
        "!StoreConfig\nname: !!python/object/apply:os.system ['touch MARK']\n",
        "%TAG !p! tag:yaml.org,2002:python/\n--- !p!object/apply:subprocess.call [[touch, MARK]]\n",
    ] {
        let used = Used::only(&["work"]);
        let mark = used.home.path("mark");
        fs::write(used.config("evil"), text.replace("MARK", mark.to_str().unwrap())).unwrap();
        let (code, said) = used.outcome();
        assert_eq!(code, 4, "{said}");
        assert!(!mark.exists());
        assert!(said.contains("evil.yaml: line ") && said.contains("no code was run"), "{said}");
        assert!(!said.contains("touch") && !said.contains("os.system"), "{said}");
        assert_eq!(used.home.run_ok(&["list"]), "work\n");
    }
}

#[test]
fn files_that_others_may_have_put_there_are_refused() {
    type Meddle = fn(&Used);
    let cases: &[(&str, Meddle)] = &[
        ("a record that others can read", |used| mode(&used.record("work", "ann"), 0o644)),
        ("a key that others can read", |used| mode(&used.key("vault"), 0o640)),
        ("a record behind a link", |used| {
            let target = used.home.path("target");
            fs::rename(used.record("work", "ann"), &target).unwrap();
            symlink(target, used.record("work", "ann")).unwrap();
        }),
        ("a record that is a pipe", |used| {
            fs::remove_file(used.record("work", "ann")).unwrap();
            let mkfifo = Command::new("mkfifo").arg(used.record("work", "ann")).status();
            assert!(mkfifo.unwrap().success());
            mode(&used.record("work", "ann"), 0o600);
        }),
        ("a store's file that others can write", |used| mode(&used.config("work"), 0o666)),
        ("a store's file behind a link", |used| {
            let target = used.home.path("target");
            fs::rename(used.config("work"), &target).unwrap();
            symlink(target, used.config("work")).unwrap();
        }),
        ("a folder that others can write", |used| {
            mode(used.record("work", "ann").parent().unwrap(), 0o777);
        }),
    ];
    for (what, meddle) in cases {
        let used = Used::only(&["work", "vault"]);
        meddle(&used);
        let (code, said) = used.outcome();
        assert_eq!(code, 4, "{what}: {said}");
    }
}

fn mode(path: &Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

#[test]
fn what_is_not_pycreds_is_exit_2() {
    let home = Home::in_memory();
    fs::create_dir(home.path("empty")).unwrap();
    fs::write(home.path("file.yaml"), "").unwrap();
    for dir in ["empty", "missing", "file.yaml"] {
        let dir = home.path(dir);
        home.run(&["import", "pycred", dir.to_str().unwrap()]).ends(2);
    }
}

#[test]
fn the_page_about_it_is_true() {
    let page = fs::read_to_string(root().join("docs/importing.md")).unwrap();
    // The page's session is not marked as `console`: those sessions begin in an empty home.
    let steps = steps(&page.replace("```text", "```console"));
    assert!(!steps.is_empty(), "docs/importing.md shows no session");
    let home = Home::in_memory();
    unpack(home.folder(), &["work", "vault"]);
    home.write(".pycred/data/vault/storage/file/bob.dat", "gAAAAA");
    assert_eq!(differences(&home, steps), Vec::<String>::new());
}
