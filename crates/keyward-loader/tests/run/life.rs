//! The life of a child: its environment, its callers, its end and its restart.

use std::fmt;
use std::fs;
use std::io::Write;
use std::os::fd::AsRawFd;
use std::process;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use keyward_core::{
    ErrorKind, Host, Level, Loaded, LockMode, Prompt, Result, Secret, SecretRef, Storage,
    Timestamp, Value, Values,
};
use keyward_loader::process::{Command, Programs};
use keyward_loader::{Digest, Pin, verify_program};
use keyward_testkit::TestHost;

use crate::child::{Script, ann, gone};

/// Answers `get` with what an expression gives.
fn answers(expression: &str) -> Script {
    Script::new(&format!(
        "greet()
while True:
    m = read()
    if m['call'] == 'get': answer(m, blob=({expression}).encode())
    else: answer(m)"
    ))
}

/// Options with a reference to a secret.
fn password() -> Values {
    let reference = SecretRef { from: "vault".into(), options: Values::new() };
    Values::new().with("password", Value::Secret(reference))
}

fn text(storage: &dyn Storage) -> String {
    String::from_utf8(storage.get(&ann()).unwrap().blob).unwrap()
}

/// A host that gives each secret in its own way.
pub(crate) struct Answering<F>(pub(crate) F);

impl<F> fmt::Debug for Answering<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Answering")
    }
}

impl<F: Fn() -> Result<Secret> + Send + Sync> Host for Answering<F> {
    fn secret(&self, _: &SecretRef) -> Result<Loaded> {
        (self.0)().map(Loaded::from)
    }

    fn prompt(&self, _: &Prompt<'_>) -> Result<Secret> {
        (self.0)()
    }

    fn variable(&self, _: &str) -> Option<Secret> {
        None
    }

    fn now(&self) -> Timestamp {
        Timestamp::default()
    }

    fn log(&self, _: Level, _: fmt::Arguments<'_>) {}

    fn remaining(&self) -> Option<Duration> {
        None
    }
}

#[test]
fn it_sees_nothing_but_what_it_is_given() {
    let open = fs::File::open("/").unwrap();
    // As a careless library leaves it.
    rustix::io::fcntl_setfd(&open, rustix::io::FdFlags::empty()).unwrap();
    let mut script = answers(
        "repr((sorted(os.environ.items()), os.getcwd(), sorted(os.listdir('/proc/self/fd')), \
         os.getpgid(0) == os.getpid(), sys.argv[1:]))",
    );
    script.command = script.command.argument("an argument").variable("LANG", "C.UTF-8");
    let seen = text(&*script.storage());
    // One more descriptor is that of the folder which is listed.
    let expected = "([('LANG', 'C.UTF-8')], '/', ['0', '1', '2', '3'], True, ['an argument'])";
    assert_eq!(seen, expected, "{} is open here", open.as_raw_fd());
}

#[test]
fn there_is_one_child_however_much_is_opened() {
    let script = Script::named("there_is_one_child_however_much_is_opened");
    let storages: Vec<_> = (0..8).map(|_| script.storage()).collect();
    let again = Command::clone(&script.command);
    assert_eq!(script.programs.run(&again).unwrap().len(), 1);
    thread::scope(|scope| {
        for (at, storage) in storages.iter().enumerate() {
            scope.spawn(move || {
                for _ in 0..200 {
                    assert_eq!(text(&**storage), (at + 1).to_string());
                }
            });
        }
    });
    assert_eq!(script.pids().len(), 1);
}

#[test]
fn answers_may_come_in_any_order() {
    let script = Script::named("answers_may_come_in_any_order");
    let storage = script.storage();
    thread::scope(|scope| {
        for name in ["a", "b", "c", "d"] {
            let storage = &storage;
            scope.spawn(move || {
                let id = keyward_core::EntryId::new("ann", Some(name)).unwrap();
                assert_eq!(storage.get(&id).unwrap().blob, name.as_bytes());
            });
        }
    });
}

#[test]
fn its_host_is_asked_while_it_works() {
    let mut script = Script::named("its_host_is_asked_while_it_works");
    let host = TestHost::new()
        .secret("vault", "a secret")
        .answer("an answer")
        .variable("V", "a value")
        .within(Duration::from_secs(20));
    let host = Arc::new(host);
    script.command = script.command.variable("V", "a value").variable("W", "");
    let storage = script.storage_told(&password(), &host).unwrap();
    assert_eq!(
        text(&*storage),
        "[{'secret': b'a secret'}, 2, {'secret': b'an answer'}, {'secret': b'a value'}, {}, \
         {'now': 1767225600}, {'remaining': 20000}, 2]"
    );
    let said = format!("{}: careful\\n", script.command.path().display());
    assert_eq!(host.log(), [(Level::Warning, said)]);
}

#[test]
fn what_it_says_is_passed_on_harmless_and_not_for_ever() {
    let script = Script::named("what_it_says_is_passed_on_harmless_and_not_for_ever");
    let host = Arc::new(TestHost::new());
    script.storage_for(&host).unwrap().get(&ann()).unwrap();
    let started = Instant::now();
    while !host.log().iter().any(|(level, _)| *level == Level::Warning) {
        assert!(started.elapsed() < Duration::from_secs(5), "{:?}", host.log().len());
        thread::sleep(Duration::from_millis(5));
    }
    let log = host.log();
    let path = script.command.path().display();
    assert_eq!(log[0].1, format!("{path}: early"));
    assert_eq!(log[1].1, format!("{path}: red \\u{{1b}}[31m"));
    assert_eq!(log[2].1, format!("{path}: {}", "y".repeat(1024)));
    let total: usize = log.iter().map(|(_, said)| said.len()).sum();
    assert!(total < 400_000, "{total}");
}

#[test]
fn a_prompt_does_not_time_out() {
    let slow = Arc::new(Answering(|| {
        thread::sleep(Duration::from_secs(3));
        Ok("slow".into())
    }));
    let script = Script::named("a_prompt_does_not_time_out");
    let storage = script.storage_for(&slow).unwrap();
    assert_eq!(text(&*storage), "slow");
    assert!(storage.get(&ann()).is_err());
}

#[test]
fn a_caller_without_time_gives_up_alone() {
    let script = Script::named("a_caller_without_time_gives_up_alone");
    let hurried = Arc::new(TestHost::new().within(Duration::from_millis(100)));
    let (hurried, patient) = (script.storage_for(&hurried).unwrap(), script.storage());
    let error = hurried.get(&ann()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert!(error.message().ends_with("did not answer in the time that remained"), "{error}");
    assert_eq!(text(&*patient), "late");
    assert_eq!(script.pids().len(), 1);
}

#[test]
fn a_child_that_no_caller_waits_for_is_killed() {
    let script = Script::new("hello()\nopened(read())\nread()\ntime.sleep(60)");
    let hurried = Arc::new(TestHost::new().within(Duration::from_millis(100)));
    let storage = script.storage_for(&hurried).unwrap();
    assert!(storage.get(&ann()).is_err());
    thread::sleep(Duration::from_millis(1600));
    let error = storage.get(&ann()).unwrap_err();
    assert!(error.message().ends_with("did not answer within 1.5 s"), "{error}");
    script.is_gone();
}

#[test]
fn a_script_that_changed_is_not_started_again() {
    let mut script = Script::new("greet()\nread()\nos._exit(1)");
    let path = script.command.path().to_owned();
    let before = fs::read(&path).unwrap();
    let pin = Pin { path: path.clone(), digest: Digest::new(&before) };
    script.command = Command::verified(verify_program(&pin).unwrap());
    let host = Arc::new(TestHost::new());
    assert!(script.storage().get(&ann()).is_err());
    fs::write(&path, [&before[..], b"# changed\n"].concat()).unwrap();
    let error = script.storage_for(&host).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Refused);
    assert!(error.message().contains("has changed"), "{error}");
    assert_eq!(script.pids().len(), 1);
    fs::write(&path, before).unwrap();
    script.storage_for(&host).unwrap();
    assert_eq!(script.pids().len(), 2);
}

#[test]
fn a_script_that_is_trusted_again_is_started_again() {
    let mut script = answers("'old'");
    let path = script.command.path().to_owned();
    let trusted = || {
        let digest = Digest::new(&fs::read(&path).unwrap());
        Command::verified(verify_program(&Pin { path: path.clone(), digest }).unwrap())
    };
    script.command = trusted();
    let old = script.storage();
    let text_of_it = fs::read_to_string(&path).unwrap().replace("'old'", "'new'");
    fs::write(&path, text_of_it).unwrap();
    script.command = trusted();
    assert_eq!(text(&*script.storage()), "new");
    assert_eq!(text(&*old), "old");
}

#[test]
fn what_is_opened_after_a_death_starts_it_again_a_few_times() {
    let script = Script::new("greet()\nread()\nos._exit(1)");
    let host = Arc::new(TestHost::new());
    for starts in 1..=8 {
        let storage = script.storage_for(&host).unwrap();
        assert_eq!(script.pids().len(), starts);
        for _ in 0..3 {
            assert_eq!(storage.get(&ann()).unwrap_err().kind(), ErrorKind::Unavailable);
        }
    }
    let error = script.storage_for(&host).unwrap_err();
    assert!(
        error.message().ends_with("ended too often within an hour and is not started again"),
        "{error}"
    );
    script.is_gone();
}

#[test]
fn a_lock_is_given_back() {
    let script = Script::named("a_lock_is_given_back");
    let storage = script.storage();
    let (wait, ttl) = (Duration::from_millis(20), Duration::from_secs(60));
    let locks = storage.abilities().locks.unwrap();
    let mut guard = locks.lock(&ann(), LockMode::Exclusive, wait, ttl).unwrap();
    guard.renew(ttl).unwrap();
    drop(guard);
    drop(storage);
    assert!(script.beside("child.py.closed").exists());
}

#[test]
fn in_the_end_it_may_finish() {
    let polite = Script::new(
        "greet()
try: read()
finally: open(sys.argv[0] + '.done', 'w').close()",
    );
    let stubborn = Script::new("greet()\ntime.sleep(60)");
    let opened = [polite.storage(), stubborn.storage()];
    polite.programs.finish();
    stubborn.programs.finish();
    assert!(polite.beside("child.py.done").exists());
    polite.is_gone();
    stubborn.is_gone();
    let error = opened[0].get(&ann()).unwrap_err();
    assert!(error.message().ends_with("was asked to end"), "{error}");
}

#[test]
fn children_end_with_the_value_that_owns_them() {
    let script = Script::new("greet()\nread()");
    let other = Programs::new();
    let registration = other.run(&script.command).unwrap().remove(0);
    drop(other);
    script.is_gone();
    let host: Arc<dyn Host> = Arc::new(TestHost::new());
    let error = registration.open::<dyn Storage>(&Values::new(), &host).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert!(error.message().ends_with("was asked to end"), "{error}");
    assert_eq!(script.pids().len(), 1);
}

/// Not a test: what [`it_dies_with_its_parent`] runs and kills.
#[test]
fn parent() {
    let Some(path) = std::env::var_os("KEYWARD_TEST_CHILD") else { return };
    // The thread that starts it ends at once, and it lives on.
    let (programs, program) = (Programs::new(), Command::new(path));
    thread::scope(|scope| scope.spawn(|| programs.run(&program).map(drop)).join().unwrap())
        .unwrap();
    println!("it runs");
    std::io::stdout().flush().unwrap();
    thread::sleep(Duration::from_secs(60));
}

#[test]
fn it_dies_with_its_parent() {
    use std::io::{BufRead, BufReader};

    let script =
        Script::new("hello()\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\ntime.sleep(60)");
    let mut parent = process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "life::parent", "--nocapture"])
        .env("KEYWARD_TEST_CHILD", script.command.path())
        .stdout(process::Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(parent.stdout.take().unwrap()).lines();
    assert!(lines.map_while(Result::ok).any(|line| line.contains("it runs")));
    thread::sleep(Duration::from_millis(200));
    let pid = script.pids()[0];
    assert!(fs::exists(format!("/proc/{pid}")).unwrap());
    parent.kill().unwrap();
    parent.wait().unwrap();
    gone(pid);
}

#[test]
fn a_child_that_waits_for_itself_does_not_wait_for_ever() {
    let script = Script::named("a_child_that_waits_for_itself_does_not_wait_for_ever");
    let inner = script.storage();
    // It asks the child for what the child asks it for.
    let circular = Arc::new(Answering(move || inner.get(&ann()).map(|stored| stored.blob.into())));
    let outer = script.storage_told(&password(), &circular).unwrap();
    let error = outer.get(&ann()).unwrap_err();
    assert!(error.message().ends_with("did not answer within 1.5 s"), "{error}");
    script.is_gone();
}
