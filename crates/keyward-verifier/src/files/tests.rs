use keyward_core::{Secret, VerifierForm};

use super::*;
use crate::password;

const BCRYPT: &str = "$2y$05$a0TI74IKRXywo3woahkJ6OtwjKx7Hh922.inIYOSetHrpb2GbYHrq";

fn parse(content: &str, format: &Format) -> UserFile {
    UserFile::parse(content.as_bytes(), format, false).unwrap()
}

/// Whether a user of the file is let in with this password.
fn lets_in(file: &UserFile, format: &Format, name: &str, secret: &str) -> bool {
    let Some(user) = file.user(name, format) else { return false };
    user.denied.is_none()
        && file.forms(user).iter().any(|form| {
            file.verifiers(user, *form)
                .iter()
                .any(|verifier| password(verifier, &user.name, &secret.into()).unwrap_or_default())
        })
}

#[test]
fn a_broken_line_concerns_its_user_only() {
    let content = format!(
        "ann:{BCRYPT}\nbroken\nbob:$2y$05$short\n:{BCRYPT}\ncarl:\ndora:!{BCRYPT}\r\n\n\
         #eve:{BCRYPT}\nfred:{BCRYPT}:more\r\ngil:plain\nhal:zYqFZfoOTm4Eo\nivy:{BCRYPT}"
    );
    let mut bytes = content.into_bytes();
    bytes.extend_from_slice(b"\n\xff:x\n");
    let file = UserFile::parse(&bytes, &Format::Htpasswd, false).unwrap();
    for name in ["ann", "fred", "ivy"] {
        assert!(lets_in(&file, &Format::Htpasswd, name, "secret"), "{name}");
        assert!(!lets_in(&file, &Format::Htpasswd, name, "Secret"), "{name}");
        assert!(!lets_in(&file, &Format::Htpasswd, name, ""), "{name}");
    }
    for name in ["bob", "", "carl", "dora", "eve", "#eve", "gil", "hal", "broken", "Ann"] {
        for secret in ["secret", "", "plain", "!"] {
            assert!(!lets_in(&file, &Format::Htpasswd, name, secret), "{name}");
        }
    }
    let legacy = UserFile::parse(&bytes, &Format::Htpasswd, true).unwrap();
    assert!(lets_in(&legacy, &Format::Htpasswd, "hal", "secret"));
    assert!(!lets_in(&legacy, &Format::Htpasswd, "gil", "plain"));
}

#[test]
fn a_user_in_two_lines_is_refused() {
    let file = parse(&format!("ann:{BCRYPT}\nbob:{BCRYPT}\nann:{BCRYPT}\n"), &Format::Htpasswd);
    assert!(!lets_in(&file, &Format::Htpasswd, "ann", "secret"));
    assert!(lets_in(&file, &Format::Htpasswd, "bob", "secret"));
    assert_eq!(file.user("ann", &Format::Htpasswd).unwrap().denied, Some(Denial::Disabled));
}

#[test]
fn a_user_can_have_a_line_for_each_realm() {
    let hash = |realm| {
        let made = Ha1::make(crate::ha1::Algorithm::Md5, "ann", realm, &"secret".into());
        made.hash.expose_str().unwrap().to_owned()
    };
    let content = format!("ann:a:{}\nann:b: c:{}\n", hash("a"), hash("b: c"));
    let file = parse(&content, &Format::Htdigest);
    assert!(lets_in(&file, &Format::Htdigest, "ann", "secret"));
    let user = file.user("ann", &Format::Htdigest).unwrap();
    assert_eq!(user.realms().collect::<Vec<_>>(), ["a", "b: c"]);
    assert_eq!(file.verifiers(user, VerifierForm::Ha1).len(), 2);
    let twice = parse(&format!("{content}ann:a:{}\n", hash("a")), &Format::Htdigest);
    assert!(!lets_in(&twice, &Format::Htdigest, "ann", "secret"));
}

#[test]
fn the_fields_of_dovecot_have_their_meaning() {
    let content = format!(
        "ann:{{BLF-CRYPT}}{BCRYPT}\nbob:{BCRYPT}:1000:1000::/home/bob:/bin/sh:userdb_mail=x\n\
         carl:{BCRYPT}::::::nologin\ndora:{BCRYPT}::::::a=b allow_nets=10.0.0.0/8\n\
         eve:{{PLAIN}}secret:\nfred:{{SCRAM-SHA-1}}4096,U+NmI3hWa5NFxvChjjT5Mg==,\
         Uvg0XIj/EPsQeL+eT+7ujiyQNjo=,8MFW/cimQvAcUlw/B8/fz/UktEY=\ngil:{BCRYPT}::::::nologin=y\n"
    );
    let file = parse(&content, &Format::Dovecot);
    for (name, expected) in [
        ("ann", true),
        ("bob", true),
        ("carl", false),
        ("dora", false),
        ("eve", false),
        ("fred", true),
        ("gil", false),
    ] {
        assert_eq!(lets_in(&file, &Format::Dovecot, name, "secret"), expected, "{name}");
    }
    let legacy = UserFile::parse(content.as_bytes(), &Format::Dovecot, true).unwrap();
    assert!(lets_in(&legacy, &Format::Dovecot, "eve", "secret"));
    let fred = file.user("fred", &Format::Dovecot).unwrap();
    assert_eq!(file.forms(fred), [VerifierForm::ScramSha1]);
}

/// The three layouts of Twisted's own tests.
#[test]
fn fields_are_where_the_layout_says() {
    let users = [("user1", "pass1"), ("USER2", "pa:ss 2")];
    for (layout, write) in [
        (Layout::default(), (|u, p| format!("{u}:{p}\n")) as fn(&str, &str) -> String),
        (
            Layout {
                delimiter: "\t".into(),
                user_field: 3,
                password_field: 0,
                ..Layout::default()
            },
            |u, p| format!("{p}\tdingle\tdongle\t{u}\n"),
        ),
        (
            Layout {
                delimiter: ",".into(),
                user_field: 2,
                password_field: 4,
                case_sensitive: false,
                ..Layout::default()
            },
            |u, p| format!("zip,zap,{u},zup,{p}\n"),
        ),
    ] {
        let content: String = users.iter().map(|(user, password)| write(user, password)).collect();
        let format = Format::Fields(layout.clone());
        let file = parse(&content, &format);
        for (user, password) in users {
            assert!(lets_in(&file, &format, user, password), "{content}");
            assert!(!lets_in(&file, &format, user, "pa"), "{content}");
            let other = user.to_lowercase();
            let expected = !layout.case_sensitive || other == user;
            assert_eq!(lets_in(&file, &format, &other, password), expected, "{content}");
        }
    }
}

#[test]
fn a_stored_password_is_taken_as_it_is() {
    let format = Format::Fields(Layout::default());
    let file = parse("ann:blank \nbob:a:b:\n:x\ncarl:\n#dora:x\n eve:x\n", &format);
    assert!(lets_in(&file, &format, "ann", "blank ") && !lets_in(&file, &format, "ann", "blank"));
    assert!(lets_in(&file, &format, "bob", "a:b:") && !lets_in(&file, &format, "bob", "a"));
    assert!(lets_in(&file, &format, " eve", "x") && !lets_in(&file, &format, "eve", "x"));
    for (name, secret) in [("", "x"), ("carl", ""), ("#dora", "x")] {
        assert!(!lets_in(&file, &format, name, secret), "{name}");
    }
}

#[test]
fn an_example_is_the_verifier_of_a_user_who_is_let_in() {
    let file = parse(&format!("ann:{BCRYPT}\nbob:x\ncarl:{BCRYPT}\ncarl:x\n"), &Format::Htpasswd);
    for pick in [0, 1, 7, u64::MAX] {
        let example = file.example(pick, VerifierForm::PasswordHash).unwrap();
        assert_eq!(example.value.expose_str(), Some(BCRYPT));
    }
    assert!(file.example(0, VerifierForm::Plaintext).is_none());
    assert!(UserFile::default().example(0, VerifierForm::PasswordHash).is_none());
}

#[test]
fn the_linter_finds_each_problem_in_its_line() {
    let mut content = format!(
        "ann:{BCRYPT}\nnothing\n:{BCRYPT}\nbob:\n#carl:{BCRYPT}\n# a comment: x\nann:{BCRYPT}\n\
         dora:{{SHA}}5en6G6MezRroT3XKqkdPOmY/BfQ=\neve:x\nfred:{{PLAIN}}canary\n\
         gil:zYqFZfoOTm4Eo\nhal:!\na\x07:{BCRYPT}\nivy:{}\n",
        "x".repeat(5000)
    )
    .into_bytes();
    content.extend_from_slice(
        b"\xff:x\njo:$2y$31$a0TI74IKRXywo3woahkJ6OtwjKx7Hh922.inIYOSetHrpb2GbYHrq",
    );
    let findings = lint(&content, &Format::Htpasswd);
    let found: Vec<_> = findings.iter().map(|finding| (finding.line, finding.problem)).collect();
    let expected = [
        (1, Problem::WeakCost),
        (2, Problem::TooFewFields),
        (3, Problem::EmptyName),
        (4, Problem::EmptyPassword),
        (5, Problem::Comment),
        (7, Problem::Duplicate { first: 1 }),
        (7, Problem::WeakCost),
        (8, Problem::WeakScheme),
        (9, Problem::Unusable(Unusable::Unknown)),
        (10, Problem::Plaintext),
        (11, Problem::WeakScheme),
        (13, Problem::BadName),
        (14, Problem::TooLong),
        (15, Problem::NotText),
        (16, Problem::Unusable(Unusable::TooCostly)),
    ];
    assert_eq!(found, expected);
    assert!(!format!("{findings:?}").contains("canary"));
    assert_eq!(findings[0].user.as_deref(), Some("ann"));
}

#[test]
fn the_list_has_each_line_of_a_user() {
    let content = format!(
        "# c\nann:{BCRYPT}\nbroken\nbob:x\nann:zYqFZfoOTm4Eo\ncarl:{{PLAIN}}x::::::nologin\n"
    );
    let rows = list(content.as_bytes(), &Format::Dovecot);
    let shown: Vec<_> = rows
        .iter()
        .map(|row| (row.line, row.user.as_str(), row.stored.as_ref().map(crate::describe)))
        .collect();
    let expected = [
        (2, "ann", Ok("bcrypt")),
        (4, "bob", Err(&Unusable::Unknown)),
        (5, "ann", Ok("des-crypt")),
        (6, "carl", Ok("plaintext")),
    ];
    assert_eq!(shown, expected);
    assert_eq!(rows[3].denied, Some(Denial::Disabled));
}

fn edited(content: &str, name: &str, stored: &str) -> String {
    let new = set(&content.into(), &Format::Htpasswd, name, None, &stored.into()).unwrap();
    new.expose_str().unwrap().to_owned()
}

#[test]
fn an_edit_keeps_all_other_bytes() {
    assert_eq!(edited("", "ann", "$h"), "ann:$h\n");
    assert_eq!(edited("# c\r\n\nbob:x", "ann", "$h"), "# c\r\n\nbob:x\nann:$h\n");
    assert_eq!(
        edited("ann:old:more\r\n#ann:x\nbroken\n", "ann", "$h"),
        "ann:$h:more\r\n#ann:x\nbroken\n"
    );
    assert_eq!(edited("bob:x\nann:old", "ann", "$h"), "bob:x\nann:$h");
    assert_eq!(edited("ann:\n", "ann", "$h"), "ann:$h\n");
    let twice = set(&"ann:x\nann:y\n".into(), &Format::Htpasswd, "ann", None, &"$h".into());
    assert_eq!(twice.unwrap_err().kind(), keyward_core::ErrorKind::Conflict);
    let removed = remove(&"ann:x\n#ann:z\nbob:x\nann:y".into(), &Format::Htpasswd, "ann", None);
    assert_eq!(removed.unwrap().expose(), b"#ann:z\nbob:x\n");
    assert!(remove(&"annie:x\n".into(), &Format::Htpasswd, "ann", None).is_none());
}

#[test]
fn an_edit_of_htdigest_concerns_one_realm() {
    let content = Secret::from("ann:a:x\nann:b:y\n");
    let set = |realm| set(&content, &Format::Htdigest, "ann", realm, &"z".into());
    assert_eq!(set(Some("b")).unwrap().expose(), b"ann:a:x\nann:b:z\n");
    assert!(set(None).is_err() && set(Some("a:b")).is_err() && set(Some("")).is_err());
    let remove = |realm| remove(&content, &Format::Htdigest, "ann", realm).unwrap();
    assert_eq!(remove(Some("a")).expose(), b"ann:b:y\n");
    assert_eq!(remove(None).expose(), b"");
}

#[test]
fn what_would_be_read_as_something_else_is_not_written() {
    for name in ["", "a:b", "#a", "a\nb", " a", "a ", "\u{7f}", &"x".repeat(256)] {
        let new = set(&"".into(), &Format::Htpasswd, name, None, &"$h".into());
        assert!(new.is_err(), "{name:?}");
    }
    for stored in ["", "a:b", "a\nb", "a b", "é"] {
        let new = set(&"".into(), &Format::Htpasswd, "ann", None, &stored.into());
        assert!(new.is_err(), "{stored:?}");
    }
}

proptest::proptest! {
    #[test]
    fn no_file_is_a_panic_and_no_edit_changes_another_line(
        bytes in "(([a-c#]{0,2}:?){0,3}[x$!{}: \r]{0,6}\n?){0,8}",
        name in "[a-c]{1,2}",
    ) {
        let layouts = [true, false].map(|hashed| {
            Format::Fields(Layout { hashed, user_field: 1, password_field: 2, ..Layout::default() })
        });
        for format in [Format::Htpasswd, Format::Htdigest, Format::Dovecot, Format::Scram].iter().chain(&layouts) {
            UserFile::parse(bytes.as_bytes(), format, true).unwrap();
            lint(bytes.as_bytes(), format);
        }
        let stored = "$1$saltsalt$le8lFSqqnPaRFOlmAZpvH1";
        let content = Secret::from(bytes.as_str());
        if let Ok(new) = set(&content, &Format::Htpasswd, &name, None, &stored.into()) {
            let file = UserFile::parse(new.expose(), &Format::Htpasswd, false).unwrap();
            proptest::prop_assert!(lets_in(&file, &Format::Htpasswd, &name, "Hello world!"));
            let without = remove(&new, &Format::Htpasswd, &name, None).unwrap();
            let before = remove(&content, &Format::Htpasswd, &name, None).unwrap_or(content);
            let (mut without, before) = (without.into_bytes(), before.into_bytes());
            without.truncate(before.len());
            proptest::prop_assert_eq!(without, before);
        }
    }

    #[test]
    fn no_bytes_are_a_panic(bytes: Vec<u8>) {
        let _ = UserFile::parse(&bytes, &Format::Dovecot, true);
        lint(&bytes, &Format::Htdigest);
    }
}
