//! Credentials that a provider names.

use super::*;
use crate::{Given, Provided};

fn ask(memory: &Memory, provided: Provided<'_>, attributes: &str) -> (Reply, Option<Given>) {
    let request = Request::parse(attributes.replace(' ', "\n").as_bytes()).unwrap();
    let accounts = Accounts::new(memory, "me");
    let sources = Sources { provided, ..Sources::new(&accounts) };
    super::super::find(&request, &sources, Timestamp::from_unix(NOW)).unwrap()
}

fn password(_: &Location) -> Result<Option<Record>> {
    let record = Record::new("user-password")
        .with("username", Field::open("ann"))
        .with("password", Field::secret("of the provider"));
    Ok(Some(record))
}

#[test]
fn an_account_comes_before_what_a_provider_names() {
    let memory = Memory::default();
    let (reply, given) = ask(&memory, &password, "protocol=https host=x");
    assert_eq!(reply.username, Some("ann".into()));
    assert_eq!((reply.password, given), (Some("of the provider".into()), Some(Given::Provided)));
    store(&memory, "protocol=https host=x username=bob password=b");
    let unasked = |_: &Location| panic!("there is an account");
    let (reply, given) = ask(&memory, &unasked, "protocol=https host=x");
    let account = Location::parse("https://bob@x").unwrap();
    assert_eq!((reply.password, given), (Some("b".into()), Some(Given::Account(account))));
}

#[test]
fn git_gets_no_kind_that_it_cannot_use() {
    for (kind, field) in [("token", "token"), ("aws", "secret_key"), ("note", "text")] {
        let record = |_: &Location| Ok(Some(Record::new(kind).with(field, Field::secret("x"))));
        let found = ask(&Memory::default(), &record, "protocol=https host=x");
        assert_eq!(found, Default::default(), "{kind}");
    }
}

#[test]
fn what_a_provider_names_is_not_stored_again() {
    let memory = Memory::default();
    let accounts = Accounts::new(&memory, "me");
    let sources = Sources { provided: &password, ..Sources::new(&accounts) };
    let store = |password: &str| {
        let text = format!("protocol=https\nhost=x\nusername=ann\npassword={password}\n");
        let request = Request::parse(text.as_bytes()).unwrap();
        super::super::store(&request, &sources, Timestamp::from_unix(NOW)).unwrap();
        accounts.contains(&Location::parse("https://ann@x").unwrap()).unwrap()
    };
    assert!(!store("of the provider"));
    assert!(store("another"));
}

#[test]
fn the_user_is_asked_before_something_new_is_stored() {
    let memory = Memory::default();
    let accounts = Accounts::new(&memory, "me");
    let (asked, answer) = (std::cell::Cell::new(0), std::cell::Cell::new(false));
    let confirm = |location: &Location| {
        assert_eq!(location.to_string(), "https://ann@x");
        asked.set(asked.get() + 1);
        Ok(answer.get())
    };
    let sources = Sources { confirm: Some(&confirm), ..Sources::new(&accounts) };
    let store = |password: &str| {
        let text = format!("protocol=https\nhost=x\nusername=ann\npassword={password}\n");
        let request = Request::parse(text.as_bytes()).unwrap();
        super::super::store(&request, &sources, Timestamp::from_unix(NOW)).unwrap();
        (asked.get(), accounts.contains(&Location::parse("https://ann@x").unwrap()).unwrap())
    };
    assert_eq!(store("a"), (1, false));
    answer.set(true);
    assert_eq!(store("a"), (2, true));
    assert_eq!(store("a"), (2, true));
    assert_eq!(store("b"), (3, true));
}
