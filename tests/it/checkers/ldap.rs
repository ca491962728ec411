//! The checker `ldap` with slapd.

use std::path::Path;
use std::process;
use std::sync::Arc;

use keyward_checker_ldap::{Ldap, Options};
use keyward_core::{
    Attempt, Backend, Checker, Denial, Error, ErrorKind, Host, Identity, Options as _, Presented,
    Result, Role, Round, SecretRef, Value, Values,
};
use keyward_loader::process::{Command, Programs};
use keyward_testkit::checker::{CASES, linked};
use keyward_testkit::{Client, Scratch, TestHost, case_names, run_case};

use super::slapd::{PASSWORD, READER, Slapd};
use crate::helpers::home::Home;
use crate::helpers::hostile_values;
use crate::helpers::program::keyward;

const PEOPLE: &str = "ou=people,dc=example,dc=com";

fn values(url: &str, more: &[(&str, &str)]) -> Values {
    let value = |text: &str| match text {
        "true" => Value::Flag(true),
        text => Value::Text(text.to_owned()),
    };
    let base = if more.iter().any(|(name, _)| *name == "base") { None } else { Some(PEOPLE) };
    let base = base.map(|base| ("base", base));
    let all = [("url", url)].into_iter().chain(base).chain(more.iter().copied());
    all.fold(Values::new(), |values, (name, text)| values.with(name, value(text)))
}

fn open(values: Values) -> Result<Ldap> {
    let values = values.complete(Options::TABLE)?;
    let host: Arc<dyn Host> =
        Arc::new(TestHost::new().secret("reader", READER).secret("wrong", "x"));
    Ldap::open(Options::read(&values)?, &host)
}

fn check(ldap: &Ldap, user: &str, password: &str) -> Result<Round> {
    ldap.check(&Presented::password(user, password), &Attempt::default())
}

fn accepted(name: &str) -> Round {
    Round::accepted(Identity::new(name).unwrap())
}

#[track_caller]
fn outage(said: Result<Round>, why: &str) {
    let error: Error = said.expect_err("it answers");
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
    let cause = std::error::Error::source(&error).map(ToString::to_string);
    assert!(error.to_string().contains(why), "{error}: {cause:?}");
}

#[test]
fn it_keeps_all_promises() {
    let slapd = Slapd::start();
    let ca = slapd.folder().join("ca.pem");
    let url = slapd.url();
    for (name, case) in CASES {
        println!("{name}");
        // The file of certificates is in the folder of the case.
        let values = |scratch: &Scratch| {
            let path = scratch.path("ca.pem");
            std::fs::copy(&ca, &path).unwrap();
            values(&url, &[("start_tls", "true"), ("ca", &path)])
        };
        case(&linked::<Ldap>(values, |_| {
            TestHost::new()
                .client(Client::new(Presented::password("ann", PASSWORD)))
                .client(Client::new(Presented::password("bob", PASSWORD)).being("Bob"))
                .client(Client::new(Presented::password("st*r", PASSWORD)))
        }));
    }
}

/// The same in the program `keyward-checkers`, over the protocol of plugins.
#[test]
fn it_keeps_all_promises_in_a_child_process() {
    let slapd = Slapd::start();
    let programs = Programs::new();
    let command = Command::new(keyward().with_file_name("keyward-checkers"));
    let backends = programs.run(&command).unwrap();
    let ldap = backends.iter().find(|it| it.info.name == "ldap").unwrap();
    let values = values(&slapd.url(), &[]);
    let host = || {
        TestHost::new()
            .client(Client::new(Presented::password("ann", PASSWORD)))
            .client(Client::new(Presented::password("bob", PASSWORD)).being("Bob"))
    };
    for name in case_names(Role::Checker) {
        run_case(ldap, name, values.clone(), host(), Scratch::new()).unwrap();
    }
}

#[test]
fn every_way_to_connect_works_and_the_identity_is_that_of_the_entry() {
    let slapd = Slapd::start();
    let ca = slapd.folder().join("ca.pem");
    let ca = ca.to_str().unwrap();
    let socket = slapd.folder().join("socket").display().to_string().replace('/', "%2F");
    let tls = format!("ldaps://localhost:{}", slapd.tls_port);
    let ways: [(&str, &[(&str, &str)]); 4] = [
        (&slapd.url(), &[]),
        (&slapd.url(), &[("start_tls", "true"), ("ca", ca)]),
        (&tls, &[("ca", ca)]),
        (&format!("ldapi://{socket}"), &[]),
    ];
    for (url, more) in ways {
        let ldap = open(values(url, more)).unwrap();
        for (user, identity) in [
            ("ann", "ann"),
            ("ANN", "ann"),
            ("bob", "Bob"),
            ("zoe", "alias"),
            ("alias", "alias"),
            ("st*r", "st*r"),
            ("p)(q", "p)(q"),
            ("comma", "comma"),
        ] {
            assert_eq!(check(&ldap, user, PASSWORD).unwrap(), accepted(identity), "{url} {user}");
            let wrong = check(&ldap, user, "another").unwrap();
            assert_eq!(wrong, Round::wrong(Denial::Secret), "{url} {user}");
        }
        assert_eq!(check(&ldap, "no-such-user", PASSWORD).unwrap(), Round::Unknown);
        let without = check(&ldap, "without-a-password", PASSWORD).unwrap();
        assert_eq!(without, Round::wrong(Denial::Secret));
    }
    let log = slapd.log();
    assert!(log.contains("TLS established") && !log.contains(PASSWORD));
}

#[test]
fn options_select_the_entries() {
    let slapd = Slapd::start();
    let open = |more: &[(&str, &str)]| open(values(&slapd.url(), more)).unwrap();
    let by_name = open(&[("attribute", "cn"), ("identity", "employeeNumber")]);
    assert_eq!(check(&by_name, "ann", PASSWORD).unwrap(), accepted("7"));
    let filtered = open(&[("filter", "(uid=ann)")]);
    assert_eq!(check(&filtered, "ann", PASSWORD).unwrap(), accepted("ann"));
    assert_eq!(check(&filtered, "bob", PASSWORD).unwrap(), Round::Unknown);
    let top = open(&[("base", "dc=example,dc=com"), ("scope", "one")]);
    assert_eq!(check(&top, "ann", PASSWORD).unwrap(), Round::Unknown);
    assert_eq!(check(&top, "reader", READER).unwrap(), accepted("reader"));
    outage(check(&open(&[("identity", "mail")]), "ann", PASSWORD), "no identity");
}

#[test]
fn an_entry_can_be_needed_to_search() {
    let slapd = Slapd::start();
    let all = values(&slapd.url(), &[("base", "ou=hidden,dc=example,dc=com")]);
    let said = check(&open(all.clone()).unwrap(), "hidden", PASSWORD);
    assert!(!matches!(said, Ok(Round::Accepted { .. })), "{said:?}");
    let reader = |secret: &str| {
        let name = Value::Text("cn=reader,dc=example,dc=com".into());
        let secret = SecretRef { from: secret.into(), options: Values::new() };
        let values = all.clone().with("bind_dn", name).with("bind_password", Value::Secret(secret));
        open(values).unwrap()
    };
    let with = reader("reader");
    assert_eq!(check(&with, "hidden", PASSWORD).unwrap(), accepted("hidden"));
    assert_eq!(check(&with, "hidden", "another").unwrap(), Round::wrong(Denial::Secret));
    let error = check(&reader("wrong"), "hidden", PASSWORD).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unauthorized);
}

#[test]
fn what_cannot_be_decided_is_an_error() {
    let slapd = Slapd::start();
    let open = |more: &[(&str, &str)]| open(values(&slapd.url(), more)).unwrap();
    outage(check(&open(&[]), "twin", PASSWORD), "more than one entry");
    let elsewhere = format!("ou=elsewhere,{PEOPLE}");
    outage(check(&open(&[("base", &elsewhere)]), "ann", PASSWORD), "refers to another");
    outage(check(&open(&[("base", "dc=example,dc=org")]), "ann", PASSWORD), "");
    outage(check(&open(&[("base", "ou=none,dc=example,dc=com")]), "ann", PASSWORD), "`base`");
    let ldap = open(&[]);
    drop(slapd);
    outage(check(&ldap, "ann", PASSWORD), "cannot be reached");
}

#[test]
fn without_trusted_tls_no_password_is_sent() {
    let slapd = Slapd::start();
    let other = Home::new();
    crate::helpers::tls::make(other.folder(), &["localhost"]);
    let path = |folder: &Path| folder.join("ca.pem").display().to_string();
    let (own, foreign) = (path(slapd.folder()), path(other.folder()));
    let by_address = format!("ldaps://127.0.0.1:{}", slapd.tls_port);
    let tls = format!("ldaps://localhost:{}", slapd.tls_port);
    for (url, ca) in [(&by_address, &own), (&tls, &foreign)] {
        outage(check(&open(values(url, &[("ca", ca)])).unwrap(), "ann", PASSWORD), "");
    }
    let start_tls = values(&slapd.url(), &[("start_tls", "true"), ("ca", &foreign)]);
    outage(check(&open(start_tls).unwrap(), "ann", PASSWORD), "");
    assert!(!slapd.log().contains("BIND"), "{}", slapd.log());

    // The server has no TLS, or a machine in between says so.
    let bare = Slapd::without_tls();
    let start_tls = values(&bare.url(), &[("start_tls", "true"), ("ca", &own)]);
    outage(check(&open(start_tls).unwrap(), "ann", PASSWORD), "StartTLS");
    assert!(!bare.log().contains("BIND"), "{}", bare.log());
}

/// slapd itself would let in every user with an empty password.
#[test]
fn an_empty_password_is_not_sent() {
    let slapd = Slapd::start();
    let mut who = process::Command::new("ldapwhoami");
    let who = who.args(["-x", "-H", &slapd.url(), "-D", &format!("cn=ann,{PEOPLE}"), "-w", ""]);
    assert!(who.output().unwrap().status.success());
    let ldap = open(values(&slapd.url(), &[])).unwrap();
    let before = slapd.log().matches("BIND").count();
    for user in ["ann", "no-such-user", ""] {
        for password in ["", "\0", "\0\0\0\0\0\0\0\0"] {
            assert_eq!(check(&ldap, user, password).unwrap(), Round::wrong(Denial::Secret));
        }
    }
    assert_eq!(slapd.log().matches("BIND").count(), before);
}

/// At least 200 names that are made up to change a filter or the name of an entry.
fn hostile_names() -> Vec<String> {
    let names = hostile_values::names().into_iter().filter_map(|name| String::from_utf8(name).ok());
    let forms = ["{}", "*{}", "{}*", "{})(uid=*", "ann)(|(uid={}", "{},ou=people", "ann\\2a{}"];
    let names: Vec<_> = names
        .flat_map(|name| forms.map(|form| form.replace("{}", &name)))
        .filter(|name| name != "ann")
        .collect();
    assert!(names.len() >= 200, "{}", names.len());
    names
}

#[test]
fn hostile_names_change_no_query() {
    let slapd = Slapd::start();
    let ldap = open(values(&slapd.url(), &[("filter", "(objectClass=inetOrgPerson)")])).unwrap();
    let mut asked = 0;
    for name in hostile_names() {
        let said = check(&ldap, &name, PASSWORD).unwrap();
        assert_eq!(said, Round::Unknown, "{name:?}");
        let is_asked = (1..=1024).contains(&name.len()) && !name.contains(char::is_control);
        asked += usize::from(is_asked);
    }
    let log = slapd.log();
    let filters: Vec<_> = log.lines().filter_map(|line| line.split_once(" filter=")).collect();
    assert_eq!(filters.len(), asked);
    for (_, filter) in filters {
        // Exactly two operands, and the first is a comparison with a value.
        let filter = filter.trim_matches('"');
        let value = filter.strip_prefix("(&(uid=").unwrap_or_else(|| panic!("{filter}"));
        let value = value.strip_suffix(")(objectClass=inetOrgPerson))").unwrap();
        assert!(!value.contains(['(', ')', '*']), "{filter}");
    }
    // It bound as often as for users who exist, as no entry that exists.
    assert_eq!(log.matches(" BIND dn=").count(), asked);
    assert!(!log.contains("RESULT tag=97 err=0"), "{log}");
}

/// The program `keyward` has the checker from `keyward-checkers`, which is next to it.
#[test]
fn keyward_starts_the_program_that_contains_it() {
    let slapd = Slapd::start();
    let home = Home::new();
    let auth = format!("ldap:ldap%3a//localhost%3a{}:base={PEOPLE}", slapd.port);
    let run = |user: &str, password: &str| {
        let run = home.keyward("auth check --stdin --auth").arg(&auth).arg(user);
        run.input(password).run()
    };
    run("bob", PASSWORD).ends(0).prints("Bob\n");
    run("bob", "another").ends(9).says("the secret is wrong");
    run("no-such-user", PASSWORD).ends(9).says("no checker knows the user");
    run("twin", PASSWORD).ends(7).says("more than one entry");
    run("*", PASSWORD).ends(9);
    let far = home.keyward("auth check --stdin ann --auth ldap:ldap%3a//192.0.2.1:base=dc=x");
    far.input(PASSWORD).run().ends(2).says("start_tls");
    let listed = home.keyward("backend list --json").run().ends(0).json();
    let is_here = |name: &str| {
        let is = |it: &&serde_json::Value| it["role"] == "checker" && it["name"] == name;
        listed.iter().find(is).is_some_and(|it| it["door"] == "run")
    };
    assert!(is_here("ldap") && is_here("pam"), "{listed:?}");
}
