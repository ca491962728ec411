use keyward_core::{ErrorKind, Secret};
use keyward_verifier::files::{self, Format, Layout, UserFile};
use keyward_verifier::ha1::Ha1;
use keyward_verifier::hash::{Hash, MAX_MEMORY};
use keyward_verifier::scram::Scram;
use keyward_verifier::{memory, otp, read};

/// What is stored of a password is refused, or its cost is within the limits; and what is read is written
/// so that it is read as the same.
pub fn stored_password(bytes: &[u8]) {
    let stored = Secret::from(bytes);
    if let Ok(hash) = Hash::parse(&stored) {
        assert!(hash.memory() <= MAX_MEMORY);
        // The others take long, by design.
        if hash.scheme().is_fast() {
            assert!(!hash.verify(&Secret::default()), "an empty password is right");
            hash.verify(&"password".into());
        }
    }
    if let Ok(scram) = Scram::parse(&stored) {
        for written in [scram.write(), scram.write_prefixed()] {
            assert!(
                Scram::parse(&written) == Ok(scram.clone()),
                "it is not read as it was written"
            );
        }
    }
    if let Ok(ha1) = Ha1::parse(&stored) {
        assert!(Ha1::parse(&ha1.write()) == Ok(ha1), "it is not read as it was written");
    }
    if let Ok(uri) = otp::uri(&stored) {
        assert!(otp::read(&uri).is_ok());
    }
    if let Ok(verifier) = read(&stored) {
        assert!(memory(&verifier) <= MAX_MEMORY);
    }
}

/// A file of users is read without a panic, and a change concerns its user only. The first byte says which
/// format the others have.
pub fn user_file(bytes: &[u8]) {
    let Some((first, content)) = bytes.split_first() else { return };
    let format = match first % 7 {
        0 => Format::Htpasswd,
        1 => Format::Htdigest,
        2 => Format::Dovecot,
        3 => Format::Scram,
        4 => Format::OneTimePasswords,
        5 => Format::Fields(Layout { user_field: 1, password_field: 0, ..Layout::default() }),
        _ => Format::Fields(Layout { hashed: true, case_sensitive: false, ..Layout::default() }),
    };
    let file = UserFile::parse(content, &format, true).expect("it is not too large");
    assert!(file.user("", &format).is_none(), "an empty name is one of a user");
    for user in file.users() {
        let found = file.user(&user.name, &format).expect("it is in the list");
        assert_eq!(found.line, user.line);
    }
    let rows = files::list(content, &format);
    assert!(rows.iter().all(|row| !row.user.is_empty() && !row.user.starts_with('#')));
    let lines = content.split(|byte| *byte == b'\n').count();
    assert!(files::lint(content, &format).iter().all(|finding| finding.line <= lines));
    if matches!(format, Format::Htpasswd | Format::Htdigest | Format::Dovecot) {
        change(&Secret::from(content), &format);
    }
}

fn change(content: &Secret, format: &Format) {
    let realm = (*format == Format::Htdigest).then_some("r");
    let before = names(content, format);
    let new = match files::set(content, format, "ann", realm, &"x".into()) {
        Ok(new) => new,
        Err(error) => return assert_eq!(error.kind(), ErrorKind::Conflict),
    };
    let others = |names: &[Name]| -> Vec<_> {
        names.iter().filter(|name| name.0 != "ann").cloned().collect()
    };
    let after = names(&new, format);
    assert_eq!(others(&before), others(&after), "the users are others");
    assert!(after.contains(&("ann".into(), realm.map(str::to_owned))));
    let removed = files::remove(&new, format, "ann", None).expect("the user is in the file");
    assert_eq!(names(&removed, format), others(&before), "the users are others");
}

type Name = (String, Option<String>);

fn names(content: &Secret, format: &Format) -> Vec<Name> {
    let rows = files::list(content.expose(), format);
    rows.into_iter().map(|row| (row.user, row.realm)).collect()
}
