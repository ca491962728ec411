//! `htpasswd` and `doveadm pw` recognize our hashes, and their hashes are recognized.

use keyward_core::{Secret, Verifier, VerifierForm};
use keyward_verifier::ha1::{Algorithm, Ha1};
use keyward_verifier::hash::{Scheme, make};
use keyward_verifier::scram::{self, Scram};
use keyward_verifier::{password, read};

use crate::helpers::home::Home;

/// Eight bytes, because DES crypt ignores the others.
const PASSWORD: &str = "\u{e9}: s$x\\";

const WRONG: &str = "\u{e9}: s$x/";

/// Whether a verifier that another program made recognizes the right password only.
#[track_caller]
fn recognizes(stored: &str) {
    let verifier = read(&stored.into()).unwrap_or_else(|why| panic!("{stored}: {why}"));
    let is_right = |secret: &str| password(&verifier, "ann", &secret.into());
    assert_eq!(is_right(PASSWORD), Ok(true), "{stored}");
    assert_eq!(is_right(WRONG), Ok(false), "{stored}");
    assert_eq!(is_right(""), Ok(false), "{stored}");
}

/// A cost that does not take long.
fn low_cost(scheme: Scheme) -> Option<u32> {
    match scheme {
        Scheme::Argon2id | Scheme::Argon2i => Some(8192),
        Scheme::Bcrypt => Some(4),
        Scheme::Yescrypt => Some(5),
        Scheme::Sha512Crypt | Scheme::Sha256Crypt => Some(1000),
        Scheme::Pbkdf2Sha1 => Some(1000),
        _ => None,
    }
}

fn made(scheme: Scheme) -> String {
    let hash = make(scheme, &PASSWORD.into(), low_cost(scheme)).unwrap();
    hash.expose_str().unwrap().to_owned()
}

#[test]
fn the_hashes_of_htpasswd_are_recognized() {
    let home = Home::in_memory();
    for option in ["-B", "-m", "-s", "-d", "-2", "-5"] {
        let made = home.program("htpasswd").args(["-n", "-i", option, "ann"]);
        let text = made.input(PASSWORD).run().ends(0).into_text();
        recognizes(text.trim_end().strip_prefix("ann:").unwrap());
    }
}

#[test]
fn htpasswd_recognizes_our_hashes() {
    let home = Home::in_memory();
    for scheme in [
        Scheme::Bcrypt,
        Scheme::Yescrypt,
        Scheme::Sha512Crypt,
        Scheme::Sha256Crypt,
        Scheme::Apr1,
        Scheme::Md5Crypt,
        Scheme::DesCrypt,
        Scheme::Sha1,
    ] {
        home.write("users", format!("ann:{}\n", made(scheme)));
        let verify = |secret: &str| {
            home.program("htpasswd").args(["-v", "-i", "users", "ann"]).input(secret).run().code
        };
        assert_eq!((verify(PASSWORD), verify(WRONG)), (0, 3), "{scheme}");
    }
}

/// The schemes of Dovecot that nothing here reads: they belong to mechanisms that are too weak, or to the
/// MD4 of Windows.
const UNKNOWN: &[&str] = &["CRAM-MD5", "DIGEST-MD5", "HMAC-MD5", "OTP", "PLAIN-MD4", "PLAIN-TRUNC"];

#[test]
fn the_hashes_of_dovecot_are_recognized() {
    let home = Home::in_memory();
    let schemes = home.program("doveadm").args(["pw", "-l"]).run().ends(0).into_text();
    for scheme in schemes.split_whitespace() {
        let made = home.program("doveadm").args(["pw", "-s", scheme, "-u", "ann", "-p", PASSWORD]);
        let text = made.run().ends(0).into_text();
        let stored = text.trim_end();
        match UNKNOWN.contains(&scheme) {
            true => assert!(read(&stored.into()).is_err(), "{stored} is recognized"),
            false => recognizes(stored),
        }
    }
}

#[test]
fn dovecot_recognizes_our_hashes() {
    let home = Home::in_memory();
    let verify = |stored: &str, secret: &str| {
        home.program("doveadm").args(["pw", "-t", stored, "-p", secret]).run().code == 0
    };
    let hashes = Scheme::ALL.iter().filter_map(|scheme| {
        let (prefix, made) = (scheme.prefix()?, made(*scheme));
        Some(if made.starts_with('{') { made } else { format!("{prefix}{made}") })
    });
    let scram = [scram::Algorithm::Sha256, scram::Algorithm::Sha1].map(|algorithm| {
        let scram = Scram::make(algorithm, &PASSWORD.into(), 4096).unwrap();
        scram.write_prefixed().expose_str().unwrap().to_owned()
    });
    for stored in hashes.chain(scram) {
        recognizes(&stored);
        assert!(verify(&stored, PASSWORD), "{stored}");
        assert!(!verify(&stored, WRONG), "{stored}");
    }
}

#[test]
fn the_hashes_of_htdigest_are_ours() {
    let home = Home::in_memory();
    let twice = format!("{PASSWORD}\n{PASSWORD}\n");
    let htdigest = home.program("htdigest").args(["-c", "users", "A realm", "ann"]);
    htdigest.input(twice).run().ends(0);
    let secret = Secret::from(PASSWORD);
    let ours = Ha1::make(Algorithm::Md5, "ann", "A realm", &secret);
    let hash = ours.hash.expose_str().unwrap();
    assert_eq!(home.read("users"), format!("ann:A realm:{hash}\n"));
    let verifier = Verifier::new(VerifierForm::Ha1, ours.write());
    assert_eq!(password(&verifier, "ann", &secret), Ok(true));
}
