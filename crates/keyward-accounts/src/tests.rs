use keyward_core::{EntryId, ErrorKind, Field, Origin, Record, Result, Source, Timestamp};
use keyward_origin::Location;
use keyward_testkit::MemorySource as Memory;

use super::{Accounts, Kinds, MAX_ACCOUNTS, Unbound};

mod model;

const KIND: &str = "user-password";
const KINDS: Kinds<'_> = Kinds::Only(&[KIND]);

fn now() -> Timestamp {
    Timestamp::from_unix(1_000)
}

fn parse(url: &str) -> Location {
    Location::parse(url).unwrap()
}

fn id(name: &str) -> EntryId {
    EntryId::new("me", Some(name)).unwrap()
}

fn accounts(memory: &Memory) -> Accounts<'_> {
    Accounts::new(memory, "me")
}

fn user_password(username: Option<&str>, password: &str) -> Record {
    let record = Record::new(KIND).with("password", Field::secret(password));
    username.map_or(record.clone(), |name| record.with("username", Field::open(name)))
}

/// Sets the fields that are known here.
fn set(username: Option<&str>, password: &str) -> impl Fn(Record) -> Result<Record> {
    let new = user_password(username, password);
    move |mut old| {
        old.kind.clone_from(&new.kind);
        old.fields.remove("username");
        old.fields.extend(new.fields.clone());
        Ok(old)
    }
}

fn keep(memory: &Memory, url: &str, password: &str) {
    let location = parse(url);
    accounts(memory).keep(&location, now(), &set(location.account(), password)).unwrap();
}

/// Writes a record without the help of accounts.
fn plant(memory: &Memory, name: &str, record: Record, origin: Option<&str>) {
    let origins = origin.map(|url| parse(url).origin().clone()).into_iter().collect();
    memory.put(&id(name), &record.with_origins(origins)).unwrap();
}

/// Checks which password is found; an empty text means none.
#[track_caller]
fn check(memory: &Memory, wanted: &str, expected: &str) {
    check_in(accounts(memory), memory, wanted, expected);
}

#[track_caller]
fn check_in(accounts: Accounts<'_>, memory: &Memory, wanted: &str, expected: &str) {
    memory.take_reads();
    let found = accounts.find(&parse(wanted), KINDS, &|_| true).unwrap();
    assert!(memory.take_reads() <= 3, "{wanted}");
    let password = found.map(|account| account.record.field("password").unwrap().value.clone());
    let password = password.unwrap_or_default();
    assert_eq!(password.expose_str(), Some(expected), "{wanted}");
}

fn forget(memory: &Memory, wanted: &str, password: Option<&str>) -> usize {
    let is_selected = |record: &Record| {
        password.is_none_or(|it| record.field("password").unwrap().value == it.into())
    };
    accounts(memory).forget(&parse(wanted), KINDS, now(), &is_selected).unwrap()
}

fn listed(memory: &Memory, origin: &str) -> Vec<String> {
    let listed = accounts(memory).list(parse(origin).origin()).unwrap();
    listed.iter().map(|it| it.location.to_string()).collect()
}

#[test]
fn an_account_is_found_by_what_the_request_names() {
    let memory = Memory::default();
    keep(&memory, "https://ann@x", "ann");
    keep(&memory, "https://bob@x", "bob");
    keep(&memory, "https://bob@x/team/repo.git", "repo");
    check(&memory, "https://x", "ann");
    check(&memory, "https://bob@x", "bob");
    check(&memory, "https://x/team/repo.git", "repo");
    check(&memory, "https://bob@x/team/repo.git", "repo");
    for miss in [
        "http://x",
        "https://x:8443",
        "https://y",
        "https://x.y",
        "https://eve@x",
        "https://@x",
        "https://ann@x/team/repo.git",
        "https://x/team",
        "https://x/team/repo.git/info",
        "https://x/Team/repo.git",
    ] {
        check(&memory, miss, "");
    }
}

#[test]
fn an_account_with_a_path_alone_is_found_without_it() {
    let memory = Memory::default();
    keep(&memory, "https://ann@x/repo.git", "repo");
    check(&memory, "https://x", "repo");
    check(&memory, "https://ann@x", "repo");
    check(&memory, "https://bob@x", "");
}

#[test]
fn of_several_accounts_the_chosen_one_comes_first_then_the_oldest_without_a_path() {
    let memory = Memory::default();
    keep(&memory, "https://eve@x/repo.git", "eve");
    keep(&memory, "https://zoe@x", "zoe");
    keep(&memory, "https://ann@x", "ann");
    check(&memory, "https://x", "zoe");
    let origin = parse("https://x").origin().clone();
    let choose = |account| accounts(&memory).set_default(&origin, account, now());
    choose(Some("ann")).unwrap();
    check(&memory, "https://x", "ann");
    choose(Some("eve")).unwrap();
    check(&memory, "https://x", "eve");
    assert!(accounts(&memory).list(&origin).unwrap()[0].is_default);
    assert!(choose(Some("nobody")).unwrap_err().is_miss());
    choose(None).unwrap();
    check(&memory, "https://x", "zoe");
}

#[test]
fn the_default_account_is_unset_with_its_last_entry() {
    let memory = Memory::default();
    for url in ["https://zoe@x", "https://ann@x", "https://ann@x/repo.git"] {
        keep(&memory, url, "pw");
    }
    accounts(&memory).set_default(parse("https://x").origin(), Some("ann"), now()).unwrap();
    forget(&memory, "https://ann@x/repo.git", None);
    keep(&memory, "https://ann@x", "ann");
    check(&memory, "https://x", "ann");
    forget(&memory, "https://ann@x", None);
    keep(&memory, "https://ann@x", "ann");
    check(&memory, "https://x", "pw");
}

#[test]
fn a_look_up_reads_three_entries_however_many_there_are() {
    let memory = Memory::default();
    for number in 0..30 {
        keep(&memory, &format!("https://u{number}@x"), &format!("p{number}"));
        keep(&memory, &format!("https://u{number}@x/repo.git"), "repo");
    }
    // `check` counts.
    check(&memory, "https://x", "p0");
    check(&memory, "https://u29@x", "p29");
    check(&memory, "https://nobody@x", "");
    memory.erase(&id("https://u0@x")).unwrap();
    memory.erase(&id("https://u7@x")).unwrap();
    check(&memory, "https://x", "p1");
    check(&memory, "https://u7@x", "repo");
}

#[test]
fn a_record_is_given_to_its_own_origins_whatever_its_name() {
    let memory = Memory::default();
    plant(&memory, "https://ann@x", user_password(Some("ann"), "other"), Some("https://y"));
    plant(&memory, "https://bob@x", user_password(Some("bob"), "none"), None);
    plant(&memory, "https://y", user_password(Some("eve"), "whole"), Some("http://y"));
    for wanted in ["https://x", "https://ann@x", "https://bob@x", "https://y", "https://eve@y"] {
        check(&memory, wanted, "");
    }
    check(&memory, "http://y", "");
}

#[test]
fn a_record_without_an_origin_is_given_by_choice_alone() {
    let memory = Memory::default();
    let giving = accounts(&memory).with_unbound(Unbound::Give);
    plant(&memory, "https://ann@x", user_password(Some("ann"), "ann"), None);
    plant(&memory, "https://x", user_password(Some("bob"), "whole"), None);
    plant(&memory, "https://eve@x", user_password(Some("eve"), "bound"), Some("https://y"));
    for (wanted, given) in [
        ("https://ann@x", "ann"),
        ("https://x", "whole"),
        ("https://bob@x", "whole"),
        ("https://eve@x", ""),
        ("https://x/repo.git", ""),
        ("http://x", ""),
    ] {
        check_in(giving, &memory, wanted, given);
        check(&memory, wanted, "");
    }
}

#[test]
fn a_record_for_the_whole_origin_is_kept_where_it_is() {
    let memory = Memory::default();
    plant(&memory, "https://x", user_password(Some("bob"), "old"), Some("https://x"));
    memory.take_writes();
    keep(&memory, "https://bob@x", "old");
    assert_eq!(memory.take_writes(), 0);
    keep(&memory, "https://bob@x", "new");
    assert_eq!(memory.take_writes(), 1);
    check(&memory, "https://x", "new");
    let refused = accounts(&memory).keep(&parse("https://ann@x"), now(), &set(Some("ann"), "pw"));
    assert_eq!(refused.unwrap_err().kind(), ErrorKind::Exists);
    assert_eq!(memory.records().len(), 1);
    assert_eq!(forget(&memory, "https://bob@x", Some("old")), 0);
    assert_eq!(forget(&memory, "https://bob@x", Some("new")), 1);
    assert!(memory.records().is_empty());
}

#[test]
fn an_entry_that_accounts_did_not_make_is_never_changed() {
    let memory = Memory::default();
    plant(&memory, "https://x", user_password(Some("ann"), "own"), None);
    plant(&memory, "https://ann@y", user_password(Some("ann"), "own"), None);
    plant(&memory, "https://z", Record::new("accounts"), Some("https://y"));
    let before = memory.records();
    for url in ["https://ann@x", "https://bob@x", "https://ann@y", "https://ann@z"] {
        let refused = accounts(&memory).keep(&parse(url), now(), &set(Some("ann"), "pw"));
        assert_eq!(refused.unwrap_err().kind(), ErrorKind::Exists, "{url}");
        assert_eq!(forget(&memory, url, None), 0, "{url}");
    }
    let refused = accounts(&memory).set_default(parse("https://x").origin(), None, now());
    assert_eq!(refused.unwrap_err().kind(), ErrorKind::Exists);
    assert!(listed(&memory, "https://x").is_empty());
    assert_eq!(memory.records(), before);
}

#[test]
fn what_is_there_already_is_not_written() {
    let memory = Memory::default();
    keep(&memory, "https://ann@x", "pw");
    memory.take_writes();
    memory.take_reads();
    keep(&memory, "https://ann@x", "pw");
    assert_eq!((memory.take_reads(), memory.take_writes()), (2, 0));
}

#[test]
fn what_others_added_to_a_record_stays() {
    let memory = Memory::default();
    keep(&memory, "https://ann@x", "old");
    let mut record = memory.get(&id("https://ann@x")).unwrap();
    record.labels.insert("team".into(), "red".into());
    memory.put(&id("https://ann@x"), &record.clone().with("note", Field::open("n"))).unwrap();
    let later = Timestamp::from_unix(2_000);
    accounts(&memory).keep(&parse("https://ann@x"), later, &set(Some("ann"), "new")).unwrap();
    let kept = memory.get(&id("https://ann@x")).unwrap();
    assert_eq!((kept.created, kept.updated), (now(), later));
    assert_eq!(kept.labels, record.labels);
    assert!(kept.field("note").is_some());
    assert_eq!(kept.origins, [parse("https://x").origin().clone()]);
}

#[test]
fn accounts_stored_at_the_same_moment_are_all_listed() {
    let memory = Memory::default();
    memory.meanwhile(|memory| {
        memory.meanwhile(|memory| {
            memory.meanwhile(|memory| keep(memory, "https://eve@x", "eve"));
            keep(memory, "https://bob@x", "bob");
        });
        keep(memory, "https://ann@x", "ann");
    });
    keep(&memory, "https://ann@x", "late");
    keep(&memory, "https://zoe@x", "zoe");
    let mut names = listed(&memory, "https://x");
    names.sort_unstable();
    assert_eq!(names, ["https://ann@x", "https://bob@x", "https://eve@x", "https://zoe@x"]);
    check(&memory, "https://ann@x", "late");
}

#[test]
fn only_what_matches_is_forgotten() {
    let memory = Memory::default();
    for url in ["https://ann@x", "https://ann@x/repo.git", "https://bob@x", "https://ann@y"] {
        keep(&memory, url, "pw");
    }
    assert_eq!(forget(&memory, "https://ann@x", Some("other")), 0);
    assert_eq!(forget(&memory, "https://eve@x", None), 0);
    assert_eq!(forget(&memory, "http://x", None), 0);
    assert_eq!(forget(&memory, "https://ann@x/repo.git", Some("pw")), 1);
    assert_eq!(listed(&memory, "https://x"), ["https://ann@x", "https://bob@x"]);
    assert_eq!(forget(&memory, "https://x", None), 2);
    check(&memory, "https://ann@y", "pw");
    assert_eq!(memory.records().len(), 2, "one account and its list");
}

#[test]
fn a_password_stored_while_another_is_forgotten_stays() {
    let memory = Memory::default();
    keep(&memory, "https://ann@x", "old");
    // Once before the entry is off the list, and once between that and its removal.
    memory.meanwhile(|memory| keep(memory, "https://ann@x", "newer"));
    assert_eq!(forget(&memory, "https://ann@x", Some("old")), 0);
    check(&memory, "https://x", "newer");
    memory.meanwhile(|memory| {
        memory.meanwhile(|memory| keep(memory, "https://ann@x", "new"));
    });
    assert_eq!(forget(&memory, "https://ann@x", Some("newer")), 0);
    check(&memory, "https://ann@x", "new");
    check(&memory, "https://x", "new");
}

#[test]
fn lines_without_an_entry_are_removed() {
    let memory = Memory::default();
    for name in ["a", "b", "c", "d"] {
        keep(&memory, &format!("https://{name}@x"), name);
    }
    for name in ["a", "b", "c"] {
        memory.erase(&id(&format!("https://{name}@x"))).unwrap();
    }
    check(&memory, "https://x", "");
    keep(&memory, "https://e@x", "e");
    check(&memory, "https://x", "d");
    assert_eq!(listed(&memory, "https://x"), ["https://d@x", "https://e@x"]);
    memory.erase(&id("https://d@x")).unwrap();
    forget(&memory, "https://d@x", Some("whatever"));
    assert_eq!(listed(&memory, "https://x"), ["https://e@x"]);
}

#[test]
fn an_entry_that_was_removed_is_taken_off_the_list_whatever_its_kind() {
    let memory = Memory::default();
    let token = |old: Record| Ok(old.with_kind("token"));
    for name in ["ann", "bob"] {
        let location = parse(&format!("https://{name}@x"));
        accounts(&memory).keep(&location, now(), &token).unwrap();
    }
    memory.erase(&id("https://ann@x")).unwrap();
    accounts(&memory).unlist(&parse("https://ann@x"), now()).unwrap();
    assert_eq!(listed(&memory, "https://x"), ["https://bob@x"]);
}

#[test]
fn an_entry_that_is_made_again_stays_listed() {
    let memory = Memory::default();
    keep(&memory, "https://ann@x", "old");
    memory.erase(&id("https://ann@x")).unwrap();
    memory.meanwhile(|memory| keep(memory, "https://ann@x", "new"));
    accounts(&memory).unlist(&parse("https://ann@x"), now()).unwrap();
    assert_eq!(listed(&memory, "https://x"), ["https://ann@x"]);
}

#[test]
fn an_account_with_an_empty_name_differs_from_no_account() {
    let memory = Memory::default();
    let location = parse("https://x");
    accounts(&memory).keep(&location, now(), &set(None, "token")).unwrap();
    assert_eq!(listed(&memory, "https://x"), ["https://@x"]);
    check(&memory, "https://x", "token");
    check(&memory, "https://@x", "");
    keep(&memory, "https://@x", "nameless");
    check(&memory, "https://@x", "nameless");
    check(&memory, "https://x", "nameless");
}

#[test]
fn a_record_under_another_accounts_name_is_not_given_as_that_account() {
    let memory = Memory::default();
    keep(&memory, "https://ann@x", "pw");
    let renamed = memory.get(&id("https://ann@x")).unwrap().with("username", Field::open("bob"));
    memory.put(&id("https://ann@x"), &renamed).unwrap();
    check(&memory, "https://ann@x", "");
    check(&memory, "https://x", "pw");
    assert_eq!(forget(&memory, "https://ann@x", None), 0);
}

#[test]
fn only_the_kinds_that_are_asked_for_are_given() {
    let memory = Memory::default();
    let token =
        |_| Ok(Record::new("token").with_origins(vec![parse("https://x").origin().clone()]));
    accounts(&memory).keep(&parse("https://x"), now(), &token).unwrap();
    accounts(&memory).keep(&parse("https://ann@x"), now(), &token).unwrap();
    check(&memory, "https://x", "");
    keep(&memory, "https://bob@x", "pw");
    check(&memory, "https://x", "pw");
    keep(&memory, "https://ann@x", "now a password");
    check(&memory, "https://ann@x", "now a password");
    assert_eq!(forget(&memory, "https://x", None), 2);
    assert_eq!(listed(&memory, "https://x"), ["https://@x"]);
}

#[test]
fn accounts_of_any_kind_are_found_and_forgotten_but_not_a_list() {
    let memory = Memory::default();
    let token = |old: Record| Ok(old.with_kind("token"));
    accounts(&memory).keep(&parse("https://ann@x"), now(), &token).unwrap();
    keep(&memory, "https://bob@x", "pw");
    let list = memory.get(&id("https://x")).unwrap();
    // Where another origin's list is in place of this one's.
    plant(&memory, "https://y", list, None);
    let any = accounts(&memory).with_unbound(Unbound::Give);
    for (url, count) in [("https://y", 0), ("https://x", 2)] {
        assert_eq!(any.find(&parse(url), Kinds::Any, &|_| true).unwrap().is_some(), count > 0);
        assert_eq!(any.forget(&parse(url), Kinds::Any, now(), &|_| true).unwrap(), count);
    }
    assert!(listed(&memory, "https://x").is_empty());
}

#[test]
fn an_origin_has_at_most_max_accounts() {
    let memory = Memory::default();
    keep(&memory, "https://u0@x", "pw");
    let lines: String =
        (0..MAX_ACCOUNTS).map(|number| format!("https://u{number}@x {KIND}\n")).collect();
    let list = memory.get(&id("https://x")).unwrap().with("accounts", Field::open(lines));
    memory.put(&id("https://x"), &list).unwrap();
    let entries = memory.records().len();
    let refused = accounts(&memory).keep(&parse("https://ann@x"), now(), &set(Some("ann"), "pw"));
    assert_eq!(refused.unwrap_err().kind(), ErrorKind::Full);
    assert_eq!(memory.records().len(), entries);
    keep(&memory, "https://u0@x", "changed");
    check(&memory, "https://x", "changed");
    keep(&memory, "https://ann@y", "pw");
}

#[test]
fn a_location_too_long_for_a_name_is_a_miss_and_is_not_stored() {
    let memory = Memory::default();
    let url = format!("https://{}@x", "a".repeat(1_100));
    check(&memory, &url, "");
    assert_eq!(forget(&memory, &url, None), 0);
    let refused = accounts(&memory).keep(&parse(&url), now(), &set(None, "pw"));
    assert_eq!(refused.unwrap_err().kind(), ErrorKind::Invalid);
}

#[test]
fn a_source_that_fails_is_never_a_miss() {
    let memory = Memory::default();
    keep(&memory, "https://ann@x", "pw");
    memory.fail_after(0);
    let it = accounts(&memory);
    let x = parse("https://x");
    let ann = parse("https://ann@x");
    let errors = [
        it.find(&x, KINDS, &|_| true).unwrap_err(),
        it.find(&ann, KINDS, &|_| true).unwrap_err(),
        it.keep(&ann, now(), &set(None, "pw")).unwrap_err(),
        it.forget(&ann, KINDS, now(), &|_| true).unwrap_err(),
        it.list(x.origin()).unwrap_err(),
        it.set_default(x.origin(), None, now()).unwrap_err(),
    ];
    assert!(errors.iter().all(|error| error.kind() == ErrorKind::Unavailable));
}

#[test]
fn a_damaged_list_is_an_error() {
    let memory = Memory::default();
    keep(&memory, "https://ann@x", "pw");
    let list = memory.get(&id("https://x")).unwrap();
    for text in ["canary", "canary user-password", "https://ann@x", "\n"] {
        let damaged = list.clone().with("accounts", Field::open(text));
        memory.put(&id("https://x"), &damaged).unwrap();
        let error = accounts(&memory).find(&parse("https://x"), KINDS, &|_| true).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Corrupt);
        assert!(!format!("{error:?}").contains("canary"));
    }
}

#[test]
fn the_list_of_accounts_is_a_record_of_the_origin() {
    let memory = Memory::default();
    keep(&memory, "https://ann@x", "pw");
    keep(&memory, "https://x:443/team/repo.git", "pw");
    let list = memory.get(&id("https://x")).unwrap();
    assert_eq!((list.created, list.updated), (now(), now()));
    let origin = Origin { scheme: "https".into(), host: "x".into(), port: 443 };
    assert_eq!((list.kind.as_str(), &list.origins[..]), ("accounts", &[origin][..]));
    let lines = list.field("accounts").unwrap().value.expose_str().unwrap();
    assert_eq!(lines, "https://ann@x user-password\nhttps://@x/team/repo.git user-password\n");
}

#[test]
fn kept_accounts_are_those_for_which_keep_has_nothing_to_do() {
    let memory = Memory::default();
    keep(&memory, "https://ann@x", "pw");
    keep(&memory, "https://x/team", "pw");
    keep(&memory, "https://bob@x", "pw");
    // It is listed as another kind.
    let bob = memory.get(&id("https://bob@x")).unwrap();
    let mut token = bob.clone();
    token.kind = "token".into();
    memory.put(&id("https://bob@x"), &token).unwrap();
    plant(&memory, "https://eve@x", bob.clone(), Some("https://x"));
    plant(&memory, "https://ann@y", bob.clone(), None);
    plant(&memory, "https://z", bob, Some("https://z"));
    let long = format!("https://ann@x/{}", "p".repeat(keyward_core::MAX_NAME));
    let found = [
        ("https://ann@x", true),
        ("https://x/team", true),
        ("https://bob@x", false),
        ("https://eve@x", false),
        (&long, false),
        ("https://ann@y", false),
        ("https://z", false),
        ("https://absent@x", false),
        ("https://ann@x", true),
    ];
    let locations = found.map(|(url, _)| parse(url));
    let kept = accounts(&memory).kept(&locations).unwrap();
    let kept: Vec<_> = kept.iter().map(Option::is_some).collect();
    assert_eq!(kept, found.map(|(_, is_kept)| is_kept));
}
