//! Tests with the keys, certificates, lists and signatures of the real `ssh-keygen`.

mod certificates;
mod fuzzed;
mod revoked;
mod security_keys;

use std::fs;
use std::io::Write as _;
use std::process::{Command, Stdio};

use keyward_plugin::{ErrorKind, Value, Values};
use keyward_testkit::{Client, Scratch, TestHost};

use super::*;

const NAMESPACE: &str = "keyward-auth@v1";

/// A folder in which `ssh-keygen` works.
struct Keys(Scratch);

impl Keys {
    fn new() -> Self {
        Self(Scratch::new())
    }

    fn run(&self, arguments: &[&str], input: &[u8]) -> Vec<u8> {
        run(&self.0, arguments, input, None)
    }

    /// Makes a key and returns its line.
    fn make(&self, name: &str, kind: &str) -> String {
        let (kind, bits) = kind.split_once(' ').unwrap_or((kind, "256"));
        let arguments = ["-q", "-N", "", "-C", name, "-t", kind, "-b", bits, "-f", name];
        self.run(&arguments, b"");
        self.line(name)
    }

    /// The line of a key or a certificate.
    fn line(&self, name: &str) -> String {
        fs::read_to_string(self.0.path(&format!("{name}.pub"))).unwrap()
    }

    /// Signs a message.
    fn sign(&self, name: &str, namespace: &str, message: &[u8]) -> Vec<u8> {
        self.run(&["-q", "-Y", "sign", "-f", name, "-n", namespace], message)
    }

    /// Makes a checker of the keys of ann, in the file `ann`, and of others.
    fn checker(&self, options: impl FnOnce(&mut Options)) -> SshKey {
        let mut all = Options {
            file: vec![self.0.path("%u")],
            user: None,
            ca: None,
            krl: None,
            namespace: NAMESPACE.into(),
        };
        options(&mut all);
        let host: Arc<dyn Host> = Arc::new(TestHost::new().on_system_time());
        SshKey::open(all, &host).unwrap()
    }

    /// Logs in by the challenge.
    fn log_in(&self, checker: &SshKey, user: &str, key: &str) -> Round {
        self.log_in_from(checker, user, key, &Attempt::from_address("192.0.2.1"))
    }

    fn log_in_from(&self, checker: &SshKey, user: &str, key: &str, attempt: &Attempt) -> Round {
        let (pending, challenge) = challenge(checker, user);
        let answer = self.sign(key, NAMESPACE, challenge.expose());
        checker.resume(&pending, &Secret::new(answer), attempt).unwrap()
    }
}

fn run(folder: &Scratch, arguments: &[&str], input: &[u8], agent: Option<&str>) -> Vec<u8> {
    let mut command = Command::new("ssh-keygen");
    command.current_dir(folder.folder()).args(arguments).env_remove("SSH_AUTH_SOCK");
    command.envs(agent.map(|agent| ("SSH_AUTH_SOCK", agent)));
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = command.spawn().unwrap();
    child.stdin.take().unwrap().write_all(input).unwrap();
    let answer = child.wait_with_output().unwrap();
    assert!(answer.status.success(), "{arguments:?}");
    answer.stdout
}

fn challenge(checker: &SshKey, user: &str) -> (Secret, Secret) {
    let presented = Presented::new(PresentedKind::SSH_SIGNATURE).named(user);
    let round = checker.check(&presented, &Attempt::default()).unwrap();
    let Round::Challenge { pending, challenge } = round else { panic!("{round:?}") };
    (pending, challenge)
}

fn accepted(user: &str) -> Round {
    Round::accepted(Identity::new(user).unwrap())
}

const WRONG: Round = Round::Wrong { why: Denial::Secret, last: None };

/// What a server presents that had this signed.
fn signed(user: &str, data: &[u8], signature: Vec<u8>) -> Presented {
    Presented::new(PresentedKind::SSH_SIGNATURE)
        .named(user)
        .with("data", data.to_vec())
        .with("signature", signature)
}

mod suite {
    use super::*;

    fn prepare(scratch: &Scratch) -> Values {
        for user in ["ann", "bob", "carl"] {
            let arguments = ["-q", "-N", "", "-t", "ed25519", "-f", &format!("{user}.key")];
            run(scratch, &arguments, b"", None);
            let line = fs::read(scratch.path(&format!("{user}.key.pub"))).unwrap();
            let options: &[u8] = if user == "carl" { b"expiry-time=\"20200101Z\" " } else { b"" };
            scratch.file(user, &[options, &line[..]].concat());
        }
        Values::new().with("file", Value::List(vec![scratch.path("%u")]))
    }

    fn client(scratch: &Scratch, user: &str) -> Client {
        let arguments = ["-q", "-Y", "sign", "-f", &format!("{user}.key"), "-n", NAMESPACE];
        Client::new(signed(
            user,
            b"session of a test",
            run(scratch, &arguments, b"session of a test", None),
        ))
    }

    keyward_testkit::checker_suite!(
        SshKey,
        prepare,
        host = |scratch| {
            TestHost::new()
                .client(client(scratch, "ann"))
                .client(client(scratch, "bob"))
                .client(client(scratch, "carl").disabled())
        },
    );
}

#[test]
fn keys_of_all_types_log_in() {
    let keys = Keys::new();
    for (name, kind) in [
        ("ed25519", "ed25519"),
        ("p256", "ecdsa 256"),
        ("p384", "ecdsa 384"),
        ("rsa2", "rsa 2048"),
        ("rsa4", "rsa 4096"),
    ] {
        let line = keys.make(&format!("{name}.key"), kind);
        keys.0.file(name, line.as_bytes());
        let checker = keys.checker(|_| {});
        for _ in 0..4 {
            assert_eq!(keys.log_in(&checker, name, &format!("{name}.key")), accepted(name));
        }
    }
}

#[test]
fn weak_and_other_keys_are_refused() {
    let keys = Keys::new();
    for (name, kind) in [("short", "rsa 1024"), ("dsa", "dsa 1024"), ("p521", "ecdsa 521")] {
        let line = keys.make(&format!("{name}.key"), kind);
        keys.0.file(name, line.as_bytes());
        assert_eq!(
            keys.log_in(&keys.checker(|_| {}), name, &format!("{name}.key")),
            WRONG,
            "{name}"
        );
    }
}

/// The signature of a login over SSH, also with SHA-1.
#[test]
fn a_signature_of_a_login_over_ssh() {
    let keys = Keys::new();
    keys.0.file("ann", keys.make("ann.key", "ed25519").as_bytes());
    let checker = keys.checker(|_| {});
    let sshsig = sshsig::Sshsig::parse(&keys.sign("ann.key", NAMESPACE, b"text")).unwrap();
    // What the key signed is all that the server must know.
    let data = sshsig.signed(b"text").unwrap();
    let login = |key: &[u8], data: &[u8], signature: &[u8]| {
        let presented = signed("ann", data, signature.to_vec()).with("key", key.to_vec());
        checker.check(&presented, &Attempt::default()).unwrap()
    };
    assert_eq!(login(&sshsig.key, &data, &sshsig.signature), accepted("ann"));
    assert_eq!(login(keys.line("ann.key").as_bytes(), &data, &sshsig.signature), accepted("ann"));
    assert_eq!(login(&sshsig.key, b"other", &sshsig.signature), WRONG);
    let sha1 = [&b"\0\0\0\x07ssh-rsa"[..], &sshsig.signature[15..]].concat();
    assert_eq!(login(&sshsig.key, &data, &sha1), WRONG);
    assert_eq!(login(b"ssh-ed25519 x", &data, &sshsig.signature), Round::wrong(Denial::Malformed));
}

#[test]
fn an_agent_signs() {
    let keys = Keys::new();
    keys.0.file("ann", keys.make("ann.key", "ed25519").as_bytes());
    let socket = keys.0.path("agent");
    let mut agent = Command::new("ssh-agent")
        .args(["-D", "-a", &socket])
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    while !Path::new(&socket).exists() {
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    let add = |arguments: &[&str]| {
        let mut command = Command::new("ssh-add");
        command.args(arguments).env("SSH_AUTH_SOCK", &socket).stderr(Stdio::null());
        assert!(command.status().unwrap().success());
    };
    add(&["-q", &keys.0.path("ann.key")]);
    fs::remove_file(keys.0.path("ann.key")).unwrap();
    let checker = keys.checker(|_| {});
    let (pending, challenge) = challenge(&checker, "ann");
    let arguments = ["-q", "-Y", "sign", "-f", "ann.key.pub", "-n", NAMESPACE];
    let answer = Secret::new(run(&keys.0, &arguments, challenge.expose(), Some(&socket)));
    agent.kill().unwrap();
    agent.wait().unwrap();
    assert_eq!(checker.resume(&pending, &answer, &Attempt::default()).unwrap(), accepted("ann"));
}

/// TW-74: a key without signature is not enough; a bad key; one that is not listed; a bad signature;
/// and who is let in has the name of the user.
#[test]
fn tw_54_74_keys_and_signatures() {
    let keys = Keys::new();
    keys.0.file("ann", keys.make("ann.key", "ed25519").as_bytes());
    keys.make("other.key", "ed25519");
    let checker = keys.checker(|_| {});
    let unsigned =
        Presented::new(PresentedKind::SSH_SIGNATURE).named("ann").with("key", keys.line("ann.key"));
    let round = checker.check(&unsigned, &Attempt::default()).unwrap();
    assert!(matches!(round, Round::Challenge { .. }));
    assert_eq!(keys.log_in(&checker, "ann", "ann.key"), accepted("ann"));
    assert_eq!(keys.log_in(&checker, "ann", "other.key"), WRONG);
    let (pending, challenge) = challenge(&checker, "ann");
    let resume = |answer: Vec<u8>| {
        checker.resume(&pending, &Secret::new(answer), &Attempt::default()).unwrap()
    };
    assert_eq!(resume(keys.sign("ann.key", NAMESPACE, b"another text")), WRONG);
    assert_eq!(resume(keys.sign("ann.key", "file", challenge.expose())), WRONG);
    assert_eq!(resume(keys.sign("ann.key", "keyward-auth@v2", challenge.expose())), WRONG);
    assert_eq!(resume(b"nonsense".to_vec()), Round::wrong(Denial::Malformed));
    assert_eq!(keys.log_in(&checker, "eve", "ann.key"), Round::Unknown);
}

/// TW-75: comments, blank lines and lines that cannot be used; missing files; both file names.
#[test]
fn tw_75_files() {
    let keys = Keys::new();
    let (one, two) = (keys.make("one.key", "ed25519"), keys.make("two.key", "ecdsa"));
    let broken = "# a comment\n\n  \t\nnonsense\nssh-ed25519\nssh-ed25519 !!!\nssh-rsa AAAA x\n";
    keys.0.file("ann", format!("{broken}  {one}").as_bytes());
    keys.0.file("ann2", two.replace('\n', "\r\n").as_bytes());
    let both = keys.checker(|options| options.file.push(keys.0.path("%u2")));
    for key in ["one.key", "two.key"] {
        assert_eq!(keys.log_in(&both, "ann", key), accepted("ann"), "{key}");
    }
    assert_eq!(keys.log_in(&keys.checker(|_| {}), "ann", "two.key"), WRONG);
    assert_eq!(keys.log_in(&both, "bob", "one.key"), Round::Unknown);

    let of_ann = keys.checker(|options| {
        options.file = vec![keys.0.path("ann")];
        options.user = Some("ann".into());
    });
    assert_eq!(keys.log_in(&of_ann, "ann", "one.key"), accepted("ann"));
    assert_eq!(keys.log_in(&of_ann, "root", "one.key"), Round::Unknown);
    fs::remove_file(keys.0.path("ann")).unwrap();
    let (pending, _) = challenge(&of_ann, "ann");
    let missing = of_ann.resume(&pending, &Secret::from("x"), &Attempt::default()).unwrap_err();
    assert_eq!(missing.kind(), ErrorKind::Unavailable);
    fs::create_dir(keys.0.path("ann")).unwrap();
    let folder = both.resume(&pending, &Secret::from("x"), &Attempt::default()).unwrap_err();
    assert_eq!(folder.kind(), ErrorKind::Refused);
}

/// T14: the options of a line are understood.
#[test]
fn t14_options() {
    let keys = Keys::new();
    let line = keys.make("ann.key", "ed25519");
    let checker = keys.checker(|_| {});
    let restricted = Round::wrong(Denial::Restricted);
    let expired = Round::wrong(Denial::Expired);
    for (options, expected) in [
        ("restrict", &accepted("ann")),
        ("command=\"echo \\\"a, b\\\" # c\",no-pty,no-X11-forwarding", &accepted("ann")),
        ("environment=\"A=b c\",permitopen=\"host:1\",tunnel=\"0\"", &accepted("ann")),
        ("from=\"192.0.2.0/24\"", &accepted("ann")),
        ("FROM=\"192.0.2.?\"", &accepted("ann")),
        ("from=\"!192.0.2.1,192.0.2.0/24\"", &restricted),
        ("from=\"198.51.100.0/24,*.example.org\"", &restricted),
        ("expiry-time=\"20990101Z\"", &accepted("ann")),
        ("expiry-time=\"209901011200\"", &accepted("ann")),
        ("expiry-time=\"20200101\"", &expired),
        ("expiry-time=\"20990101\",expiry-time=\"20200101000000Z\"", &expired),
        ("expiry-time=\"soon\"", &WRONG),
        ("from=\"192.0.2.1/24\"", &WRONG),
        ("from=\"*\",from=\"*\"", &WRONG),
        ("principals=\"ann\"", &accepted("ann")),
        ("cert-authority", &WRONG),
        ("no-such-option", &WRONG),
        ("restrict=\"x\"", &WRONG),
        ("command", &WRONG),
        ("command=\"never ends", &WRONG),
        ("no-pty,", &WRONG),
    ] {
        let other = "no-such-option ssh-ed25519 AAAA\n";
        let path = keys.0.file("ann", format!("{other}{options} {line}").as_bytes());
        assert_eq!(&keys.log_in(&checker, "ann", "ann.key"), expected, "{options}");
        fs::remove_file(path).unwrap();
    }
    // The same key can be there twice.
    keys.0.file("ann", format!("from=\"198.51.100.1\" {line}{line}").as_bytes());
    assert_eq!(keys.log_in(&checker, "ann", "ann.key"), accepted("ann"));
    fs::remove_file(keys.0.path("ann")).unwrap();
    keys.0.file("ann", format!("from=\"*\" {line}").as_bytes());
    let nowhere = Attempt::default();
    assert_eq!(keys.log_in_from(&checker, "ann", "ann.key", &nowhere), restricted);
}

/// T15: the first answer does not tell whether a key or a user is known.
#[test]
fn t15_everybody_gets_a_challenge() {
    let keys = Keys::new();
    keys.0.file("ann", keys.make("ann.key", "ed25519").as_bytes());
    keys.make("other.key", "ed25519");
    let checker = keys.checker(|_| {});
    for (user, key) in [("ann", "ann.key"), ("ann", "other.key"), ("eve", "ann.key")] {
        let presented =
            Presented::new(PresentedKind::SSH_SIGNATURE).named(user).with("key", keys.line(key));
        let round = checker.check(&presented, &Attempt::default()).unwrap();
        let Round::Challenge { challenge, .. } = round else { panic!("{round:?}") };
        let words: Vec<_> = challenge.expose_str().unwrap().split(' ').collect();
        assert_eq!((words[0], words[1].len(), words[2]), (NAMESPACE, 64, user));
    }
    assert_ne!(challenge(&checker, "ann").1, challenge(&checker, "ann").1);
}

#[test]
fn a_name_cannot_lead_elsewhere() {
    let keys = Keys::new();
    keys.0.file("ann", keys.make("ann.key", "ed25519").as_bytes());
    let checker = keys.checker(|_| {});
    let signature = keys.sign("ann.key", NAMESPACE, b"x");
    for user in ["../ann", "./ann", ".", "..", "x/../ann", "ann\0", "ann\n", ".ann", "%u", ""] {
        let presented = signed(user, b"x", signature.clone());
        let round = checker.check(&presented, &Attempt::default()).unwrap();
        assert_eq!(round, Round::Unknown, "{user:?}");
    }
}

#[test]
fn a_file_or_folder_that_others_can_write_is_refused() {
    use std::os::unix::fs::PermissionsExt;
    let keys = Keys::new();
    let line = keys.make("ann.key", "ed25519");
    fs::create_dir(keys.0.path("home")).unwrap();
    let file = keys.0.file("home/ann", line.as_bytes());
    let checker = keys.checker(|options| options.file = vec![keys.0.path("home/%u")]);
    let (pending, text) = challenge(&checker, "ann");
    let answer = Secret::new(keys.sign("ann.key", NAMESPACE, text.expose()));
    let log_in = || checker.resume(&pending, &answer, &Attempt::default());
    let mode =
        |path: &str, mode| fs::set_permissions(path, PermissionsExt::from_mode(mode)).unwrap();
    mode(&file, 0o660);
    assert_eq!(log_in().unwrap_err().kind(), ErrorKind::Refused);
    mode(&file, 0o644);
    assert_eq!(log_in().unwrap(), accepted("ann"));
    mode(&keys.0.path("home"), 0o777);
    assert_eq!(log_in().unwrap_err().kind(), ErrorKind::Refused);
}

#[test]
fn options_that_cannot_work_are_refused() {
    let keys = Keys::new();
    let host: Arc<dyn Host> = Arc::new(TestHost::new());
    for change in [
        (|options| options.file = vec![]) as fn(&mut Options),
        |options| options.file = vec!["keys/%u".into()],
        |options| options.file = vec!["/keys".into()],
        |options| options.user = Some("ann".into()),
        |options| options.namespace = "file".into(),
        |options| options.namespace = "keyward-auth@".into(),
        |options| options.namespace = "keyward-auth@a b".into(),
    ] {
        let mut options = Options {
            file: vec![keys.0.path("%u")],
            user: None,
            ca: None,
            krl: None,
            namespace: NAMESPACE.into(),
        };
        change(&mut options);
        let shown = format!("{options:?}");
        let error = SshKey::open(options, &host).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Invalid, "{shown}");
    }
}
