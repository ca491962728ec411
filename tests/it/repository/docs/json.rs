//! What `--json` prints has the keys that the guide says, and no others.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use serde_json::Value;
use xtask::root;
use xtask::transcript::Step;

use crate::helpers::home::Home;
use crate::helpers::program::keyward;

/// The commands of the guide's table, and command lines that show all their keys.
const SHOWN: &[(&str, &[&str])] = &[
    (
        "get",
        &[
            "get s --user ann --name n -n -p --json",
            "get s --user ann -n -p --json",
            "get s --user ann --name n --json",
        ],
    ),
    ("list", &["list --json"]),
    ("list STORE", &["list s --json", "list s --where name --json"]),
    ("explain", &["explain n --user ann --json"]),
    ("check", &["check --json"]),
    ("trust", &["trust --list --json"]),
    ("generate", &["generate --json"]),
    ("info", &["info s --users --json"]),
    ("account list", &["account list s --user ann --json"]),
    ("auth check", &["auth check ann --auth htpasswd:passwd:legacy=true --json --stdin <password"]),
    ("auth matrix", &["auth matrix --auth htpasswd:passwd --json"]),
    (
        "auth list",
        &[
            "auth list --file passwd --json",
            "auth list --file digest --format htdigest --json",
            "auth list --store users --json",
        ],
    ),
    ("auth lint", &["auth lint --file passwd --json 2>out || true"]),
    ("store verify", &["store verify s --json"]),
    ("store rotate", &["store rotate s --json", "store rotate s --retire --json"]),
    ("kind list", &["kind list --json", "kind show token --json"]),
    ("fetch", &["fetch file://$PWD/notebook.py --output fetched --json"]),
    ("stat", &["stat file://$PWD/notebook.py --json"]),
    ("provider list", &["provider list --json"]),
    ("provider import", &["provider import site.cfg --json"]),
    ("backend list", &["backend list --json", "backend show storage file --json"]),
    ("plugin list", &["plugin list --json"]),
    ("plugin show", &["plugin show notebook --json"]),
    (
        "plugin check",
        &[
            "plugin check notebook.py --role key --options '{\"secret\":{\"from\":\"a\"}}' --secret a=made-up-for-this --json",
        ],
    ),
    ("profile list", &["profile list --json"]),
    ("profile show", &["profile show p --json"]),
    ("config show", &["config show --json"]),
    ("config explain", &["config explain defaults.storage --json"]),
    ("config path", &["config path --json"]),
    ("setup git", &["setup git --json", "setup git --check --json", "setup git --undo --json"]),
    ("doctor", &["doctor --json"]),
];

#[test]
fn the_guide_names_every_key() {
    let keyward = keyward();
    let programs = keyward.parent().unwrap();
    let home = Home::new();
    let run = |command: String| {
        Step { command, expected: String::new() }.run(home.folder(), programs).unwrap()
    };
    run("keyward config set profiles.p.user ann".into());
    run("keyward init s --track-use; printf '\\377' | keyward set s ann --user ann --stdin".into());
    let labelled = "--expires 90d --label name=x --stdin";
    run(format!("printf t | keyward set s ann --user ann --name n {labelled}"));
    run("printf t | keyward set s ann --user ann --origin https://x.example --stdin".into());
    let cfg = "[provider:site]\\nurl_re = https://x\\\\.example/\\nauthentication_type = none\\n";
    run(format!("printf '{cfg}' >site.cfg"));
    let notebook = root().join("docs/examples/notebook.py");
    run(format!(
        "install -m 755 {} .; keyward plugin trust $PWD/notebook.py --yes",
        notebook.display()
    ));

    run(
        "printf 'version = 1\n[secrets.n]\nrequired = false\n' >.keyward.toml; keyward trust --yes"
            .into(),
    );

    run("echo 'ann:{PLAIN}x' >passwd; echo x >password; echo ann:r:5ebe2294ecd0e0f08eab7690d2a6ee69 >digest".into());

    run("keyward config set defaults.store s; keyward init users; keyward auth add ann --store users --stdin <password".into());

    let mut documented = documented();
    // Another page has it.
    documented.remove("import pycred");
    // It also has the names of fields as keys, and its own test knows the others.
    documented.remove("resolve");
    // It needs a key service.
    documented.entry("store rotate".into()).and_modify(|keys| {
        keys.remove("rewrapped");
    });
    // It needs cargo, and its own test knows the keys.
    documented.remove("plugin build");
    for (command, lines) in SHOWN {
        let mut found = BTreeSet::new();
        for line in *lines {
            for object in run(format!("keyward {line}")).lines() {
                let object = serde_json::from_str(object);
                keys(&object.unwrap_or_else(|e| panic!("keyward {line}: {e}")), &mut found);
            }
        }
        assert_eq!(documented.remove(*command), Some(found), "{command}");
    }
    assert!(documented.is_empty(), "not shown: {documented:?}");
}

/// The keys of an object and of those in it.
fn keys(value: &Value, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(object) => {
            found.extend(object.keys().cloned());
            object.values().for_each(|value| keys(value, found));
        }
        Value::Array(items) => items.iter().for_each(|item| keys(item, found)),
        _ => {}
    }
}

/// The guide's table: the first command of a row, and the keys that the row names.
fn documented() -> BTreeMap<String, BTreeSet<String>> {
    let guide = fs::read_to_string(root().join("docs/guide.md")).unwrap();
    let table = guide.split("\n## JSON\n").nth(1).unwrap();
    let rows = table.lines().skip_while(|line| !line.starts_with("| `"));
    let rows = rows.take_while(|line| line.starts_with('|')).map(|row| {
        let (command, rest) = row.trim_start_matches("| ").split_once(" | ").unwrap();
        let words = rest.split('`').skip(1).step_by(2).filter(|word| !word.starts_with('-'));
        let command = command.split('`').nth(1).unwrap();
        (command.to_owned(), words.map(str::to_owned).collect())
    });
    rows.collect()
}
