use std::time::Instant;

use keyward_plugin::{Options as _, Value, Values};
use keyward_testkit::{Scratch, TestHost};

use super::*;

keyward_testkit::checker_suite!(
    CommandCondition,
    |_| shell(r#"grep -q '"address":"127.0.0.1"'"#),
    host = |_| TestHost::new().client(Client::new(Presented::new(PresentedKind::CIRCUMSTANCES))),
);

fn shell(script: &str) -> Values {
    let argv = ["/bin/sh", "-c", script].map(str::to_owned).to_vec();
    Values::new().with("argv", Value::List(argv))
}

fn open(values: &Values, host: TestHost) -> Result<CommandCondition> {
    let host: Arc<dyn Host> = Arc::new(host);
    let values = values.clone().complete(Options::TABLE)?;
    CommandCondition::open(Options::read(&values)?, &host)
}

fn asked(values: &Values, attempt: &Attempt) -> Result<Round> {
    open(values, TestHost::new()).unwrap().check(&Presented::circumstances(attempt), attempt)
}

fn says(script: &str) -> Result<Round> {
    asked(&shell(script), &Attempt::default())
}

fn accepted(until: Option<u64>) -> Round {
    Round::Accepted { identity: None, last: None, until: until.map(Timestamp::from_unix) }
}

#[test]
fn the_exit_status_is_the_answer() {
    assert_eq!(says("exit 0").unwrap(), accepted(None));
    assert_eq!(says("exit 1").unwrap(), Round::wrong(Denial::Restricted));
    assert_eq!(says(r#"echo '{"until": 5}'; exit 1"#).unwrap(), Round::wrong(Denial::Restricted));
    for (script, told) in [
        ("echo canary; echo canary >&2; exit 2", "exit status 2"),
        ("exit 126", "exit status 126"),
        ("kill -SEGV $$", "signal 11"),
    ] {
        let error = says(script).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unavailable, "{script}");
        assert!(error.to_string().contains(told), "{error}");
        assert!(!format!("{error:?} {error}").contains("canary"), "{error:?}");
    }
}

#[test]
fn it_may_say_until_when_the_condition_holds() {
    assert_eq!(says(r#"echo '{"until": 1234}'"#).unwrap(), accepted(Some(1234)));
    for printed in [
        "x",
        "{}",
        "[]",
        "1234",
        r#"{"until": -1}"#,
        r#"{"until": 1.5}"#,
        r#"{"until": "1234"}"#,
        r#"{"until": null}"#,
        r#"{"until": 1234, "x": 1}"#,
        r#"{"until": 1} {"until": 2}"#,
        "",
    ] {
        let error = says(&format!("echo '{printed}'")).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unavailable, "{printed}");
    }
    let error = says("head -c 1025 /dev/zero").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert_eq!(says("cat /dev/zero").unwrap_err().kind(), ErrorKind::Unavailable);
}

/// All that a client sent is in the input, and nowhere else.
#[test]
fn the_circumstances_are_in_the_input_alone() {
    let scratch = Scratch::new();
    let (input, seen) = (scratch.path("input"), scratch.path("seen"));
    let script = format!("cat >{input}; (tr '\\0' '\\n' </proc/$$/cmdline; env; pwd) >{seen}");
    let attempt = Attempt::from_address("192.0.2.1")
        .private()
        .to("http")
        .with_detail("path", "/canary\n\"$(id)")
        .with_detail("argument.q", "canary;id\0");
    assert_eq!(asked(&shell(&script), &attempt).unwrap(), accepted(None));
    let input = std::fs::read_to_string(input).unwrap();
    let lines = concat!(
        r#"{"address":"192.0.2.1","details":{"argument.q":"canary;id\u0000","path":"/canary\n\"$(id)"},"#,
        r#""private":true,"service":"http"}"#,
        "\n"
    );
    assert_eq!(input, lines);
    let seen = std::fs::read_to_string(seen).unwrap();
    assert!(!seen.contains("canary") && !seen.contains("192.0.2.1"), "{seen}");
    assert!(!seen.contains("HOME=") && !seen.contains("CARGO"), "{seen}");
    assert!(seen.ends_with("\n/\n"), "{seen}");
}

#[test]
fn it_gets_only_the_variables_that_are_named() {
    let names = Value::List(vec!["SEEN".into(), "UNSET".into()]);
    let values = shell(r#"test "$SEEN$UNSET$UNSEEN" = 1"#).with("variables", names);
    let host = TestHost::new().variable("SEEN", "1").variable("UNSEEN", "2");
    let attempt = Attempt::default();
    let round = open(&values, host).unwrap().check(&Presented::circumstances(&attempt), &attempt);
    assert_eq!(round.unwrap(), accepted(None));
}

#[test]
fn one_that_hangs_is_ended_and_is_an_outage() {
    for script in
        ["sleep 60", "exec >&-; sleep 60", "trap '' TERM INT HUP; while :; do sleep 60; done"]
    {
        let started = Instant::now();
        let values = shell(script).with("timeout", Value::Duration(Duration::from_millis(300)));
        let error = asked(&values, &Attempt::default()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unavailable, "{script}");
        assert!(error.to_string().contains("after 0.3 seconds"), "{error}");
        assert!(started.elapsed() < Duration::from_secs(20), "{script}");
    }
    let host = TestHost::new().within(Duration::from_millis(100));
    let attempt = Attempt::default();
    let checker = open(&shell("sleep 60"), host).unwrap();
    let error = checker.check(&Presented::circumstances(&attempt), &attempt).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
}

#[test]
fn a_hostile_request_does_not_reach_it() {
    let scratch = Scratch::new();
    let trace = scratch.path("trace");
    let attempt = Attempt::default().with_detail("path", "x".repeat(1 << 20));
    let round = asked(&shell(&format!("touch {trace}")), &attempt).unwrap();
    assert_eq!(round, Round::wrong(Denial::Malformed));
    let presented = Presented::new(PresentedKind::CIRCUMSTANCES).with("path", b"\xff".to_vec());
    let checker = open(&shell(&format!("touch {trace}")), TestHost::new()).unwrap();
    let round = checker.check(&presented, &Attempt::default()).unwrap();
    assert_eq!(round, Round::wrong(Denial::Malformed));
    assert!(!std::path::Path::new(&trace).exists());
    // One that does not read its input decides all the same.
    let attempt = Attempt::default().with_detail("path", "x".repeat(60 << 10));
    assert_eq!(asked(&shell("exit 0"), &attempt).unwrap(), accepted(None));
}

#[test]
fn a_program_that_is_not_there_is_an_outage() {
    let argv = Value::List(vec!["/nonexistent/program".into()]);
    let error = asked(&Values::new().with("argv", argv), &Attempt::default()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert!(!error.is_miss());
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
        good.clone().with("variables", list(&["A=B"])),
        good.clone().with("variables", list(&[""])),
        good.clone().with("timeout", Value::Duration(Duration::ZERO)),
        good.with("timeout", Value::Duration(Duration::from_secs(61))),
    ] {
        let error = open(&bad, TestHost::new()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Invalid, "{bad:?}");
    }
}
