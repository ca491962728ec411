//! Logins on a terminal.

use std::io::{BufRead, BufReader};
use std::process::Command;

use super::pty::{Terminal, end};
use super::{home, program};
use crate::oauth::scripted::Scripted;
use crate::oauth::server::{Oidc, browser};

const QUESTION: &str = "Address of the page that the browser shows at the end: ";

#[test]
fn a_typed_code_is_in_no_message() {
    let home = home();
    let mut terminal = Terminal::new();
    let urls = "--token-url http://127.0.0.1:9/token --authorization-url http://127.0.0.1:9/ask";
    let line = format!(
        "{} -vv oauth login s --name api {urls} --client-id cli --manual --no-browser --redirect-uri https://app.example/done",
        program()
    );
    let child = terminal.start(&home, &line.split(' ').collect::<Vec<_>>());
    for address in ["?state=wrong&code=c4nary", "?code=c4nary", "?code=c4nary&code=c4nary"] {
        terminal.expect(QUESTION);
        terminal.press(format!("https://app.example/done{address}\r"));
    }
    terminal.expect(QUESTION);
    terminal.press("c4nary\r");
    terminal.expect(QUESTION);
    terminal.press("\r");
    let (code, out, err) = end(child);
    assert_eq!((code, out.as_str()), (2, ""), "{err}");
    assert!(err.contains("Open this page in a browser:"), "{err}");
    assert!(!err.contains("c4nary"), "{err}");
    home.keyward("get s --name api").run().ends(3);
}

#[test]
fn the_address_of_the_last_page_brings_the_code() {
    let (server, home) = (Oidc::start(), home());
    let mut terminal = Terminal::new();
    let manual = "--manual --no-browser --redirect-uri https://app.example/callback";
    let line = format!("{} {}", program(), server.login("api", manual));
    let mut child = terminal.start(&home, &line.split_whitespace().collect::<Vec<_>>());
    let messages = BufReader::new(child.stderr.take().unwrap()).lines();
    let page = messages
        .map_while(Result::ok)
        .find_map(|line| line.strip_prefix("  http").map(|rest| format!("http{rest}")));
    let mut user = Command::new(browser());
    user.arg(page.unwrap()).env("BROWSER_STOPS_AT", "https://app.example/");
    let last = String::from_utf8(user.output().unwrap().stdout).unwrap();
    assert!(last.starts_with("https://app.example/callback?"), "{last}");
    terminal.expect(QUESTION);
    terminal.press(format!("{}\r", last.trim()));
    assert!(child.wait().unwrap().success());
    home.keyward("oauth status s --name api").run().ends(0);
}

#[test]
fn after_some_seconds_without_the_browser_the_address_can_be_typed() {
    let (server, home) = (Oidc::start(), home());
    let mut terminal = Terminal::new();
    let line = server.login("api", "--no-browser --redirect-uri http://[::1]/callback");
    let line = format!("{} {line}", program());
    let mut child = terminal.start(&home, &line.split_whitespace().collect::<Vec<_>>());
    let mut messages = BufReader::new(child.stderr.take().unwrap()).lines().map_while(Result::ok);
    let page =
        messages.find_map(|line| line.strip_prefix("  http").map(|rest| format!("http{rest}")));
    // The browser runs on a machine that does not reach this one.
    let mut user = Command::new(browser());
    user.arg(page.unwrap()).env("BROWSER_STOPS_AT", "http://[::1]");
    let last = String::from_utf8(user.output().unwrap().stdout).unwrap();
    assert!(last.starts_with("http://[::1]:"), "{last}");
    assert!(messages.any(|line| line == "Nothing has arrived from the browser yet."));
    terminal.expect(QUESTION);
    terminal.press(format!("{}\r", last.trim().replace("state=", "state=x")));
    assert!(messages.next().unwrap().contains("it has another state"));
    terminal.expect(QUESTION);
    terminal.press(format!("{}\r", last.trim()));
    assert!(child.wait().unwrap().success());
    home.keyward("oauth status s --name api").run().ends(0);
}

#[test]
fn a_logout_asks_first() {
    let home = home();
    let json = r#"{"kind":"oauth2","fields":{"client_id":"cli","access_token":"t0ken"}}"#;
    home.keyward("set s --name api --json").input(json).run().ends(0);
    let program = program();
    let line = [&program, "oauth", "logout", "s", "--name", "api", "--local"];
    for (answer, code) in [("n", 1), ("", 1), ("y", 0)] {
        let mut terminal = Terminal::new();
        let child = terminal.start(&home, &line);
        terminal.expect("This removes the login of cli.");
        terminal.expect("Log out? [y/N] ");
        terminal.press(format!("{answer}\r"));
        assert_eq!(end(child).0, code);
        home.keyward("oauth status s --name api").run().ends(if code == 0 { 3 } else { 0 });
    }
    home.keyward("set s --name api --json").input(json).run().ends(0);
    let terminal = Terminal::new();
    let words: Vec<_> = line.iter().copied().chain(["--no-input"]).collect();
    let (code, _, err) = end(terminal.start(&home, &words));
    assert!(code == 5 && err.contains("--yes"), "{code} {err}");
    let words: Vec<_> = line.iter().copied().chain(["--yes"]).collect();
    assert_eq!(end(terminal.start(&home, &words)).0, 0);
}

#[test]
fn a_device_code_is_also_a_picture() {
    let home = home();
    let server = Scripted::start(|request| {
        let code = r#"{"device_code":"d","user_code":"AB-CD","verification_uri":"https://x.example/","verification_uri_complete":"https://x.example/?c=AB-CD","interval":1}"#;
        let token = r#"{"access_token":"t0ken"}"#;
        ("200 OK".into(), if request.path == "/device" { code } else { token }.into())
    });
    let program = program();
    let urls = format!("--token-url {0}/t --field device_url={0}/device", server.url);
    let line = format!("{program} oauth login s --name tv {urls} --client-id cli --device");
    let line: Vec<_> = line.split(' ').collect();
    let terminal = Terminal::new();
    assert_eq!(end(terminal.start_showing(&home, &line)).0, 0);
    let shown = terminal.shown();
    assert!(shown.contains("AB-CD") && shown.contains("\x1b[30;107m    █▀▀▀▀▀█ "), "{shown}");
    let (_, _, err) = end(terminal.start(&home, &line));
    assert!(err.contains("AB-CD") && !err.contains('█'), "{err}");
}
