//! Hostile input for the program itself.

use std::fs;
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use xtask::root;

use crate::helpers::home::Home;
use crate::helpers::invocation::{Finished, Invocation};
use crate::helpers::program::keyward;

const SECRET: &str = "S3CRET-GOOD";

/// The host that Alice's password is for.
const GOOD: &str = "protocol=https\nhost=good.example\n";

fn alice() -> String {
    format!("username=alice\npassword={SECRET}\n")
}

#[derive(Deserialize)]
struct Vectors {
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    id: String,
    op: String,
    stdin_b64: String,
    expect: String,
}

/// The expected result of a case.
#[derive(Clone, Copy)]
enum Outcome {
    /// Alice's password, and nothing on standard error.
    Given,
    /// No output.
    Miss,
    /// Only a message on standard error.
    Refused,
    /// No credential, with a message or without one.
    NotGiven,
    /// Alice's password was erased.
    Erased,
    /// After this the helper gives nothing for that request.
    NotKept(&'static str),
    /// After this the helper gives these lines for that request.
    Kept(&'static str, &'static str),
}

/// Returns the result that the words of a vector stand for. For some words, its id decides.
fn outcome(case: &Case) -> Outcome {
    use Outcome::*;
    match (case.expect.as_str(), case.id.as_str()) {
        ("prints alice / S3CRET-GOOD", _) => Given,
        ("prints the credential (list ends at EOF)", _) => Given,
        ("unknown attributes are ignored silently", _) => Given,
        // A host is compared as URLs are.
        ("host compares without case: prints, or no output; same on every backend", _) => Given,
        ("no output, exit 0", _) => Miss,
        ("other port = other credential (no output)", _) => Miss,
        ("must not print S3CRET-GOOD", _) => Miss,
        ("no credential", _) => Miss,
        (words, _) if words.starts_with("no output (the reference") => Miss,
        (words, _) if words.starts_with("unknown actions") => NotGiven,
        ("must never print S3CRET-GOOD; refuse control characters", _) => Refused,
        ("no leak", _) => Refused,
        // Readers of URLs do not agree on these.
        (words, "inj-url-11" | "inj-url-14" | "inj-url-15") if unless_good(words) => Refused,
        (words, _) if unless_good(words) => Miss,
        ("no hang, bounded memory, clear error", _) => Refused,
        ("clear error or no expiry; no panic", _) => {
            Kept("protocol=https\nhost=t2.example\n", "username=u\npassword=p\n")
        }
        ("ephemeral credential is not saved", _) => {
            NotKept("capability[]=authtype\nprotocol=https\nhost=h.example\n")
        }
        ("erases matching only", _) => Erased,
        (words, id) => panic!("{id}: unknown words: {words}"),
    }
}

fn unless_good(words: &str) -> bool {
    words == "must never print S3CRET-GOOD unless the effective host is exactly good.example"
}

#[test]
fn every_vector_comes_out_as_it_must() {
    let path = root().join("tests/vectors/own/git_credential_protocol.json");
    let vectors: Vectors = serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
    assert!(vectors.cases.len() > 20);
    let helper = Helper::new();
    for case in vectors.cases {
        let input = STANDARD.decode(&case.stdin_b64).unwrap();
        helper.meets(&case.id, &case.op, &input, outcome(&case));
    }
}

/// Characters that some parser takes for the end of a line, or a terminal for a command.
#[test]
fn control_characters_are_refused_in_requests() {
    let helper = Helper::new();
    let controls = (0..=0x9f).filter_map(char::from_u32).filter(|c| c.is_control() && *c != '\n');
    for control in controls.chain(['\u{2028}', '\u{2029}']) {
        for text in [
            "protocol=https\nhost=good.example%\n\n",
            "protocol=https\nhost=%good.example\n\n",
            "protocol=https\nhost=evil.example%host=good.example\n\n",
            "protocol=https%host=good.example\nhost=evil.example\n\n",
            "url=https://evil.example/%host=good.example\n\n",
            "url=https://good.example%@evil.example/\n\n",
        ] {
            let input = text.replace('%', &control.to_string());
            let id = format!("{control:?} in {text:?}");
            helper.meets(&id, "get", input.as_bytes(), Outcome::Refused);
        }
    }
}

/// A helper whose store holds the password of one host, and no other.
struct Helper(Home);

impl Helper {
    fn new() -> Self {
        let home = Home::in_memory();
        home.init("git", "file", "aes-gcm");
        let helper = Self(home);
        helper.knows_alice();
        helper
    }

    fn knows_alice(&self) {
        let alice = format!("{GOOD}{}", alice());
        self.run("store", alice.as_bytes()).ends(0).prints("").says_nothing();
    }

    fn meets(&self, id: &str, operation: &str, input: &[u8], outcome: Outcome) {
        let started = Instant::now();
        let ran = self.run(operation, input);
        assert!(started.elapsed() < Duration::from_secs(10), "{id} takes its time");
        assert!((0..10).contains(&ran.code), "{id}: ended with {}", ran.code);
        is_harmless(id, &ran);
        match outcome {
            Outcome::Given => drop(ran.ends(0).prints(alice()).says_nothing()),
            Outcome::Miss => drop(ran.ends(0).prints("").says_nothing()),
            Outcome::Refused => {
                assert!(!ran.err.is_empty(), "{id} is not refused");
                assert!(!ran.text().contains("username"), "{id}: {}", ran.text());
            }
            Outcome::NotGiven => assert!(!ran.text().contains("username"), "{id}: {}", ran.text()),
            Outcome::Erased => {
                ran.ends(0).prints("");
                self.run("get", GOOD.as_bytes()).ends(0).prints("");
                self.knows_alice();
            }
            Outcome::NotKept(request) => {
                ran.ends(0).prints("");
                self.run("get", request.as_bytes()).ends(0).prints("");
            }
            Outcome::Kept(request, given) => {
                ran.ends(0).prints("");
                self.run("get", request.as_bytes()).ends(0).prints(given);
            }
        }
    }

    fn run(&self, operation: &str, input: &[u8]) -> Finished {
        let mut command = self.0.command("setsid");
        command.arg("--wait").arg(keyward()).args(["helper", "git", "--store", "git"]);
        command.args(operation.split(' '));
        Invocation::from(command).input(input).run()
    }
}

/// Checks that messages contain no control character and no secret, and that there are few.
fn is_harmless(id: &str, ran: &Finished) {
    let printed = String::from_utf8(ran.out.clone()).unwrap_or_else(|_| panic!("{id}: no text"));
    let is_raw = |c: char| c.is_control() && c != '\n';
    assert!(!printed.contains(is_raw) && !ran.err.contains(is_raw), "{id}: {:?}", ran.err);
    assert!(!ran.err.contains(SECRET), "{id}: {}", ran.err);
    assert!(!ran.err.contains("fault in keyward"), "{id}: {}", ran.err);
    assert!(ran.err.lines().count() < 10 && ran.err.len() < 500, "{id}: {}", ran.err);
}
