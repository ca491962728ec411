use keyward_plugin::{Options as _, Value, Values};
use keyward_testkit::{Scratch, TestHost};

use super::*;

fn open(values: &[(&str, &str)]) -> Result<Ldap> {
    let text = |value: &str| match value {
        "true" => Value::Flag(true),
        text => Value::Text(text.to_owned()),
    };
    let all = [("url", "ldap://localhost"), ("base", "dc=example")].iter().chain(values);
    let values = all.fold(Values::new(), |values, (name, value)| values.with(*name, text(value)));
    let host: Arc<dyn Host> = Arc::new(TestHost::new());
    Ldap::open(Options::read(&values.complete(Options::TABLE)?)?, &host)
}

#[track_caller]
fn is_invalid(values: &[(&str, &str)]) {
    let error = open(values).expect_err("it opens");
    assert_eq!(error.kind(), ErrorKind::Invalid, "{error}");
}

#[test]
fn passwords_leave_the_machine_with_tls_only() {
    for here in ["localhost", "localhost:3890", "127.0.0.1", "127.1.2.3:3890", "[::1]:389"] {
        open(&[("url", &format!("ldap://{here}"))]).unwrap();
    }
    open(&[("url", "ldapi://%2frun%2fslapd%2fldapi")]).unwrap();
    for there in [
        "ldap://ldap.example",
        "ldap://192.0.2.1",
        "ldap://localhost.example",
        "ldap://127.0.0.1.example",
        "ldap://127.0.0.1@ldap.example",
        "ldap://user:password@localhost",
        "ldap://[2001:db8::1]",
        "ldap://",
        "ldap.example",
        "http://localhost",
        "ldap://localhost/dc=example",
    ] {
        is_invalid(&[("url", there)]);
    }
    is_invalid(&[("url", "ldaps://ldap.example"), ("start_tls", "true")]);
    is_invalid(&[("url", "ldapi://%2frun"), ("start_tls", "true")]);
}

#[test]
fn certificates_are_read_when_it_opens() {
    let scratch = Scratch::new();
    let text = scratch.file("text", b"no certificate");
    for ca in [&text, "/nowhere/ca.pem"] {
        let error = open(&[("url", "ldaps://ldap.example"), ("ca", ca)]).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
    }
    // The host trusts none.
    is_invalid(&[("url", "ldaps://ldap.example")]);
    is_invalid(&[("url", "ldap://ldap.example"), ("start_tls", "true")]);
}

#[test]
fn a_filter_is_one_operand() {
    for good in ["(objectClass=person)", "(|(a=b)(c=d))", "(!(a=b))"] {
        open(&[("filter", good)]).unwrap();
    }
    for bad in ["objectClass=person", "(a=b", "(a=b)(c=d)", "(a=b)))(|(a=*", ")", "(a=b)x"] {
        is_invalid(&[("filter", bad)]);
    }
    for bad in ["", "uid=*)(a", "u id", "1a", "a;b"] {
        is_invalid(&[("attribute", bad)]);
        is_invalid(&[("identity", bad)]);
    }
}

#[test]
fn a_name_needs_a_password() {
    is_invalid(&[("bind_dn", "cn=reader,dc=example")]);
}

#[test]
fn some_credentials_are_refused_before_the_server_is_asked() {
    // Nothing listens here.
    let ldap = open(&[("url", "ldap://127.0.0.1:1")]).unwrap();
    let check = |presented: Presented| ldap.check(&presented, &Attempt::default());
    for password in [&b""[..], b"\0", b"\0\0\0\0", b"a\0", b"\xff"] {
        let said = check(Presented::password("ann", password)).unwrap();
        assert_eq!(said, Round::wrong(Denial::Secret), "{password:?}");
    }
    for user in ["", "a\0", "a\nb", &"x".repeat(1025)] {
        assert_eq!(check(Presented::password(user, "secret")).unwrap(), Round::Unknown);
    }
    let error = check(Presented::password("ann", "secret")).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
}
