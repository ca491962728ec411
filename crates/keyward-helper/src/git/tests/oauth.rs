//! Accounts that log in by OAuth.

use keyward_core::{Change, Error};

use super::*;

const ASKED: &str = "capability[]=authtype capability[]=state protocol=https host=x";

/// A source with an OAuth login in the entry of this name.
fn login(name: &str, more: &[(&str, &str)]) -> Memory {
    let memory = Memory::default();
    let record = Record::new("oauth2")
        .with("client_id", Field::open("cli"))
        .with("access_token", Field::secret("T1"))
        .with("refresh_token", Field::secret("R"))
        .with_expires(None);
    let record =
        more.iter().fold(record, |record, (name, value)| record.with(*name, Field::open(*value)));
    let location = Location::parse(name).unwrap();
    let record = record.with_origins(vec![location.origin().clone()]);
    let id = EntryId::new("me", Some(name)).unwrap();
    memory.update(&id, &mut |_| Ok(Change::Put(Box::new(record.clone())))).unwrap();
    if location.account().is_some() {
        let now = Timestamp::from_unix(NOW);
        Accounts::new(&memory, "me").enlist(&location, "oauth2", now).unwrap();
    }
    memory
}

#[test]
fn git_gets_the_access_token_and_never_the_refresh_token() {
    let password = "username=ann password=T1";
    let memory = login("https://ann@x", &[]);
    check(&memory, "protocol=https host=x", password);
    check(&memory, "protocol=https host=x username=ann", password);
    check(&memory, "protocol=https host=x username=bob", "");
    check(&memory, "protocol=https host=y", "");
    let given = say(&memory, Action::Get, ASKED, NOW).unwrap();
    assert!(given.contains(password) && given.contains("ephemeral=1"), "{given}");
    // Git asks the user if there is no username.
    check(&login("https://x", &[]), "protocol=https host=x", "username=oauth2 password=T1");
}

#[test]
fn git_gets_a_bearer_token_if_the_record_says_so_and_git_can() {
    let memory = login("https://ann@x", &[("git_scheme", "bearer")]);
    let given = say(&memory, Action::Get, ASKED, NOW).unwrap();
    assert!(given.contains("authtype=Bearer credential=T1 username=ann ephemeral=1"), "{given}");
    check(&memory, "protocol=https host=x", "username=ann password=T1");
}

#[test]
fn only_the_chosen_account_is_renewed() {
    let memory = login("https://ann@x", &[]);
    store(&memory, "protocol=https host=x username=bob password=b");
    let renewed = |attributes: &str| {
        let request = Request::parse(attributes.replace(' ', "\n").as_bytes()).unwrap();
        let accounts = Accounts::new(&memory, "me");
        let renewed = std::cell::Cell::new(0);
        let renew = |location: &Location, record: Record| {
            assert_eq!(location.to_string(), "https://ann@x");
            renewed.set(renewed.get() + 1);
            Ok(record.with("access_token", Field::secret("T2")))
        };
        let sources = Sources { renew: &renew, ..Sources::new(&accounts) };
        let reply = super::super::get(&request, &sources, Timestamp::from_unix(NOW));
        (reply.unwrap().password.unwrap(), renewed.get())
    };
    assert_eq!(renewed("protocol=https host=x username=bob"), ("b".into(), 0));
    assert_eq!(renewed("protocol=https host=x username=ann"), ("T2".into(), 1));
    assert_eq!(renewed("protocol=https host=x"), ("T2".into(), 1));
}

#[test]
fn a_token_that_cannot_be_renewed_is_an_error() {
    let memory = login("https://ann@x", &[]);
    let request = Request::parse(b"protocol=https\nhost=x\n").unwrap();
    let accounts = Accounts::new(&memory, "me");
    let fails = |_: &Location, _: Record| Err(Error::new(ErrorKind::Unauthorized, "token"));
    let sources = Sources { renew: &fails, ..Sources::new(&accounts) };
    let error = super::super::get(&request, &sources, Timestamp::from_unix(NOW));
    assert_eq!(error.unwrap_err().kind(), ErrorKind::Unauthorized);
}

#[test]
fn git_stores_nothing_of_a_login_and_removes_nothing() {
    for (name, username) in [("https://ann@x", "ann"), ("https://x", "oauth2")] {
        let memory = login(name, &[]);
        let before = record(&memory, name);
        let used = format!("protocol=https host=x username={username} password=T1");
        store(&memory, &used);
        store(&memory, &used.replace("T1", "T0"));
        assert_eq!(record(&memory, name), before, "{name}");
        erase(&memory, &used.replace("T1", "T0"));
        assert_eq!(record(&memory, name), before, "another token was rejected");
        check(&memory, "protocol=https host=x", &format!("username={username} password=T1"));
        // The next call refreshes the token that was rejected.
        erase(&memory, &used);
        let after = record(&memory, name);
        let token = after.field("access_token").unwrap();
        assert_eq!(token.expires, Some(Timestamp::from_unix(NOW)), "{name}");
        assert_eq!(after.field("refresh_token"), before.field("refresh_token"));
        check(&memory, "protocol=https host=x", "");
    }
}

#[test]
fn a_login_that_was_interrupted_is_no_account() {
    let memory = login("https://ann@x", &[]);
    let id = EntryId::new("me", Some("https://ann@x")).unwrap();
    let mut record = record(&memory, "https://ann@x");
    record.fields.retain(|name, _| name == "client_id");
    memory.update(&id, &mut |_| Ok(Change::Put(Box::new(record.clone())))).unwrap();
    check(&memory, "protocol=https host=x username=ann", "");
    check(&memory, "protocol=https host=x", "");
    // It does not hide another account.
    store(&memory, "protocol=https host=x username=bob password=b");
    check(&memory, "protocol=https host=x", "username=bob password=b");
}
