//! However the program ends or stops at a prompt, it restores the terminal's settings.

use std::process::{Child, Command};
use std::thread;
use std::time::{Duration, Instant};

use super::pty::{Terminal, end};
use super::{PROMPT, REPEAT, home, program, stored};

fn send(signal: &str, child: &Child) {
    let status = Command::new("kill").args(["-s", signal, &child.id().to_string()]).status();
    assert!(status.unwrap().success());
}

/// Waits until the program is in this state, as `/proc` spells it.
fn wait_for(state: &str, child: &Child) {
    let started = Instant::now();
    let path = format!("/proc/{}/stat", child.id());
    while std::fs::read_to_string(&path)
        .unwrap()
        .rsplit(')')
        .next()
        .unwrap()
        .split_whitespace()
        .next()
        != Some(state)
    {
        assert!(started.elapsed() < Duration::from_secs(10), "it is never `{state}`");
        thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn a_signal_ends_the_program_and_leaves_the_terminal_as_it_was() {
    let home = home();
    for (signal, code) in [("INT", 130), ("QUIT", 131), ("TERM", 143), ("HUP", 129), ("KILL", 137)]
    {
        for prompts in [[PROMPT].as_slice(), &[PROMPT, REPEAT]] {
            let mut terminal = Terminal::new();
            let settings = terminal.settings();
            let child = terminal.start(&home, &[&program(), "set", "s", "ann"]);
            for (at, prompt) in prompts.iter().enumerate() {
                if at > 0 {
                    terminal.press("s3cret\r");
                }
                terminal.expect(prompt);
            }
            assert!(!terminal.echoes());
            terminal.press("s3cr");
            send(signal, &child);
            let (ended, out, err) = end(child);
            assert_eq!((ended, out.as_str(), err.as_str()), (code, "", ""), "{signal}");
            // A program cannot handle the last one. It shows that the test notices changed
            // settings.
            assert_eq!(terminal.settings() == settings, signal != "KILL", "{signal}");
            assert!(!terminal.shown().contains("s3cr"));
        }
    }
    assert_eq!(home.run(&["get", "s"]).code, 3);
}

#[test]
fn keys_that_interrupt_do_so() {
    let home = home();
    for (key, code) in [("\x03", 130), ("\x1c", 131)] {
        let token = ["resolve", "mail", "--kind", "token"];
        for (line, prompt) in [
            (["set", "s", "ann"].as_slice(), PROMPT),
            (&["rm", "s"], "[y/N] "),
            (&token, "Token: "),
            (&["resolve", "mail", "--kind", "note"], "Ctrl-D"),
        ] {
            let mut terminal = Terminal::new();
            let settings = terminal.settings();
            let child = terminal.start(&home, &[&[program().as_str()], line].concat());
            terminal.expect(prompt);
            terminal.press(key);
            assert_eq!(end(child).0, code, "{line:?}");
            assert_eq!(terminal.settings(), settings);
        }
    }
}

#[test]
fn a_terminal_that_goes_away_ends_the_program() {
    let script = format!(
        "spawn -noecho env --default-signal {} set s ann; expect \"Password: \"; close; puts [wait]",
        program()
    );
    let home = home();
    let expect = home.program("expect").args(["-c", &script]);
    let shown = expect.run().ends(0).into_text();
    // It may see that the terminal has gone before it gets the signal.
    let ended = shown.lines().last().unwrap();
    assert!(ended.contains("CHILDKILLED SIGHUP") || ended.ends_with(" 0 5"), "{shown}");
}

/// The shell has job control: it reports that the job has stopped, and continues it on request.
#[test]
fn stopped_by_a_key_the_terminal_echoes_and_the_prompt_comes_again() {
    let home = home();
    let mut terminal = Terminal::new();
    let settings = terminal.settings();
    let script = format!(
        "{} set s ann; echo \"stopped $?\"; read go; fg >/dev/null; echo \"ended $?\"",
        program()
    );
    let shell = terminal.start_showing(&home, &["sh", "-m", "-c", &script]);
    terminal.expect(PROMPT);
    terminal.press("forgotten\x1a");
    // By `SIGSTOP`, which cannot be ignored, after the settings were restored.
    terminal.expect("stopped 147");
    assert!(terminal.echoes());
    assert_eq!(terminal.settings(), settings);
    terminal.press("go\r");
    terminal.expect(PROMPT);
    assert!(!terminal.echoes());
    terminal.press("s3cret\r");
    terminal.expect(REPEAT);
    terminal.press("s3cret\r");
    terminal.expect("ended 0");
    assert_eq!(end(shell).0, 0);
    assert_eq!(terminal.settings(), settings);
    assert_eq!(stored(&home), b"s3cret");
    let shown = terminal.shown();
    assert!(!shown.contains("s3cret") && !shown.contains("forgotten"), "{shown}");
}

/// The program cannot do anything before `SIGSTOP`, and need not do anything about `SIGCONT` alone.
#[test]
fn after_a_stop_without_notice_nothing_is_shown_either() {
    let home = home();
    for stop in [true, false] {
        let mut terminal = Terminal::new();
        let settings = terminal.settings();
        let child = terminal.start(&home, &[&program(), "set", "s", "ann"]);
        terminal.expect(PROMPT);
        if stop {
            send("STOP", &child);
            wait_for("T", &child);
        }
        send("CONT", &child);
        terminal.expect(PROMPT);
        assert!(!terminal.echoes());
        terminal.press("s3cret\r");
        terminal.expect(REPEAT);
        terminal.press("s3cret\r");
        assert_eq!(end(child).0, 0);
        assert!(!terminal.shown().contains("s3cret"));
        assert_eq!(terminal.settings(), settings);
    }
}

#[test]
fn a_prompt_of_the_resolver_ends_and_stops_like_any_other() {
    let home = home();
    for (kind, prompt) in [("token", "Token: "), ("note", "Ctrl-D)")] {
        let line = [program().as_str(), "resolve", "mail", "--kind", kind].map(str::to_owned);
        let words: Vec<_> = line.iter().map(String::as_str).collect();
        for (signal, code) in [("INT", 130), ("TERM", 143)] {
            let mut terminal = Terminal::new();
            let settings = terminal.settings();
            let child = terminal.start(&home, &words);
            terminal.expect(prompt);
            terminal.press("s3cr");
            send(signal, &child);
            assert_eq!(end(child), (code, String::new(), String::new()), "{signal}");
            assert_eq!(terminal.settings(), settings, "{signal}");
        }
        let mut terminal = Terminal::new();
        let settings = terminal.settings();
        let script = format!("{}; echo \"stopped $?\"; read go; fg >/dev/null", line.join(" "));
        let shell = terminal.start_showing(&home, &["sh", "-m", "-c", &script]);
        terminal.expect(prompt);
        terminal.press("forgotten\r".repeat(usize::from(kind == "note")) + "forgotten\x1a");
        terminal.expect("stopped 147");
        assert_eq!(terminal.settings(), settings);
        terminal.press("go\r");
        terminal.expect(prompt);
        terminal.press("s3cret\r\x04");
        terminal.expect("\r\ns3cret\r\n");
        assert_eq!(end(shell).0, 0);
        assert_eq!(terminal.settings(), settings);
        assert!(!terminal.shown().contains("forgotten"));
    }
}
