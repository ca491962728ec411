//! If a storage keeps a keyset and fails before it confirms that, the store still opens.

use std::fs;

use keyward::{Credentials, ErrorKind, Keyward, NewStore};
use keyward_core::{Persistence, SecretRef, Values};

use crate::helpers::home::Home;
use crate::helpers::scripted_storage::{self, Answer};

fn init(library: &Keyward) -> keyward::Result<()> {
    let key = SecretRef { from: "file".into(), options: Values::new() };
    let new = NewStore { key: Some(key), ..NewStore::named("store").unwrap() };
    library.init_store(&new).map(drop)
}

/// How many keys there are in files.
fn keys(home: &Home) -> usize {
    let folder = home.path(".local/state/keyward/keys");
    fs::read_dir(folder).map_or(0, |files| {
        files.filter(|file| file.as_ref().unwrap().file_type().unwrap().is_file()).count()
    })
}

#[test]
fn a_new_keyset_whose_answer_is_lost_is_found() {
    let home = Home::in_memory();
    let library = scripted_storage::library(&home);
    scripted_storage::answer_keysets([Answer::Lost, Answer::Given]);
    init(&library).unwrap();
    assert_eq!(scripted_storage::answers_left(), 0, "the second write made it durable");
    let store = home.store("store");
    let (id, password) = (store.entry(Some("ann"), None).unwrap(), Credentials::new("ann", "1"));
    store.set_credentials(&id, &password).unwrap();
    assert_eq!(home.store("store").credentials(&id).unwrap(), Some(password));
}

#[test]
fn the_key_of_a_keyset_that_was_not_kept_is_deleted() {
    let home = Home::in_memory();
    scripted_storage::answer_keysets([Answer::NotKept]);
    let error = init(&scripted_storage::library(&home)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert_eq!(keys(&home), 0);
}

#[test]
fn the_key_of_a_keyset_that_may_have_been_kept_stays() {
    for answers in [&[Answer::LostForGood][..], &[Answer::Lost, Answer::Lost]] {
        let home = Home::in_memory();
        scripted_storage::answer_keysets(answers.iter().copied());
        let error = init(&scripted_storage::library(&home)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unavailable, "{answers:?}");
        assert!(error.advice().unwrap().contains("its key stays in `file`"), "{error:?}");
        assert_eq!(keys(&home), 1, "{answers:?}");
        scripted_storage::answer_keysets([]);
    }
}

#[test]
fn a_rotation_whose_answers_are_lost_goes_on() {
    let home = Home::in_memory();
    home.init("store", "file", "aes-gcm");
    let store = scripted_storage::library(&home).store("store").unwrap();
    let (id, password) = (store.entry(Some("ann"), None).unwrap(), Credentials::new("ann", "1"));
    store.set_credentials(&id, &password).unwrap();

    scripted_storage::answer_keysets([Answer::Lost, Answer::Given].repeat(3));
    let rotated = store.rotate(|_| {}).unwrap();
    assert_eq!((rotated.resealed, rotated.old_keys), (1, 1));
    scripted_storage::answer_keysets([Answer::Lost, Answer::Given]);
    assert_eq!(store.retire().unwrap(), 1);

    assert_eq!(scripted_storage::answers_left(), 0);
    assert_eq!(store.credentials(&id).unwrap(), Some(password.clone()));
    assert_eq!(home.store("store").credentials(&id).unwrap(), Some(password));
}

#[test]
fn doctor_reports_a_keyset_that_does_not_open() {
    for persistence in [Persistence::Session, Persistence::Durable] {
        let home = Home::in_memory();
        home.init("store", "file", "aes-gcm");
        scripted_storage::pretend(persistence);
        let check = || scripted_storage::library(&home).store("store").unwrap().check_key();
        check().unwrap();
        let key = home.path(".local/state/keyward/keys");
        let key = fs::read_dir(key).unwrap().map(|file| file.unwrap().path());
        key.filter(|path| path.is_file()).for_each(|path| fs::remove_file(path).unwrap());
        assert_eq!(check().unwrap_err().kind(), ErrorKind::NoKey, "{persistence:?}");
    }
}
