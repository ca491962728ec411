//! A login whose address is typed.

use std::io::{BufRead, BufReader};
use std::process::Command;

use super::pty::{Terminal, end};
use super::{home, program};
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
