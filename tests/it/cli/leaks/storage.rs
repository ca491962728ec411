//! The canary goes through every command, on the storages that are files.

use std::fs;

use super::canary::Canary;
use crate::helpers::home::Home;

macro_rules! stores {
    ($($name:ident: $options:literal;)*) => {$(
        #[test]
        fn $name() { goes_through_every_command($options) }
    )*};
}

stores! {
    aes_gcm_file: "--encryption aes-gcm --option key.from=file --storage file";
    aes_gcm_sqlite: "--encryption aes-gcm --option key.from=file --storage sqlite";
    aes_gcm_redb: "--encryption aes-gcm --option key.from=file --storage redb";
    age_file: "--encryption age --option encryption.identity_file=%home%/id --option encryption.recipients_file=%home%/to";
    age_redb: "--encryption age --option encryption.identity_file=%home%/id --option encryption.recipients_file=%home%/to --storage redb";
    clear_file: "--encryption clear --serializer json";
    clear_sqlite: "--encryption clear --storage sqlite";
}

fn goes_through_every_command(options: &str) {
    let canary = Canary::new();
    let home = Home::new();
    home.program("age-keygen").args(["-o", "id"]).run().ends(0);
    home.program("sh").args(["-c", "age-keygen -y id >to"]).run().ends(0);
    canary.is_kept_by(home.keyward(&format!("init s {options}"))).ends(0);
    let secret = &canary.text;
    for (line, code) in [
        ("set s ann --stdin", 0),
        ("set s ann --stdin --raw --name n", 0),
        ("set s ann --password-fd 0 -u bob", 0),
        ("set s ann --stdin --name other", 0),
        ("set s ann --stdin --origin https://x.example", 0),
        ("set s ann --stdin --origin https://ann@x.example", 2),
        ("set nope ann --stdin", 2),
        ("set s ann", 5),
        ("set s ann --raw", 2),
        ("set s ann --stdin --password-fd 0", 2),
    ] {
        canary.is_kept_by(home.keyward(line).input(secret)).ends(code);
    }
    for line in ["get s -p", "get s --raw", "get s -np --name n", "get s --json -p -u bob"] {
        let ran = canary.is_asked_of(home.keyward(line)).ends(0);
        assert!(ran.text().contains(secret), "{line} must print it: {}", ran.text());
    }
    for (line, code) in [
        ("get s", 0),
        ("get s -n", 0),
        ("get s --json -n", 0),
        ("get s -u nobody -p", 3),
        ("get nope -p", 2),
        ("get s --raw -np", 2),
        ("list s", 0),
        ("list s --json", 0),
        ("info s --users", 0),
        ("info s --users --json", 0),
        ("info s --format raw", 0),
        ("store verify s", 0),
        ("store verify s --json", 0),
        ("doctor", 0),
        ("doctor --json", 0),
        ("config show", 0),
        ("config validate", 0),
        ("backend list", 0),
        ("kind list", 0),
        ("account list s", 0),
        ("account list s --json", 0),
        ("account default s https://ann@x.example", 0),
        ("account default s https://bob@x.example", 3),
        ("account rm s https://bob@x.example", 3),
        ("account rm s https://ann@x.example", 0),
        ("unset s --name other", 0),
        ("unset s --name other", 3),
        ("rm nope --yes", 2),
        ("rm s", 5),
        ("init s", 2),
    ] {
        canary.is_kept_by(home.keyward(line)).ends(code);
    }
    // Not every encryption has something to rotate.
    canary.is_kept_by(home.keyward("store rotate s"));
    canary.is_kept_by(home.keyward("store rotate s --retire"));
    let data = home.path(".local/share/keyward/stores");
    let found = canary.files(&home.path(""));
    let clear = options.contains("clear");
    assert_eq!(clear, !found.is_empty(), "{found:?}");
    assert!(found.iter().all(|path| path.starts_with(&data)), "{found:?}");
    ruin(&home);
    for line in ["get s -u bob", "store verify s", "doctor", "list s"] {
        canary.is_kept_by(home.keyward(line));
    }
    canary.is_asked_of(home.keyward("get s -p -u bob"));
    canary.is_kept_by(home.keyward("rm s --yes"));
}

/// Changes a byte in the middle of every file of data.
fn ruin(home: &Home) {
    let data = home.path(".local/share/keyward/stores");
    for (path, mut content) in home.files() {
        if path.starts_with(&data) && !content.is_empty() {
            let middle = content.len() / 2;
            content[middle] ^= 0x20;
            fs::write(path, content).unwrap();
        }
    }
}

/// Without encryption and envelope, the decoders themselves read the damage, next to the secret.
#[test]
fn decoders_do_not_quote_what_they_read() {
    for serializer in ["json", "cbor", "bincode", "postcard"] {
        let canary = Canary::new();
        let home = Home::with_store(&format!(
            "--encryption clear --serializer {serializer} --no-envelope"
        ));
        home.keyward("set s ann --stdin").input(&canary.text).run().ends(0);
        let found = canary.files(&home.path(""));
        let [file] = &found[..] else { panic!("{found:?}") };
        let whole = fs::read(file).unwrap();
        let mut refused = 0;
        for at in (0..whole.len()).step_by(3) {
            let mut altered = whole.clone();
            altered[at] ^= 0x55;
            for content in [&altered[..], &whole[..at]] {
                fs::write(file, content).unwrap();
                let ran = canary.is_kept_by(home.keyward("get s"));
                assert!([0, 2, 6].contains(&ran.code), "{}: {}", ran.code, ran.err);
                refused += usize::from(ran.code == 6);
            }
        }
        assert!(refused > whole.len() / 4, "{serializer} refused {refused}");
    }
}
