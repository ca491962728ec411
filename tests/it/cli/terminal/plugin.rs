//! Plugins in child processes prompt on the terminal while they do other work.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;

use super::program;
use super::pty::{Terminal, end};
use crate::helpers::home::Home;

/// A storage that prompts when it is opened. Each test adds the rest.
const ASKING: &str = r#"#!/usr/bin/env python3
import os, struct, sys, time
import cbor2

def read():
    length = sys.stdin.buffer.read(4)
    return cbor2.loads(sys.stdin.buffer.read(struct.unpack('>I', length)[0])) if length else sys.exit()

def send(**message):
    frame = cbor2.dumps(message)
    sys.stdout.buffer.write(struct.pack('>I', len(frame)) + frame)
    sys.stdout.buffer.flush()

def ask(id, text):
    send(id=id, call='prompt', instance=call['instance'], arguments={'text': text, 'confirm': False})

backend = {'role': 'storage', 'name': 'hasty', 'help': '', 'options': []}
hello = {'protocol': 'keyward', 'major': 1, 'minor': 0, 'package': 'hasty', 'version': '1', 'backends': [backend]}
send(id=read()['id'], answer=hello)
call = read()
"#;

/// A home in which that program is trusted.
fn home(rest: &str) -> Home {
    let home = Home::in_memory();
    let path = home.path("hasty.py");
    fs::write(&path, format!("{ASKING}{rest}")).unwrap();
    fs::set_permissions(&path, Permissions::from_mode(0o755)).unwrap();
    home.run_ok(&["plugin", "trust", path.to_str().unwrap(), "--yes"]);
    home
}

/// Opens it on a terminal.
fn init(home: &Home, terminal: &Terminal) -> std::process::Child {
    terminal.start(home, &[&program(), "init", "s", "--storage", "hasty"])
}

#[test]
fn a_plugin_that_ends_while_it_asks_leaves_the_terminal_as_it_was() {
    let home = home("ask(1, 'PIN')\ntime.sleep(0.5)\nos._exit(1)\n");
    let mut terminal = Terminal::new();
    let settings = terminal.settings();
    let child = init(&home, &terminal);
    terminal.expect("hasty asks: PIN: ");
    assert!(!terminal.echoes());
    let (code, _, err) = end(child);
    assert_eq!(code, 7, "{err}");
    assert_eq!(terminal.settings(), settings);
}

#[test]
fn what_a_plugin_asks_at_once_is_answered_in_turn() {
    let home = home(
        "ask(1, 'PIN')\nask(2, 'PIN')\nfirst, second = read(), read()\n\
         send(id=call['id'], error={'kind': 2, 'message': str([first, second])})\nread()\n",
    );
    let mut terminal = Terminal::new();
    let settings = terminal.settings();
    let child = init(&home, &terminal);
    for answer in ["one\r", "two\r"] {
        terminal.expect("hasty asks: PIN: ");
        assert!(!terminal.echoes());
        terminal.press(answer);
    }
    let (_, _, err) = end(child);
    assert!(err.contains("b'one'") && err.contains("b'two'"), "{err}");
    assert_eq!(terminal.settings(), settings);
}
