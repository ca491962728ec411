//! `set --json`.

use keyward_core::{Expect, Field, Record};
use serde_json::json;

use crate::helpers::home::Home;

fn home() -> Home {
    Home::with_store("--option key.from=file")
}

#[test]
fn what_get_writes_is_what_set_reads() {
    let home = home();
    let store = home.store("s");
    let mut record = Record::new("generic")
        .with("secret", Field::secret("hun\nter\"2"))
        .with("pin", Field::secret("1234"))
        .with("place", Field::open("hüt"))
        .with("bytes", Field::open(&b"\xff\x00"[..]))
        .with("key_base64", Field::open("text"))
        .with("more_base64", Field::secret(&b"\xfe"[..]));
    record.labels.insert("team".into(), "web".into());
    record.expires = Some(keyward_core::Timestamp::from_unix(4_000_000_000));
    let first = store.entry(None, Some("a")).unwrap();
    store.put(&first, &record, Expect::Any).unwrap();
    let written = home.keyward("get s --name a --json --reveal").run().ends(0).into_text();
    home.keyward("set s --name b --json").input(&written).run().ends(0).says_nothing();
    let read = store.get(&store.entry(None, Some("b")).unwrap()).unwrap();
    assert_eq!((&read.fields, &read.labels), (&record.fields, &record.labels));
    assert_eq!((read.kind, read.expires), (record.kind, record.expires));
}

#[test]
fn what_the_json_does_not_name_stays() {
    let home = home();
    let made = json!({ "kind": "aws", "labels": { "team": "web" }, "expires": "2099-01-31",
        "fields": { "access_key_id": "AKIA", "secret_access_key": "s3cret" } });
    home.keyward("set s --json").input(made.to_string()).run().ends(0).says_nothing();
    let change = json!({ "fields": { "session_token_base64": "dG9rZW4=" } });
    home.keyward("set s --json --label stage=test").input(change.to_string()).run().ends(0);
    let shown = home.keyward("get s --json --reveal").run().ends(0).json().remove(0);
    let fields = json!({
        "access_key_id": "AKIA", "secret_access_key": "s3cret", "session_token": "token",
    });
    assert_eq!(shown["fields"], fields);
    assert_eq!(shown["secret"], json!(["secret_access_key", "session_token"]));
    assert_eq!(shown["labels"], json!({ "team": "web", "stage": "test" }));
    assert_eq!(shown["expires"], "2099-01-31T00:00:00Z");
}

#[test]
fn a_field_without_a_table_is_secret_unless_the_json_says_otherwise() {
    let home = home();
    let made = r#"{"kind":"generic","fields":{"secret":"x","pin":"hunter2"}}"#;
    home.keyward("set s --json").input(made).run().ends(0);
    let shown = home.keyward("get s --json").run().ends(0).json().remove(0);
    assert_eq!(shown["fields"], json!({}));
    home.keyward("set s --json").input(r#"{"fields":{"pin":"y"},"secret":[]}"#).run().ends(0);
}

#[test]
fn what_is_not_valid_is_refused_without_being_shown() {
    let home = home();
    for text in [
        "",
        "hunter2",
        "[\"hunter2\"]",
        r#"{"kind":"token","fields":{"token":"hunter2"}"#,
        r#"{"kind":"token","fields":{"token":"hunter2"}} {}"#,
        r#"{"kind":"token","fields":{"token":"a","token":"hunter2"}}"#,
        r#"{"kind":"token","fields":{"token":"a","token_base64":"aHVudGVyMg=="}}"#,
        r#"{"kind":"token","kind":"token","fields":{"token":"hunter2"}}"#,
        r#"{"kind":"token","labels":{"a":"b","a":"c"},"fields":{"token":"hunter2"}}"#,
        r#"{"kind":"token","fields":"hunter2"}"#,
        r#"{"kind":"token","fields":{"token":["hunter2"]}}"#,
        r#"{"kind":"token","fields":{"token_base64":"hunter2!"}}"#,
        r#"{"kind":"token","token":"hunter2"}"#,
        r#"{"kind":"token","fields":{"token":"hunter2"},"expires":"soon"}"#,
        r#"{"kind":"none","fields":{"token":"hunter2"}}"#,
        r#"{"fields":{"token":"hunter2"}}"#,
    ] {
        let refused = home.keyward("set s --json").input(text).run().ends(2);
        assert!(!refused.err.contains("hunter2"), "{}", refused.err);
        home.keyward("get s").run().ends(3);
    }
    let token = r#"{"kind":"token","fields":{"token":"hunter2"}}"#;
    home.keyward("set s --json --kind note").input(token).run().ends(2).says("--kind");
    home.keyward("set s --json --stdin").input(token).run().ends(2);
    home.keyward("set s --json --kind token").input(token).run().ends(0);
}
