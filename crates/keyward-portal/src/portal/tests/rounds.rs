use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use keyward_core::{Attempt, Denial, Presented, PresentedKind, Secret, VerifierForm};
use keyward_verifier::scram::{Algorithm, Scram};

use super::helpers::*;
use crate::*;

fn step(portal: &Portal<Mail>, challenge: &Challenge, answer: &str) -> Progress<String> {
    portal.step(&challenge.session, &answer.into(), &here(), &[MAILBOX], ()).unwrap()
}

#[test]
fn a_checker_can_ask() {
    let portal = portal(Chain::new().with("riddle", Box::new(Riddle)));
    let ask = |user: &str| login(&portal, &Presented::new(PresentedKind::CONVERSATION).named(user));
    let asked = challenge(ask("ann"));
    assert_eq!(asked.message.expose(), b"What is the answer?");
    drop(inside(step(&portal, &asked, "42")));
    let asked = challenge(ask("ann"));
    assert_eq!(refused(step(&portal, &asked, "41")).cause, Cause::Denied(Denial::Secret));
    assert_eq!(refused(ask("bob")).cause, Cause::UnknownUser);
}

#[test]
fn s_01_02_a_pending_login_works_once_from_the_same_address_for_a_short_time() {
    let host = host();
    let chain = Chain::new().with("riddle", Box::new(Riddle));
    let portal = Portal::new(Mail::default(), chain, host.clone()).unwrap();
    let ask = || {
        let presented = Presented::new(PresentedKind::CONVERSATION).named("ann");
        challenge(portal.login(&presented, &here(), &[MAILBOX], ()).unwrap())
    };
    let asked = ask();
    drop(inside(step(&portal, &asked, "42")));
    assert_eq!(refused(step(&portal, &asked, "42")).cause, Cause::NoSession);

    let asked = ask();
    refused(step(&portal, &asked, "41"));
    assert_eq!(refused(step(&portal, &asked, "42")).cause, Cause::NoSession);

    let asked = ask();
    let elsewhere = Attempt::from_address("192.0.2.2");
    let stolen = portal.step(&asked.session, &"42".into(), &elsewhere, &[MAILBOX], ()).unwrap();
    assert_eq!(refused(stolen).cause, Cause::NoSession);
    assert_eq!(refused(step(&portal, &asked, "42")).cause, Cause::NoSession);

    let asked = ask();
    host.set_now(keyward_core::Host::now(&*host).after(Duration::from_secs(300)));
    assert_eq!(refused(step(&portal, &asked, "42")).cause, Cause::NoSession);

    let guessed = SessionId::from_client(&"0".repeat(32));
    let progress = portal.step(&guessed, &"42".into(), &here(), &[MAILBOX], ()).unwrap();
    assert_eq!(refused(progress).cause, Cause::NoSession);
}

#[test]
fn one_of_many_answers_to_a_challenge_counts() {
    let portal = portal(Chain::new().with("riddle", Box::new(Riddle)));
    let asked =
        challenge(login(&portal, &Presented::new(PresentedKind::CONVERSATION).named("ann")));
    let answered = std::thread::scope(|scope| {
        let threads: Vec<_> =
            (0..20).map(|_| scope.spawn(|| step(&portal, &asked, "42"))).collect();
        let all = threads.into_iter().map(|thread| thread.join().unwrap());
        all.filter(|progress| matches!(progress, Progress::LoggedIn(_))).count()
    });
    assert_eq!(answered, 1);
}

/// A client of SCRAM-SHA-256.
struct Client {
    first: String,
    password: Secret,
}

impl Client {
    fn new(user: &str, password: &str) -> Self {
        Self { first: format!("n={user},r=clientnonce"), password: password.into() }
    }

    fn first(&self) -> Presented {
        let message = format!("n,,{}", self.first);
        Presented::new(PresentedKind::SCRAM_SHA_256).with("message", message)
    }

    /// Returns the last message and the server's signature that must follow.
    fn last(&self, server: &Secret) -> (String, String) {
        let server = server.expose_str().unwrap();
        let mut parts = server.split(',').map(|part| &part[2..]);
        let (nonce, salt, count) =
            (parts.next().unwrap(), parts.next().unwrap(), parts.next().unwrap());
        let salt = STANDARD.decode(salt).unwrap();
        let hash = Algorithm::Sha256;
        let salted = hash.salted_password(&self.password, &salt, count.parse().unwrap());
        let client_key = hash.hmac(&salted, b"Client Key");
        let without_proof = format!("c=biws,r={nonce}");
        let message = format!("{},{server},{without_proof}", self.first);
        let signature = hash.hmac(&hash.hash(&client_key), message.as_bytes());
        let key = client_key.expose().iter().zip(signature.expose());
        let proof: Vec<u8> = key.map(|(one, other)| one ^ other).collect();
        let signed = hash.hmac(&hash.hmac(&salted, b"Server Key"), message.as_bytes());
        (
            format!("{without_proof},p={}", STANDARD.encode(proof)),
            format!("v={}", STANDARD.encode(signed.expose())),
        )
    }
}

fn scram_portal() -> (Portal<Mail>, Users) {
    let users = Users::storing(&[VerifierForm::ScramSha256, VerifierForm::Plaintext]);
    let made = Scram::make(Algorithm::Sha256, &"pencil".into(), 4096).unwrap().write();
    users.set("ann", VerifierForm::ScramSha256, made.expose_str().unwrap());
    users.set("off", VerifierForm::ScramSha256, made.expose_str().unwrap());
    users.set("plain", VerifierForm::Plaintext, "pencil");
    users.disable("off");
    (portal(Chain::new().with("store", Box::new(users.clone()))), users)
}

#[test]
fn scram_works_with_verifiers_and_with_passwords() {
    let (portal, _) = scram_portal();
    for user in ["ann", "plain"] {
        let client = Client::new(user, "pencil");
        let asked = challenge(login(&portal, &client.first()));
        let (answer, signature) = client.last(&asked.message);
        let login = inside(step(&portal, &asked, &answer));
        assert_eq!(login.last_message().unwrap().expose(), signature.as_bytes());
        assert_eq!(login.visitor().factors, ["store", "scram-sha-256"]);
    }
}

#[test]
fn s_03_unknown_wrong_and_disabled_look_the_same_in_scram() {
    let (portal, _) = scram_portal();
    let mut seen = Vec::new();
    for (user, password) in [("ann", "wrong"), ("off", "pencil"), ("bob", "pencil"), ("eve", "x")] {
        let client = Client::new(user, password);
        let asked = challenge(login(&portal, &client.first()));
        let message = asked.message.expose_str().unwrap().to_owned();
        let (answer, _) = client.last(&asked.message);
        let last = refused(step(&portal, &asked, &answer)).last.unwrap();
        assert_eq!(last.expose(), b"e=invalid-proof", "{user}");
        let salt = message.split(',').nth(1).unwrap().to_owned();
        seen.push((message.len(), message.split(',').nth(2).unwrap().to_owned(), salt.len()));
        // The salt of a user is the same each time, also of one who does not exist.
        let again = challenge(login(&portal, &client.first()));
        assert!(again.message.expose_str().unwrap().contains(&salt), "{user}");
    }
    assert!(seen.windows(2).all(|pair| pair[0] == pair[1]), "{seen:?}");
}

#[test]
fn salts_of_unknown_users_survive_a_restart() {
    let key = || PortalKey::new(Secret::from(&[7; 32][..])).unwrap();
    let salt = || {
        let (portal, _) = scram_portal();
        let portal = portal.with_key(key());
        let asked = challenge(login(&portal, &Client::new("bob", "x").first()));
        let message = asked.message.expose_str().unwrap();
        message.split(',').nth(1).unwrap().to_owned()
    };
    assert_eq!(salt(), salt());
    let (other, _) = scram_portal();
    let asked = challenge(login(&other, &Client::new("bob", "x").first()));
    assert!(!asked.message.expose_str().unwrap().contains(&salt()));
}

#[test]
fn a_login_in_which_the_server_speaks_first_counts_once() {
    let chain =
        Chain::new().with("memory", Box::new(Users::passwords(&[("tim", "tanstaaftanstaaf")])));
    let without = portal(chain.clone());
    assert!(without.begin(&PresentedKind::CRAM_MD5, &here()).is_err());
    let portal = portal(chain.with_legacy()).with_host_name("mail.example.org");
    assert!(portal.begin(&PresentedKind::PASSWORD, &here()).is_err());
    let answer = |user: &str, password: &str, challenge: &Challenge| {
        use hmac::{Hmac, KeyInit, Mac};
        let mut mac = Hmac::<md5::Md5>::new_from_slice(password.as_bytes()).unwrap();
        mac.update(challenge.message.expose());
        format!("{user} {}", keyward_core::hex::encode(&mac.finalize().into_bytes()))
    };
    for (user, secret, cause) in [
        ("tim", "tanstaaftanstaaf", None),
        ("tim", "other", Some(Cause::Denied(Denial::Secret))),
        ("bob", "tanstaaftanstaaf", Some(Cause::UnknownUser)),
    ] {
        let asked = portal.begin(&PresentedKind::CRAM_MD5, &here()).unwrap();
        let text = asked.message.expose_str().unwrap();
        assert!(text.starts_with('<') && text.ends_with("@mail.example.org>"), "{text}");
        let answer = answer(user, secret, &asked);
        match (step(&portal, &asked, &answer), cause) {
            (Progress::LoggedIn(_), None) => {}
            (progress, Some(cause)) => assert_eq!(refused(progress).cause, cause),
            other => panic!("{other:?}"),
        }
        assert_eq!(refused(step(&portal, &asked, &answer)).cause, Cause::NoSession);
    }
    let asked = portal.begin(&PresentedKind::CRAM_MD5, &here()).unwrap();
    assert_eq!(refused(step(&portal, &asked, "nonsense")).cause, Cause::Malformed);
    // A client cannot bring its own challenge.
    let forged = Presented::new(PresentedKind::CRAM_MD5).named("tim").with("state", "x");
    assert_eq!(refused(login(&portal, &forged)).cause, Cause::NotServed);
}

/// Answers a challenge of Perspective Broker.
fn pb_answer(user: &str, password: &str, asked: &Challenge) -> String {
    use md5::{Digest, Md5};
    let inner = Md5::digest(password.as_bytes());
    let outer = Md5::new().chain_update(inner).chain_update(asked.message.expose()).finalize();
    format!("{user} {}", keyward_core::hex::encode(&outer))
}

#[test]
fn tw_79_logins_of_perspective_broker() {
    let anybody = Anybody;
    let memory = Users::passwords(&[("ann", "pw"), ("bob", "pw")]);
    let md5 = Users::storing(&[VerifierForm::Md5]);
    md5.set("cid", VerifierForm::Md5, "8fe4c11451281c094a6578e6ddbf5eed");
    let chain = Chain::new().with("memory", Box::new(memory)).with("md5", Box::new(md5));
    let portal = portal(chain.clone().with_legacy());
    let log_in = |user: &str, password: &str| {
        let asked = portal.begin(&PresentedKind::PB, &here()).unwrap();
        step(&portal, &asked, &pb_answer(user, password, &asked))
    };
    let inside = &portal.realm().inside;
    let count = || inside.load(std::sync::atomic::Ordering::Relaxed);
    // Several are in at the same time, and each leaves when its login is dropped.
    let logins = [("ann", "pw"), ("bob", "pw"), ("cid", "pw")]
        .map(|(user, password)| super::helpers::inside(log_in(user, password)));
    assert_eq!(count(), 3);
    drop(logins);
    assert_eq!(count(), 0);
    for (user, password) in [("ann", "no"), ("cid", "no"), ("dan", "pw")] {
        refused(log_in(user, password));
    }
    refused(login(&portal, &Presented::anonymous()));
    let open = super::helpers::portal(chain.with("anonymous", Box::new(anybody)));
    assert_eq!(
        super::helpers::inside(login(&open, &Presented::anonymous())).avatar(),
        "mail of nobody"
    );
    assert_eq!(count(), 0);
}
