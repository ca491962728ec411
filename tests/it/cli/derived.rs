//! Records that are made from other ones: `set --derive`.

use std::process::Stdio;

use crate::helpers::home::Home;
use crate::helpers::invocation::{Finished, Invocation};

/// The program with the exchange `stamp`.
const PROGRAM: &str = env!("CARGO_BIN_EXE_exchanging");

/// A home with the entry `mail`, and with the entry `api` that is derived from it.
fn home(service: &str) -> Home {
    let home = Home::with_store("--option key.from=file");
    home.keyward("set s ann --name mail --stdin").input("one").run().ends(0);
    home.write("service", service);
    program(&home, "set s --name api --derive stamp --from mail").run().ends(0).says_nothing();
    home
}

fn program(home: &Home, line: &str) -> Invocation {
    home.program(PROGRAM).args(line.split_whitespace())
}

fn resolve(home: &Home) -> Finished {
    program(home, "resolve api").run()
}

/// How many records were made.
fn made(home: &Home) -> usize {
    home.read("minted").len()
}

#[test]
fn a_record_is_made_once_and_again_when_it_expires() {
    let home = home("3600");
    for line in
        ["resolve api", "read keyward://s/api", "read keyward:///api", "get s --name api -p"]
    {
        program(&home, line).run().ends(0).prints("one-1\n");
    }
    assert_eq!(made(&home), 1);
    // What ends within two seconds is made again.
    let home = self::home("2");
    for (count, line) in
        ["resolve api", "read keyward://s/api", "read keyward:///api", "get s --name api -p"]
            .into_iter()
            .enumerate()
    {
        program(&home, line).run().ends(0).prints(format!("one-{}\n", count + 2));
    }
    program(&home, "get s --name api -p --expired").run().ends(0).prints("one-5\n");
}

#[test]
fn another_source_makes_another_record() {
    let home = home("3600");
    home.keyward("set s ann --name mail --stdin").input("two").run().ends(0);
    resolve(&home).ends(0).prints("two-2\n");
    resolve(&home).ends(0).prints("two-2\n");
    home.keyward("store rotate s").run().ends(0);
    resolve(&home).ends(0).prints("two-2\n");
    home.keyward("unset s --name mail").run().ends(0);
    for line in ["resolve api", "read keyward://s/api", "get s --name api -p"] {
        program(&home, line).run().ends(3).prints("").says("its source, the entry `mail`, is gone");
    }
    home.keyward("set s ann --name mail --stdin").input("three").run().ends(0);
    resolve(&home).ends(0).prints("three-3\n");
    assert_eq!(made(&home), 3);
}

#[test]
fn what_fails_leaves_the_old_record() {
    let home = home("2");
    let (store, before) = (home.store_folder(), resolve(&home).ends(0).into_text());
    for (service, code) in
        [("refuse", 9), ("down", 7), ("lose", 7), ("other", 7), ("0", 7), ("die", -1)]
    {
        home.write("service", service);
        let files = crate::helpers::home::files(&store.join("../"));
        let failed = resolve(&home).prints("");
        let code = if service == "die" { failed.code } else { code };
        failed.ends(code);
        let now = crate::helpers::home::files(&store.join("../"));
        let records = |files: std::collections::BTreeMap<std::path::PathBuf, Vec<u8>>| {
            files.into_iter().filter(|(path, _)| !path.to_string_lossy().contains("/.locks/"))
        };
        assert!(records(now).eq(records(files)), "{service}");
        program(&home, "get s --name api -p --expired").run().ends(0).prints(&before);
        let new = program(&home, "set s --name new --derive stamp --from mail").run();
        assert_ne!(new.code, 0, "{service}");
        home.keyward("get s --name new").run().ends(3);
    }
    home.write("service", "3600");
    assert_ne!(resolve(&home).ends(0).into_text(), before);
}

#[test]
fn many_processes_make_it_once() {
    let home = home("2");
    home.write("service", "slow 3600");
    let children = (0..8).map(|_| {
        let mut command = home.command(PROGRAM);
        command.args(["resolve", "api"]).stdout(Stdio::piped()).spawn().unwrap()
    });
    let children: Vec<_> = children.collect();
    for child in children {
        let output = child.wait_with_output().unwrap();
        assert_eq!(output.stdout, b"one-2\n");
    }
    assert_eq!(made(&home), 2);
}

#[test]
fn labels_stay_and_a_secret_of_the_user_is_not_replaced() {
    let home = home("2");
    home.keyward("set s --name api --label team=web").run().ends(0);
    resolve(&home).ends(0).prints("one-2\n");
    let listed = home.keyward("list s --where team=web --json").run().ends(0).json().remove(0);
    assert_eq!(listed["labels"], serde_json::json!({ "team": "web", "keyward.exchange": "stamp" }));
    // The service no longer accepts it.
    home.write("service", "3600");
    let refused = resolve(&home).ends(0).out;
    program(&home, "resolve api --reject").input(&refused).run().ends(0);
    assert_ne!(resolve(&home).ends(0).out, refused);
    resolve(&home).ends(0).prints("one-4\n");
    home.keyward("set s --name api --stdin").input("mine").run().ends(0);
    home.keyward("unset s --name mail").run().ends(0);
    resolve(&home).ends(0).prints("mine\n");
}

#[test]
fn what_cannot_be_derived_says_why() {
    let home = home("3600");
    home.keyward("set s --name note --kind note --stdin").input("x").run().ends(0);
    for (line, code, why) in [
        ("--name new --derive stamp --from none", 3, "the entry `none`, is gone"),
        ("--name new --derive stamp --from note", 2, "of the kind `note`, not `user-password`"),
        ("--name new --derive stamp --from new", 2, "cannot be made from itself"),
        ("--name new --derive none --from mail", 2, "this program has no exchange `none`"),
        ("--name note --derive stamp --from mail", 2, "a record that is not derived"),
        ("--name new --derive stamp", 2, "--from"),
        ("--name new --derive stamp --from mail --label a=b", 2, "leave out the other options"),
        ("--name new --derive stamp --from mail --stdin", 2, "leave out the other options"),
    ] {
        program(&home, &format!("set s {line}")).run().ends(code).says(why);
        home.keyward("get s --name new").run().ends(3);
    }
    assert_eq!(made(&home), 1);
    // Another program can read the record as long as it need not be made again.
    home.keyward("resolve api").run().ends(0).prints("one-1\n");
    home.keyward("set s ann --name mail --stdin").input("two").run().ends(0);
    home.keyward("resolve api").run().ends(2).prints("").says("no exchange `stamp`");
}

#[test]
fn who_wants_to_be_asked_is_asked_for_the_source() {
    let home = home("3600");
    let askpass = "#!/bin/sh\nprintf '%s\\n' \"$1\" >>asked\ncase $1 in *ername*) echo ann;; *) echo typed;; esac\n";
    let askpass = home.write("askpass", askpass);
    std::fs::set_permissions(&askpass, std::os::unix::fs::PermissionsExt::from_mode(0o700))
        .unwrap();
    let asking = |line: &str| program(&home, line).env("KEYWARD_ASKPASS", &askpass).run();
    asking("resolve api --kind token --force-ask").ends(0).prints("typed-2\n");
    let asked = home.read("asked");
    assert!(asked.contains("`mail`") && asked.contains("Password"), "{asked}");
    asking("explain api --kind token --force-ask").ends(5);
    // Nothing was stored.
    resolve(&home).ends(0).prints("one-1\n");
    // A record that is not derived is asked for itself.
    asking("resolve other --kind token --force-ask").ends(0).prints("typed\n");
}
