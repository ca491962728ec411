//! What `resolve` asks on the terminal.

use std::process::Child;

use super::pty::{Terminal, end};
use super::{REPEAT, home, program};
use crate::helpers::home::Home;

const PURPOSE: &str = "Keyward needs the credential `mail`, of the kind ";
const TOKEN: [&str; 4] = ["resolve", "mail", "--kind", "token"];

fn resolve(terminal: &Terminal, home: &Home, words: &[&str]) -> Child {
    terminal.start(home, &[&[program().as_str()], words].concat())
}

#[test]
fn what_no_source_has_is_asked_for_and_printed_but_not_stored() {
    let home = home();
    let mut before = home.files();
    before.retain(|path, _| !path.starts_with(home.path("run")));
    let mut terminal = Terminal::new();
    let settings = terminal.settings();
    let child = resolve(&terminal, &home, &TOKEN);
    terminal.expect(&format!("{PURPOSE}`token`.\r\nToken: "));
    assert!(!terminal.echoes());
    terminal.press("t0ken\r");
    assert_eq!(end(child), (0, "t0ken\n".into(), String::new()));
    assert!(!terminal.shown().contains("t0ken"));
    assert_eq!(terminal.settings(), settings);
    let mut after = home.files();
    after.retain(|path, _| !path.starts_with(home.path("run")));
    assert_eq!(after, before);

    let child = resolve(&terminal, &home, &["resolve", "mail", "--field", "password", "--json"]);
    terminal.expect(&format!("{PURPOSE}`user-password`.\r\nUsername: "));
    assert!(terminal.echoes());
    terminal.press("ann\r");
    for prompt in ["Password: ", REPEAT] {
        terminal.expect(prompt);
        assert!(!terminal.echoes());
        terminal.press("s3cret\r");
    }
    let (code, out, err) = end(child);
    assert_eq!((code, err.as_str()), (0, ""));
    assert!(
        out.contains("\"sources\":[\"prompt\"],\"fields\":{},\"secret\":[\"password\"]"),
        "{out}"
    );
}

#[test]
fn a_source_that_has_it_comes_first_unless_the_prompt_is_forced() {
    let variable = || home().with("KEYWARD_CREDENTIAL_MAIL_TOKEN", "of the variable");
    variable().keyward("resolve mail --kind token").run().ends(0).prints("of the variable\n");
    for (words, always) in [(&["--force-ask"][..], ""), (&[], "*"), (&[], "other,mail")] {
        let home = variable().with("KEYWARD_PROMPT_ALWAYS", always);
        let mut terminal = Terminal::new();
        let child = resolve(&terminal, &home, &[&TOKEN[..], words].concat());
        terminal.expect("Token: ");
        terminal.press("typed\r");
        assert_eq!(end(child), (0, "typed\n".into(), String::new()), "{words:?} {always}");
        let forced = home.keyward("explain mail --kind token").args(words).run().ends(5);
        assert!(forced.text().contains("environment: not asked\n"), "{}", forced.text());
        assert!(forced.text().ends_with("prompt: would ask\n  missing: token\n"));
    }
    let home = variable().with("KEYWARD_RESOLVE_SOURCES", "environment");
    home.keyward("resolve mail --force-ask").run().ends(2).says("no source asks the user");
}

#[test]
fn several_lines_end_with_the_key_that_ends_a_file() {
    let note = ["resolve", "mail", "--kind", "note", "--raw"];
    for echoes in ["false", "true"] {
        let home = home().with("KEYWARD_PROMPT_ECHO", echoes);
        let mut terminal = Terminal::new();
        let settings = terminal.settings();
        let child = resolve(&terminal, &home, &note);
        terminal.expect("Text: (several lines, then Ctrl-D)\r\n");
        assert_eq!(terminal.echoes(), echoes == "true");
        terminal.press("one\r\rlast\r\x04");
        assert_eq!(end(child), (0, "one\n\nlast\n".into(), String::new()));
        assert_eq!(terminal.settings(), settings);
        assert_eq!(terminal.shown().contains("last"), echoes == "true");
    }
}

#[test]
fn settings_say_whether_a_secret_is_shown_and_typed_twice() {
    let home = home().with("KEYWARD_PROMPT_ECHO", "true").with("KEYWARD_PROMPT_REPEAT", "false");
    for (words, out) in [
        (&["resolve", "mail", "--field", "password"][..], "s3cret\n"),
        (&["set", "s", "ann"], ""),
        (&["init", "t", "--option", "key.from=passphrase"], "Store t: "),
    ] {
        let mut terminal = Terminal::new();
        let child = resolve(&terminal, &home, words);
        if words[0] == "resolve" {
            terminal.expect("Username: ");
            terminal.press("ann\r");
        }
        terminal.expect(": ");
        assert!(terminal.echoes(), "{words:?}");
        terminal.press("s3cret\r");
        let (code, printed, err) = end(child);
        assert_eq!((code, printed.starts_with(out)), (0, true), "{words:?}: {printed}{err}");
        assert!(terminal.shown().ends_with("s3cret\r\n"), "{}", terminal.shown());
    }
    assert_eq!(super::stored(&home), b"s3cret");
    // The kernel keeps 4,095 bytes of a line that it shows, and drops the others.
    let mut terminal = Terminal::new();
    let child = resolve(&terminal, &home, &TOKEN);
    terminal.expect("Token: ");
    terminal.press("x".repeat(5000) + "\r");
    let (code, out, err) = end(child);
    assert_eq!((code, out.as_str()), (2, ""));
    assert!(err.contains("longer than 4094 bytes"), "{err}");
}

#[test]
fn processes_on_one_terminal_ask_once() {
    let home = home();
    let mut terminal = Terminal::new();
    let script =
        format!("for i in 1 2 3 4 5 6 7 8; do {} {} & done; wait", program(), TOKEN.join(" "));
    let script = script.replace("keyward resolve", "keyward -v resolve");
    let shell = terminal.start_showing(&home, &["sh", "-c", &script]);
    for _ in 0..7 {
        terminal.expect("info: another process asks for `mail`");
    }
    terminal.press("t0ken\r");
    assert_eq!(end(shell).0, 0);
    let shown = terminal.shown();
    assert_eq!(shown.matches(PURPOSE).count(), 1, "{shown}");
    assert_eq!(shown.matches("t0ken").count(), 8, "{shown}");
}

#[test]
fn an_answer_that_is_not_valid_is_asked_for_again() {
    let home = home();
    let aws = ["resolve", "mail", "--kind", "aws"];
    for (answers, code) in [(&["a b\r", "\r", "AKIA\r"][..], 0), (&["\r", "\r", "\r"], 5)] {
        let mut terminal = Terminal::new();
        let child = resolve(&terminal, &home, &aws);
        for answer in answers {
            terminal.expect("Access key id: ");
            terminal.press(answer);
        }
        if code == 0 {
            terminal.expect("Secret access key: ");
            terminal.press("s3cret\r");
        }
        let (ended, out, err) = end(child);
        assert_eq!((ended, out.as_str()), (code, if code == 0 { "s3cret\n" } else { "" }), "{err}");
        assert!(err.contains("The answer must not be empty."), "{err}");
        assert_eq!(err.contains("`access_key_id` must match"), code == 0, "{err}");
    }
}

#[test]
fn no_input_fails_at_once_on_a_terminal_too() {
    for (words, variable, says) in [
        (&["--no-input"][..], None, "--no-input forbids it"),
        (&[], Some(("KEYWARD_NO_INPUT", "1")), "`prompt.never` forbids it"),
        (&[], None, "`prompt.never` forbids it"),
    ] {
        let mut home = home();
        match variable {
            Some((name, value)) => home = home.with(name, value),
            None if words.is_empty() => {
                drop(home.run_ok(&["config", "set", "prompt.never", "true"]))
            }
            None => {}
        }
        for line in [&TOKEN[..], &["set", "s", "ann"], &["rm", "s"]] {
            let terminal = Terminal::new();
            let (code, out, err) = end(resolve(&terminal, &home, &[line, words].concat()));
            assert_eq!((code, out.as_str()), (5, ""), "{line:?} {err}");
            assert!(err.contains(says), "{line:?} {err}");
            assert_eq!(terminal.shown(), "", "{line:?}");
            assert_eq!(err.contains("`mail` lacks `token`"), line[0] == "resolve", "{err}");
        }
        assert_eq!(home.run_ok(&["list"]), "s\n");
    }
}
