//! Lists of revoked keys that `ssh-keygen -k` made, and others.

use super::*;

fn with_list(keys: &Keys, name: &str) -> SshKey {
    keys.checker(|options| {
        options.krl = Some(keys.0.path(name).into());
        options.ca = Some(keys.0.path("ca.pub").into());
    })
}

fn prepared() -> Keys {
    let keys = Keys::new();
    for name in ["ca", "ann.key", "bob.key"] {
        keys.make(name, "ed25519");
    }
    keys.0.file("ann", keys.line("ann.key").as_bytes());
    keys.0.file("bob", keys.line("bob.key").as_bytes());
    let arguments = ["-q", "-s", "ca", "-I", "id-7", "-z", "7", "-n", "ann", "ann.key.pub"];
    keys.run(&arguments, b"");
    keys
}

#[test]
fn revoked_keys_are_refused() {
    let keys = prepared();
    let revoked = Round::wrong(Denial::Expired);
    let line = keys.line("ann.key");
    let fingerprint = String::from_utf8(keys.run(&["-lf", "ann.key.pub"], b"")).unwrap();
    let fingerprint = fingerprint.split(' ').nth(1).unwrap();
    keys.run(&["-q", "-k", "-f", "krl-keys", "ann.key.pub"], b"");
    for (kind, content) in [("sha1", &line), ("sha256", &line)] {
        let spec = format!("{kind}: {content}");
        keys.0.file(&format!("spec-{kind}"), spec.as_bytes());
        keys.run(&["-q", "-k", "-f", &format!("krl-{kind}"), &format!("spec-{kind}")], b"");
    }
    keys.0.file("text-keys", format!("# revoked\n\n{line}").as_bytes());
    keys.0.file("text-fingerprints", format!("{fingerprint}\n").as_bytes());
    for list in ["krl-keys", "krl-sha1", "krl-sha256", "text-keys", "text-fingerprints"] {
        let checker = with_list(&keys, list);
        assert_eq!(keys.log_in(&checker, "ann", "ann.key"), revoked, "{list}");
        assert_eq!(keys.log_in(&checker, "ann", "ann.key-cert.pub"), revoked, "{list}");
        assert_eq!(keys.log_in(&checker, "bob", "bob.key"), accepted("bob"), "{list}");
    }
}

#[test]
fn revoked_certificates_are_refused() {
    let keys = prepared();
    let revoked = Round::wrong(Denial::Expired);
    for (name, spec, expected) in [
        ("serial", "serial: 7\n", &revoked),
        ("range", "serial: 5-9\n", &revoked),
        ("bitmap", "serial: 1\nserial: 3\nserial: 5\nserial: 7\nserial: 8\nserial: 10\n", &revoked),
        ("id", "id: id-7\n", &revoked),
        ("other-serial", "serial: 8\nserial: 6\nserial: 4\nserial: 9\n", &accepted("ann")),
        ("other-id", "id: id-8\n", &accepted("ann")),
    ] {
        keys.0.file(name, spec.as_bytes());
        let list = format!("krl-{name}");
        keys.run(&["-q", "-k", "-f", &list, "-s", "ca.pub", name], b"");
        let checker = with_list(&keys, &list);
        assert_eq!(&keys.log_in(&checker, "ann", "ann.key-cert.pub"), expected, "{name}");
        assert_eq!(keys.log_in(&checker, "ann", "ann.key"), accepted("ann"), "{name}");
    }
    // That of another authority has the same number.
    keys.make("other", "ed25519");
    keys.run(&["-q", "-k", "-f", "krl-other", "-s", "other.pub", "serial"], b"");
    let checker = with_list(&keys, "krl-other");
    assert_eq!(keys.log_in(&checker, "ann", "ann.key-cert.pub"), accepted("ann"));
    // The authority itself.
    keys.run(&["-q", "-k", "-f", "krl-ca", "ca.pub"], b"");
    let checker = with_list(&keys, "krl-ca");
    assert_eq!(keys.log_in(&checker, "ann", "ann.key-cert.pub"), revoked);
    assert_eq!(keys.log_in(&checker, "ann", "ann.key"), accepted("ann"));
}

#[test]
fn a_list_that_cannot_be_read_is_an_outage() {
    let keys = prepared();
    let krl = keys.0.path("krl");
    keys.run(&["-q", "-k", "-f", &krl, "ann.key.pub", "ann.key-cert.pub"], b"");
    let content = fs::read(&krl).unwrap();
    assert!(Revoked::parse(&content).is_ok());
    // Sections follow the head, so that it could be the end.
    let head = 8 + 4 + 3 * 8 + 4 + 4;
    for length in (1..content.len()).filter(|length| *length != head) {
        let is_whole = Revoked::parse(&content[..length]).is_ok();
        assert!(!is_whole || length > head, "{length}");
    }
    for text in ["nonsense", "SHA256:AAAA", "ssh-ed25519 !!"] {
        assert_eq!(Revoked::parse(text.as_bytes()).unwrap_err().kind(), ErrorKind::Corrupt);
    }
    let checker = with_list(&keys, "no-such-list");
    let (pending, _) = challenge(&checker, "ann");
    let error = checker.resume(&pending, &Secret::from("x"), &Attempt::default()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
}
