//! Git, and Keyward as its helper, on the same terminal.

use std::fs;

use super::pty::{Terminal, end};
use crate::helpers::home::Home;
use crate::helpers::program::keyward;

const APPROVE: &str =
    "printf 'url=https://ann@git.example\\npassword=s3cret\\n' | git credential approve";
const FILL: &str = "echo url=https://git.example | git credential fill";

/// What git does if it supports `state[]` and the server accepts the password.
const USE: &str = "printf 'capability[]=state\\nprotocol=https\\nhost=git.example\\n' | git credential fill | git credential approve";

#[test]
fn the_user_at_the_terminal_opens_the_store_for_git() {
    let home = Home::in_memory();
    let program = keyward().display().to_string();
    let mut terminal = Terminal::new();
    let init = terminal.start(&home, &[&program, "init", "git", "--option", "key.from=passphrase"]);
    for prompt in ["assphrase", "Repeat"] {
        terminal.expect(prompt);
        terminal.press("open sesame\r");
    }
    assert_eq!(end(init).0, 0);
    let config = format!("[credential]\n\thelper = \"!'{program}' helper git\"\n");
    fs::write(home.path(".gitconfig"), config).unwrap();

    for (script, passphrase, code, given) in [
        (APPROVE, "open sesame\r", 0, ""),
        (FILL, "open sesame\r", 0, "password=s3cret\n"),
        (USE, "open sesame\r", 0, ""),
        (FILL, "close sesame\r", 128, ""),
    ] {
        let child = terminal.start(&home, &["sh", "-c", script]);
        terminal.expect("assphrase");
        terminal.press(passphrase);
        let (ended, out, err) = end(child);
        assert_eq!(ended, code, "{script}: {err}");
        assert!(out.ends_with(given), "{script}: {out}");
    }

    // A missing entry needs no passphrase, and git prompts for its password on the same terminal.
    let child = terminal.start(&home, &["sh", "-c", &FILL.replace("git.", "other.")]);
    for (question, answer) in [("Username for", "bob\r"), ("Password for", "b0b\r")] {
        terminal.expect(question);
        terminal.press(answer);
    }
    let (ended, out, err) = end(child);
    assert_eq!(ended, 0, "{err}");
    assert!(out.ends_with("username=bob\npassword=b0b\n"), "{out}");
    assert!(!terminal.shown().contains("sesame"));
}

#[test]
fn the_user_confirms_what_is_stored() {
    let home = Home::in_memory();
    let program = keyward().display().to_string();
    home.init("git", "file", "aes-gcm");
    let config = format!("[credential]\n\thelper = \"!'{program}' helper git --confirm\"\n");
    fs::write(home.path(".gitconfig"), config).unwrap();
    let mut terminal = Terminal::new();
    for (answer, is_stored) in [("\r", false), ("y\r", true)] {
        let child = terminal.start(&home, &["sh", "-c", APPROVE]);
        terminal.expect("Store the credential for https://ann@git.example? [y/N]");
        terminal.press(answer);
        assert_eq!(end(child).0, 0);
        assert_eq!(home.store("git").entries(None).count() > 0, is_stored);
    }
    // What is stored already needs no question.
    let child = terminal.start(&home, &["sh", "-c", APPROVE]);
    assert_eq!(end(child).0, 0);
}
