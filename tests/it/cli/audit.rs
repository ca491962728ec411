//! The audit: a line for each record that is given out.

use std::collections::BTreeSet;
use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};

use serde_json::{Value, json};

use crate::helpers::home::{Home, me};
use crate::helpers::invocation::Invocation;
use crate::helpers::program::keyward;

/// A home with an audit, and with the entry `mail` of the store `s`.
fn home() -> Home {
    let home = Home::with_store("--option key.from=file");
    home.keyward("set s ann --name mail --stdin").input("canary-mail").run().ends(0);
    home.keyward("set s ann --origin https://x.example --stdin").input("canary-x").run().ends(0);
    home.write(".keyward.toml", "version = 1\n[secrets.mail]\nenv = 'A'\n");
    home.run_ok(&["trust", "--yes"]);
    home.run_ok(&["config", "set", "audit.file", "~/audit/records"]);
    home
}

/// Returns the lines of the audit, and removes them.
fn take(home: &Home) -> Vec<Value> {
    let file = home.path("audit/records");
    let Ok(text) = fs::read_to_string(&file) else { return Vec::new() };
    fs::remove_file(file).unwrap();
    assert!(!text.contains("canary"), "{text}");
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn a_line_says_who_got_what() {
    let home = home();
    let mut get = home.command(keyward());
    get.args(["get", "s", "--name", "mail", "-p"]);
    Invocation::from(get).run().ends(0).prints("canary-mail\n");
    let mut line = take(&home).remove(0);
    let time = line["time"].take();
    let updated = home.keyward("get s --name mail --json").run().ends(0).json().remove(0);
    let (time, updated) = (time.as_str().unwrap(), updated["updated"].as_str().unwrap());
    assert!(time.len() == "2000-01-01T00:00:00Z".len() && time >= updated, "{time} {updated}");
    take(&home);
    let uid = fs::metadata(home.folder()).unwrap().uid();
    let this = std::env::current_exe().unwrap();
    assert_eq!(
        line,
        json!({
            "time": null, "uid": uid, "program": this, "command": "get", "store": "s",
            "user": me(), "name": "mail", "source": "store s",
        })
    );
    home.keyward("run --env P=keyward:///mail -- sh -c :").run().ends(0);
    let line = take(&home).remove(0);
    assert_eq!((&line["program"], &line["command"]), (&json!("sh"), &json!("run")));
    assert_eq!((&line["store"], &line["source"]), (&json!("s"), &json!("default store")));
    let variables = [("MAIL_PASSWORD", "canary-v"), ("MAIL_USERNAME", "bot")];
    let resolve = variables.iter().fold(home.keyward("resolve mail"), |resolve, (name, value)| {
        resolve.env(&format!("KEYWARD_CREDENTIAL_{name}"), value)
    });
    resolve.run().ends(0).prints("canary-v\n");
    let line = take(&home).remove(0);
    assert_eq!((&line["store"], &line["source"]), (&Value::Null, &json!("environment")));
    let mode = |path| fs::metadata(home.path(path)).unwrap().mode() & 0o7777;
    home.keyward("get s --name mail -p").run().ends(0);
    assert_eq!((mode("audit"), mode("audit/records")), (0o700, 0o600));
}

/// Commands that give records out, with the names of the entries in the audit.
const GIVING: &[(&str, &[&str])] = &[
    ("get s --name mail -p", &["mail"]),
    ("get s --name mail --json", &["mail"]),
    ("get s --name mail --field username", &["mail"]),
    ("get s --name mail", &[]),
    ("get s --name none -p", &[]),
    ("edit s --name mail", &["mail"]),
    ("read keyward://s/mail", &["mail"]),
    ("read keyward:///mail", &["mail"]),
    ("resolve mail", &["mail"]),
    ("resolve none", &[]),
    ("inject template", &["mail", "mail"]),
    ("run --env A=keyward://s/mail --env B=keyward:///mail -- true", &["mail", "mail"]),
    ("run --as aws=mail -- true", &[]),
    ("run --project -- true", &["mail"]),
    ("copy keyward://s/mail keyward://s/copy", &["mail"]),
    ("rename keyward://s/copy keyward://s/name", &["copy"]),
    ("helper git get --store s", &["https://ann@x.example"]),
    ("helper git erase --store s", &[]),
    ("oauth token s --name mail", &[]),
    ("fetch http://127.0.0.1:1/ --credential mail", &[]),
    ("curl --credential mail -- http://127.0.0.1:1/", &[]),
    ("netrc http://127.0.0.1:1/ --credential mail", &[]),
    ("stat http://127.0.0.1:1/a --credential mail", &[]),
    ("upload .keyward.toml http://127.0.0.1:1/a --credential mail", &[]),
    ("delete http://127.0.0.1:1/a --yes --credential mail", &[]),
];

/// Commands that give no record out. A checker compares records with what a client presents.
const SILENT: &[&str] = &[
    "account list s https://x.example",
    "auth check ann --auth store:s:entry=mail --generate",
    "auth list --store s",
    "auth matrix --auth store:s",
    "backend list",
    "check",
    "completions bash",
    "config validate",
    "doctor",
    "explain mail",
    "generate",
    "help",
    "import git-credentials s none",
    "info s",
    "init t --option key.from=file",
    "keycards list office --socket none",
    "kind list",
    "list s --long --json",
    "man",
    "plugin list",
    "profile list",
    "provider list",
    "serve --config none",
    "set s --name mail --label a=b",
    "setup git --store s",
    "store verify s",
    "trust",
    "unset s --name mail",
    "rm s --yes",
];

#[test]
fn every_command_that_gives_records_out_says_so() {
    let home = home().with("EDITOR", "true");
    home.write("template", "{{ keyward://s/mail }} {{ keyward:///mail }}");
    for (line, names) in GIVING {
        home.keyward(line).input("protocol=https\nhost=x.example\n\n").run();
        let given = take(&home);
        let found: Vec<_> = given.iter().map(|line| line["name"].as_str().unwrap()).collect();
        assert_eq!(found, *names, "{line}");
        for given in given {
            assert!(line.starts_with(given["command"].as_str().unwrap()), "{line}: {given}");
        }
    }
    for line in SILENT {
        home.keyward(line).run();
        assert_eq!(take(&home), Vec::<Value>::new(), "{line}");
    }
    let word = |line: &&str| line.split(' ').next().unwrap().to_owned();
    let tested: BTreeSet<_> = GIVING.iter().map(|(line, _)| line).chain(SILENT).map(word).collect();
    let pages = fs::read_dir(xtask::root().join("docs/commands")).unwrap();
    let pages = pages.map(|page| page.unwrap().path().file_stem().unwrap().to_owned());
    let pages: BTreeSet<_> = pages.map(|page| page.into_string().unwrap()).collect();
    let untested: Vec<_> = pages.difference(&tested).filter(|page| *page != "README").collect();
    assert!(untested.is_empty(), "add them to one of the two lists: {untested:?}");
}

/// Makes it impossible to write the audit.
type Ruin = fn(&Home);

#[test]
fn nothing_is_given_out_if_the_line_cannot_be_written() {
    let ruins: [(i32, Ruin); 6] = [
        (4, |home| symlink("elsewhere", home.path("audit/records")).unwrap()),
        (4, |home| {
            let file = home.write("audit/records", "");
            fs::set_permissions(file, Permissions::from_mode(0o644)).unwrap();
        }),
        (4, |home| {
            fs::set_permissions(home.path("audit"), Permissions::from_mode(0o777)).unwrap();
        }),
        (4, |home| fs::create_dir(home.path("audit/records")).unwrap()),
        (7, |home| {
            home.run_ok(&["config", "set", "audit.file", "/proc/none/records"]);
        }),
        (2, |home| {
            for path in ["records", "~ann/records"] {
                home.run(&["config", "set", "audit.file", path]).ends(2).says("absolute path");
            }
            let text = "version = 1\naudit.file = \"records\"\n";
            home.write(".config/keyward/config.toml", text);
        }),
    ];
    for (at, (code, ruin)) in ruins.iter().enumerate() {
        let home = home();
        home.write("template", "{{ keyward://s/mail }}");
        fs::create_dir(home.path("audit")).unwrap();
        ruin(&home);
        for (line, names) in GIVING.iter().filter(|(_, names)| !names.is_empty()) {
            if names == &["copy"] {
                continue;
            }
            let request = "protocol=https\nhost=x.example\n\n";
            let refused = home.keyward(line).env("EDITOR", "true").input(request).run();
            assert_eq!(refused.code, *code, "{at}: {line}: {}", refused.err);
            let printed = if line.starts_with("helper") { "quit=1\n" } else { "" };
            refused.prints(printed);
        }
        home.keyward("get s --name mail").run().ends(0);
        home.keyward("get s --name copy").run().ends(3);
    }
}

#[test]
fn lines_of_many_processes_do_not_mix() {
    let home = home();
    let children = (0..8).map(|_| {
        let mut command = home.command(keyward());
        command.args(["get", "s", "--name", "mail", "--json"]);
        command.stdout(std::process::Stdio::null()).spawn().unwrap()
    });
    let children: Vec<_> = children.collect();
    children.into_iter().for_each(|mut child| assert!(child.wait().unwrap().success()));
    assert_eq!(take(&home).len(), 8);
}

#[test]
fn a_variable_neither_sets_nor_replaces_the_file() {
    let home = home().with("KEYWARD_AUDIT_FILE", "/nonexistent/records");
    home.keyward("get s --name mail -p").run().ends(0);
    assert_eq!(take(&home).len(), 1);
    let shown = home.run_ok(&["config", "explain", "audit.file"]);
    assert!(shown.starts_with("used: \"~/audit/records\" (user: "), "{shown}");
}

#[test]
fn what_a_credential_of_the_configuration_refers_to_is_in_the_audit_once_it_is_given_out() {
    let home = home();
    for (key, value) in [
        ("credentials.outer.username", "bot"),
        ("credentials.outer.password", "keyward:///inner"),
        ("credentials.inner.token", "keyward://s/mail"),
    ] {
        home.run_ok(&["config", "set", key, value]);
    }
    home.keyward("explain outer").run().ends(0);
    assert_eq!(take(&home), [] as [Value; 0]);
    home.keyward("resolve outer").run().ends(0).prints("canary-mail\n");
    let lines = take(&home);
    let lines: Vec<_> = lines.iter().map(|line| (&line["name"], &line["source"])).collect();
    assert_eq!(
        lines,
        [
            (&json!("mail"), &json!("store s")),
            (&json!("inner"), &json!("configuration")),
            (&json!("outer"), &json!("configuration")),
        ]
    );
}
