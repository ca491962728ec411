//! A program that breaks the protocol: the host soon returns an error that says so, and no process
//! remains.

use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use keyward_core::{ErrorKind, Expect, Put};
use keyward_loader::process::{Command, Programs};
use keyward_testkit::TestHost;

use crate::child::{Script, ann, gone};

/// The time limit of an error, long enough for a busy machine.
const SOON: Duration = Duration::from_secs(8);

/// Runs a script that breaks the protocol in the first call, and returns the caller's error.
#[track_caller]
fn failure(spoil: &str) -> String {
    let script = Script::new(&format!("greet()\n{spoil}"));
    let storage = script.storage();
    let started = Instant::now();
    let error = storage.get(&ann()).unwrap_err();
    assert!(started.elapsed() < SOON, "{spoil}");
    assert_eq!((error.kind(), error.backend()), (ErrorKind::Unavailable, "s"), "{spoil}: {error}");
    // Later calls fail at once.
    let started = Instant::now();
    assert_eq!(storage.get(&ann()).unwrap_err().message(), error.message(), "{spoil}");
    assert!(started.elapsed() < Duration::from_secs(1), "{spoil}");
    drop(storage);
    script.is_gone();
    error.message().replace(&script.command.path().display().to_string(), "P")
}

#[test]
fn a_child_that_does_not_answer_is_killed() {
    for spoil in [
        "time.sleep(60)",
        "signal.signal(signal.SIGTERM, signal.SIG_IGN); read(); time.sleep(60)",
        "read(); write(b'\\0\\0'); time.sleep(60)",
        "read(); write(frame({'id': 1})[:5]); time.sleep(60)",
    ] {
        assert_eq!(failure(spoil), "the program P did not answer within 1.5 s", "{spoil}");
    }
}

#[test]
fn the_error_contains_the_last_line_of_a_dead_child() {
    for (spoil, end) in [
        ("read(); os.kill(os.getpid(), 9)", "ended with signal 9"),
        ("os.kill(os.getpid(), 9)", "ended with signal 9"),
        // What it leaves behind in another group, with all its pipes, does not answer for it.
        (
            "read()\nif os.fork() == 0: os.setsid(); time.sleep(5); os._exit(0)\ntime.sleep(0.2); os._exit(3)",
            "ended with exit code 3",
        ),
        ("read(); sys.exit(3)", "ended with exit code 3"),
        ("read(); write(frame({'id': 1})[:5]); sys.exit(0)", "ended with exit code 0"),
        (
            "sys.stderr.write('one\\ntwo\\x1b[2J'); sys.stderr.flush(); os._exit(1)",
            "ended with exit code 1; its last message was: two\\u{1b}[2J",
        ),
        (
            "sys.stderr.write('why\\n  hint: what to do\\n'); sys.stderr.flush(); os._exit(1)",
            "ended with exit code 1; its last message was: why",
        ),
    ] {
        assert_eq!(failure(spoil), format!("the program P {end}"), "{spoil}");
    }
}

#[test]
fn a_child_that_closes_its_output_is_killed() {
    assert_eq!(failure("read(); os.close(1); time.sleep(60)"), "the program P closed its output");
}

#[test]
fn a_child_with_another_protocol_is_refused() {
    for (spoil, why) in [
        (
            "read(); write(b'\\xff\\xff\\xff\\xff'); time.sleep(60)",
            "sends a frame of 4294967295 bytes",
        ),
        (
            "read(); print('hello there', flush=True); time.sleep(60)",
            "sends a frame of 1751477356 bytes",
        ),
        (
            "write(struct.pack('>I', 0)); time.sleep(60)",
            "sends a frame that is not a message: it is not a map of CBOR",
        ),
        (
            "write(struct.pack('>I', 2) + b'\\xa0\\xa0')",
            "sends a frame that is not a message: it contains more than one item",
        ),
        (
            "write(struct.pack('>I', 2) + b'\\xbf\\xff'); time.sleep(60)",
            "sends a frame that is not a message: it is not a map of CBOR",
        ),
        (
            "send({'id': 99, 'answer': {}}); time.sleep(60)",
            "answers the call 99, which does not wait for an answer",
        ),
        (
            "m = read(); send({'id': m['id'], 'answer': {}, 'error': {}}); time.sleep(60)",
            "sends a frame that is not a message: it is an answer and an error",
        ),
        (
            "b = b'\\xa2\\x62id' + bytes([read()['id']]) + b'\\x66answer\\xa1'; write(struct.pack('>I', len(b)) + b); time.sleep(60)",
            "sends a frame that is not a message: it is not CBOR",
        ),
    ] {
        assert!(
            failure(spoil).starts_with(&format!("the program P {why}")),
            "{spoil}: {}",
            failure(spoil)
        );
    }
}

#[test]
fn a_second_answer_is_an_error_at_the_next_call() {
    let script = Script::new(
        "greet()\nm = read()\nanswer(m, blob=b'')\nanswer(m, blob=b'')\ntime.sleep(60)",
    );
    let storage = script.storage();
    assert_eq!(storage.get(&ann()).unwrap().blob, b"");
    let error = storage.get(&ann()).unwrap_err();
    assert!(error.message().contains("which does not wait for an answer"), "{error}");
    script.is_gone();
}

#[test]
fn every_name_of_a_library_is_one_of_a_program() {
    let script = Script::new(
        "hello(backends=[dict(STORAGE, name='my_shelf-2.0', options=[{'name': 'is_a-b', 'type': 'flag'}])])
read()",
    );
    assert_eq!(script.registration().unwrap().info.name, "my_shelf-2.0");
}

#[test]
fn a_call_that_is_no_look_up_never_returns_not_found() {
    let script =
        Script::new("greet()\nwhile True: send({'id': read()['id'], 'error': {'kind': 1}})");
    let storage = script.storage();
    assert_eq!(storage.get(&ann()).unwrap_err().kind(), ErrorKind::NotFound);
    let error = storage.put(&ann(), b"", &Put::expecting(Expect::Any)).unwrap_err();
    assert_eq!((error.kind(), error.operation()), (ErrorKind::Unavailable, "put"));
}

#[test]
fn hello_and_open_never_return_not_found() {
    for script in [
        "send({'id': read()['id'], 'error': {'kind': 1, 'operation': 'get'}})",
        "hello()\nsend({'id': read()['id'], 'error': {'kind': 1, 'operation': 'get'}})",
    ] {
        let script = Script::new(&format!("{script}\nread()"));
        let error = script.storage_for(&Arc::new(TestHost::new())).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
        let called = ["hello", "open"].contains(&error.operation());
        assert!(called, "the call that failed is named: {error}");
    }
}

#[test]
fn a_child_that_sends_too_much_is_killed() {
    for spoil in [
        "while True: send({'call': 'log', 'instance': 1, 'arguments': {'level': 'info', 'message': 'x' * 100}})",
        "while True: send({'later': 'version'})",
        "while True: send({'id': 1, 'call': 'never heard of'})",
        "while True: sys.stderr.write('x' * 10000)",
        "while True: send({'id': 1, 'call': 'secret', 'instance': 1, 'arguments': {'reference': '{\"from\":\"x\"}'}})",
    ] {
        let said = failure(spoil);
        assert!(
            [
                "did not answer within",
                "did not read within",
                "makes too many calls at the same time"
            ]
            .iter()
            .any(|end| said.contains(end)),
            "{spoil}: {said}"
        );
    }
}

#[test]
fn a_child_that_does_not_read_does_not_block_a_writer() {
    let script = Script::new("greet()\ntime.sleep(60)");
    let storage = script.storage();
    let started = Instant::now();
    let blob = vec![7; 4 << 20];
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                let put = storage.put(&ann(), &blob, &Put::expecting(Expect::Any));
                let error = put.unwrap_err();
                assert!(error.message().ends_with("did not read within 1.5 s"), "{error}");
            });
        }
    });
    assert!(started.elapsed() < SOON);
    script.is_gone();
}

#[test]
fn a_child_that_writes_before_it_reads_is_read() {
    // Both pipes are full at once, and neither side waits for the other for ever.
    let script = Script::named("a_child_that_writes_before_it_reads_is_read");
    let storage = script.storage();
    storage.put(&ann(), &vec![7; 4 << 20], &Put::expecting(Expect::Any)).unwrap();
}

#[test]
fn an_invalid_answer_fails_only_its_call() {
    let script = Script::named("an_invalid_answer_fails_only_its_call");
    let storage = script.storage();
    let error = storage.get(&ann()).unwrap_err();
    assert!(
        error.message().ends_with("returns an answer to get that is not valid: blob"),
        "{error}"
    );
    let put = storage.put(&ann(), b"", &Put::expecting(Expect::Any));
    assert_eq!(put.unwrap_err().kind(), ErrorKind::Unavailable);
    assert!(storage.list(&keyward_core::Query::default()).is_err());
    storage.delete(&ann(), &Expect::Any).unwrap();
}

#[test]
fn invalid_results_of_many_entries_are_an_error() {
    for (answer, why) in [
        ("results=[]", "the number of results"),
        ("results=[{'blob': b''}] * 3", "the number of results"),
        ("results=1", "results"),
        ("results=[{'blob': 'text'}]", "blob"),
        ("results=[{'blob': b'', 'revision': bytes(65)}]", "revision"),
        ("results=[{}]", "blob"),
        ("", "results"),
    ] {
        let script = Script::new(&format!(
            "greet(get_many=True)\nm = read()\nanswer(m, {answer})\ntime.sleep(60)"
        ));
        let error = script.storage().get_many(&[ann(), ann()]).unwrap_err();
        let end = format!("returns an answer to get_many that is not valid: {why}");
        assert!(error.message().ends_with(&end), "{answer}: {error}");
    }
}

#[test]
fn an_entry_that_is_missing_among_many_is_a_miss() {
    let script = Script::new(
        "greet(get_many=True)\nm = read()\nanswer(m, results=[{'error': {'kind': 1}}, {'blob': b'x'}])\ntime.sleep(60)",
    );
    let results = script.storage().get_many(&[ann(), ann()]).unwrap();
    assert!(results[0].as_ref().unwrap_err().is_miss());
    assert_eq!(results[1].as_ref().unwrap().blob, b"x");
}

#[test]
fn what_a_dead_child_started_goes_with_it() {
    let script = Script::named("what_a_dead_child_started_goes_with_it");
    let error = script.storage().get(&ann()).unwrap_err();
    assert!(error.message().ends_with("ended with exit code 0"), "{error}");
    assert_eq!(script.pids().len(), 2);
    script.is_gone();
}

#[test]
fn a_crash_at_the_start_is_reported_in_one_line() {
    for (body, kind, why) in [
        ("sys.exit(3)", ErrorKind::Unavailable, "ended with exit code 3"),
        ("read(); os.kill(os.getpid(), 9)", ErrorKind::Unavailable, "ended with signal 9"),
        (
            "hello(major=2)",
            ErrorKind::Refused,
            "it uses version 2 of the plugin protocol, and this program uses version 1",
        ),
        ("hello(protocol='http')", ErrorKind::Refused, "it does not speak the plugin protocol"),
        (
            "hello(backends=1)",
            ErrorKind::Unavailable,
            "returns an answer to hello that is not valid: backends",
        ),
        (
            "hello(backends=[dict(STORAGE, name='../x')])",
            ErrorKind::Unavailable,
            "returns an answer to hello that is not valid: name",
        ),
        (
            "hello(backends=[dict(STORAGE, options=[{'name': 'a', 'type': 'number', 'default': 'x', 'help': ''}])])",
            ErrorKind::Unavailable,
            "returns an answer to hello that is not valid: default",
        ),
        (
            "hello(backends=[STORAGE, STORAGE]); time.sleep(60)",
            ErrorKind::Refused,
            "provides a backend twice",
        ),
    ] {
        let script = Script::new(body);
        let error = script.registration().unwrap_err();
        assert_eq!(error.kind(), kind, "{body}: {error}");
        assert!(error.message().ends_with(why), "{body}: {error}");
        script.is_gone();
    }
}

#[test]
fn a_child_that_does_not_answer_hello_is_killed() {
    let script = Script::new("time.sleep(60)");
    let started = Instant::now();
    let error = script.registration().unwrap_err();
    assert!(error.message().ends_with("did not answer within 10 s"), "{error}");
    assert!(started.elapsed() < Duration::from_secs(20));
    script.is_gone();
}

#[test]
fn what_cannot_be_started_says_so() {
    for path in ["/nowhere/at/all", "/etc/passwd", "/"] {
        let error = Programs::new().run(&Command::new(path)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unavailable, "{path}");
    }
    assert_eq!(
        Programs::new().run(&Command::new("child.py")).unwrap_err().kind(),
        ErrorKind::Invalid
    );
}

#[test]
fn backends_in_roles_of_later_versions_are_passed_over() {
    let script = Script::named("backends_in_roles_of_later_versions_are_passed_over");
    assert_eq!(script.storage().get(&ann()).unwrap().blob, b"blob");
    script.is_gone_after_close();
}

impl Script {
    #[track_caller]
    fn is_gone_after_close(&self) {
        self.pids().into_iter().for_each(gone);
    }
}
