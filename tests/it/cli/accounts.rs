//! `account`, and the accounts of origins that helpers store, find and remove.

use crate::helpers::home::{Home, me};
use crate::helpers::invocation::Invocation;

/// A home with a store `s`, whose key is in a file.
fn home() -> Home {
    Home::with_store("--option key.from=file")
}

fn set(home: &Home, line: &str, password: &str) {
    home.keyward(&format!("set s {line} --stdin")).input(password).run().ends(0).says_nothing();
}

/// Checks what the helper answers git for these attributes.
#[track_caller]
fn given(home: &Home, attributes: &str, expected: &str) {
    let asked = format!("{}\n\n", attributes.replace(' ', "\n"));
    let answer = home.keyward("helper git get --store s").input(asked).run().ends(0);
    assert_eq!(answer.text().split_whitespace().collect::<Vec<_>>().join(" "), expected);
}

#[track_caller]
fn listed(call: Invocation, expected: &[&str]) {
    let ran = call.run().ends(0).says_nothing();
    assert_eq!(ran.text().lines().collect::<Vec<_>>(), expected);
}

#[test]
fn an_account_that_is_set_is_given_to_its_origin_alone() {
    let home = home();
    set(&home, "ann --origin https://X.example:443/", "1");
    given(&home, "protocol=https host=x.example", "username=ann password=1");
    given(&home, "protocol=http host=x.example", "");
    given(&home, "protocol=https host=y.example", "");
    home.keyward("get s --name https://ann@x.example -np").run().ends(0).prints("ann\n1\n");
    home.keyward("get s").run().ends(3);
    set(&home, "ann --origin https://x.example", "2");
    given(&home, "protocol=https host=x.example", "username=ann password=2");
}

#[test]
fn a_new_password_has_no_old_expiry() {
    let home = home();
    let stored = "protocol=https\nhost=x.example\nusername=ann\npassword=1\noauth_refresh_token=R\n\
                  password_expiry_utc=9999999999\n\n";
    home.keyward("helper git store --store s").input(stored).run().ends(0);
    set(&home, "ann --origin https://x.example", "2");
    given(&home, "protocol=https host=x.example", "username=ann password=2");
}

#[test]
fn only_an_origin_has_accounts() {
    let home = home();
    for (line, says) in [
        ("--origin https://ann@x.example", "user-info"),
        ("--origin https://x.example/path", "path"),
        ("--origin x.example", "scheme"),
        ("--origin https://x.example.", "hint: Write the host without the dot"),
        ("--origin https://x.example --name n", "cannot be used with"),
    ] {
        home.keyward(&format!("set s ann --stdin {line}")).input("canary").run().ends(2).says(says);
    }
    home.keyward("set s ann --origin https://x.example").run().ends(5);
    home.keyward("list s").run().ends(0).prints("");
}

#[test]
fn accounts_are_listed_by_origin() {
    let home = home();
    listed(home.keyward("account list s"), &[]);
    for (account, origin) in [("bob", "https://y"), ("ann", "https://x"), ("al b", "https://x")] {
        let call = home.keyward("set s").arg(account).args(["--origin", origin, "--stdin"]);
        call.input("pw").run().ends(0);
    }
    set(&home, "no --name https://no@z", "pw");
    set(&home, "zoe --origin https://x --user zoe", "pw");
    let of_x = ["https://ann@x\tuser-password", "https://al%20b@x\tuser-password"];
    listed(home.keyward("account list s https://x"), &of_x);
    listed(home.keyward("account list s"), &[of_x[0], of_x[1], "https://bob@y\tuser-password"]);
    listed(home.keyward("account list s https://z"), &[]);
    listed(home.keyward("account list s -u zoe"), &["https://zoe@x\tuser-password"]);
    home.keyward("account list s https://ann@x").run().ends(2).says("user-info");
    let objects = home.keyward("account list s https://y --json").run().ends(0).json();
    let expected = serde_json::json!([{
        "name": "https://bob@y", "origin": "https://y", "account": "bob", "path": null,
        "kind": "user-password", "default": false,
    }]);
    assert_eq!(serde_json::Value::from(objects), expected);
}

#[test]
fn one_account_can_be_chosen() {
    let home = home();
    set(&home, "ann --origin https://x", "1");
    set(&home, "bob --origin https://x", "2");
    given(&home, "protocol=https host=x", "username=ann password=1");
    home.keyward("account default s https://bob@x").run().ends(0).prints("").says_nothing();
    given(&home, "protocol=https host=x", "username=bob password=2");
    given(&home, "protocol=https host=x username=ann", "username=ann password=1");
    let lines = ["https://ann@x\tuser-password", "https://bob@x\tuser-password\tdefault"];
    listed(home.keyward("account list s"), &lines);
    for (line, code) in [
        ("https://eve@x", 3),
        ("https://ann@y", 3),
        ("https://x", 2),
        ("https://ann@x --none", 2),
        ("https://ann@x/path", 2),
        ("https://ann:canary@x", 2),
    ] {
        home.keyward(&format!("account default s {line}")).run().ends(code);
    }
    given(&home, "protocol=https host=x", "username=bob password=2");
    home.keyward("account default s https://x --none").run().ends(0);
    given(&home, "protocol=https host=x", "username=ann password=1");
}

#[test]
fn an_account_is_forgotten_with_all_its_paths() {
    let home = home();
    set(&home, "ann --origin https://x", "1");
    set(&home, "bob --origin https://x", "2");
    for path in ["p", "q"] {
        let stored = format!("protocol=https\nhost=x\nusername=ann\npassword=1\npath={path}\n\n");
        home.keyward("helper git store --store s").input(stored).run().ends(0);
    }
    home.keyward("account rm s https://x").run().ends(2).says("https://ACCOUNT@HOST");
    home.keyward("account rm s https://eve@x").run().ends(3).says("https://eve@x");
    home.keyward("account rm s http://ann@x").run().ends(3);
    home.keyward("account rm s https://ann@x/p").run().ends(0).prints("").says_nothing();
    let left = [
        "https://ann@x\tuser-password",
        "https://bob@x\tuser-password",
        "https://ann@x/q\tuser-password",
    ];
    listed(home.keyward("account list s"), &left);
    home.keyward("account rm s https://ann@x").run().ends(0);
    listed(home.keyward("account list s"), &left[1..2]);
    home.keyward("account rm s https://ann@x").run().ends(3);
    home.keyward("account rm s https://bob@x").run().ends(0);
    home.keyward("list s").run().ends(0).prints("");
}

#[test]
fn a_header_of_no_account_is_forgotten_alone() {
    let home = home();
    let stored = "capability[]=authtype\nprotocol=https\nhost=x\nauthtype=Bearer\ncredential=T\n\n";
    home.keyward("helper git store --store s").input(stored).run().ends(0);
    set(&home, "ann --origin https://x", "1");
    listed(
        home.keyward("account list s"),
        &["https://@x\thttp-authorization", "https://ann@x\tuser-password"],
    );
    home.keyward("account rm s https://@x").run().ends(0);
    listed(home.keyward("account list s"), &["https://ann@x\tuser-password"]);
}

#[test]
fn what_unset_removes_is_no_longer_listed() {
    let home = home();
    set(&home, "ann --origin https://x", "1");
    set(&home, "bob --origin https://x", "2");
    home.keyward("unset s --name https://ann@x").run().ends(0);
    listed(home.keyward("account list s"), &["https://bob@x\tuser-password"]);
    given(&home, "protocol=https host=x", "username=bob password=2");
    let list = home.keyward("list s").run().ends(0);
    assert!(list.text().contains(&format!("{}\thttps://bob@x\n", me())), "{}", list.text());
}

#[test]
fn an_entry_of_ones_own_is_not_taken_over() {
    let home = home();
    set(&home, "own --name https://ann@x", "mine");
    home.keyward("set s ann --origin https://x --stdin")
        .input("1")
        .run()
        .ends(2)
        .says("was not made for");
    home.keyward("account rm s https://ann@x").run().ends(3);
    home.keyward("get s --name https://ann@x -np").run().ends(0).prints("own\nmine\n");
}

#[test]
fn git_stops_at_a_password_with_a_line_break() {
    let home = home();
    set(&home, "ann --origin https://x.example", "canary\nhost=y.example");
    let asked = "protocol=https\nhost=x.example\n\n";
    let answer = home.keyward("helper git get --store s").input(asked).run().ends(2);
    assert_eq!(answer.says("the password holds a line break").text(), "quit=1\n");
}

#[test]
fn accounts_that_were_unset_hide_no_others() {
    let home = home();
    for name in ["ann", "bob", "carl", "dora"] {
        set(&home, &format!("{name} --origin https://x.example"), name);
    }
    for name in ["ann", "bob", "carl"] {
        home.keyward(&format!("unset s --name https://{name}@x.example")).run().ends(0);
    }
    given(&home, "protocol=https host=x.example", "username=dora password=dora");
}

#[test]
fn the_list_of_accounts_is_not_overwritten() {
    let home = home();
    set(&home, "ann --origin https://x.example", "1");
    let line = "set s bob --name https://x.example --stdin";
    home.keyward(line).input("2").run().ends(2).says("lists the accounts").says("--origin");
    set(&home, "bob --origin https://x.example", "2");
    given(&home, "protocol=https host=x.example username=bob", "username=bob password=2");
}

#[test]
fn a_password_replaces_no_header() {
    let home = home();
    let stored = "capability[]=authtype\nprotocol=https\nhost=x\nusername=ann\nauthtype=Bearer\n\
                  credential=T\n\n";
    home.keyward("helper git store --store s").input(stored).run().ends(0);
    for line in ["set s ann --origin https://x --stdin", "set s ann --name https://ann@x --stdin"] {
        home.keyward(line)
            .input("1")
            .run()
            .ends(2)
            .says("holds a record of the kind `http-authorization`")
            .says("eplace it, ");
    }
    home.keyward("unset s --name https://ann@x").run().ends(0);
    set(&home, "ann --origin https://x", "1");
    listed(home.keyward("account list s"), &["https://ann@x\tuser-password"]);
}

#[test]
fn a_request_that_is_too_large_is_bad_input() {
    let request = format!("protocol=https\nhost=x\n{}", "a=b\n".repeat(300_000));
    let ran = home().keyward("helper git get --store s").input(request).run();
    ran.ends(2).prints("quit=1\n").says("read the request");
}

/// Otherwise git asks for the password each time, and its user does not learn why.
#[test]
fn a_credential_that_is_not_kept_is_reported() {
    let home = home();
    let stored = "protocol=https\nhost=x.example.\nusername=ann\npassword=canary\n\n";
    let store = home.keyward("helper git store --store s").input(stored).run().ends(0);
    store.says("warning: keyward does not keep this credential: the host ends with a dot");
    home.keyward("list s").run().ends(0).prints("");
    // Another helper may know the host, so a `get` gives no warning.
    given(&home, "protocol=https host=x.example.", "");
    home.keyward("account rm s https://ann@x.example.").run().ends(2).says("hint: Write the host");
    home.keyward("account list s https://x.example.").run().ends(2).says("hint: Write the host");
    // A client certificate's passphrase has no host.
    let certificate = "protocol=cert\nhost=\npath=/key\nusername=\npassword=canary\n\n";
    home.keyward("helper git store --store s").input(certificate).run().ends(0).says_nothing();
}
