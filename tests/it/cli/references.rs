//! `read` and `inject`: values by reference.

use std::os::unix::fs::PermissionsExt;

use crate::helpers::home::Home;

/// A home with the entry `mail` of a store `s`: ann, s3cret.
pub(super) fn with_mail() -> Home {
    let home = Home::with_store("--option key.from=file");
    home.keyward("set s ann --name mail --stdin").input("s3cret").run().ends(0);
    home
}

#[test]
fn read_prints_the_main_secret_or_a_field() {
    let home = with_mail();
    home.keyward("set s bob --user bob --stdin").input("other").run().ends(0);
    for (reference, value) in [
        ("keyward://s/mail", "s3cret"),
        ("keyward://-/mail", "s3cret"),
        ("keyward://s/mail/password", "s3cret"),
        ("keyward://s/mail/username", "ann"),
        ("keyward:///mail", "s3cret"),
        ("keyward:///mail/username", "ann"),
        ("keyward://s/?user=bob", "other"),
        ("keyward://s//username?user=bob", "bob"),
    ] {
        home.keyward("read").arg(reference).run().ends(0).prints(format!("{value}\n"));
        home.keyward("read --raw").arg(reference).run().ends(0).prints(value);
    }
}

#[test]
fn what_cannot_be_read_says_why() {
    let home = with_mail();
    for (reference, code, why) in [
        ("keyward://s/other", 3, "keyward://s/other"),
        ("keyward:///other", 3, "keyward:///other"),
        ("keyward:///mail/token", 2, "token"),
        ("keyward://s/mail/token", 3, "the record has no field `token`"),
        ("keyward://t/mail", 2, "there is no store `t`"),
        ("keyward://s", 2, "the reference has no `/` after the store"),
        ("hunter2", 2, "the reference does not begin with keyward://"),
    ] {
        let refused = home.keyward("read").arg(reference).run().ends(code).prints("").says(why);
        assert!(!refused.err.contains("hunter2"), "{}", refused.err);
    }
}

#[test]
fn an_expired_record_and_a_variable_are_seen() {
    let home = with_mail();
    home.keyward("set s --name mail --expires 2020-01-01").run().ends(0);
    for reference in ["keyward://s/mail", "keyward:///mail"] {
        home.keyward("read").arg(reference).run().ends(3).prints("");
    }
    let home = home.with("KEYWARD_CREDENTIAL_MAIL_PASSWORD", "of the variable");
    let home = home.with("KEYWARD_CREDENTIAL_MAIL_USERNAME", "bot");
    home.keyward("read keyward:///mail").run().ends(0).prints("of the variable\n");
    home.keyward("read keyward://s/mail").run().ends(3);
}

#[test]
fn inject_fills_a_template() {
    let home = with_mail();
    home.write(
        "t",
        "user = {{ keyward://s/mail/username }}\npass = {{keyward://s/mail}}\n$(id) {{x}}\n",
    );
    let filled = "user = ann\npass = s3cret\n$(id) {{x}}\n";
    home.keyward("inject t").run().ends(0).prints(filled);
    home.keyward("inject -").input("{{ keyward://-/mail }}").run().ends(0).prints("s3cret");
    home.write("out", "an older and longer text than the one that replaces it, readable by all");
    home.keyward("inject t --out out").run().ends(0).prints("");
    assert_eq!(home.read("out"), filled);
    let mode = std::fs::metadata(home.path("out")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[test]
fn inject_leaves_the_file_if_a_value_is_missing() {
    let home = with_mail();
    home.write("t", "{{ keyward://s/mail }} {{ keyward://s/a }}\n{{ keyward://s/b }}");
    home.write("out", "old");
    let refused = home.keyward("inject t --out out").run().ends(3).prints("");
    refused.says("keyward://s/a").says("keyward://s/b");
    assert_eq!(home.read("out"), "old");
    home.write("t", "a\n{{ keyward://s }}");
    home.keyward("inject t").run().ends(2).says("t:2: the reference has no `/`");
    home.keyward("inject missing").run().ends(2).says("missing: No such file");
    home.keyward("inject t --out no/folder").run().ends(2);
}

#[test]
fn inject_replaces_only_regular_files() {
    let home = with_mail();
    home.write("t", "{{ keyward://s/mail }}");
    home.write("target", "old");
    std::os::unix::fs::symlink(home.path("target"), home.path("link")).unwrap();
    std::fs::create_dir(home.path("folder")).unwrap();
    for name in ["link", "folder"] {
        home.keyward(&format!("inject t --out {name}")).run().ends(2).says("not a regular file");
    }
    assert_eq!(home.read("link"), "old");
    home.keyward("inject t --out no/file").run().ends(2).says("no/file");
}
