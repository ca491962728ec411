//! Credentials in the configuration.

use crate::helpers::home::Home;

const FILE: &str = ".config/keyward/config.toml";

/// A home with the entry `mail` of a store `s`, and this configuration.
fn home(text: &str) -> Home {
    let home = super::references::with_mail();
    home.write(FILE, format!("version = 1\n{text}"));
    home
}

#[test]
fn set_makes_a_credential_that_resolve_finds() {
    let home = home("").with("TOKEN", "t0ken");
    let set = |key: &str, value: &str| home.run(&["config", "set", key, value]);
    set("credentials.db.kind", "user-password").ends(0);
    set("credentials.db.username", "bot").ends(0);
    set("credentials.db.password", "keyward://s/mail").ends(0);
    set("credentials.\"a.b\".token", "{ from = \"env\", name = \"TOKEN\" }").ends(0);
    assert_eq!(
        home.read(FILE),
        "version = 1\n\n[credentials.db]\nkind = \"user-password\"\nusername = \"bot\"\n\
         password = \"keyward://s/mail\"\n\n[credentials.\"a.b\"]\n\
         token = { from = \"env\", name = \"TOKEN\" }\n"
    );
    home.keyward("config validate").run().ends(0);
    home.keyward("config get credentials.db.username").run().ends(0).prints("bot\n");
    home.keyward("resolve db").run().ends(0).prints("s3cret\n");
    home.keyward("resolve db --field username").run().ends(0).prints("bot\n");
    home.keyward("resolve a.b --kind token").run().ends(0).prints("t0ken\n");
    home.keyward("read keyward:///db/username").run().ends(0).prints("bot\n");
    home.keyward("run --env P=keyward:///db -- printenv P").run().ends(0).prints("s3cret\n");
    let json = home.keyward("resolve db --json").run().ends(0).json();
    assert_eq!(json[0]["sources"], serde_json::json!(["configuration"]));
    let explained = home.keyward("explain db").run().ends(0);
    let file = home.path(FILE).display().to_string();
    let says = format!(
        "configuration: found\n  fields: password, username\n  place: {file}:6\n  place: {file}:5\n"
    );
    assert!(explained.text().contains(&says), "{}", explained.text());
    // The entry of the same name is another source.
    home.keyward("set s ann --name db --stdin").input("stored").run().ends(0);
    let home = home.with("KEYWARD_RESOLVE_SOURCES", "stores,configuration");
    home.keyward("resolve db").run().ends(0).prints("stored\n");
}

#[test]
fn a_secret_in_plain_text_is_refused_and_never_shown() {
    let text = "[credentials.db]\nusername = 'u'\npassword = 'hunter2'\n";
    let home = home(text);
    let place = format!("{}:4: ", home.path(FILE).display());
    let refusal = place + "the field `password` is secret, so it cannot be plain text";
    for (line, code) in [
        ("resolve db", 2),
        ("resolve db --field username", 2),
        ("resolve db --json --reveal", 2),
        ("explain db", 2),
        ("explain db --json", 2),
        ("config validate", 2),
        ("read keyward:///db", 2),
    ] {
        let ran = home.keyward(line).run().ends(code).says(&refusal);
        assert!(ran.err.contains("hint: Write a reference: password = "), "{}", ran.err);
        assert!(!format!("{}{}", ran.text(), ran.err).contains("hunter2"), "{line}");
    }
    for (line, code) in [
        ("config show", 0),
        ("config show --json", 0),
        ("config get credentials.db.password", 2),
        ("config explain credentials.db.password", 0),
        ("config explain credentials.db.password --json", 0),
        ("doctor", 2),
    ] {
        let ran = home.keyward(line).run().ends(code);
        assert!(!format!("{}{}", ran.text(), ran.err).contains("hunter2"), "{line}");
    }
    // Other commands work.
    home.keyward("resolve mail").run().ends(0).prints("s3cret\n");
    for (key, value) in [
        ("credentials.db.password", "hunter2"),
        ("credentials.x.token", "hunter2"),
        ("credentials.x.token", "{ from = 'hunter2' "),
        ("credentials.x.token", "keyward://hunter2"),
        ("credentials.x.pin", "hunter2"),
        ("credentials.x.kind", "{ hunter2 }"),
    ] {
        let refused = home.run(&["config", "set", key, value]).ends(2).prints("");
        assert!(!refused.err.contains("hunter2"), "{key}: {}", refused.err);
    }
    assert_eq!(home.read(FILE), format!("version = 1\n{text}"));
    home.run_ok(&["config", "set", "credentials.db.password", "keyward://s/mail"]);
    home.keyward("resolve db").run().ends(0).prints("s3cret\n");
}

#[test]
fn references_that_lead_back_are_an_error() {
    let home = home(
        "[credentials.a]\nusername = 'x'\npassword = 'keyward:///b'\n\
         [credentials.b]\nusername = 'x'\npassword = 'keyward:///a'\n\
         [credentials.c]\ntoken = 'keyward:///c/token'\n",
    );
    for (name, says) in [("a", "`a` needs `b` needs `a`"), ("c", "`c` needs `c`")] {
        let resolved = home.keyward(&format!("resolve {name}")).run().ends(2).prints("");
        let resolved = resolved.says(&format!("a credential needs itself: {says}"));
        let explained = home.keyward(&format!("explain {name}")).run().ends(2);
        assert_eq!(explained.err, resolved.err);
    }
    // An earlier source ends the circle.
    let home = home.with("KEYWARD_CREDENTIAL_B_PASSWORD", "p");
    let home = home.with("KEYWARD_CREDENTIAL_B_USERNAME", "u");
    home.keyward("resolve a").run().ends(0).prints("p\n");
}

#[test]
fn what_a_reference_leads_to_keeps_its_exit_code() {
    let home = home(
        "[credentials.a]\npassword = 'keyward://s/none'\nusername = 'x'\n\
         [credentials.b]\ntoken = { from = 'command', argv = ['/nope'] }\n\
         [credentials.c]\ntoken = 'keyward://s/mail'\n\
         [credentials.d]\ntoken = { from = 'passphrase' }\n",
    );
    home.keyward("resolve a").run().ends(2).says("config.toml:3: keyward://s/none");
    home.keyward("resolve b").run().ends(7).says("config.toml:6: ");
    home.keyward("resolve d").run().ends(5).says("config.toml:10: ");
    std::fs::remove_dir_all(home.path(".local/state/keyward/keys")).unwrap();
    home.keyward("resolve c").run().ends(6).says("config.toml:8: keyward://s/mail");
}
