//! The checker with the system's PAM and `pam_unix`, with its own services and users: in a mount namespace,
//! they cover the files in `/etc`, so that nothing of the system is changed. It needs root.
#![expect(clippy::unwrap_used, reason = "these are tests")]

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use keyward_checker_pam::{Options, Pam};
use keyward_plugin::{
    Attempt, Backend, Checker, Denial, Error, ErrorKind, Host, Identity, Options as _, Presented,
    PresentedKind, Question, Result, Round, Secret, Value, Values,
};
use keyward_testkit::checker::{CASES, linked};
use keyward_testkit::{Client, TestHost};

const PASSWORD: &str = "made-up-password";

/// The password as crypt(3) writes it.
const HASH: &str = "$6$madeupsalt$9lm4OUXcXQA.Pw4hDKZBZfw3ppV1eJCocm4j/mjGVLBUOdOhlC0unucSUaej7klw1Kvnd3wbBqaPfMpflsjJu1";

/// Users: name, hash, and the rest of the line in `/etc/shadow`. 20000 is a day in 2024.
const USERS: [(&str, &str, &str); 8] = [
    ("ann", "", "20000:0:99999:7:::"),
    ("bob", "", "20000:0:99999:7:::"),
    ("locked", "!", "20000:0:99999:7:::"),
    ("expired", "", "20000:0:99999:7::1:"),
    ("due", "", "0:0:99999:7:::"),
    ("aged", "", "1:0:1:7:::"),
    ("inactive", "", "1:0:1:7:1::"),
    ("late", "", "20000:0:99999:7::99999:"),
];

/// Services, which are files with the lines of `/etc/pam.d`.
const SERVICES: [(&str, &str); 8] = [
    ("other", "auth required pam_deny.so\naccount required pam_deny.so\n"),
    ("unix", "auth required pam_unix.so nodelay\naccount required pam_unix.so\n"),
    (
        "two-questions",
        "auth required pam_echo.so file=%DIR%/welcome\n\
         auth required pam_unix.so nodelay\n\
         auth required %MATRIX% passdb=%DIR%/matrix\naccount required pam_unix.so\n",
    ),
    (
        "slow",
        "auth required pam_exec.so quiet /bin/sleep 3\nauth required pam_permit.so\naccount required pam_permit.so\n",
    ),
    ("nullok", "auth required pam_unix.so nodelay nullok\naccount required pam_permit.so\n"),
    ("no-account", "auth required pam_unix.so nodelay\naccount required pam_deny.so\n"),
    (
        "address",
        "auth required pam_unix.so nodelay\naccount required pam_access.so accessfile=%DIR%/access\n",
    ),
    ("broken", "auth required pam_no_such_module.so\n"),
];

/// Covers the files in `/etc`, and runs the program.
const COVER: &str = r#"
mount --bind "$1/services" /etc/pam.d
mount --bind "$1/passwd" /etc/passwd
mount --bind "$1/shadow" /etc/shadow
shift
exec "$@"
"#;

/// What is tested with these services and users.
const CHECKS: [fn(); 9] = [
    it_keeps_all_promises,
    it_decides_as_pamtester_does,
    the_account_phase_counts,
    an_empty_password_is_never_enough,
    an_outage_is_an_error,
    a_conversation_has_several_questions,
    a_conversation_ends_in_time,
    logins_at_once_do_not_disturb_each_other,
    waiting_conversations_are_limited,
];

/// Runs itself again in a mount namespace, where it does the work.
#[test]
fn tw_80_with_the_users_of_a_folder() {
    if Path::new("/etc/pam.d/two-questions").exists() {
        let running = CHECKS.map(thread::spawn);
        let failed = running.map(|running| running.join().is_err());
        return assert!(!failed.contains(&true));
    }
    let scratch = keyward_testkit::Scratch::new();
    write_files(scratch.folder());
    let ran = Command::new("unshare")
        .args(["--mount", "--propagation", "private", "sh", "-euc", COVER, "sh"])
        .arg(scratch.folder())
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", "tw_80_with_the_users_of_a_folder", "--nocapture"])
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&ran.stdout);
    let complaints = String::from_utf8_lossy(&ran.stderr);
    assert!(ran.status.success() && said.contains("1 passed"), "{said}{complaints}");
}

fn write_files(folder: &Path) {
    let dir = folder.to_str().unwrap();
    // A module that asks for another password.
    let matrix = format!("/usr/lib/{}-linux-gnu/pam_wrapper/pam_matrix.so", std::env::consts::ARCH);
    let write = |name: &str, content: &str| {
        let path = folder.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        #[expect(clippy::disallowed_methods, reason = "the files of a test")]
        fs::write(&path, content.replace("%DIR%", dir).replace("%MATRIX%", &matrix)).unwrap();
    };
    let line = |name: &str, id: usize| format!("{name}:x:{id}:{id}::/nowhere:/bin/false\n");
    let users = USERS.iter().enumerate();
    let passwd: String = users.map(|(at, (name, ..))| line(name, 5000 + at)).collect();
    write("passwd", &(passwd + &line("root", 0) + &line("empty", 4999)));
    let shadow = USERS.iter().map(|(name, mark, rest)| format!("{name}:{mark}{HASH}:{rest}\n"));
    let shadow: String = shadow.collect();
    write("shadow", &(shadow + "root:*:20000::::::\nempty::20000:0:99999:7:::\n"));
    for (name, content) in SERVICES {
        write(&format!("services/{name}"), content);
    }
    write("welcome", "Welcome to\nthe machine\n");
    write("matrix", "ann:another-password:two-questions\n");
    write("access", "+:ALL:192.0.2.1\n-:ALL:ALL\n");
}

fn values(service: &str) -> Values {
    let text = |text: &str| Value::Text(text.to_owned());
    Values::new()
        .with("service", text(service))
        .with("timeout", text("2s"))
        .with("answer_timeout", text("1s"))
}

fn pam(service: &str) -> Pam {
    let values = values(service).complete(Options::TABLE).unwrap();
    let host: Arc<dyn Host> = Arc::new(TestHost::new());
    Pam::open(Options::read(&values).unwrap(), &host).unwrap()
}

fn check(service: &str, user: &str, password: &str) -> Result<Round> {
    pam(service).check(&Presented::password(user, password), &Attempt::default())
}

fn it_keeps_all_promises() {
    let conversation = || Presented::new(PresentedKind::CONVERSATION);
    let host = |_: &_| {
        TestHost::new()
            .client(Client::new(Presented::password("ann", PASSWORD)))
            .client(Client::new(conversation().named("bob")).answering(PASSWORD))
            .client(Client::new(Presented::password("expired", PASSWORD)).disabled())
            .client(Client::new(conversation().named("due")).answering(PASSWORD).disabled())
    };
    for (_, case) in CASES {
        case(&linked::<Pam>(|_| values("unix"), host));
    }
}

/// The exit code of pamtester, a program that does nothing else: 0 if PAM lets the user in.
fn reference(service: &str, user: &str, password: &str) -> bool {
    let mut tester = Command::new("pamtester")
        .args([service, user, "authenticate(PAM_DISALLOW_NULL_AUTHTOK)", "acct_mgmt"])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut input = tester.stdin.take().unwrap();
    let _ = std::io::Write::write_all(&mut input, format!("{password}\n").as_bytes());
    drop(input);
    tester.wait().unwrap().success()
}

fn it_decides_as_pamtester_does() {
    for (user, expected) in [
        ("ann", None),
        ("bob", None),
        ("late", None),
        ("locked", Some(Denial::Secret)),
        ("expired", Some(Denial::Expired)),
        ("due", Some(Denial::PasswordChangeDue)),
        ("aged", Some(Denial::PasswordChangeDue)),
        ("inactive", Some(Denial::Expired)),
    ] {
        let said = check("unix", user, PASSWORD).unwrap();
        let identity = Identity::new(user).unwrap();
        assert_eq!(said, expected.map_or_else(|| Round::accepted(identity), Round::wrong));
        let is_accepted = matches!(said, Round::Accepted { .. });
        assert_eq!(reference("unix", user, PASSWORD), is_accepted, "{user}");
        assert_eq!(check("unix", user, "another").unwrap(), Round::wrong(Denial::Secret), "{user}");
        assert!(!reference("unix", user, "another"));
    }
    assert_eq!(check("unix", "no-such-user", PASSWORD).unwrap(), Round::Unknown);
}

fn the_account_phase_counts() {
    assert_eq!(check("no-account", "ann", PASSWORD).unwrap(), Round::wrong(Denial::Disabled));
    let from = |address: &str| {
        let presented = Presented::password("ann", PASSWORD);
        pam("address").check(&presented, &Attempt::from_address(address)).unwrap()
    };
    assert!(matches!(from("192.0.2.1"), Round::Accepted { .. }));
    assert_eq!(from("192.0.2.2"), Round::wrong(Denial::Restricted));
    assert_eq!(from("192.0.2.1\0"), Round::wrong(Denial::Restricted));
}

/// Even if the service lets in users without a password.
fn an_empty_password_is_never_enough() {
    for user in ["empty", "ann", "no-such-user"] {
        for password in ["", "\0", "\0\0\0"] {
            assert_eq!(check("nullok", user, password).unwrap(), Round::wrong(Denial::Secret));
        }
    }
    let pam = pam("nullok");
    let presented = Presented::new(PresentedKind::CONVERSATION).named("empty");
    let said = pam.check(&presented, &Attempt::default()).unwrap();
    let said = match said {
        Round::Challenge { pending, .. } => {
            pam.resume(&pending, &Secret::default(), &Attempt::default()).unwrap()
        }
        said => said,
    };
    assert!(matches!(said, Round::Wrong { .. }), "{said:?}");
}

fn an_outage_is_an_error() {
    let outage = |said: Result<Round>| -> Error {
        let error = said.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unavailable);
        error
    };
    outage(check("broken", "ann", PASSWORD));
    let start = Instant::now();
    let late = outage(check("slow", "ann", PASSWORD));
    assert!(late.to_string().contains("takes too long"), "{late}");
    assert!(start.elapsed() < Duration::from_secs(3));
}

fn begin(pam: &Pam, user: &str) -> (Secret, String) {
    let presented = Presented::new(PresentedKind::CONVERSATION).named(user);
    challenged(pam.check(&presented, &Attempt::default()).unwrap())
}

#[track_caller]
fn challenged(round: Round) -> (Secret, String) {
    let Round::Challenge { pending, challenge } = round else { panic!("{round:?}") };
    assert!(Question::from_challenge(&challenge).is_some());
    (pending, challenge.expose_str().unwrap().to_owned())
}

fn a_conversation_has_several_questions() {
    let pam = pam("two-questions");
    let answer = |pending: &Secret, text: &str| {
        pam.resume(pending, &Secret::from(text), &Attempt::default()).unwrap()
    };
    let (first, asked) = begin(&pam, "ann");
    assert_eq!(asked, "info Welcome to\ninfo the machine\nask-hidden Password: ");
    let (second, asked) = challenged(answer(&first, PASSWORD));
    assert_eq!(asked, "ask-hidden Password: ");
    let said = answer(&second, "another-password");
    assert!(matches!(&said, Round::Accepted { identity: Some(who), .. } if who.as_str() == "ann"));
    // Each challenge can be answered once.
    assert_eq!(answer(&second, PASSWORD), Round::wrong(Denial::Expired));
    // A password alone does not answer both.
    let presented = Presented::password("ann", PASSWORD);
    let said = pam.check(&presented, &Attempt::default()).unwrap();
    assert_eq!(said, Round::wrong(Denial::Secret));
}

fn a_conversation_ends_in_time() {
    let pam = pam("unix");
    let (pending, _) = begin(&pam, "ann");
    thread::sleep(Duration::from_millis(1500));
    let said = pam.resume(&pending, &Secret::from(PASSWORD), &Attempt::default()).unwrap();
    assert!(matches!(said, Round::Wrong { .. }), "{said:?}");
}

fn logins_at_once_do_not_disturb_each_other() {
    let pam = pam("unix");
    thread::scope(|scope| {
        for at in 0..40 {
            let pam = &pam;
            scope.spawn(move || {
                let (user, right) = (["ann", "bob"][at % 2], at % 3 != 0);
                let password = if right { PASSWORD } else { "another" };
                let said = pam.check(&Presented::password(user, password), &Attempt::default());
                match said.unwrap() {
                    Round::Accepted { identity, .. } => {
                        assert!(right && identity.unwrap().as_str() == user);
                    }
                    said => assert!(!right && said == Round::wrong(Denial::Secret), "{said:?}"),
                }
            });
        }
    });
}

/// There is a limit to the threads that clients who never answer can start.
fn waiting_conversations_are_limited() {
    let pam = pam("unix");
    let presented = Presented::new(PresentedKind::CONVERSATION).named("ann");
    let begun = (0..300).map(|_| pam.check(&presented, &Attempt::default()));
    let refused = begun.filter(|said| {
        said.as_ref().is_err_and(|error| {
            assert_eq!(error.kind(), ErrorKind::Unavailable);
            true
        })
    });
    assert!(refused.count() >= 44);
    thread::sleep(Duration::from_millis(1500));
    pam.check(&presented, &Attempt::default()).unwrap();
}
