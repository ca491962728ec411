//! Certificates that `ssh-keygen -s` made.

use super::*;

struct Authority(Keys);

impl Authority {
    fn new() -> Self {
        let keys = Keys::new();
        keys.make("ca", "ed25519");
        keys.make("ann.key", "ed25519");
        Self(keys)
    }

    /// Makes the certificate of ann's key; it is used instead of the key from now on.
    fn sign(&self, ca: &str, arguments: &[&str]) {
        let keys = &self.0;
        let all = [&["-q", "-s", ca, "-I", "id of ann", "-z", "7"], arguments, &["ann.key.pub"]];
        keys.run(&all.concat(), b"");
    }

    /// Logs in with the certificate.
    fn log_in(&self, checker: &SshKey) -> Round {
        self.0.log_in(checker, "ann", "ann.key-cert.pub")
    }

    fn trusting(&self) -> SshKey {
        self.0.checker(|options| options.ca = Some(self.0.0.path("ca.pub").into()))
    }
}

#[test]
fn a_certificate_of_a_trusted_authority_is_enough() {
    let authority = Authority::new();
    authority.sign("ca", &["-n", "bob,ann", "-V", "-1h:+1h"]);
    let checker = authority.trusting();
    assert_eq!(authority.log_in(&checker), accepted("ann"));
    let bob = authority.0.log_in(&checker, "bob", "ann.key-cert.pub");
    assert_eq!(bob, accepted("bob"));
    let eve = authority.0.log_in(&checker, "eve", "ann.key-cert.pub");
    assert_eq!(eve, Round::Unknown);
    // Without files, only the authority knows the users.
    let only = authority.0.checker(|options| {
        options.file = Vec::new();
        options.ca = Some(authority.0.0.path("ca.pub").into());
    });
    assert_eq!(authority.log_in(&only), accepted("ann"));
    assert_eq!(authority.0.log_in(&only, "eve", "ann.key-cert.pub"), WRONG);
    assert_eq!(authority.0.log_in(&only, "ann", "ann.key"), WRONG);
}

#[test]
fn authorities_of_all_types_sign_keys_of_all_types() {
    let authority = Authority::new();
    let keys = &authority.0;
    for (kind, name) in [("ed25519", "e"), ("rsa 2048", "r"), ("ecdsa 384", "p")] {
        let ca = format!("ca-{name}");
        keys.make(&ca, kind);
        let checker =
            keys.checker(|options| options.ca = Some(keys.0.path(&format!("{ca}.pub")).into()));
        for (kind, other) in [("ed25519", "e"), ("rsa 2048", "r"), ("ecdsa 256", "p")] {
            let key = format!("{name}{other}.key");
            keys.make(&key, kind);
            keys.run(&["-q", "-s", &ca, "-I", "x", "-n", "ann", &format!("{key}.pub")], b"");
            let round = keys.log_in(&checker, "ann", &format!("{key}-cert.pub"));
            assert_eq!(round, accepted("ann"), "{key}");
        }
    }
    // OpenSSH has not accepted RSA with SHA-1 since its version 8.2.
    let sha1 = ["-q", "-s", "ca-r", "-t", "ssh-rsa", "-I", "x", "-n", "ann", "ann.key.pub"];
    keys.run(&sha1, b"");
    let checker = keys.checker(|options| options.ca = Some(keys.0.path("ca-r.pub").into()));
    assert_ne!(authority.log_in(&checker), accepted("ann"));
}

#[test]
fn a_certificate_has_limits() {
    let authority = Authority::new();
    let checker = authority.trusting();
    let expired = Round::wrong(Denial::Expired);
    let restricted = Round::wrong(Denial::Restricted);
    authority.0.0.file("ann", b"");
    for (arguments, expected) in [
        (&["-n", "ann", "-V", "-2h:-1h"][..], &expired),
        (&["-n", "ann", "-V", "+1h:+2h"], &expired),
        (&["-n", "ann", "-V", "always:forever"], &accepted("ann")),
        (&["-n", "bob"], &WRONG),
        (&[], &WRONG),
        (&["-h", "-n", "ann"], &WRONG),
        (&["-n", "ann", "-O", "source-address=192.0.2.0/24"], &accepted("ann")),
        (&["-n", "ann", "-O", "source-address=198.51.100.0/24"], &restricted),
        (&["-n", "ann", "-O", "force-command=id"], &WRONG),
        (&["-n", "ann", "-O", "critical:x@example.org=1"], &WRONG),
        (&["-n", "ann", "-O", "extension:x@example.org=1"], &accepted("ann")),
        (&["-n", "ann", "-O", "clear"], &accepted("ann")),
    ] {
        authority.sign("ca", arguments);
        assert_eq!(&authority.log_in(&checker), expected, "{arguments:?}");
    }
}

#[test]
fn t14_a_line_can_be_that_of_an_authority() {
    let authority = Authority::new();
    authority.sign("ca", &["-n", "admin"]);
    let checker = authority.0.checker(|_| {});
    let line = authority.0.line("ca");
    for (options, expected) in [
        ("cert-authority", &WRONG),
        ("cert-authority,principals=\"root,admin\"", &accepted("ann")),
        ("cert-authority,principals=\"root\"", &WRONG),
        ("principals=\"admin\"", &WRONG),
        (
            "cert-authority,principals=\"admin\",from=\"198.51.100.1\"",
            &Round::wrong(Denial::Restricted),
        ),
        (
            "cert-authority,principals=\"admin\",expiry-time=\"20200101Z\"",
            &Round::wrong(Denial::Expired),
        ),
    ] {
        let path = authority.0.0.file("ann", format!("{options} {line}").as_bytes());
        assert_eq!(&authority.log_in(&checker), expected, "{options}");
        fs::remove_file(path).unwrap();
    }
    // The key alone is not listed, and neither is that of the authority.
    authority.0.0.file("ann", format!("cert-authority,principals=\"admin\" {line}").as_bytes());
    for key in ["ann.key", "ca"] {
        assert_eq!(authority.0.log_in(&checker, "ann", key), WRONG, "{key}");
    }
}

#[test]
fn a_certificate_that_was_changed_is_refused() {
    let authority = Authority::new();
    authority.sign("ca", &["-n", "ann"]);
    authority.0.0.file("ann", b"");
    let checker = authority.trusting();
    let blob = blob_of(authority.0.line("ann.key-cert").as_bytes()).unwrap();
    assert!(certificate::Certificate::parse(&blob).is_some());
    for at in 0..blob.len() {
        let mut changed = blob.clone();
        changed[at] ^= 1;
        assert_eq!(certificate::Certificate::parse(&changed), None, "{at}");
        assert_eq!(certificate::Certificate::parse(&blob[..at]), None, "{at}");
    }
    // One of an authority that is not trusted is as good as none.
    authority.0.make("other", "ed25519");
    authority.sign("other", &["-n", "ann"]);
    assert_eq!(authority.log_in(&checker), WRONG);
}

use crate::key::blob_of;
