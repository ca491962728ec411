//! `keyward auth add`, `passwd`, `remove`, `list` and `lint`.

use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::thread;

use serde_json::json;

use crate::helpers::home::Home;

/// Adds a user with the password `secret-of-USER`.
fn add(home: &Home, user: &str, options: &str) {
    let add = home.keyward(&format!("auth add {user} --file users --stdin {options}"));
    add.input(format!("secret-of-{user}\n")).run().ends(0).prints("").says_nothing();
}

#[test]
fn htpasswd_knows_the_users_of_a_file() {
    let home = Home::new();
    add(&home, "ann", "--cost 4");
    add(&home, "bob", "--scheme yescrypt --cost 5");
    add(&home, "carl", "--scheme apr1 --legacy");
    let mode = |name| fs::metadata(home.path(name)).unwrap().mode() & 0o7777;
    assert_eq!(mode("users"), 0o600);
    let verify = |user: &str, secret: &str| {
        home.program("htpasswd").args(["-v", "-i", "users", user]).input(secret).run().code
    };
    for user in ["ann", "bob", "carl"] {
        assert_eq!(verify(user, &format!("secret-of-{user}")), 0, "{user}");
        assert_eq!(verify(user, "secret"), 3, "{user}");
    }
    let passwd = home.keyward("auth passwd ann --file users --stdin");
    passwd.input("new").run().ends(0).prints("");
    assert_eq!((verify("ann", "new"), verify("ann", "secret-of-ann")), (0, 3));
    home.keyward("auth remove ann --file users").run().ends(0).prints("");
    assert_eq!(verify("ann", "new"), 6);
    assert!(!home.read("users").contains("ann"));
}

#[test]
fn dovecot_knows_the_users_of_a_file() {
    let home = Home::new();
    let schemes = ["argon2id", "bcrypt", "sha512-crypt", "scram-sha-256", "pbkdf2"];
    for scheme in schemes {
        add(&home, scheme, &format!("--format dovecot --scheme {scheme}"));
    }
    let content = home.read("users");
    for (line, scheme) in content.lines().zip(schemes) {
        let stored = line.strip_prefix(&format!("{scheme}:")).unwrap();
        let verify = home.program("doveadm").args(["pw", "-t", stored, "-p"]);
        verify.arg(format!("secret-of-{scheme}")).run().ends(0);
    }
    for wrong in ["argon2d", "apr1 --legacy", "scrypt"] {
        let line = format!("auth add x --file users --stdin --format dovecot --scheme {wrong}");
        home.keyward(&line).input("x").run().ends(2).says("Dovecot does not know");
    }
}

#[test]
fn a_change_keeps_the_rest_of_the_file() {
    let home = Home::new();
    let before = "# a comment\r\nbob:x:1000:1000::/home/bob:/bin/sh:extra\nbroken\n\n#ann:x\nann:y";
    home.write("real", before);
    symlink("real", home.path("users")).unwrap();
    let mode = 0o640;
    fs::set_permissions(home.path("real"), Permissions::from_mode(mode)).unwrap();
    let passwd = home.keyward("auth passwd bob --file users --stdin --format dovecot");
    passwd.input("new").run().ends(0);
    let after = home.read("real");
    let bob = after.lines().nth(1).unwrap();
    let (start, end) = bob.split_once("$argon2id$").unwrap();
    assert_eq!(start, "bob:{ARGON2ID}");
    assert!(end.ends_with(":1000:1000::/home/bob:/bin/sh:extra"), "{bob}");
    assert_eq!(after.replace(bob, "bob:x:1000:1000::/home/bob:/bin/sh:extra"), before);
    assert_eq!(fs::metadata(home.path("real")).unwrap().mode() & 0o7777, mode);
    assert!(fs::symlink_metadata(home.path("users")).unwrap().is_symlink());
    let names: Vec<_> =
        fs::read_dir(home.folder()).unwrap().map(|it| it.unwrap().file_name()).collect();
    assert!(names.iter().all(|name| !name.to_string_lossy().starts_with(".keyward-")), "{names:?}");
}

#[test]
fn users_that_are_added_at_once_are_all_there() {
    let home = Home::new();
    thread::scope(|scope| {
        for number in 0..8 {
            let home = &home;
            scope.spawn(move || add(home, &format!("user{number}"), "--cost 4"));
        }
    });
    assert_eq!(home.read("users").lines().count(), 8);
}

#[test]
fn what_cannot_be_is_refused_before_anything_is_written() {
    let home = Home::new();
    add(&home, "ann", "--cost 4");
    let before = home.read("users");
    for (line, code, says) in [
        ("auth add ann --file users", 2, "ann is in the file already"),
        ("auth passwd bob --file users", 3, "bob is not in the file"),
        ("auth passwd ann --file none", 2, "none does not exist"),
        ("auth remove bob --file users", 3, "bob is not in the file"),
        ("auth remove bob --file none", 2, "none does not exist"),
        ("auth list --file none", 2, "none does not exist"),
        ("auth lint --file .", 2, "not a regular file"),
        ("auth add a:b --file users", 2, "colon"),
        ("auth add #a --file users", 2, "does not begin with #"),
        ("auth add bob --file users --scheme md4", 2, "no scheme"),
        ("auth add bob --file users --scheme sha", 4, "--legacy"),
        ("auth add bob --file users --scheme scram-sha-1", 2, "cannot contain"),
        ("auth add bob --file users --format scram --scheme bcrypt", 2, "cannot contain"),
        ("auth add bob --file users --format scram --cost 100", 2, "iterations"),
        ("auth add bob --file users --cost 40", 2, "no such cost"),
        ("auth add bob --file users --realm r", 2, "--realm"),
        ("auth add bob --file users --format htdigest", 2, "--realm"),
        ("auth add bob --file no/users", 2, "No such file"),
        ("auth add bob --file users --format x", 2, "invalid value"),
    ] {
        let with =
            if line.contains(" add ") || line.contains(" passwd ") { " --stdin" } else { "" };
        home.keyward(&format!("{line}{with}")).input("canary").run().ends(code).says(says);
        assert_eq!(home.read("users"), before, "{line}");
    }
    let long = "x".repeat(73);
    let add = home.keyward("auth add bob --file users --stdin");
    add.input(long).run().ends(2).says("first 72 bytes").says("argon2id");
    home.keyward("auth add bob --file users").run().ends(5);
    let empty = home.keyward("auth add bob --file users --stdin --allow-empty");
    empty.input("").run().ends(2).says("not empty");
    assert_eq!(home.read("users"), before);
}

#[test]
fn a_list_shows_users_and_no_hash() {
    let home = Home::new();
    add(&home, "ann", "--format htdigest --realm A");
    add(&home, "ann", "--format htdigest --realm B");
    let list = home.keyward("auth list --file users --format htdigest --json").run().ends(0);
    let row = |line, realm| json!({ "line": line, "user": "ann", "realm": realm, "scheme": "digest", "status": "usable" });
    assert_eq!(list.json(), [row(1, "A"), row(2, "B")]);
    home.keyward("auth remove ann --file users --format htdigest --realm A").run().ends(0);
    home.keyward("auth list --file users --format htdigest").run().prints("ann\tB\tdigest\n");
    home.write("users", "ann:canary\nbob:!x\ncarl:$1$saltsalt$le8lFSqqnPaRFOlmAZpvH1\n:x\n");
    let list = home.keyward("auth list --file users").run().ends(0);
    list.prints(
        "ann\tunusable: the scheme is not known\nbob\tunusable: it is locked: no password is right\n\
         carl\tmd5-crypt\n",
    );
}

#[test]
fn the_linter_finds_what_is_wrong_and_shows_no_secret() {
    let home = Home::new();
    add(&home, "ann", "");
    home.keyward("auth lint --file users").run().ends(0).prints("").says_nothing();
    let good = home.read("users");
    home.write(
        "users",
        format!("{good}#bob:$1$saltsalt$le8lFSqqnPaRFOlmAZpvH1\nann:{{PLAIN}}canary\n:x\n"),
    );
    let lint = home.keyward("auth lint --file users").run().ends(1).says("found something");
    lint.prints(
        "line 2: the comment is a user for programs that know no comments\n\
         line 3: ann: the user is also in line 1\nline 3: ann: the password itself is stored\n\
         line 4: the name is empty\n",
    );
    let lint = home.keyward("auth lint --file users --json").run().ends(1).json();
    assert_eq!(lint[1]["problem"], "duplicate");
    assert_eq!((&lint[3]["line"], &lint[3]["user"]), (&json!(4), &json!(null)));
}

/// `keyward auth check` lets in the users of each format.
#[test]
fn a_checker_knows_the_users_of_a_file() {
    let home = Home::new();
    for (format, options, checker) in [
        ("htpasswd", "--cost 4", "htpasswd"),
        ("dovecot", "", "file"),
        ("scram", "", "file"),
        ("htdigest", "--realm A", "htdigest"),
    ] {
        let _ = fs::remove_file(home.path("users"));
        add(&home, "ann", &format!("--format {format} {options}"));
        let arguments = if checker == "file" { ":hash=auto" } else { "" };
        let path = home.path("users");
        let auth = format!("{checker}:file={}{arguments}", path.display());
        let check = |secret: &str| {
            let check = home.keyward(&format!("auth check --auth {auth} ann --stdin"));
            check.input(secret).run().code
        };
        assert_eq!((check("secret-of-ann"), check("wrong")), (0, 9), "{format}");
    }
}
