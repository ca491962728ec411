//! What the program shows on a terminal.

use super::pty::{Terminal, end};
use super::{home, program};
use crate::helpers::home::Home;

/// Canonical names, and how they are shown.
const NAMES: [(&str, &str); 5] = [
    ("txt.\u{202e}exe", "txt.\\u{202e}exe"),
    ("a\u{2066}b\u{2069}", "a\\u{2066}b\\u{2069}"),
    ("ann\u{200b}", "ann\\u{200b}"),
    ("\u{feff}ann", "\\u{feff}ann"),
    ("ann\u{e0041}", "ann\\u{e0041}"),
];

/// Sequences that would write to the clipboard, clear the screen or set the title.
const SEQUENCES: [&str; 4] =
    ["\x1b]52;c;ZXZpbA==\x07", "\x1b[2J\x1b[H", "\u{9b}2J", "\x1b]0;title\x1b\\"];

fn shows(home: &Home, words: &[&str]) -> (i32, String) {
    let terminal = Terminal::new();
    let child = terminal.start_showing(home, &[&[program().as_str()], words].concat());
    let (code, ..) = end(child);
    (code, terminal.shown())
}

#[track_caller]
fn harmless(shown: &str, what: &str) {
    let bad = |c: char| {
        (c.is_control() && !"\r\n\t".contains(c))
            || NAMES
                .iter()
                .any(|(name, _)| !c.is_alphanumeric() && !c.is_ascii() && name.contains(c))
    };
    assert!(!shown.chars().any(bad), "{what}: {shown:?}");
}

#[test]
fn names_are_escaped_wherever_they_are_shown() {
    for (name, escaped) in NAMES {
        let home = Home::in_memory();
        home.run_ok(&["init", name, "--option", "key.from=file"]);
        home.run_ok(&[
            "set",
            name,
            name,
            "--user",
            name,
            "--name",
            name,
            "--password-file",
            "/etc/hostname",
        ]);
        for (words, code) in [
            (["list"].as_slice(), 0),
            (&["list", name], 0),
            (&["list", name, "--user", name], 0),
            (&["info", name], 0),
            (&["info", name, "--users"], 0),
            (&["get", name, "--user", name, "--name", name, "-n"], 0),
            (&["get", name, "--user", name], 3),
            (&["unset", name, "--user", name], 3),
            (&["get", "missing", "--user", name], 2),
            (&["get", &format!("no{name}")], 2),
            (&["init", name], 2),
            (&["help", name], 2),
            (&["-v", "unset", name, "--user", name, "--name", name], 0),
            (&["-v", "rm", name, "--yes"], 0),
        ] {
            let (ended, shown) = shows(&home, words);
            assert_eq!(ended, code, "{words:?}: {shown}");
            harmless(&shown, &format!("{words:?}"));
            if code == 0 && words[0] != "help" && words[0] != "info" {
                assert!(shown.contains(escaped), "{words:?}: {shown}");
            }
        }
    }
}

#[test]
fn rm_asks_about_a_name_that_is_escaped() {
    for (name, escaped) in NAMES {
        let home = Home::in_memory();
        home.run_ok(&["init", name, "--option", "key.from=file"]);
        let mut terminal = Terminal::new();
        let child = terminal.start_showing(&home, &[&program(), "rm", name]);
        terminal.expect(escaped);
        terminal.expect("[y/N] ");
        terminal.press("n\r");
        assert_eq!(end(child).0, 1);
        harmless(&terminal.shown(), name);
    }
}

#[test]
fn sequences_are_no_names_and_errors_do_not_repeat_them() {
    let home = home();
    for name in SEQUENCES {
        for words in [
            ["get", name].as_slice(),
            &["get", "s", "--user", name],
            &["get", "s", "--name", name],
            &["set", "s", "ann", "--user", name, "--password-file", "/etc/hostname"],
            &["set", "s", "ann", "--password-file", name],
            &["init", name],
            &["init", "t", "--storage", name],
            &["init", "t", "--option", name],
            &["init", "t", "--option", &format!("storage.{name}=x")],
            &["rm", name],
            &["info", name],
            &["help", name],
            &["config", "get", name],
            &["backend", "show", "storage", name],
            &[name],
            &["get", "s", name],
            &["get", "s", &format!("--{name}")],
            &["info", "s", "--format", name],
        ] {
            let (code, shown) = shows(&home, words);
            assert_eq!(code, 2, "{words:?}: {shown:?}");
            harmless(&shown, &format!("{words:?}"));
        }
    }
}

#[test]
fn help_goes_through_the_pager_on_a_terminal_alone() {
    let home = home().with("PAGER", "sed s/^/paged:/");
    let (code, shown) = shows(&home, &["help"]);
    assert_eq!(code, 0);
    assert!(shown.lines().all(|line| line.starts_with("paged:")), "{shown}");
    assert!(!home.run_ok(&["help"]).contains("paged:"));

    let broken = super::home().with("PAGER", "/no/such/pager --option");
    assert!(shows(&broken, &["help", "exit-codes"]).1.contains("130"));
}

#[test]
fn a_reader_may_leave_the_pager_early() {
    let home = home().with("PAGER", "head -n 1");
    let (code, shown) = shows(&home, &["help", "envelope"]);
    assert_eq!((code, shown.lines().count()), (0, 1), "{shown}");
}

#[test]
fn the_usual_pager_pages() {
    let home = home();
    let mut terminal = Terminal::new();
    let settings = terminal.settings();
    let child = terminal.start_showing(&home, &[&program(), "help", "envelope"]);
    terminal.expect(":");
    terminal.press("q");
    assert_eq!(end(child).0, 0);
    assert_eq!(terminal.settings(), settings);
}
