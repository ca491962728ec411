//! The program on a terminal: what it asks, what it shows, and how it leaves the terminal.

mod fetch;
mod git;
mod oauth;
mod plugin;
mod project;
mod prompts;
mod provider;
mod pty;
mod run;
mod shows;
mod signals;

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::helpers::home::Home;
use crate::helpers::program::keyward;
use pty::{Terminal, end};

const PROMPT: &str = "Password: ";
const REPEAT: &str = "Repeat for confirmation: ";

fn home() -> Home {
    let home = Home::in_memory();
    home.init("s", "file", "aes-gcm");
    home
}

fn program() -> String {
    keyward().to_str().unwrap().to_owned()
}

fn stored(home: &Home) -> Vec<u8> {
    home.run(&["get", "s", "--raw"]).ends(0).out
}

#[test]
fn a_password_is_asked_for_twice_on_the_terminal_alone_and_not_shown() {
    let home = home();
    let mut terminal = Terminal::new();
    let (settings, password) = (terminal.settings(), "pässwörd ✓ 密码");
    let child = terminal.start(&home, &[&program(), "set", "s", "ann"]);
    for prompt in [PROMPT, REPEAT] {
        terminal.expect(prompt);
        assert!(!terminal.echoes());
        terminal.press(format!("{password}\r"));
    }
    assert_eq!(end(child), (0, String::new(), String::new()));
    assert_eq!(terminal.shown(), format!("{PROMPT}\r\n{REPEAT}\r\n"));
    assert_eq!(terminal.settings(), settings);
    assert_eq!(stored(&home), password.as_bytes());
}

#[test]
fn what_a_new_credential_needs_is_asked_for() {
    let home = home();
    let mut terminal = Terminal::new();
    let child = terminal.start(&home, &[&program(), "set", "s", "--kind", "aws"]);
    terminal.expect("Access key id: ");
    assert!(terminal.echoes());
    terminal.press("AKIA\r");
    terminal.expect("Secret access key: ");
    assert!(!terminal.echoes());
    terminal.press("s3cret\r");
    assert_eq!(end(child), (0, String::new(), String::new()));
    home.keyward("get s --field access_key_id").run().ends(0).prints("AKIA\n");
    assert_eq!(stored(&home), b"s3cret");
    // An entry that is there needs nothing else.
    home.keyward("set s --kind aws --label team=web").run().ends(0);
    home.keyward("set s --kind aws --name new").run().ends(5).says("terminal");
}

#[test]
fn keys_that_edit_do_so() {
    let home = home();
    let longest = "x".repeat(4095);
    for (keys, kept) in [
        ("wrong\x15right\r", "right"),
        ("rightt\x7f\r", "right"),
        ("right wrong\x17\r", "right "),
        ("right\x04\x04", "right"),
        (" \t spaces \r", " \t spaces "),
        ("\x16\x03\r", "\x03"),
        (&format!("{longest}\r"), &longest),
    ] {
        let mut terminal = Terminal::new();
        let child = terminal.start(&home, &[&program(), "set", "s", "ann"]);
        for prompt in [PROMPT, REPEAT] {
            terminal.expect(prompt);
            terminal.press(keys);
        }
        assert_eq!(end(child).0, 0, "{keys:?}");
        assert_eq!(stored(&home), kept.as_bytes(), "{keys:?}");
    }
}

/// If the kernel edited the line, it would keep 4,095 bytes of it.
#[test]
fn a_long_paste_is_kept_whole_or_refused() {
    let home = home();
    let (long, too_long) = ("ä".repeat(3000), "x".repeat((64 << 10) + 1));
    for (pasted, code, kept) in [(&long, 0, &long), (&too_long, 2, &long)] {
        let mut terminal = Terminal::new();
        let settings = terminal.settings();
        let child = terminal.start(&home, &[&program(), "set", "s", "ann"]);
        for prompt in [PROMPT, REPEAT].iter().take(if code == 0 { 2 } else { 1 }) {
            terminal.expect(prompt);
            terminal.press(format!("{pasted}\r"));
        }
        let (ended, _, err) = end(child);
        assert_eq!(ended, code, "{err}");
        assert_eq!(err.contains("longer than 65536 bytes") && err.contains("--stdin"), code == 2);
        assert_eq!(terminal.settings(), settings);
        assert!(stored(&home) == kept.as_bytes(), "{} bytes are kept", stored(&home).len());
    }
}

#[test]
fn what_is_empty_or_not_repeated_is_asked_for_three_times() {
    let home = home();
    for (keys, complaint) in [
        (["one\r", "other\r"].as_slice(), "The two answers do not match.\n"),
        (&["\r"], "The answer must not be empty.\n"),
        (&["\x04"], "The answer must not be empty.\n"),
    ] {
        let mut terminal = Terminal::new();
        let settings = terminal.settings();
        let child = terminal.start(&home, &[&program(), "set", "s", "ann"]);
        for _ in 0..3 {
            for (keys, prompt) in keys.iter().zip([PROMPT, REPEAT]) {
                terminal.expect(prompt);
                terminal.press(keys);
            }
        }
        let (code, out, err) = end(child);
        assert_eq!((code, out.as_str()), (2, ""), "{err}");
        assert!(err.starts_with(&complaint.repeat(3)), "{err}");
        assert!(err.contains("no answer was confirmed"), "{err}");
        let shown = terminal.shown();
        assert!(!shown.contains("one") && !shown.contains("other"), "{shown}");
        assert_eq!(terminal.settings(), settings);
    }
    assert_eq!(home.run(&["get", "s"]).code, 3);
}

#[test]
fn a_prompt_is_repeated_after_a_mistake() {
    let home = home();
    let mut terminal = Terminal::new();
    let child = terminal.start(&home, &[&program(), "set", "s", "ann"]);
    for (prompt, keys) in [
        (PROMPT, "one\r"),
        (REPEAT, "other\r"),
        (PROMPT, "\r"),
        (PROMPT, "third\r"),
        (REPEAT, "third\r"),
    ] {
        terminal.expect(prompt);
        terminal.press(keys);
    }
    assert_eq!(end(child).0, 0);
    assert_eq!(stored(&home), b"third");
}

#[test]
fn an_edit_that_is_not_valid_is_edited_again_on_request() {
    for (keys, twice, code, after) in [
        ("\r", "sed -i 's/secrt/secret/; s/s3cret/n3w/' \"$1\"", 0, "n3w"),
        ("n\r", ":", 2, "s3cret"),
    ] {
        let home = Home::in_memory();
        let again = format!(
            "if test -e twice; then {twice}; else sed -i 's/\"secret\"/\"secrt\"/' \"$1\"; touch twice; fi"
        );
        let editor = home.write("editor", again);
        let home = home.with("EDITOR", format!("sh {}", editor.display()));
        home.keyward("init s --option key.from=file").run().ends(0);
        home.keyward("set s ann --stdin").input("s3cret").run().ends(0);
        let mut terminal = Terminal::new();
        let child = terminal.start(&home, &[&program(), "edit", "s"]);
        terminal.expect("Edit again? [Y/n] ");
        terminal.press(keys);
        let (ended, _, err) = end(child);
        assert_eq!(ended, code, "{err}");
        home.keyward("get s -p").run().ends(0).prints(format!("{after}\n"));
    }
}

#[test]
fn a_passphrase_is_confirmed_when_it_is_new_and_asked_for_once_later() {
    let home = Home::in_memory();
    let mut terminal = Terminal::new();
    let init = ["init", "s", "--option", "key.from=passphrase"];
    let child = terminal.start(&home, &[[program().as_str()].as_slice(), &init].concat());
    for prompt in ["assphrase", REPEAT] {
        terminal.expect(prompt);
        terminal.press("open sesame\r");
    }
    assert_eq!(end(child).0, 0);

    for (line, keys, code) in
        [("set", "open sesame\r", 0), ("get", "open sesame\r", 0), ("get", "close sesame\r", 6)]
    {
        let words = match line {
            "set" => vec!["set", "s", "ann", "--password-file", "/etc/hostname"],
            _ => vec!["get", "s", "-n"],
        };
        let child = terminal.start(&home, &[&[program().as_str()], words.as_slice()].concat());
        terminal.expect("assphrase");
        terminal.press(keys);
        let (ended, out, err) = end(child);
        assert_eq!(ended, code, "{line}: {err}");
        assert_eq!(out, if line == "get" && code == 0 { "ann\n" } else { "" });
    }
    assert!(!terminal.shown().contains("sesame"));
    assert_eq!(home.run(&["get", "s"]).code, 5);
}

#[test]
fn without_a_terminal_a_prompt_fails_at_once() {
    let home = home();
    let elsewhere = Terminal::new();
    let nowhere = |home: &Home| {
        let mut command = home.command("setsid");
        command.arg("--wait").stdout(Stdio::piped()).stderr(Stdio::piped()).stdin(Stdio::null());
        command
    };
    let script = |home: &Home, streams: &str, line: &str| {
        let mut command = nowhere(home);
        command.args(["sh", "-c", &format!("exec {} {line} {streams}", program())]);
        command
    };
    let mut shapes: Vec<(&str, Command)> = Vec::new();
    let init = "init t --option key.from=passphrase";
    for line in ["set s ann", "rm s", init, "resolve mail --kind token"] {
        shapes.push(("nothing", script(&home, "</dev/null", line)));
        shapes.push(("closed input", script(&home, "<&-", line)));
        shapes.push(("all closed", script(&home, "<&- >&- 2>&-", line)));
        shapes.push(("a file", script(&home, "</etc/passwd", line)));
        shapes.push(("a folder", script(&home, "</", line)));
        shapes.push(("endless input", script(&home, "</dev/zero", line)));
        let mut piped = script(&home, "", line);
        piped.stdin(Stdio::piped());
        shapes.push(("a pipe that stays open", piped));
        let mut other = script(&home, "", line);
        other.stdin(elsewhere.stream()).stdout(elsewhere.stream()).stderr(elsewhere.stream());
        shapes.push(("the terminal of another session", other));
    }
    for (shape, mut command) in shapes {
        let started = Instant::now();
        let mut child = command.spawn().unwrap();
        let kept = child.stdin.take();
        let (code, ..) = end(child);
        drop(kept);
        assert_eq!(code, 5, "{shape}: {command:?}");
        assert!(started.elapsed() < Duration::from_secs(1), "{shape} took {:?}", started.elapsed());
    }
    assert_eq!(home.run_ok(&["list"]), "s\n");
}

#[test]
fn rm_says_what_goes_and_asks() {
    let home = home();
    home.command("sh")
        .args(["-c", &format!("echo x | {} set s ann --stdin", program())])
        .status()
        .unwrap();
    for (keys, code) in [("\r", 1), ("n\r", 1), ("Yess\r", 1), ("\x04", 1), ("y\r", 0)] {
        let mut terminal = Terminal::new();
        let child = terminal.start(&home, &[&program(), "rm", "s"]);
        for words in [
            "This permanently removes",
            "all entries in its file storage",
            "its key",
            "stores/s.toml",
            "[y/N] ",
        ] {
            terminal.expect(words);
        }
        assert!(terminal.echoes());
        assert_eq!(home.run(&["get", "s"]).code, 0);
        terminal.press(keys);
        let (ended, out, err) = end(child);
        assert_eq!((ended, out.as_str()), (code, ""), "{keys:?}: {err}");
    }
    assert_eq!(home.run_ok(&["list"]), "");
}
