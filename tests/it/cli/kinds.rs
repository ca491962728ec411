//! `kind`, and kinds that files define.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;

use xtask::root;

use crate::helpers::home::Home;

const FILE: &str = ".config/keyward/kinds/acme.deploy.toml";

/// Returns the file in the page about kinds.
fn example() -> String {
    let page = fs::read_to_string(root().join("docs/kinds.md")).unwrap();
    page.split("```toml\n").nth(1).unwrap().split("```").next().unwrap().to_owned()
}

fn home() -> Home {
    let home = Home::new();
    let path = home.write(FILE, example());
    for folder in path.ancestors().skip(1).take(3) {
        fs::set_permissions(folder, Permissions::from_mode(0o700)).unwrap();
    }
    home
}

#[test]
fn a_file_defines_a_kind() {
    let home = home();
    let shown = home.keyward("kind show acme.deploy").run().ends(0);
    let path = home.path(FILE);
    assert_eq!(
        shown.text(),
        format!(
            "acme.deploy ({})\n  A key that deploys to Acme\n  Get one at \
             https://acme.example/account/keys\n\n  project (line, required)\n      \
             The project\n\n  key (line, secret, required, main)\n      The key\n      \
             environment: ACME_DEPLOY_KEY\n      pattern: acme_[0-9a-f]{{40}}\n",
            path.display()
        )
    );
    let listed = home.keyward("kind list").run().ends(0).says_nothing();
    assert!(listed.text().starts_with("acme.deploy        A key that deploys to Acme\n"));
    assert!(!listed.text().contains("\naccounts"));
}

#[test]
fn a_file_that_cannot_be_used_is_reported_and_disables_only_its_kind() {
    for (text, mode, code, says) in [
        ("version = 1\nhlp = 1\n".to_owned(), 0o600, 2, "acme.deploy.toml:2: unknown field `hlp`"),
        (example(), 0o620, 4, "acme.deploy.toml"),
    ] {
        let home = home();
        let path = home.write(FILE, text);
        fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
        home.keyward("kind show acme.deploy").run().ends(code).says(says);
        let listed = home.keyward("kind list").run().ends(code).says(says);
        assert!(listed.text().contains("\ntoken "), "{}", listed.text());
        home.keyward("kind show token").run().ends(0);
        home.keyward("config validate").run().ends(code).says(says);
        let checked = home.keyward("doctor").run().ends(code);
        assert!(checked.text().contains("bad: kinds: "), "{}", checked.text());
    }
}

#[test]
fn a_file_does_not_replace_a_built_in_kind() {
    let home = home();
    home.write(".config/keyward/kinds/token.toml", example());
    home.keyward("kind show token").run().ends(0).says_nothing();
    home.keyward("kind list").run().ends(2).says("`token` has no dot");
}

#[test]
fn an_unknown_kind_and_an_internal_one_are_errors() {
    let home = home();
    home.keyward("kind show acme.deplo").run().ends(2).says("The kinds are: acme.deploy, api-key");
    home.keyward("kind show accounts").run().ends(2).says("internal");
}
