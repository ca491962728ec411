//! No input makes a parser panic, and a token that opens was not altered.

use base64::Engine as _;
use keyward_import::datalad::keyring_file;
use keyward_import::pycred::{FernetKey, Installation, Login, StoreConfig};
use keyward_import::{git_credentials, pancloud};
use proptest::prelude::*;

const KEY: &[u8] = b"cw_0x689RpI-jtRR7oE8h_eQsKImvJapLeSbXpwF4e4=";

/// Text made of the characters of YAML's syntax, so that it passes the scanner's first checks.
fn yaml_like() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        Just("!StoreConfig\n"),
        Just("!BackendConfig "),
        Just("!!python/object/apply:os.system "),
        Just("%TAG ! a\n"),
        Just("name: "),
        Just("data: "),
        Just("- "),
        Just("? "),
        Just(": "),
        Just("\n"),
        Just("\n  "),
        Just("\t"),
        Just("{"),
        Just("}"),
        Just("["),
        Just("]"),
        Just(","),
        Just("&a "),
        Just("*a "),
        Just("---\n"),
        Just("...\n"),
        Just("|\n"),
        Just(">-2\n"),
        Just("'"),
        Just("\""),
        Just("\\u"),
        Just("\\xé"),
        Just("#"),
        Just("\r"),
        Just("\u{feff}"),
        Just("\u{2028}"),
        Just("a"),
    ];
    prop::collection::vec(piece, 0..60).prop_map(|pieces| pieces.concat())
}

/// A store's file as PyCred writes it, with some of its bytes replaced.
fn damaged_store() -> impl Strategy<Value = Vec<u8>> {
    const STORE: &[u8] =
        b"!StoreConfig\nencryption: !BackendConfig\n  data: {}\n  name: clear\nname: s\n\
        serializer: !BackendConfig\n  data: {}\n  name: json\n\
        storage: !BackendConfig\n  data:\n    data_dir: ~/d\n  name: file\n";
    prop::collection::vec((0..STORE.len(), any::<u8>()), 0..4).prop_map(|changes| {
        let mut store = STORE.to_vec();
        for (place, byte) in changes {
            store[place] = byte;
        }
        store
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..Default::default() })]

    #[test]
    fn any_bytes(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let _ = StoreConfig::parse(&bytes);
        let _ = Installation::parse(&bytes);
        let _ = FernetKey::parse(&bytes);
        let _ = git_credentials::parse(&bytes);
        let _ = pancloud::parse(&bytes);
        let _ = keyring_file::parse(&bytes);
        prop_assert!(Login::parse(&bytes).is_err());
        prop_assert!(FernetKey::parse(KEY).unwrap().open(&bytes).is_err());
    }

    #[test]
    fn any_yaml(text in yaml_like()) {
        let _ = StoreConfig::parse(text.as_bytes());
        let _ = Installation::parse(text.as_bytes());
    }

    #[test]
    fn any_damage_to_a_store(bytes in damaged_store()) {
        let _ = StoreConfig::parse(&bytes);
    }

    #[test]
    fn any_login(username in ".*", password in ".*") {
        let login = Login::parse(serde_json::json!([username, password]).to_string().as_bytes())?;
        prop_assert_eq!(login.username, username);
        prop_assert_eq!(login.password.expose(), password.as_bytes());
    }

    #[test]
    fn any_json_string(inside in r#"(\\u[dD][89a-fA-F][0-9a-f]{2}|\\[nt"\\]|[a-zé]|\\)*"#) {
        let _ = Login::parse(format!(r#"["a", "{inside}"]"#).as_bytes());
    }

    #[test]
    fn any_git_credentials(file in r"((https?|ssh|x)://|%(3a|40|0a|ff|2e)|[:@/a.\[\]?#\\é%\n]){0,40}") {
        for line in git_credentials::parse(file.as_bytes())? {
            if let Ok(login) = line.login {
                prop_assert!(login.location.account().is_some());
                prop_assert!(!login.password.expose().iter().any(u8::is_ascii_control));
            }
        }
    }

    #[test]
    fn any_keyring_file(name in "[a-z :/é_]{1,8}", value in ".*", damage in r"([\[\]=:;# \t\n_a-zA-Z0-9é]|\n\[datalad_2D){0,40}") {
        let _ = keyring_file::parse(damage.as_bytes());
        let written: String = name.bytes().map(|byte| format!("_{byte:02X}")).collect();
        let value64 = base64::engine::general_purpose::STANDARD.encode(&value);
        let file = format!("{damage}\n[datalad_2D{written}]\n{written} = \n\t{value64}\n");
        let items = keyring_file::parse(file.as_bytes());
        let (found, field, secret) = items.last().expect("it is there");
        prop_assert_eq!((found, field), (&name, &name));
        prop_assert_eq!(secret.as_ref().unwrap().expose(), value.as_bytes());
    }

    #[test]
    fn any_database_of_pancloud(text in r#"(\{|\}|:|,|"profiles"|"1"|"client_id"|"profile"|null|"é\\u00e9"|\[|7){0,30}"#) {
        let _ = pancloud::parse(text.as_bytes());
        let _ = pancloud::parse(format!(r#"{{"profiles": {{"1": {text}}}}}"#).as_bytes());
    }
}
