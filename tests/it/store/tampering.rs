//! A record that was changed, truncated or moved does not open under `aes-gcm` and `age`; under
//! `clear`, damage and moves are detected.

use std::path::{Path, PathBuf};

use keyward::{Credentials, ErrorKind, OpenStore};

use crate::helpers::home::{Home, init};

/// A store in a separate home: two records of `ann`, one of them named, and one of `bob`.
struct TestStore {
    home: Home,
    store: OpenStore,
}

pub(crate) const ENCRYPTIONS: [&str; 3] = ["clear", "aes-gcm", "age"];

impl TestStore {
    fn new(encryption: &str) -> Self {
        let home = Home::in_memory();
        make(&home, "one", "file", encryption);
        let store = home.store("one");
        for (user, name) in [("ann", None), ("bob", None), ("ann", Some("work"))] {
            let id = store.entry(Some(user), name).unwrap();
            store.set_credentials(&id, &Credentials::new(user, "a secret of theirs")).unwrap();
        }
        Self { home, store }
    }

    fn file(&self, entry: &str) -> PathBuf {
        self.home.store_folder().join(entry)
    }

    /// How an entry fails to open; `None` if it opens.
    fn failure(&self, user: &str, name: Option<&str>) -> Option<ErrorKind> {
        let id = self.store.entry(Some(user), name).unwrap();
        self.store.get(&id).err().map(|error| error.kind())
    }

    fn refuses(&self, why: &str) {
        let failure = self.failure("ann", None);
        assert!(
            matches!(failure, Some(ErrorKind::Corrupt | ErrorKind::NoKey)),
            "{why}: {failure:?}"
        );
    }
}

/// Makes a store, one with `age` for the identity of this home.
pub(crate) fn make(home: &Home, name: &str, storage: &str, encryption: &str) {
    let mut arguments = init(name, storage, encryption);
    let (identity, recipients);
    if encryption == "age" {
        let file = home.path("identity");
        if !file.exists() {
            let made = home.command("age-keygen").arg("-o").arg(&file).output().unwrap();
            assert!(made.status.success(), "age-keygen is needed");
        }
        let public = home.command("age-keygen").arg("-y").arg(&file).output().unwrap();
        recipients =
            format!("encryption.recipients={}", String::from_utf8(public.stdout).unwrap().trim());
        identity = format!("encryption.identity_file={}", file.display());
        arguments.extend(["--option", &recipients, "--option", &identity]);
    }
    home.run_ok(&arguments);
}

fn write(path: &Path, bytes: &[u8]) {
    std::fs::write(path, bytes).unwrap();
}

#[test]
fn every_flipped_bit_is_refused() {
    for encryption in ENCRYPTIONS {
        let subject = TestStore::new(encryption);
        let file = subject.file("ann/%");
        let good = std::fs::read(&file).unwrap();
        for bit in 0..good.len() * 8 {
            let mut bad = good.clone();
            bad[bit / 8] ^= 1 << (bit % 8);
            write(&file, &bad);
            subject.refuses(&format!("{encryption}: bit {bit}"));
        }
        write(&file, &good);
        assert_eq!(subject.failure("ann", None), None);
    }
}

#[test]
fn every_cut_and_every_extension_is_refused() {
    for encryption in ENCRYPTIONS {
        let subject = TestStore::new(encryption);
        let file = subject.file("ann/%");
        let good = std::fs::read(&file).unwrap();
        for length in 0..good.len() {
            write(&file, &good[..length]);
            subject.refuses(&format!("{encryption}: cut to {length}"));
        }
        for more in [1, 16, 1 << 20] {
            write(&file, &[&good[..], &vec![0; more]].concat());
            subject.refuses(&format!("{encryption}: {more} bytes more"));
        }
    }
}

#[test]
fn a_record_opens_nowhere_but_in_its_place() {
    for encryption in ENCRYPTIONS {
        let subject = TestStore::new(encryption);
        make(&subject.home, "two", "file", encryption);
        let two = subject.home.store("two");
        let id = two.entry(Some("ann"), None).unwrap();
        two.set_credentials(&id, &Credentials::new("ann", "of another store")).unwrap();
        let other = subject.home.path(".local/share/keyward/stores").join(two.file.id.to_string());
        let one = subject
            .home
            .path(".local/share/keyward/stores")
            .join(subject.store.file.id.to_string());
        let good = std::fs::read(one.join("ann/%")).unwrap();
        for foreign in [one.join("bob/%"), one.join("ann/work"), other.join("ann/%")] {
            write(&one.join("ann/%"), &std::fs::read(&foreign).unwrap());
            subject.refuses(&format!("{encryption}: {}", foreign.display()));
        }
        write(&one.join("ann/%"), &good);
        assert_eq!(subject.failure("ann", None), None);
    }
}

#[test]
fn an_exchanged_or_missing_keyset_or_key_is_never_replaced() {
    let subject = TestStore::new("aes-gcm");
    let keyset = subject.file("%/keyset");
    let key =
        subject.home.path(".local/state/keyward/keys").join(subject.store.file.id.to_string());
    for path in [keyset, key] {
        let good = std::fs::read(&path).unwrap();
        for bad in [None, Some(Vec::new()), Some(good.iter().rev().copied().collect())] {
            match &bad {
                None => std::fs::remove_file(&path).unwrap(),
                Some(bad) => write(&path, bad),
            }
            let afresh = subject.home.store("one");
            let id = afresh.entry(Some("ann"), None).unwrap();
            let kind = afresh.get(&id).unwrap_err().kind();
            let refused =
                matches!(kind, ErrorKind::NoKey | ErrorKind::Corrupt | ErrorKind::Invalid);
            assert!(refused, "{}: {kind:?}", path.display());
            let set = afresh.set_credentials(&id, &Credentials::new("ann", "new"));
            assert!(set.is_err(), "{} was replaced by a write", path.display());
            assert_eq!(std::fs::read(&path).ok(), bad, "{} was touched", path.display());
            if bad.is_none() {
                write(&path, &good);
                std::fs::set_permissions(
                    &path,
                    std::os::unix::fs::PermissionsExt::from_mode(0o600),
                )
                .unwrap();
            } else {
                write(&path, &good);
            }
        }
        assert_eq!(
            subject
                .home
                .store("one")
                .get(&subject.store.entry(Some("ann"), None).unwrap())
                .err()
                .map(|e| e.kind()),
            None
        );
    }
}
