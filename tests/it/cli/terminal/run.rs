//! `run` with a mask: a terminal for the program that shows no secret.

use std::fs::File;
use std::process::{Child, Command};

use super::pty::{Terminal, end};
use crate::cli::references::with_mail;
use crate::helpers::home::Home;
use crate::helpers::program::keyward;

/// A script for a shell that `run` starts with a secret in `P`.
fn words(options: &[&str], script: &str) -> Vec<String> {
    let program = keyward().to_str().unwrap().to_owned();
    let before = [program.as_str(), "run", "--env", "P=keyward://s/mail"];
    let words = [&before, options, &["--", "sh", "-c", script]].concat();
    words.into_iter().map(str::to_owned).collect()
}

/// Starts the script on a terminal.
fn start(terminal: &Terminal, home: &Home, options: &[&str], script: &str) -> Child {
    let words = words(options, script);
    terminal.start_showing(home, &words.iter().map(String::as_str).collect::<Vec<_>>())
}

/// Runs the script on a terminal, and returns its exit status and what was shown.
#[track_caller]
fn run(home: &Home, options: &[&str], script: &str) -> (i32, String) {
    let terminal = Terminal::new();
    let settings = terminal.settings();
    let code = end(start(&terminal, home, options, script)).0;
    assert_eq!(terminal.settings(), settings);
    (code, terminal.shown())
}

#[test]
fn the_program_has_a_terminal_that_hides_secrets() {
    let home = with_mail();
    let script = "test -t 0 && test -t 1 && test -t 2 && echo \"$P.\" >/dev/tty && echo $P >&2";
    assert_eq!(run(&home, &[], script), (0, "<hidden>.\r\n<hidden>\r\n".into()));
}

#[test]
fn the_exit_status_is_that_of_the_program_and_nothing_is_added() {
    let home = with_mail();
    for code in [0, 1, 2, 5, 101, 126, 127, 128, 255] {
        assert_eq!(run(&home, &[], &format!("exit {code}")), (code, String::new()));
    }
    for (signal, code) in [("TERM", 143), ("KILL", 137), ("SEGV", 139), ("HUP", 129)] {
        assert_eq!(run(&home, &[], &format!("kill -s {signal} $$")), (code, String::new()));
    }
    let terminal = Terminal::new();
    let program = keyward().to_str().unwrap().to_owned();
    let line = [&program, "run", "--env", "P=keyward://s/mail", "no-such-program"];
    assert_eq!(end(terminal.start_showing(&home, &line)).0, 127);
}

#[test]
fn a_change_of_the_size_reaches_the_program() {
    let home = with_mail();
    let mut terminal = Terminal::new();
    terminal.resize(33, 77);
    let script = "trap 'stty size; exit' WINCH; stty size; while :; do sleep 0.05; done";
    let child = start(&terminal, &home, &[], script);
    terminal.expect("33 77\r\n");
    terminal.resize(44, 99);
    terminal.expect("44 99\r\n");
    assert_eq!(end(child).0, 0);
}

#[test]
fn keys_reach_the_program_as_text_and_as_signals() {
    let home = with_mail();
    let mut terminal = Terminal::new();
    let settings = terminal.settings();
    let script = "echo; stty -echo; printf 'Name: '; read a; stty echo; echo \"<$a>\"; read b";
    let child = start(&terminal, &home, &[], script);
    terminal.expect("Name: ");
    terminal.press("not shown\x7fN\r");
    terminal.expect("<not showN>\r\n");
    terminal.press("shown");
    terminal.expect("shown");
    terminal.press("\x03");
    assert_eq!(end(child).0, 130);
    assert_eq!(terminal.settings(), settings);
    assert!(!terminal.shown().contains("not shown"));

    let script = "trap 'echo interrupted; exit 7' INT; echo ready; while :; do sleep 0.05; done";
    let child = start(&terminal, &home, &[], script);
    terminal.expect("ready");
    terminal.press("\x03");
    terminal.expect("interrupted");
    assert_eq!(end(child).0, 7);
    let child = start(&terminal, &home, &[], "echo go; cat");
    terminal.expect("go");
    terminal.press("\x04");
    assert_eq!(end(child).0, 0);
}

#[test]
fn a_signal_reaches_the_program_and_leaves_the_terminal_as_it_was() {
    let home = with_mail();
    for (signal, number) in [("TERM", 15), ("INT", 2), ("HUP", 1), ("USR1", 10)] {
        let mut terminal = Terminal::new();
        let settings = terminal.settings();
        let script =
            format!("trap 'exit {number}' {signal}; echo ok; while :; do sleep 0.05; done");
        let child = start(&terminal, &home, &[], &script);
        terminal.expect("ok");
        let status = Command::new("kill").args(["-s", signal, &child.id().to_string()]).status();
        assert!(status.unwrap().success());
        assert_eq!(end(child).0, number, "{signal}");
        assert_eq!(terminal.settings(), settings);
    }
}

/// The shell has job control: it continues a run in the background, where it must not touch the
/// terminal.
#[test]
fn a_run_in_the_background_goes_on_without_the_keyboard() {
    let home = with_mail();
    let mut terminal = Terminal::new();
    let run = words(&[], "sleep 0.3; echo $P; exit 6");
    let run: Vec<_> = run.iter().map(|word| format!("'{word}'")).collect();
    let script = format!("{} & read line; echo \"<$line>\"; wait $!; echo \"= $?\"", run.join(" "));
    let shell = terminal.start_showing(&home, &["sh", "-m", "-c", &script]);
    terminal.press("typed\r");
    terminal.expect("<typed>");
    terminal.expect("<hidden>");
    terminal.expect("= 6");
    assert_eq!(end(shell).0, 0);
}

#[test]
fn a_secret_in_pieces_over_both_streams_is_never_shown() {
    let home = with_mail();
    for form in ["s3cret", "czNjcmV0", "eHMzY3JldHg=", "733363726574"] {
        for size in 1..=7 {
            let pieces = form.as_bytes().chunks(size).enumerate().map(|(at, piece)| {
                let stream = if at % 2 == 0 { "" } else { " >&2" };
                // Longer than a pause.
                let wait = if at == 1 { "sleep 0.1" } else { "" };
                format!("printf %s {}{stream}\n{wait}\n", String::from_utf8_lossy(piece))
            });
            let script = format!("printf '['\n{}printf ']'", pieces.collect::<String>());
            let (code, shown) = run(&home, &[], &script);
            assert_eq!(code, 0);
            assert!(!shown.contains(form) && shown.ends_with(']'), "{form} {size}: {shown}");
            assert!(shown.contains("<hidden>"), "{form} {size}: {shown}");
        }
    }
}

#[test]
fn what_does_not_go_to_the_terminal_is_not_masked_unless_it_is_requested() {
    let home = with_mail();
    let run = |options: &[&str]| {
        let terminal = Terminal::new();
        let words = words(options, "test -t 0 && test -t 2 && echo $P && echo $P >&2");
        let out = File::create(home.path("out")).unwrap();
        let words: Vec<_> = words.iter().map(String::as_str).collect();
        let mut command = terminal.command(&home, &words);
        let child = command.stdout(out).stderr(terminal.stream()).spawn().unwrap();
        assert_eq!(end(child).0, 0);
        (home.read("out"), terminal.shown())
    };
    assert_eq!(run(&[]), ("s3cret\n".into(), "<hidden>\r\n".into()));
    assert_eq!(run(&["--mask"]), ("<hidden>\n".into(), "<hidden>\r\n".into()));
    assert_eq!(run(&["--no-mask"]), ("s3cret\n".into(), "s3cret\r\n".into()));
}

#[test]
fn without_a_mask_or_a_secret_the_program_replaces_run() {
    let home = with_mail();
    for (options, is_replaced) in [
        (&["--no-mask"][..], true),
        (&["--mask", "--no-mask"], true),
        (&["--env", "P=keyward://s/mail/username"], true),
        (&["--no-mask", "--mask"], false),
        (&[], false),
    ] {
        let terminal = Terminal::new();
        let program = keyward().to_str().unwrap().to_owned();
        let start: &[&str] = &[&program, "run"];
        let secret: &[&str] =
            if options.contains(&"--env") { &[] } else { &["--env", "P=keyward://s/mail"] };
        let words = [start, secret, options, &["--", "sh", "-c", "echo $$"]].concat();
        let child = terminal.start_showing(&home, &words);
        let id = format!("{}\r\n", child.id());
        assert_eq!(end(child).0, 0);
        assert_eq!(terminal.shown() == id, is_replaced, "{options:?}");
    }
}
