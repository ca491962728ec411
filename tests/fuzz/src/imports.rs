use std::sync::LazyLock;

use keyward_import::git_credentials::{self, Line};
use keyward_import::pycred::{FernetKey, Installation, Login, StoreConfig};
use keyward_origin::MAX_URL;

/// No file of PyCred causes a panic. Only tokens that were sealed open, and a login is what PyCred
/// would have written.
pub fn import_pycred(bytes: &[u8]) {
    static KEY: LazyLock<FernetKey> = LazyLock::new(|| {
        FernetKey::parse(b"cw_0x689RpI-jtRR7oE8h_eQsKImvJapLeSbXpwF4e4=").expect("a key")
    });
    drop((StoreConfig::parse(bytes), Installation::parse(bytes), FernetKey::parse(bytes)));
    if let Ok(plain) = KEY.open(bytes) {
        assert_eq!(plain.expose(), b"hello");
    }
    if let Ok(login) = Login::parse(bytes)
        && let Some(password) = login.password.expose_str()
    {
        let written = serde_json::to_vec(&(&login.username, password)).expect("two texts");
        assert_eq!(Login::parse(&written).expect("it was written so"), login);
    }
}

/// A line of git's has the same meaning with every byte of the password escaped; and lines have
/// different numbers.
pub fn import_git(bytes: &[u8]) {
    let Ok(lines) = git_credentials::parse(bytes) else { return };
    assert!(lines.is_sorted_by(|one, next| one.number < next.number));
    for login in lines.into_iter().filter_map(|line| line.login.ok()) {
        let shown = login.location.to_string();
        let (account, place) = shown.split_once('@').expect("it has an account");
        let password = login.password.expose().iter().map(|byte| format!("%{byte:02x}"));
        let written = format!("{account}:{}@{place}", password.collect::<String>());
        if written.len() > MAX_URL {
            continue;
        }
        match &git_credentials::parse(written.as_bytes()).expect("it is short")[..] {
            [Line { number: 1, login: Ok(again) }] => assert_eq!(*again, login),
            other => panic!("{written} is read as {other:?}"),
        }
    }
}
