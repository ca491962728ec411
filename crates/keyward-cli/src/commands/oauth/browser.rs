//! Logs in with a browser, on this machine or on another one.

use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use keyward_config::Environment;
use keyward_core::{Error, ErrorKind, Result};
use keyward_oauth2::{Authorization, Callback, Grant};

use crate::browser;
use crate::output::{escaped, print_message};
use crate::terminal::Terminal;

/// How long to wait for the browser before asking for the address of its last page.
const PATIENCE: Duration = Duration::from_secs(15);

/// How long to wait for the user.
const WAIT: Duration = Duration::from_secs(10 * 60);

/// Waits for the browser of this machine.
pub(super) fn by_callback(
    callback: Callback,
    authorization: Authorization,
    opens: bool,
) -> Result<Grant> {
    show(&authorization, opens);
    if let Some(grant) = callback.wait(&authorization, PATIENCE)? {
        return Ok(grant);
    }
    // The browser may run elsewhere, where this machine cannot be reached.
    let Ok(mut terminal) = Terminal::open() else {
        return callback.wait(&authorization, WAIT)?.ok_or_else(no_answer);
    };
    print_message("Nothing has arrived from the browser yet.");
    let authorization = std::sync::Arc::new(authorization);
    let (send, answers) = mpsc::channel();
    let (other, pasted) = (send.clone(), std::sync::Arc::clone(&authorization));
    thread::spawn(move || other.send(ask(&mut terminal, &pasted)));
    thread::spawn(move || {
        send.send(callback.wait(&authorization, WAIT).and_then(|grant| grant.ok_or_else(no_answer)))
    });
    answers.recv().map_err(|_| no_answer())?
}

/// Asks the user for the address to which the server sent the browser.
pub(super) fn by_pasting(authorization: &Authorization, opens: bool) -> Result<Grant> {
    show(authorization, opens);
    ask(&mut Terminal::open()?, authorization)
}

fn ask(terminal: &mut Terminal, authorization: &Authorization) -> Result<Grant> {
    loop {
        let address =
            terminal.ask_open("Address of the page that the browser shows at the end: ")?;
        match authorization.grant(address.expose_str().unwrap_or_default().trim()) {
            Err(error) if error.kind() == ErrorKind::Invalid && !address.is_empty() => {
                print_message(error.message());
            }
            result => return result,
        }
    }
}

fn show(authorization: &Authorization, opens: bool) {
    if opens && has_browser() {
        let url = authorization.url().to_owned();
        // A browser in the terminal ends only after the login.
        thread::spawn(move || browser::open(&Environment::current(), url.as_ref()));
        print_message("A browser should open. If it does not, open this page yourself:");
    } else {
        print_message("Open this page in a browser:");
    }
    print_message(&format!("  {}", escaped(authorization.url())));
}

/// Whether there is a browser that can be opened.
fn has_browser() -> bool {
    let names = ["DISPLAY", "WAYLAND_DISPLAY", "BROWSER"];
    let is_set =
        |name: &&str| Environment::current().get(name).is_some_and(|value| !value.is_empty());
    cfg!(target_os = "macos") || names.iter().any(is_set)
}

fn no_answer() -> Error {
    Error::new(ErrorKind::Locked, "login")
        .because("no answer came from the browser")
        .hint("Use --manual if the browser runs on another machine, or --device")
}
