//! `edit`.

use keyward_core::{Expect, Field, Record};
use serde_json::json;

use crate::helpers::home::Home;
use crate::helpers::invocation::Finished;

/// A home with an entry `e`, which has a field that its kind does not describe.
fn home() -> Home {
    let home = Home::with_store("--option key.from=file");
    let mut record = Record::new("token")
        .with("token", Field::secret("t0ken"))
        .with("username", Field::open("ann"))
        .with("example", Field::open("kept"));
    record.labels.insert("team".into(), "web".into());
    let store = home.store("s");
    store.put(&store.entry(None, Some("e")).unwrap(), &record, Expect::Any).unwrap();
    home
}

/// Runs `edit` with a script as the editor.
fn edit(home: &Home, script: &str) -> Finished {
    let editor = home.write("editor", script);
    let editor = format!("sh {}", editor.display());
    home.keyward("edit s --name e").env("EDITOR", editor).run()
}

fn shown(home: &Home) -> serde_json::Value {
    home.keyward("get s --name e --json --reveal").run().ends(0).json().remove(0)
}

#[test]
fn what_is_edited_is_stored_and_the_rest_stays() {
    let home = home();
    edit(&home, "sed -i 's/t0ken/n3w/; s/\"ann\"/\"bob\"/; s/\"web\"/\"db\"/' \"$1\"").ends(0);
    let record = shown(&home);
    assert_eq!(record["fields"], json!({ "token": "n3w", "username": "bob", "example": "kept" }));
    assert_eq!(record["labels"], json!({ "team": "db" }));
    edit(&home, "sed -i '/\"example\"/d; /\"team\"/d' \"$1\"").ends(0);
    let record = shown(&home);
    assert_eq!(record["fields"], json!({ "token": "n3w", "username": "bob" }));
    assert_eq!(record["labels"], json!(null));
}

#[test]
fn what_is_not_changed_or_not_valid_is_not_stored() {
    let home = home();
    let before = shown(&home);
    for (script, code) in [
        (":", 0),
        ("exit 1", 1),
        ("rm \"$1\"", 7),
        ("echo hunter2 >\"$1\"", 2),
        ("sed -i 's/\"token\": \"t0ken\",*//' \"$1\"", 2),
        ("sed -i 's/\"kind\": \"token\"/\"kind\": \"note\"/' \"$1\"", 2),
    ] {
        let ended = edit(&home, script);
        assert!(!ended.err.contains("hunter2"), "{}", ended.err);
        ended.ends(code);
        assert_eq!(shown(&home), before, "{script}");
    }
    home.keyward("edit s --name none").env("EDITOR", "true").run().ends(3);
}

#[test]
fn a_change_of_another_program_is_not_lost() {
    let home = home();
    let set = "printf other | \"$KEYWARD\" set s --name e --stdin; sed -i s/t0ken/n3w/ \"$1\"";
    let program = crate::helpers::program::keyward().display().to_string();
    edit(&home, &set.replace("$KEYWARD", &program)).ends(8);
    assert_eq!(shown(&home)["fields"]["token"], "other");
}

#[test]
fn nothing_is_left_of_the_file() {
    let home = home();
    let ended = edit(
        &home,
        "echo \"$1\" >path; stat -c %a \"$1\" >mode; cp \"$1\" \"$1~\"; sed -i.swp s/t0ken/n3w/ \"$1\"",
    );
    ended.ends(0);
    assert_eq!(home.read("mode"), "600\n");
    let path = home.read("path");
    let path = std::path::Path::new(path.trim_end());
    assert!(!path.exists() && !path.parent().unwrap().exists(), "{}", path.display());
}

#[test]
fn a_list_of_accounts_is_not_edited() {
    let home = home();
    home.keyward("set s ann --origin https://x.example --stdin").input("x").run().ends(0);
    let edit = home.keyward("edit s --name https://x.example").env("EDITOR", "true");
    edit.run().ends(2).says("internal");
}
