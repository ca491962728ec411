//! Profiles.

use serde_json::json;

use crate::helpers::home::Home;

const FILE: &str = ".config/keyward/config.toml";

/// A home with the stores `s` and `t`, whose entries contain their own place, and these profiles.
fn home(text: &str) -> Home {
    let home = Home::with_store("--option key.from=file");
    home.run_ok(&["init", "t", "--option", "key.from=file"]);
    for (store, name) in [("s", "mail"), ("s", "dev-mail"), ("t", "mail")] {
        let line = format!("set {store} ann --name {name} --stdin");
        home.keyward(&line).input(format!("{store}/{name}")).run().ends(0);
    }
    home.keyward("set t bob --user bob --name mail --stdin").input("t/mail/bob").run().ends(0);
    home.write(FILE, format!("version = 1\n{text}"));
    home
}

#[test]
fn the_option_comes_before_the_variable_and_the_variable_before_the_setting() {
    let text = "profile = 'c'\ndefaults.store = 's'\n[profiles.a]\nnames = 'dev-{name}'\n\
                [profiles.b]\nstores = ['t']\n[profiles.c]\nstores = ['t']\nuser = 'bob'\n";
    let home = home(text);
    let resolved = |variable: &str, option: &str| {
        let line = format!("resolve mail {option}");
        home.keyward(&line).env("KEYWARD_PROFILE", variable).run().ends(0).into_text()
    };
    assert_eq!(resolved("b", "--profile a"), "s/dev-mail\n");
    assert_eq!(resolved("b", ""), "t/mail\n");
    assert_eq!(resolved("", "--profile a"), "s/dev-mail\n");
    assert_eq!(resolved("", ""), "t/mail/bob\n");
    home.keyward("profile use --unset").run().ends(0).says_nothing().prints("");
    assert_eq!(resolved("", ""), "s/mail\n");
}

#[test]
fn a_profile_changes_what_references_to_the_resolver_find_and_nothing_else() {
    let home = home("defaults.store = 's'\n[profiles.a]\nnames = 'dev-{name}'\n");
    home.write("t", "{{ keyward:///mail }} {{ keyward://s/mail }}");
    for (line, prints) in [
        ("read keyward:///mail --profile a", "s/dev-mail\n"),
        ("read keyward://s/mail --profile a", "s/mail\n"),
        ("read keyward://-/mail --profile a", "s/mail\n"),
        ("inject t --profile a", "s/dev-mail s/mail"),
        ("run --profile a --env P=keyward:///mail -- printenv P", "s/dev-mail\n"),
        ("resolve mail --profile a --raw", "s/dev-mail"),
    ] {
        home.keyward(line).run().ends(0).prints(prints);
    }
    let home = home.with("KEYWARD_PROFILE", "a");
    home.keyward("get s --name mail -p").run().ends(0).prints("s/mail\n");
    home.keyward("get s --name mail --profile a").run().ends(2);
    // The variables and the configuration are asked for the same name.
    let line = "explain mail --kind token";
    let explained = home.keyward(line).env("KEYWARD_CREDENTIAL_DEV__2DMAIL_TOKEN", "x").run();
    let text = explained.ends(0).into_text();
    assert!(text.starts_with("profile: a\nargument: absent\n"), "{text}");
    assert!(text.contains("environment: found\n"), "{text}");
    assert!(text.contains("  place: keyward://s/dev-mail\n"), "{text}");
    let json = home.keyward("explain mail --json").run().ends(0).json();
    assert_eq!((&json[0]["name"], &json[0]["profile"]), (&json!("mail"), &json!("a")));
    home.keyward(&format!("resolve {}", "x".repeat(keyward_core::MAX_NAME)))
        .run()
        .ends(2)
        .says("name is longer");
}

#[test]
fn show_prints_each_key_with_its_origin() {
    let home = home("");
    for (key, value) in [
        ("profiles.base.stores", "t,s"),
        ("profiles.base.user", "bob"),
        ("profiles.dev.inherit", "base"),
        ("profiles.dev.sources", "stores"),
        ("profiles.dev.user", "ann"),
    ] {
        home.run(&["config", "set", key, value]).ends(0).says_nothing();
    }
    let file = home.path(FILE).display().to_string();
    home.keyward("profile show dev").run().ends(0).says_nothing().prints(format!(
        "inherit = \"base\"    # user: {file}:8\n\
         sources = \"stores\"    # user: {file}:9\n\
         stores = \"t,s\"    # profile `base`, user: {file}:4\n\
         user = \"ann\"    # user: {file}:10\n"
    ));
    let json = home.keyward("profile show dev --json").run().ends(0).json();
    assert_eq!(
        json[2],
        json!({ "key": "stores", "value": "t,s", "profile": "base", "layer": "user", "place": format!("{file}:4") })
    );
    home.keyward("config explain profiles.dev.user")
        .run()
        .ends(0)
        .prints(format!("used: \"ann\" (user: {file}:10)\n"));
    home.keyward("profile use dev").run().ends(0);
    home.keyward("profile list")
        .run()
        .ends(0)
        .prints(format!("base\ndev (used: user: {file}:2)\n"));
    assert_eq!(
        home.keyward("profile list --json").run().ends(0).json(),
        [json!({ "name": "base", "used": false }), json!({ "name": "dev", "used": true })]
    );
    home.keyward("config validate").run().ends(0);
}

#[test]
fn what_is_wrong_with_a_profile_is_exit_2() {
    let home = home(
        "[profiles.work]\nstores = ['nope']\n[profiles.a]\ninherit = 'b'\n[profiles.b]\ninherit = 'a'\n",
    );
    let hint = "Did you mean `work`?";
    home.keyward("resolve mail --profile wrok").run().ends(2).says("no profile `wrok`").says(hint);
    home.keyward("read keyward:///mail --profile wrok").run().ends(2).says(hint);
    home.keyward("profile show wrok").run().ends(2).says(hint);
    home.keyward("profile use wrok").run().ends(2).says(hint);
    home.keyward("profile remove wrok").run().ends(2).says(hint);
    let variable = home.keyward("explain mail").env("KEYWARD_PROFILE", "wrok").run().ends(2);
    variable.says("KEYWARD_PROFILE: there is no profile `wrok`").says(hint);
    home.keyward("resolve mail --profile work").run().ends(2).says("there is no store `nope`");
    let cycle = "a profile inherits from itself: `a` from `b` from `a`";
    for line in ["resolve mail --profile a", "profile show a", "config validate"] {
        home.keyward(line).run().ends(2).says(cycle);
    }
    // A wrong setting does not lock the user out of the commands that correct it.
    home.run_ok(&["config", "set", "profile", "wrok"]);
    home.keyward("resolve mail").run().ends(2).says("config.toml:2: there is no profile `wrok`");
    home.keyward("get s --name mail -p").run().ends(0).prints("s/mail\n");
    home.keyward("profile use work").run().ends(0);
    for (key, value, says) in [
        ("profiles.work.names", "dev", "contains {name} once"),
        ("profiles.work.names", "{name}{name}", "contains {name} once"),
        ("profiles.work.sources", "nope", "takes these words: environment"),
        ("profiles.work.inherit", "wok", hint),
        ("profiles.work.inherit", "work", "inherits from itself: `work` from `work`"),
        ("profiles.work.storse", "s", "Did you mean `profiles.work.stores`?"),
        ("profiles.\"\".user", "x", "the profile is empty"),
        ("profiles.a.b.user", "x", "is not a setting"),
    ] {
        home.run(&["config", "set", key, value]).ends(2).says(says);
    }
}

#[test]
fn remove_leaves_the_records_and_everything_else() {
    let text = "defaults.store = 's' # first\n[profiles.a]\nstores = ['s'] # why\n[profiles.b]\ninherit = 'a'\n[profiles.c]\n";
    let home = home(text);
    home.keyward("profile use b").run().ends(0);
    home.keyward("profile remove a").run().ends(2).says("the profile `b` inherits from `a`");
    home.keyward("profile remove b").run().ends(2).says("the setting `profile` selects");
    home.keyward("profile use --unset").run().ends(0);
    let before = home.files();
    home.keyward("profile remove b").run().ends(0).says_nothing().prints("");
    home.keyward("profile remove a").run().ends(0);
    assert_eq!(home.read(FILE), "version = 1\ndefaults.store = 's' # first\n[profiles.c]\n");
    let path = home.path(FILE);
    let without = |files: std::collections::BTreeMap<_, _>| {
        files.into_iter().filter(|(file, _)| *file != path).collect::<Vec<_>>()
    };
    assert_eq!(without(home.files()), without(before));
    home.keyward("get s --name mail -p").run().ends(0).prints("s/mail\n");
    home.keyward("profile list").run().ends(0).prints("c\n");
    let home = home.with("KEYWARD_PROFILE", "c");
    home.keyward("profile use c").run().ends(0).says("KEYWARD_PROFILE still selects `c`");
}

#[test]
fn a_hostile_name_is_one_name() {
    let home = home("");
    for name in ["a.b", "profile", "--x", "é \"'[", "{name}", "-"] {
        let key = format!("profiles.{}.stores", json!(name));
        home.run(&["config", "set", &key, "t"]).ends(0);
        home.run(&["profile", "use", "--", name]).ends(0);
        home.keyward("resolve mail").run().ends(0).prints("t/mail\n");
        let option = format!("--profile={name}");
        home.run(&["resolve", "mail", &option]).ends(0).prints("t/mail\n");
        let list = home.keyward("profile list --json").run().ends(0).json();
        assert_eq!(list, [json!({ "name": name, "used": true })]);
        home.keyward("profile use --unset").run().ends(0);
        home.run(&["profile", "remove", "--", name]).ends(0);
    }
    for name in ["a\u{1b}[31m", "a\n", "e\u{301}"] {
        let key = format!("profiles.{}.stores", json!(name));
        home.run(&["config", "set", &key, "t"]).ends(2);
        let refused = home.run(&["resolve", "mail", "--profile", name]).ends(2);
        assert!(!refused.err.contains('\u{1b}'), "{:?}", refused.err);
        home.write(FILE, format!("version = 1\n{key} = 't'\n"));
        let refused = home.keyward("resolve mail").run().ends(2).says("config.toml:2: the profile");
        assert!(!refused.err.contains('\u{1b}'), "{:?}", refused.err);
        home.write(FILE, "version = 1\n");
    }
}

#[test]
fn the_library_selects_a_profile_too() {
    let home = home("profile = 'b'\n[profiles.a]\nstores = ['s']\n[profiles.b]\nstores = ['t']\n");
    let value = |keyward: keyward::Keyward| {
        keyward.resolver().unwrap().value("mail", None, None).unwrap().expose().to_vec()
    };
    assert_eq!(value(home.library()), b"t/mail");
    assert_eq!(value(home.library().with_profile("a").unwrap()), b"s/mail");
    let error = home.library().with_profile("c").unwrap_err();
    assert_eq!(error.kind(), keyward::ErrorKind::Invalid);
}

#[test]
fn a_confirmed_credential_goes_to_the_entry_of_the_profile() {
    let home = home("[profiles.a]\nstores = ['t']\nnames = 'dev-{name}'\nuser = 'bob'\n");
    let line = "resolve api --kind token --profile a";
    home.keyward(&format!("{line} --confirm")).input("t0ken").run().ends(0);
    home.keyward("get t --user bob --name dev-api -p").run().ends(0).prints("t0ken\n");
    home.keyward(line).run().ends(0).prints("t0ken\n");
    home.keyward(&format!("{line} --reject")).input("t0ken").run().ends(0);
    home.keyward(line).run().ends(5).says("the credential `dev-api` lacks `token`");
}
