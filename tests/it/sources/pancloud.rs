//! pancloud's variables as a source.

use crate::helpers::home::Home;

const ID: (&str, &str) = ("PAN_CLIENT_ID", "id");

/// A home that looks for credentials where pancloud does, then in its store `s`.
fn home(sources: &str) -> Home {
    let home = Home::with_store("--option key.from=file");
    home.run_ok(&["config", "set", "resolve.sources", sources]);
    home
}

#[test]
fn it_is_off_by_default() {
    let home = Home::new().with("PAN_ACCESS_TOKEN", "canary");
    home.keyward("resolve pancloud").run().ends(3);
}

#[test]
fn one_source_gives_all_fields() {
    let home = home("pancloud,stores");
    let line = "set s --name pancloud --kind oauth2 --field client_id=stored --stdin";
    home.keyward(line).input("canary-stored").run().ends(0);
    home.keyward("resolve pancloud").run().ends(0).prints("canary-stored\n");
    home.keyward("resolve pancloud").env(ID.0, "").run().ends(0).prints("canary-stored\n");
    // The access token of the store does not complete the variable.
    home.keyward("resolve pancloud").env(ID.0, ID.1).run().ends(2).says("`access_token`");
    let merged = home.keyward("resolve pancloud --merge").env(ID.0, ID.1).run();
    merged.ends(0).prints("canary-stored\n");
    let line = "resolve pancloud --field client_id";
    let resolve = home.keyward(line).env(ID.0, ID.1).env("PAN_ACCESS_TOKEN", "canary-variable");
    resolve.run().ends(0).prints("id\n");
}

#[test]
fn an_access_token_alone_is_enough() {
    let home = home("pancloud");
    let resolve = |line: &str| home.keyward(line).env("PAN_ACCESS_TOKEN", "canary").run();
    resolve("resolve pancloud").ends(0).prints("canary\n");
    resolve("resolve pancloud-lab --kind token").ends(0).prints("canary\n");
    resolve("resolve pancloud --kind oauth2").ends(2).says("client_id");
    resolve("resolve other").ends(3);
}

#[test]
fn names_without_a_prefix_are_a_word_of_their_own() {
    let resolve = |sources| {
        let home = home(sources);
        home.keyward("resolve pancloud").env("ACCESS_TOKEN", "canary").run().code
    };
    assert_eq!(resolve("pancloud"), 3);
    assert_eq!(resolve("pancloud,pancloud-1.2"), 0);
}
