//! Where `set` takes the password from.

use std::time::{Duration, Instant};

use crate::helpers::home::{Home, me};
use crate::helpers::program::keyward;

fn home() -> Home {
    Home::with_store("--option key.from=file")
}

#[test]
fn standard_input_loses_one_line_end_at_most() {
    let home = home();
    for (raw, input, kept) in [
        ("", "p", "p"),
        ("", "p\n", "p"),
        ("", "p\n\n", "p\n"),
        ("", "p\r\n", "p"),
        ("", "p\r\n\r\n", "p\r\n"),
        ("", "p\r", "p\r"),
        ("--allow-empty", "\n", ""),
        ("--allow-empty", "\r\n", ""),
        ("--allow-empty", "", ""),
        ("", "p\nq\n", "p\nq"),
        ("--raw", "p\n", "p\n"),
        ("--raw", "p\r\n", "p\r\n"),
        ("--raw", "\n", "\n"),
        ("--raw", "p", "p"),
    ] {
        home.keyward(&format!("set s ann --stdin {raw}")).input(input).run().ends(0).prints("");
        home.keyward("get s --raw").run().ends(0).prints(kept);
        home.keyward("get s -p").run().ends(0).prints(format!("{kept}\n"));
    }
}

#[test]
fn an_empty_password_is_refused_unless_it_is_allowed() {
    let home = home();
    home.write("empty", "");
    home.write("blank", "\n");
    for entry in ["", "--origin https://host.example"] {
        home.keyward(&format!("set s ann --stdin {entry}")).input("before").run().ends(0);
        let before = home.files();
        for from in [
            "--stdin",
            "--stdin --raw",
            "--password-file empty",
            "--password-file blank",
            "--password-fd 0",
        ] {
            home.keyward(&format!("set s ann {from} {entry}"))
                .run()
                .ends(2)
                .prints("")
                .says("error: the password is empty\n  hint: ")
                .says("--allow-empty");
        }
        assert_eq!(home.files(), before, "{entry}");
    }
    home.keyward("set s ann --allow-empty").run().ends(2).says("--allow-empty needs --stdin");
    home.keyward("set s ann --stdin --allow-empty").run().ends(0);
    home.keyward("get s --raw").run().ends(0).prints("");
}

/// A closed stream is a mistake of the caller, not an empty password.
#[test]
fn a_closed_input_is_no_password() {
    let home = home();
    home.keyward("set s ann --stdin").input("before").run().ends(0);
    for line in ["--stdin", "--stdin --allow-empty", "--password-fd 0"] {
        home.program("sh")
            .args(["-c", "exec \"$@\" <&-", "sh"])
            .arg(keyward())
            .args(["set", "s", "ann"])
            .args(line.split_whitespace())
            .run()
            .ends(2)
            .prints("")
            .says("error: ");
    }
    home.keyward("get s --raw").run().ends(0).prints("before");
}

/// git's protocol cannot carry one.
#[test]
fn a_password_of_an_account_ends_with_no_carriage_return() {
    let home = home();
    let set = "set s ann --origin https://host.example --stdin";
    home.keyward(set).input("s3cret\r\n").run().ends(0).says_nothing();
    home.keyward("get s --name https://ann@host.example --raw").run().ends(0).prints("s3cret");
    for line in [set.to_owned(), format!("{set} --raw")] {
        home.keyward(&line).input("canary\r").run().ends(2).says("carriage return");
    }
    home.keyward("get s --name https://ann@host.example --raw").run().ends(0).prints("s3cret");
}

#[test]
fn files_and_descriptors_are_read_like_standard_input() {
    let home = home();
    home.write("secret", "of the file\n\n");
    for (line, kept) in [
        ("--password-file secret", "of the file\n"),
        ("--password-file secret --raw", "of the file\n\n"),
        ("--password-fd 7", "of the file\n"),
        ("--password-fd 7 --raw", "of the file\n\n"),
        ("--password-fd 8", "of a pipe"),
        ("--password-fd 0", "of a here-document"),
    ] {
        let script = r#"exec "$@" 7<secret 8<"$fifo" <<END
of a here-document
END"#;
        let fifo = home.path("fifo");
        home.program("mkfifo").arg(&fifo).run().ends(0);
        let writer = {
            let fifo = fifo.clone();
            std::thread::spawn(move || std::fs::write(fifo, "of a pipe\n"))
        };
        home.program("sh")
            .args(["-c", script, "sh"])
            .arg(keyward())
            .args(["set", "s", "ann"])
            .args(line.split_whitespace())
            .env("fifo", &fifo)
            .run()
            .ends(0)
            .prints("");
        home.keyward("get s --raw").run().ends(0).prints(kept);
        writer.join().unwrap().unwrap();
        std::fs::remove_file(&fifo).unwrap();
    }
}

#[test]
fn contradictory_options_are_usage_errors() {
    let home = home();
    for line in [
        "set s ann --raw",
        "set s ann --stdin --password-file f",
        "set s ann --stdin --password-fd 0",
        "set s ann --password-file f --password-fd 0",
        "set s ann --password-file missing",
        "set s ann --password-fd 99",
        "set s ann --password-fd x",
        "set s ann --password secret",
        "set s ann secret",
        "set s",
    ] {
        home.keyward(line).input("x").run().ends(2).prints("");
    }
    home.keyward("get s").run().ends(3);
}

#[test]
fn too_much_is_refused_and_changes_nothing() {
    let home = home();
    home.keyward("set s ann --stdin").input("before").run().ends(0);
    home.keyward("set s ann --stdin").input(vec![b'a'; (16 << 20) + 1]).run().ends(2);
    home.keyward("get s -p").run().ends(0).prints("before\n");
}

#[test]
fn without_a_terminal_a_prompt_is_exit_5_at_once() {
    let home = home();
    let closed = |streams: &str, line: &str| {
        let script = format!("exec \"$@\" {streams}");
        home.program("sh").args(["-c", &script, "sh"]).arg(keyward()).args(line.split_whitespace())
    };
    for (call, what) in [
        (home.keyward("set s ann"), "set, input from nowhere"),
        (home.keyward("set s ann").input("typed\ntyped\n"), "set, input from a pipe"),
        (closed("<&-", "set s ann"), "set, no input"),
        (closed("<&- >&- 2>&-", "set s ann"), "set, nothing at all"),
        (home.keyward("rm s"), "rm, input from nowhere"),
        (home.keyward("rm s").input("y\n"), "rm, input from a pipe"),
    ] {
        let before = Instant::now();
        let code = call.run().code;
        assert_eq!(code, 5, "{what}");
        assert!(before.elapsed() < Duration::from_secs(5), "{what} waited");
    }
    home.keyward("get s").run().ends(3);
}

/// Runs the program on a terminal; `steps` is an expect script.
fn dialogue(home: &Home, line: &str, steps: &str) -> crate::helpers::invocation::Finished {
    let script = format!(
        "set timeout 10\nspawn -noecho {} {line}\n{steps}\nexpect eof\nexit [lindex [wait] 3]",
        keyward().display()
    );
    home.program("expect").args(["-c", &script]).env("TERM", "dumb").run()
}

#[test]
fn a_terminal_is_asked_twice_and_shows_nothing() {
    let home = home();
    let ran = dialogue(
        &home,
        "set s ann",
        r#"expect "Password: " { send "one\r" }
           expect "confirmation: " { send "other\r" }
           expect "do not match" {}
           expect "Password: " { send "\r" }
           expect "must not be empty" {}
           expect "Password: " { send "s3cret\r" }
           expect "confirmation: " { send "s3cret\r" }"#,
    )
    .ends(0);
    for typed in ["one", "other", "s3cret"] {
        assert!(!ran.text().contains(typed), "{}", ran.text());
    }
    home.keyward("get s -np").run().ends(0).prints("ann\ns3cret\n");
}

#[test]
fn rm_asks_and_says_what_goes() {
    let home = home();
    home.keyward("set s ann --stdin").input("x").run().ends(0);
    for (answer, code) in [("", 1), ("n", 1), ("yess", 1), ("y", 0)] {
        home.keyward("list s").run().ends(0).prints(format!("{}\n", me()));
        let steps = format!(r#"expect "y/N" {{ send "{answer}\r" }}"#);
        let ran = dialogue(&home, "rm s", &steps).ends(code);
        for word in ["all entries in its file storage", "its key", "stores/s.toml"] {
            assert!(ran.text().contains(word), "{}", ran.text());
        }
    }
    home.keyward("list").run().ends(0).prints("");
}
