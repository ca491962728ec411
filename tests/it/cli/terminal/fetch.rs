//! A download whose credential the user types: it is stored once the server has accepted it. Rows C4,
//! C7 and G7.

use super::program;
use super::pty::{Terminal, end};
use crate::fetch::site::{Site, home, home_for, store_password};
use crate::helpers::home::Home;
use crate::oauth::scripted::Scripted;

/// Fetches on a terminal, and answers the questions.
fn fetch(home: &Home, url: &str, answers: &[(&str, &str)]) -> (i32, String, String) {
    home.run_ok(&["config", "set", "prompt.repeat", "false"]);
    let mut terminal = Terminal::new();
    let child = terminal.start(home, &[&program(), "fetch", url, "--output", "-"]);
    for (question, answer) in answers {
        terminal.expect(question);
        terminal.press(answer);
    }
    let ended = end(child);
    assert!(!terminal.shown().contains("canary"), "{}", terminal.shown());
    ended
}

const ANN: [(&str, &str); 2] = [("Username: ", "ann\r"), ("Password: ", "canary-password\r")];
const WRONG: [(&str, &str); 2] = [("Username: ", "ann\r"), ("Password: ", "wrong\r")];

#[test]
fn c4_a_credential_that_is_not_stored_is_asked_for_and_stored_once_it_has_worked() {
    let site = Site::start();
    let home = home(&site, "credentials = ['site']\n");
    let url = format!("{}/private/data.csv", site.url);
    let stored = || home.keyward("get s --name site -p").run().code;
    // Three answers that are wrong are enough, and none of them is stored.
    let (code, _, err) = fetch(&home, &url, &[WRONG, WRONG, WRONG].concat());
    assert_eq!((code, stored()), (9, 3), "{err}");
    assert!(err.contains("does not accept the credential (`site`)"), "{err}");
    let (code, out, err) = fetch(&home, &url, &[WRONG, ANN].concat());
    assert_eq!((code, stored()), (0, 0), "{err}");
    assert!(out.ends_with("private,1\n"), "{out}");
    let (code, out, _) = fetch(&home, &url, &[]);
    assert_eq!((code, out.as_str()), (0, "private,1\n"));
}

#[test]
fn c4_a_stored_credential_that_is_refused_stays_until_another_one_has_worked() {
    let site = Site::start();
    let home = home(&site, "credentials = ['site']\n");
    let url = format!("{}/private/data.csv", site.url);
    store_password(&home, &site.url, "old");
    let stored = || home.keyward("get s --name site -p").run().into_text();
    let (code, ..) = fetch(&home, &url, &[WRONG, WRONG, WRONG].concat());
    assert_eq!((code, stored().as_str()), (9, "old\n"));
    let (code, out, _) = fetch(&home, &url, &ANN);
    assert_eq!((code, stored().as_str()), (0, "canary-password\n"));
    assert!(out.ends_with("private,1\n"), "{out}");
    // One that is bound to another server is not replaced.
    store_password(&home, &site.url, "old");
    home.keyward(&format!("set s --name site --bind {0} --unbind {1}", site.other, site.url)).run();
    let (code, _, err) = fetch(&home, &url, &[]);
    assert_eq!(code, 4, "{err}");
}

#[test]
fn c4_what_is_typed_is_not_stored_if_the_server_then_fails() {
    // It refuses what is stored, `ann:old`, and fails for anything else.
    let site = Scripted::start(|request| match request.authorization.as_str() {
        "" | "Basic YW5uOm9sZA==" => {
            ("401 Unauthorized\r\nWWW-Authenticate: Basic realm=\"a\"".into(), String::new())
        }
        _ => ("503 Service Unavailable".into(), String::new()),
    });
    let home = home_for(&site.url, "credentials = ['site']\n");
    store_password(&home, &site.url, "old");
    let (code, _, err) = fetch(&home, &format!("{}/f", site.url), &WRONG);
    assert_eq!(code, 7, "{err}");
    home.keyward("get s --name site -p").run().ends(0).prints("old\n");
}

#[test]
fn c7_without_a_terminal_a_refused_credential_is_an_error_after_one_request() {
    let site = Site::start();
    let home = home(
        &site,
        "auth = 'required'\ncredentials = ['site']\n[[authenticators]]\nname = 'basic'\n",
    );
    store_password(&home, &site.url, "wrong");
    home.keyward(&format!("fetch {}/private/data.csv", site.url)).run().ends(9);
    assert_eq!(site.heard().len(), 1);
}

#[test]
fn g7_a_typed_credential_is_stored_under_the_name_that_the_user_gives() {
    let site = Site::start();
    let home = Home::with_store("--option key.from=file");
    home.run_ok(&["config", "set", "prompt.repeat", "false"]);
    let url = format!("{}/token/data.csv", site.url);
    let mut terminal = Terminal::new();
    let line = ["fetch", &url, "--output", "-", "--credential", "new"];
    let child = terminal.start(&home, &[&[&*program()][..], &line].concat());
    terminal.expect("Token: ");
    terminal.press("canary-token\r");
    let (code, out, err) = end(child);
    assert_eq!((code, out.ends_with("token,1\n")), (0, true), "{err}");
    let line = format!("fetch {url} --output - --credential new");
    home.keyward(&line).run().ends(0).prints("token,1\n");
}
