//! Homes of earlier versions: everything in them still works.
//!
//! `tests/fixtures/homes/make.sh` makes one for each released version.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use xtask::root;

use crate::helpers::home::Home;
use crate::helpers::invocation::Invocation;
use crate::helpers::program::keyward;

/// What `make.sh` keeps in each store: the arguments that name an entry, its username and its password.
const ENTRIES: [(&[&str], &str, &str); 4] = [
    (&["--user", "ann"], "ann", "plain"),
    (&["--user", "ann", "--name", "a name"], "ann", "named"),
    (&["--user", "ann", "--name", "https://bob@bob.example"], "bob", "for an origin"),
    (&["--user", "Zoë"], "Zoë", "päss 🦀"),
];

/// The homes in `tests/fixtures/homes`, unpacked, each with its version.
fn homes() -> Vec<(String, Home)> {
    let folder = root().join("tests/fixtures/homes");
    let files = fs::read_dir(folder).unwrap().map(|file| file.unwrap().path());
    let unpacked: Vec<_> = files
        .filter_map(|file| {
            let version = file.file_name()?.to_str()?.strip_suffix(".tar.gz")?.to_owned();
            Some((version, unpack(&file)))
        })
        .collect();
    assert!(!unpacked.is_empty());
    unpacked
}

fn unpack(archive: &Path) -> Home {
    let home = Home::new();
    let mut tar = Command::new("tar");
    tar.args(["--extract", "--gzip", "--no-same-owner", "--preserve-permissions", "--file"]);
    let status = tar.arg(archive).arg("--directory").arg(home.path("")).status().unwrap();
    assert!(status.success());
    let folders = ["stores", "plugins"].map(|name| home.path(".config/keyward").join(name));
    let definitions = folders.iter().flat_map(|folder| fs::read_dir(folder).unwrap());
    let definitions = definitions.map(|file| file.unwrap().path()).filter(|path| path.is_file());
    for path in definitions.chain([home.path(".gitconfig")]) {
        let text = fs::read_to_string(&path).unwrap();
        let text = text.replace("@HOME@", home.path("").to_str().unwrap().trim_end_matches('/'));
        fs::write(&path, text.replace("@KEYWARD@", keyward().to_str().unwrap())).unwrap();
    }
    home
}

/// The names of the stores in a home.
fn stores(home: &Home) -> Vec<String> {
    let ran = home.keyward("list").run().ends(0);
    let names: Vec<_> = ran.text().lines().map(str::to_owned).collect();
    assert!(names.len() > 20, "{names:?}");
    names
}

/// `keyward VERB STORE` for one entry of it.
fn entry(home: &Home, verb: &str, store: &str, entry: &[&str]) -> Invocation {
    home.keyward(verb).arg(store).args(entry)
}

#[test]
fn every_store_of_an_earlier_version_opens_and_can_be_changed() {
    for (version, home) in homes() {
        for store in stores(&home).iter().filter(|name| *name != "git") {
            println!("{version} {store}");
            for (id, username, password) in ENTRIES {
                let got = entry(&home, "get", store, id).args(["-n", "-p"]).run().ends(0);
                got.prints(format!("{username}\n{password}\n"));
            }
            home.keyward(&format!("store verify {store}")).run().ends(0);
            let (id, ..) = ENTRIES[0];
            entry(&home, "set", store, id).args(["ann", "--stdin"]).input("new").run().ends(0);
            entry(&home, "get", store, id).arg("-p").run().ends(0).prints("new\n");
        }
    }
}

#[test]
fn every_key_of_an_earlier_version_can_be_rotated() {
    for (version, home) in homes() {
        for store in
            ["cbor", "file-aes-gcm", "sqlite-aes-gcm", "redb-aes-gcm", "rotated", "key-passphrase"]
        {
            println!("{version} {store}");
            home.keyward(&format!("store rotate {store} --retire")).run().ends(0);
            for (id, username, password) in ENTRIES {
                let got = entry(&home, "get", store, id).args(["-n", "-p"]).run().ends(0);
                got.prints(format!("{username}\n{password}\n"));
            }
        }
    }
}

#[test]
fn every_store_of_an_earlier_version_can_be_removed() {
    for (version, home) in homes() {
        for store in stores(&home) {
            println!("{version} {store}");
            home.keyward("rm --yes").arg(&store).run().ends(0);
            home.keyward("info").arg(&store).run().ends(2);
        }
        assert_eq!(key_files(&home), Vec::<PathBuf>::new(), "{version}");
    }
}

/// The key files that are left in a home.
fn key_files(home: &Home) -> Vec<PathBuf> {
    let keys = home.path(".local/state/keyward/keys");
    let files = fs::read_dir(keys).into_iter().flatten().map(|file| file.unwrap().path());
    files.filter(|path| path.is_file()).collect()
}

#[test]
fn git_asks_as_an_earlier_version_set_it_up() {
    for (_, home) in homes() {
        home.keyward("setup git --check").run().ends(0);
        for user in ["ann", "bob"] {
            let asked = format!("protocol=https\nhost=git.example\nusername={user}\n\n");
            let answer =
                home.program("git").args(["credential", "fill"]).input(asked).run().ends(0);
            assert!(
                answer.text().contains(&format!("password=git of {user}\n")),
                "{}",
                answer.text()
            );
        }
    }
}

#[test]
fn settings_of_an_earlier_version_are_read() {
    for (_, home) in homes() {
        home.keyward("config get defaults.storage").run().ends(0).prints("sqlite\n");
        home.keyward("config validate").run().ends(0);
        home.keyward("doctor").run().ends(0);
    }
}
