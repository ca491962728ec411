use std::time::Instant;

use keyward_plugin::{ErrorKind, Options as _, Value, Values};
use keyward_testkit::{Scratch, TestHost};

use super::*;

const KEY: &[u8] = b"BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=\n";

keyward_testkit::key_suite!(CommandKey, |scratch| {
    shell(&format!("cat {}", scratch.file("key", KEY)))
});

fn shell(script: &str) -> Values {
    let argv = ["/bin/sh", "-c", script].map(str::to_owned).to_vec();
    Values::new().with("argv", Value::List(argv))
}

fn open(values: &Values, host: TestHost) -> Result<CommandKey> {
    let host: Arc<dyn Host> = Arc::new(host);
    let values = values.clone().complete(Options::TABLE)?;
    CommandKey::open(Options::read(&values)?, &host)
}

fn load(values: &Values, host: TestHost) -> Result<Loaded> {
    open(values, host).unwrap().load(&KeyId::default(), &[])
}

/// Loads with a timeout of one second and returns the error.
fn late(script: &str) -> Error {
    let started = Instant::now();
    let values = shell(script).with("timeout", Value::Number(1));
    let error = load(&values, TestHost::new()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
    assert!((1..10).contains(&started.elapsed().as_secs()), "{:?}", started.elapsed());
    error
}

#[test]
fn one_newline_at_the_end_is_dropped() {
    for (script, secret) in
        [("printf 'a b\\n'", "a b"), ("printf 'a\\n\\n'", "a\n"), ("printf ' a'", " a")]
    {
        let loaded = load(&shell(script), TestHost::new()).unwrap();
        assert_eq!(loaded.expose(), secret.as_bytes(), "{script}");
    }
}

#[test]
fn the_environment_has_only_the_allowed_variables() {
    let env = Values::new().with("argv", Value::List(vec!["/usr/bin/env".into()]));
    let allowed = env.clone().with("allow", Value::List(vec!["SEEN".into(), "UNSET".into()]));
    let host = || TestHost::new().variable("SEEN", b"1\xff".to_vec()).variable("UNSEEN", "2");
    assert_eq!(load(&env, host()).unwrap_err().message(), "/usr/bin/env printed nothing");
    assert_eq!(load(&allowed, host()).unwrap().expose(), b"SEEN=1\xff");
}

#[test]
fn it_runs_in_the_root_folder_with_no_input() {
    let printed = load(&shell("pwd; cat; echo $?"), TestHost::new()).unwrap();
    assert_eq!(printed.expose(), b"/\n0");
}

#[test]
fn no_shell_reads_the_arguments() {
    let argv = ["/bin/echo", "$(id)", "; id", "*"].map(str::to_owned).to_vec();
    let printed = load(&Values::new().with("argv", Value::List(argv)), TestHost::new()).unwrap();
    assert_eq!(printed.expose(), b"$(id) ; id *");
}

#[test]
fn a_command_that_hangs_is_ended() {
    late("sleep 60");
    // It closed its output and still runs.
    late("exec >&-; sleep 60");
    late("trap '' TERM INT HUP; while :; do sleep 60; done");
}

#[test]
fn child_processes_end_with_the_command() {
    let scratch = Scratch::new();
    let pid = scratch.path("pid");
    late(&format!("sleep 60 & echo $! > {pid}; wait"));
    let pid = std::fs::read_to_string(pid).unwrap();
    let path = format!("/proc/{}/stat", pid.trim());
    let deadline = Instant::now() + Duration::from_secs(10);
    // The process is gone or waits for its parent to reap it; the kernel may need a moment.
    while std::fs::read_to_string(&path).is_ok_and(|status| !status.contains(") Z ")) {
        assert!(Instant::now() < deadline, "it is still running");
        std::thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn the_callers_time_counts_too() {
    let started = Instant::now();
    let host = TestHost::new().within(Duration::from_millis(100));
    assert_eq!(load(&shell("sleep 60"), host).unwrap_err().kind(), ErrorKind::Unavailable);
    assert!(started.elapsed() < Duration::from_secs(10));
}

#[test]
fn too_much_output_is_refused_and_its_writer_ended() {
    let fits = shell("head -c 65536 /dev/zero");
    assert_eq!(load(&fits, TestHost::new()).unwrap().len(), 65536);
    for script in ["head -c 65537 /dev/zero", "cat /dev/zero"] {
        let error = load(&shell(script), TestHost::new()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Refused, "{script}");
    }
}

#[test]
fn an_error_contains_the_status_and_no_output() {
    for (script, kind, told) in [
        ("echo canary; echo canary >&2; exit 3", ErrorKind::NoKey, "exit status 3"),
        ("echo canary; kill -SEGV $$", ErrorKind::Unavailable, "signal 11"),
        ("true", ErrorKind::NoKey, "printed nothing"),
    ] {
        let error = load(&shell(script), TestHost::new()).unwrap_err();
        assert_eq!(error.kind(), kind, "{script}");
        assert!(error.message().contains(told), "{error}");
        assert!(!format!("{error:?} {error}").contains("canary"), "{error:?}");
    }
}

#[test]
fn a_program_that_is_not_there_is_unavailable() {
    let argv = Value::List(vec!["/nonexistent/program".into()]);
    let error = load(&Values::new().with("argv", argv), TestHost::new()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
}

#[test]
fn invalid_options_do_not_open() {
    let list = |texts: &[&str]| Value::List(texts.iter().map(|text| (*text).into()).collect());
    let good = shell("true");
    for bad in [
        Values::new(),
        good.clone().with("argv", list(&["sh"])),
        good.clone().with("argv", list(&["./sh"])),
        good.clone().with("argv", list(&["/bin/sh", "a\0b"])),
        good.clone().with("allow", list(&["A=B"])),
        good.clone().with("allow", list(&[""])),
        good.clone().with("timeout", Value::Number(0)),
        good.with("timeout", Value::Number(u64::MAX)),
    ] {
        let error = open(&bad, TestHost::new()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Invalid, "{bad:?}");
    }
}
