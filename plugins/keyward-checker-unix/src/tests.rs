use std::sync::Arc;

use keyward_plugin::{
    Backend, Checker, Denial, ErrorKind, Host, Options as _, Timestamp, Value, Values, VerifierForm,
};
use keyward_testkit::{Scratch, TestHost};
use keyward_verifier::password;

use super::{Options, Unix};

const HASH: &str = "$5$saltstring$5B8vYYiY.CVt1RlTTf8KbXBH3hsxY/GNooZaBBGWEc5";
const OTHER: &str = "$5$rounds=1000$roundstoolow$BiO0thfsibXRWnVAhxypb/bDS/8S0KICVgPbqzirYmC";
const PASSWORD: &str = "Hello world!";

/// Day 20,000.
const NOW: Timestamp = Timestamp::from_unix(20_000 * 86_400 + 5);

mod suite {
    use crate::Unix;

    keyward_testkit::checker_suite!(
        Unix,
        |scratch| {
            let passwd = b"ann:x:1:1::/:/bin/sh\nbob:x:2:2::/:/bin/sh\ncarl:x:3:3::/:/bin/sh\n";
            let (hash, other) = (crate::tests::HASH, crate::tests::OTHER);
            let shadow = format!(
                "ann:{hash}:19000:0:99999:7:::\nbob:{other}:19000::::::\ncarl:!{hash}:1::::::\n"
            );
            Values::new()
                .with("passwd", Value::Text(scratch.file("passwd", passwd)))
                .with("shadow", Value::Text(scratch.file("shadow", shadow.as_bytes())))
        },
        host = |_| {
            TestHost::new()
                .client(Client::new(Presented::password("ann", "secret-of-ann")))
                .client(Client::new(Presented::password("bob", "secret-of-bob")))
                .client(Client::new(Presented::password("carl", "secret-of-carl")).disabled())
        },
    );
}

fn open(scratch: &Scratch, passwd: &str, shadow: &str) -> Unix {
    let host = TestHost::new();
    host.set_now(NOW);
    let host: Arc<dyn Host> = Arc::new(host);
    for name in ["passwd", "shadow"] {
        let _ = std::fs::remove_file(scratch.path(name));
    }
    let values = Values::new()
        .with("passwd", Value::Text(scratch.file("passwd", passwd.as_bytes())))
        .with("shadow", Value::Text(scratch.file("shadow", shadow.as_bytes())));
    Unix::open(Options::read(&values.complete(Options::TABLE).unwrap()).unwrap(), &host).unwrap()
}

/// What the checker says about a user: nothing, a denial, or how many verifiers match.
fn verdict(checker: &Unix, user: &str) -> Option<Result<usize, Denial>> {
    let account = checker.account(user, VerifierForm::PasswordHash).unwrap()?;
    if let Some(denied) = account.denied {
        return Some(Err(denied));
    }
    let right = |verifier: &&keyward_plugin::Verifier| {
        password(verifier, user, &PASSWORD.into()) == Ok(true)
            && password(verifier, user, &"".into()) == Ok(false)
            && password(verifier, user, &"x".into()) == Ok(false)
    };
    Some(Ok(account.verifiers.iter().filter(right).count()))
}

#[test]
fn the_days_of_shadow_have_their_meaning() {
    let scratch = Scratch::new();
    for (days, expected) in [
        ("", Ok(1)),
        (":::::::", Ok(1)),
        ("19000:0:99999:7:::", Ok(1)),
        ("0:0:99999:7:::", Err(Denial::PasswordChangeDue)),
        ("19990:0:10:7:::", Ok(1)),
        ("19989:0:10:7:::", Err(Denial::PasswordChangeDue)),
        ("19989:0:10:7:5::", Err(Denial::PasswordChangeDue)),
        ("19984:0:10:7:5::", Err(Denial::Expired)),
        ("19000:0:99999:7::20000:", Err(Denial::Expired)),
        ("19000:0:99999:7::20001:", Ok(1)),
        ("20005:0:10:7:::", Ok(1)),
    ] {
        let checker = open(&scratch, "ann:x:1:1\n", &format!("ann:{HASH}:{days}\n"));
        assert_eq!(verdict(&checker, "ann"), Some(expected), "{days}");
    }
}

#[test]
fn what_is_no_hash_lets_nobody_in() {
    let scratch = Scratch::new();
    for (hash, expected) in [
        ("", Ok(0)),
        ("*", Err(Denial::Disabled)),
        ("x", Ok(0)),
        ("!", Err(Denial::Disabled)),
        ("!!", Err(Denial::Disabled)),
        (&format!("!{HASH}"), Err(Denial::Disabled)),
        ("{PLAIN}Hello world!", Ok(0)),
        ("{SHA256}wFNeS+K3n/2TKRMFQ2v4iTFOSj+uwF7P/Lt98xrZ5Ro=", Ok(0)),
        ("zYqFZfoOTm4Eo", Ok(0)),
        ("Hello world!", Ok(0)),
    ] {
        let checker = open(&scratch, "ann:x:1:1\n", &format!("ann:{hash}:19000:0:99999:7:::\n"));
        assert_eq!(verdict(&checker, "ann"), Some(expected), "{hash}");
        assert_eq!(checker.example(0, VerifierForm::PasswordHash).unwrap(), None, "{hash}");
        let checker = open(&scratch, &format!("ann:{hash}:1:1\n"), "");
        assert_eq!(verdict(&checker, "ann"), Some(expected), "{hash}");
    }
}

#[test]
fn the_users_are_those_of_passwd() {
    let scratch = Scratch::new();
    let passwd = format!(
        "ann:x:1:1\nbob:{HASH}:2:2\ncarl:*:3:3\n:x:4:4\n+nis:x\n#dora:x:5:5\neve:x:6:6\nfred:x\nfred:x\n"
    );
    let shadow =
        format!("ann:{HASH}:\ncarl:{HASH}\n:{HASH}:\nfred:{HASH}\ngil:{HASH}\nfred:{HASH}\n");
    let checker = open(&scratch, &passwd, &shadow);
    for user in ["ann", "bob"] {
        assert_eq!(verdict(&checker, user), Some(Ok(1)), "{user}");
    }
    // Only `x` leads to the other file; an account with `*` is locked.
    assert_eq!(verdict(&checker, "carl"), Some(Err(Denial::Disabled)));
    for user in ["", "gil", "#dora", "+nis", "nis", "Ann"] {
        assert_eq!(verdict(&checker, user), None, "{user}");
    }
    assert_eq!(verdict(&checker, "eve"), Some(Ok(0)));
    assert_eq!(verdict(&checker, "fred"), Some(Err(Denial::Disabled)));
    let example = checker.example(7, VerifierForm::PasswordHash).unwrap().unwrap();
    assert_eq!(example.value.expose_str(), Some(HASH));
}

#[test]
fn an_unreadable_file_is_an_outage_for_every_user() {
    let scratch = Scratch::new();
    let checker = open(&scratch, "ann:x:1:1\n", "");
    std::fs::remove_file(scratch.path("shadow")).unwrap();
    for user in ["ann", "bob"] {
        let error = checker.account(user, VerifierForm::PasswordHash).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unavailable);
    }
}
