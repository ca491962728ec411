use std::sync::LazyLock;

use keyward_import::datalad::providers::{convert, read_url_re};
use keyward_import::git_credentials::{self, Line};
use keyward_import::ini::Ini;
use keyward_import::pycred::{FernetKey, Installation, Login, StoreConfig};
use keyward_origin::MAX_URL;
use keyward_provider::Provider;

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

/// No file of DataLad causes a panic. A provider that one becomes is read again as it was written, and
/// its origins are hosts that an expression of the file names.
pub fn import_provider(bytes: &[u8]) {
    if let Ok(text) = std::str::from_utf8(bytes)
        && let Ok(places) = read_url_re(text)
    {
        for origin in places.iter().flat_map(|place| &place.origins) {
            let last = origin.to_string().rsplit(['.', '/']).next().map(str::to_owned);
            let label = last.unwrap_or_default();
            let label = label.split(':').next().unwrap_or_default();
            let has = |c: char| text.to_ascii_lowercase().contains(c);
            assert!(label.chars().all(has), "{origin} is not in {text:?}");
        }
    }
    let Ok(ini) = Ini::parse(bytes, "F") else { return };
    for found in convert(vec![ini]).found {
        for provider in found.providers.into_iter().flatten() {
            let text = provider.to_toml();
            let again = Provider::parse(&provider.name, &text, "F").expect("it was written so");
            assert_eq!(again.to_toml(), text);
        }
    }
}
