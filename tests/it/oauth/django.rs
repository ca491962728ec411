//! Logins at Django OAuth Toolkit, which publishes no endpoints, and where each client has a secret.

use keyward_core::{Expect, Field};
use keyward_kinds::fields;

use super::login::lives_and_ends;
use super::server::Django;

#[test]
fn a_browser_brings_the_code() {
    let server = Django::start();
    let home = server.home();
    let login = server.login("web", "api", "");
    home.keyward(&login).run().ends(0).says("A browser should open");
    lives_and_ends(&home, "api", "web");
}

#[test]
fn a_program_logs_in_as_itself() {
    let server = Django::start();
    let home = server.home();
    home.keyward(&server.login("job", "job", "--client-credentials")).run().ends(0);
    let first = home.keyward("oauth token s --name job").run().ends(0).into_text();
    home.keyward("oauth refresh s --name job").run().ends(0);
    assert_ne!(home.keyward("oauth token s --name job").run().ends(0).into_text(), first);
    let checked = home.keyward("oauth status s --name job --check").run().ends(0).json().remove(0);
    assert_eq!((&checked["active"], &checked["client_id"]), (&true.into(), &"job".into()));
    home.write("job", "wrong");
    let login = server.login("job", "other", "--client-credentials");
    home.keyward(&login).run().ends(9).says("invalid_client");
}

#[test]
fn a_password_gets_tokens_and_is_not_stored() {
    let server = Django::start();
    let home = server.home();
    home.write("password", "alice-pw\n");
    let more = "--username alice --password-grant --password-file password";
    let login = server.login("old", "legacy", more);
    home.keyward(&login).run().ends(0).says("warning: Keyward sends your password");
    let shown = home.keyward("get s --name legacy --json --reveal").run().ends(0).into_text();
    assert!(!shown.contains("alice-pw"), "{shown}");
    lives_and_ends(&home, "legacy", "old");
    home.write("password", "wr0ng");
    let refused = home.keyward(&login).run().ends(9).says("invalid_grant");
    assert!(!refused.err.contains("wr0ng"), "{}", refused.err);
    home.keyward("get s --name legacy").run().ends(3);
}

#[test]
fn an_old_refresh_token_is_refused_and_kept() {
    let server = Django::start();
    let home = server.home();
    home.keyward(&server.login("web", "api", "")).run().ends(0);
    let store = home.store("s");
    let id = store.entry(None, Some("api")).unwrap();
    let old = store.get(&id).unwrap();
    home.keyward("oauth refresh s --name api").run().ends(0);
    let new = store.get(&id).unwrap();
    let token =
        |record: &keyward_core::Record| record.field(fields::REFRESH_TOKEN).unwrap().value.clone();
    assert!(token(&old) != token(&new), "the server replaces it");
    store
        .put(&id, &new.with(fields::REFRESH_TOKEN, Field::secret(token(&old))), Expect::Any)
        .unwrap();
    home.keyward("oauth refresh s --name api").run().ends(9).says("Log in again");
    assert!(token(&store.get(&id).unwrap()) == token(&old));
    home.keyward("oauth login s --name api --again").run().ends(0);
    home.keyward("oauth refresh s --name api").run().ends(0);
}
