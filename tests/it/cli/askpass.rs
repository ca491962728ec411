//! Questions through the program of the setting `prompt.askpass`, which no terminal is needed for.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use crate::helpers::home::Home;
use crate::helpers::program::keyward;

/// A home with the store `s`, and a program that keeps its questions and runs this script.
fn home(script: &str) -> Home {
    let home = Home::in_memory();
    home.init("s", "file", "aes-gcm");
    let keep = "#!/bin/sh\nprintf '%s|' \"$1\" >>questions\n";
    let program = home.write("ask", format!("{keep}{script}"));
    fs::set_permissions(&program, Permissions::from_mode(0o700)).unwrap();
    home.with("KEYWARD_ASKPASS", program)
}

#[test]
fn each_question_of_the_program_goes_through_it() {
    let home = home("case $1 in *Username*) echo ann;; *) echo s3cret;; esac");
    home.keyward("resolve mail --kind token").run().ends(0).says_nothing().prints("s3cret\n");
    let purpose = "Keyward needs the credential `mail`, of the kind";
    assert_eq!(home.read("questions"), format!("{purpose} `token`.\nToken: |"));
    fs::remove_file(home.path("questions")).unwrap();

    let json = home.keyward("resolve mail --field password --json --reveal").run().ends(0).json();
    assert_eq!(json[0]["sources"], serde_json::json!(["prompt"]));
    let purpose = format!("{purpose} `user-password`.\n");
    assert_eq!(
        home.read("questions"),
        format!("{purpose}Username: |{purpose}Password: |{purpose}Repeat for confirmation: |")
    );
    home.keyward("set s ann").run().ends(0).says_nothing();
    home.keyward("get s -p").run().ends(0).prints("s3cret\n");
    home.keyward("init t --option key.from=passphrase").run().ends(0);
    home.keyward("set t ann").run().ends(0);
    home.keyward("get t -p").run().ends(0).prints("s3cret\n");
    home.keyward("resolve mail --kind token --no-input").run().ends(5).says("--no-input");
    // It answers no question of the sort yes or no.
    home.keyward("rm s").run().ends(5);
}

#[test]
fn a_program_that_gives_no_answer_is_an_error() {
    for (script, says) in [
        ("echo canary; exit 1", "gave no answer (exit status: 1)"),
        ("exit 0", "printed no answer"),
        ("echo", "printed no answer"),
        ("kill -9 $$", "gave no answer (signal: 9 (SIGKILL))"),
        ("exec cat /dev/zero", "printed no answer"),
    ] {
        let home = home(script);
        let ran = home.keyward("resolve mail --kind token").run().ends(5).prints("").says(says);
        assert!(
            ran.err.contains("`mail` lacks `token`") && !ran.err.contains("canary"),
            "{}",
            ran.err
        );
        home.keyward("set s ann").run().ends(5).says(says);
    }
    let home = Home::new();
    for (program, code, says) in [
        ("/nope", 5, "the program /nope cannot be started"),
        ("ask", 2, "KEYWARD_ASKPASS: the path must be absolute"),
    ] {
        let ran = home.keyward("resolve mail --kind token").env("KEYWARD_ASKPASS", program).run();
        ran.ends(code).says(says);
    }
}

#[test]
fn several_lines_are_an_answer() {
    let home = home("printf 'one\\ntwo\\n\\n'");
    home.keyward("resolve mail --kind note --raw").run().ends(0).prints("one\ntwo\n");
}

/// Starts processes that need the same token and have no terminal.
fn start(home: &Home, count: usize) -> Vec<Child> {
    let command = || {
        let mut command = home.command("setsid");
        command.args(["--wait", "env", "--default-signal"]).arg(keyward());
        command.args(["-v", "resolve", "mail", "--kind", "token"]);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    };
    let log = |at| fs::File::create(home.path(format!("log-{at}"))).unwrap();
    (0..count).map(|at| command().stderr(log(at)).spawn().unwrap()).collect()
}

/// Waits until this is true.
#[track_caller]
fn until(is_true: impl Fn() -> bool) {
    let started = Instant::now();
    while !is_true() {
        assert!(started.elapsed() < Duration::from_secs(10), "it never happens");
        thread::sleep(Duration::from_millis(5));
    }
}

fn waiting(home: &Home) -> usize {
    let logs = (0..).map(|at| fs::read_to_string(home.path(format!("log-{at}"))));
    let logs = logs.map_while(Result::ok);
    logs.filter(|log| log.contains("info: another process asks for `mail`")).count()
}

fn questions(home: &Home) -> usize {
    fs::read_to_string(home.path("questions")).unwrap_or_default().matches('|').count()
}

const WAIT: &str = "echo $PPID >asks; while test ! -e go; do sleep 0.01; done; ";

#[test]
fn processes_that_need_the_same_are_asked_for_once() {
    for (script, code, out) in [("echo s3cret", 0, "s3cret\n"), ("exit 1", 5, "")] {
        let home = home(&format!("{WAIT}{script}"));
        let children = start(&home, 8);
        until(|| waiting(&home) == 7);
        home.write("go", "");
        for child in children {
            let ended = child.wait_with_output().unwrap();
            assert_eq!(ended.status.code(), Some(code));
            assert_eq!(String::from_utf8(ended.stdout).unwrap(), out);
        }
        assert_eq!(questions(&home), 1);
        // Another question is another one.
        home.keyward("resolve mail --kind api-key").run().ends(code);
        assert_eq!(questions(&home), 2);
        let kept = home.files().into_iter().filter(|(path, _)| !path.ends_with("ask"));
        let kept: Vec<_> = kept.map(|(_, content)| content).collect();
        assert!(kept.iter().all(|content| !content.windows(6).any(|part| part == b"s3cret")));
    }
}

#[test]
fn if_the_process_that_asks_is_killed_another_one_asks() {
    let home = home(&format!("{WAIT}echo s3cret"));
    let children = start(&home, 3);
    until(|| waiting(&home) == 2);
    let asks = || fs::read_to_string(home.path("asks")).unwrap_or_default();
    until(|| asks().ends_with('\n'));
    let asks = asks();
    assert!(Command::new("kill").args(["-9", asks.trim()]).status().unwrap().success());
    until(|| questions(&home) == 2);
    home.write("go", "");
    let outputs = children.into_iter().map(|child| child.wait_with_output().unwrap().stdout);
    let mut outputs: Vec<_> = outputs.collect();
    outputs.sort();
    assert_eq!(outputs, [&b""[..], b"s3cret\n", b"s3cret\n"]);
}

#[test]
fn a_question_says_what_it_is_for_and_where_to_get_it() {
    let home = home("echo k3y");
    let folder = home.path(".config/keyward/kinds");
    home.write(
        ".config/keyward/kinds/acme.key.toml",
        "version = 1\nhelp = \"A key\"\nurl = \"https://acme.example/keys\"\nmain = \"key\"\n\
         [[fields]]\nname = \"key\"\nprompt = \"Your key\"\nsecret = true\n",
    );
    fs::set_permissions(folder, Permissions::from_mode(0o700)).unwrap();
    let line = "resolve build --kind acme.key --url https://acme.example/api";
    home.keyward(line).run().ends(0).prints("k3y\n");
    assert_eq!(
        home.read("questions"),
        "Keyward needs the credential `build`, of the kind `acme.key`, for \
         https://acme.example/api.\nGet one at https://acme.example/keys\nYour key: |"
    );
}
