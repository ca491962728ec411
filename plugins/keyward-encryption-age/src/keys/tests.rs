use std::os::unix::fs::PermissionsExt;

use keyward_testkit::{Scratch, TestHost};

use super::*;

fn key_pair() -> (String, String) {
    use age::secrecy::ExposeSecret;
    let identity = x25519::Identity::generate();
    (identity.to_string().expose_secret().to_owned(), identity.to_public().to_string())
}

fn entry(user: &str) -> EntryId {
    EntryId::new(user, None).unwrap()
}

fn id(listed: &[&str], file: Option<&str>) -> KeyId {
    let listed: Vec<_> = listed.iter().map(|&text| text.to_owned()).collect();
    let recipients = Recipients::new(&listed, file.map(PathBuf::from)).unwrap().unwrap();
    recipients.for_entry(&entry("ann")).unwrap().id().unwrap()
}

fn identities(path: &str, host: TestHost) -> Identities {
    let host: Arc<dyn Host> = Arc::new(host);
    Identities::new(Some(Source::File(path.into())), Passphrase::new(None, &host), 22)
}

#[test]
fn the_id_changes_exactly_when_the_recipients_do() {
    let (a, b) = (key_pair().1, key_pair().1);
    let scratch = Scratch::new();
    let file = scratch.file("recipients", format!("# b\r\n\r\n{b}\r\n").as_bytes());
    assert_eq!(id(&[&a, &b], None), id(&[&b, &a, &b], None));
    assert_eq!(id(&[&a, &b], None), id(&[&a], Some(&file)));
    assert_ne!(id(&[&a, &b], None), id(&[&a], None));
    assert_eq!(id(&[&a], None).as_bytes(), &Sha256::digest(a)[..16]);
}

#[test]
fn every_user_has_a_recipients_file() {
    let scratch = Scratch::new();
    let (ann, bob) = (key_pair().1, key_pair().1);
    scratch.file("ann", ann.as_bytes());
    scratch.file("%42ob", bob.as_bytes());
    let recipients = Recipients::new(&[], Some(scratch.folder().join("%user%"))).unwrap().unwrap();
    let written = |user| {
        let set = recipients.for_entry(&entry(user))?;
        Ok::<_, Error>(set.iter().map(ToString::to_string).collect::<Vec<_>>())
    };
    assert_eq!(written("ann").unwrap(), [ann]);
    assert_eq!(written("Bob").unwrap(), [bob]);
    assert_eq!(written("../ann").unwrap_err().kind(), ErrorKind::NoKey);
}

#[test]
fn recipients_that_are_none_are_refused_without_quoting_them() {
    let (secret, public) = key_pair();
    let mistyped = public.replacen("age1", "age1q", 1);
    let scratch = Scratch::new();
    for (number, (text, kind)) in [
        (secret.as_str(), ErrorKind::Unsupported),
        ("age1pq1xyz", ErrorKind::Unsupported),
        ("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAA", ErrorKind::Unsupported),
        (mistyped.as_str(), ErrorKind::Invalid),
    ]
    .into_iter()
    .enumerate()
    {
        let error = Recipients::new(&[public.clone(), text.to_owned()], None).unwrap_err();
        assert_eq!(error.kind(), kind);
        assert!(error.message().starts_with("recipient 2: "), "{error}");
        assert!(!format!("{error:?}").contains(text));

        let file = scratch.file(&number.to_string(), format!("#\n{text}\n").as_bytes());
        let recipients = Recipients::new(&[], Some(file.into())).unwrap().unwrap();
        let error = recipients.for_entry(&entry("ann")).unwrap_err();
        assert_eq!(error.kind(), kind);
        assert!(error.message().contains(", line 2: "), "{error}");
        assert!(!format!("{error:?}").contains(text));
    }
}

#[test]
fn a_recipients_file_with_nothing_in_it_is_invalid() {
    let scratch = Scratch::new();
    let file = scratch.file("recipients", b"# nobody\n");
    let listed = [key_pair().1];
    let recipients = Recipients::new(&listed, Some(file.into())).unwrap().unwrap();
    assert_eq!(recipients.for_entry(&entry("ann")).unwrap_err().kind(), ErrorKind::Invalid);
}

#[test]
fn an_identity_file_that_others_can_read_is_refused() {
    let scratch = Scratch::new();
    let path = scratch.file("keys.txt", key_pair().0.as_bytes());
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o640)).unwrap();
    let error = identities(&path, TestHost::new()).for_entry(&entry("ann")).err().unwrap();
    assert_eq!(error.kind(), ErrorKind::Refused);
    assert!(error.advice().unwrap().contains("chmod 600"));
}

#[test]
fn a_bad_identity_is_not_quoted() {
    let scratch = Scratch::new();
    for (name, text, kind) in [
        ("a", "AGE-SECRET-KEY-1CANARY", ErrorKind::Invalid),
        ("b", "AGE-SECRET-KEY-PQ-1CANARY", ErrorKind::Unsupported),
        ("c", "AGE-PLUGIN-CANARY-1CANARY", ErrorKind::Unsupported),
        ("d", "CANARY", ErrorKind::Unsupported),
        ("e", "# CANARY", ErrorKind::NoKey),
    ] {
        let path = scratch.file(name, text.as_bytes());
        let error = identities(&path, TestHost::new()).for_entry(&entry("ann")).err().unwrap();
        assert_eq!(error.kind(), kind, "{error}");
        assert!(!format!("{error:?}").contains("CANARY"));
    }
}

#[test]
fn the_passphrase_of_an_identity_is_asked_for_once() {
    let scratch = Scratch::new();
    let (secret, public) = key_pair();
    let sealed = file::seal_with(&Secret::from(secret), SecretString::from("open sesame"), true);
    let path = scratch.file("keys.txt", &sealed.unwrap());
    let opened = identities(&path, TestHost::new().answer("wrong").answer("open sesame"));
    let wrong = opened.for_entry(&entry("ann")).err().unwrap();
    assert_eq!(wrong.kind(), ErrorKind::NoKey);
    for _ in 0..2 {
        let found = opened.for_entry(&entry("ann")).unwrap();
        assert_eq!(found[0].to_public().to_string(), public);
    }
    let unanswered = identities(&path, TestHost::new()).for_entry(&entry("ann")).err().unwrap();
    assert_eq!(unanswered.kind(), ErrorKind::Locked);
}
