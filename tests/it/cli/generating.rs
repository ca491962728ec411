//! `generate` and `set --generate`.

use crate::helpers::home::Home;

#[test]
fn a_password_follows_the_rule() {
    let home = Home::new();
    for (rule, length) in [("", 22), ("hex", 32), ("hex:64", 64), ("40", 40), ("ascii:10", 10)] {
        let line = format!("generate {rule}");
        let first = home.keyward(&line).run().ends(0).says_nothing().into_text();
        assert_eq!(first.trim_end_matches('\n').len(), length, "{first}");
        assert_ne!(home.keyward(&line).run().ends(0).into_text(), first);
    }
    home.keyward("generate -v").run().ends(0).says("the password has at least 130 bits of entropy");
    let json = home.keyward("generate hex:64 --json").run().ends(0).json().remove(0);
    assert_eq!(json["bits"], 256);
    assert_eq!(json["secret"].as_str().unwrap().len(), 64);
    home.keyward("generate none").run().ends(2).says("not a rule");
}

#[test]
fn a_generated_secret_is_stored_without_being_shown() {
    let home = Home::with_store("--option key.from=file");
    home.keyward("set s ann --generate").run().ends(0).prints("").says_nothing();
    let first = home.keyward("get s -p").run().ends(0).into_text();
    assert_eq!(first.len(), 23);
    home.keyward("set s --generate=hex:40 -v").run().ends(0).prints("").says("160 bits");
    assert_eq!(home.keyward("get s -p --raw").run().ends(0).into_text().len(), 40);
    home.keyward("set s --name t --kind token --generate=8").run().ends(0);
    home.keyward("set s ann --origin https://x.example --generate").run().ends(0);
    home.keyward("get s --name https://ann@x.example -p").run().ends(0);
}

#[test]
fn what_cannot_be_generated_is_refused() {
    let home = Home::with_store("--option key.from=file");
    for (line, why) in [
        ("set s ann --generate --stdin", "cannot be used with"),
        ("set s ann --generate --raw", "cannot be used with"),
        ("set s --kind ssh-key --generate", "the field `private_key` cannot be generated"),
        ("set s --kind totp --generate", "otpauth"),
    ] {
        home.keyward(line).input("x").run().ends(2).says(why);
        home.keyward("get s").run().ends(3);
    }
    // A password in the place of the rule is not shown.
    let refused = home.keyward("set s ann --generate=hunter2").run().ends(2).says("not a rule");
    assert!(!refused.err.contains("hunter2"), "{}", refused.err);
}
