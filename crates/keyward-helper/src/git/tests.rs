use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use keyward_accounts::Accounts;
use keyward_core::{EntryId, ErrorKind, Field, Record, Result, Secret, Source, Timestamp};
use keyward_origin::Location;
use keyward_testkit::MemorySource as Memory;
use proptest::prelude::*;
use serde_json::Value;

use super::{Action, CAPABILITIES, Capabilities, Reply, Request};
use crate::Sources;

mod calls;
mod oauth;
mod provided;

const NOW: u64 = 1_000;
const LATER: u64 = 2_000;

/// Does what git asks for, with one word for each attribute, and returns what git would read.
fn say(memory: &Memory, action: Action, attributes: &str, now: u64) -> Result<String> {
    let input: String = attributes.split_whitespace().map(|line| format!("{line}\n")).collect();
    let request = Request::parse(input.as_bytes())?;
    let accounts = Accounts::new(memory, "me");
    let sources = Sources::new(&accounts);
    let now = Timestamp::from_unix(now);
    let reply = match action {
        Action::Get => super::get(&request, &sources, now)?,
        Action::Store => super::store(&request, &sources, now).map(|()| Reply::default())?,
        Action::Erase => super::erase(&request, &accounts, now).map(|()| Reply::default())?,
        Action::Capability => unreachable!("it takes no request"),
    };
    let reply = reply.encode()?;
    Ok(reply.expose_str().unwrap().split_whitespace().collect::<Vec<_>>().join(" "))
}

#[track_caller]
fn store(memory: &Memory, attributes: &str) {
    assert_eq!(say(memory, Action::Store, attributes, NOW).unwrap(), "");
}

#[track_caller]
fn erase(memory: &Memory, attributes: &str) {
    assert_eq!(say(memory, Action::Erase, attributes, NOW).unwrap(), "");
}

#[track_caller]
fn check(memory: &Memory, attributes: &str, expected: &str) {
    let reply = say(memory, Action::Get, attributes, NOW).unwrap();
    assert_eq!(reply, expected, "{attributes}");
}

fn record(memory: &Memory, name: &str) -> Record {
    memory.get(&EntryId::new("me", Some(name)).unwrap()).unwrap()
}

#[test]
fn only_four_words_are_actions() {
    assert_eq!(Action::from_word("get"), Some(Action::Get));
    assert_eq!(Action::from_word("erase"), Some(Action::Erase));
    for word in ["", "Get", "get ", "list"] {
        assert_eq!(Action::from_word(word), None);
    }
    assert!(CAPABILITIES.starts_with("version 0\n"));
}

#[test]
fn storing_what_get_just_gave_reads_one_entry() {
    let asked = "capability[]=authtype capability[]=state protocol=https host=x";
    for credential in [
        "username=ann password=pw",
        "username=ann password=pw oauth_refresh_token=R password_expiry_utc=2000",
        "authtype=Bearer credential=T",
        "authtype=Bearer credential=T username=ann",
    ] {
        let memory = Memory::default();
        store(&memory, &format!("{asked} {credential}"));
        let given = say(&memory, Action::Get, asked, NOW).unwrap();
        assert!(given.contains("state[]=keyward:"), "{given}");
        let again = format!("{asked} {given}");
        let _ = (memory.take_reads(), memory.take_writes());
        store(&memory, &again);
        assert_eq!((memory.take_reads(), memory.take_writes()), (1, 0), "{credential}");
        for changed in ["password=other", "credential=other", "host=y", "path=p", "protocol=http"] {
            store(&memory, &format!("{again} {changed}"));
            assert!(memory.take_reads() > 1, "{changed}");
        }
    }
    let memory = Memory::default();
    store(&memory, "protocol=https host=x username=ann password=pw");
    check(&memory, "protocol=https host=x", "username=ann password=pw");
}

#[test]
fn what_another_git_had_forgotten_meanwhile_is_stored_again() {
    let memory = Memory::default();
    let asked = "capability[]=state protocol=https host=x";
    store(&memory, "protocol=https host=x username=ann password=pw");
    let given = say(&memory, Action::Get, asked, NOW).unwrap();
    erase(&memory, "protocol=https host=x username=ann password=pw");
    store(&memory, &format!("{asked} {given}"));
    check(&memory, "protocol=https host=x", "username=ann password=pw");
}

#[test]
fn an_expired_account_does_not_hide_a_valid_one() {
    let memory = Memory::default();
    store(&memory, "protocol=https host=x username=old password=o password_expiry_utc=1500");
    store(&memory, "protocol=https host=x username=new password=n");
    let at = |now| say(&memory, Action::Get, "protocol=https host=x", now).unwrap();
    assert_eq!(at(NOW), "username=old password=o password_expiry_utc=1500");
    assert_eq!(at(LATER), "username=new password=n");
}

#[test]
fn what_is_stored_is_given() {
    let memory = Memory::default();
    check(&memory, "protocol=https host=x", "");
    store(&memory, "protocol=https host=x username=ann password=pw");
    check(&memory, "protocol=https host=x", "username=ann password=pw");
    check(&memory, "protocol=https host=X:443 username=ann", "username=ann password=pw");
    check(&memory, "url=https://x", "username=ann password=pw");
    for miss in [
        "protocol=http host=x",
        "protocol=https host=x:8443",
        "protocol=https host=y",
        "protocol=https host=x username=bob",
        "protocol=https host=x username=",
        "protocol=https host=x path=repo.git",
        "protocol=https",
        "host=x",
        "protocol= host=x",
        "protocol=https host=",
        "protocol=cert host= path=/certificate",
        "protocol=https host=x url=https://y",
    ] {
        check(&memory, miss, "");
    }
}

#[test]
fn what_was_just_given_is_not_written_again() {
    let memory = Memory::default();
    let all = "protocol=https host=x username=ann password=pw oauth_refresh_token=R password_expiry_utc=2000";
    store(&memory, all);
    memory.take_writes();
    let given = say(&memory, Action::Get, "protocol=https host=x", NOW).unwrap();
    assert_eq!(given, "username=ann password=pw oauth_refresh_token=R password_expiry_utc=2000");
    store(&memory, &format!("protocol=https host=x {given}"));
    store(&memory, "protocol=https host=x username=ann password=pw");
    assert_eq!(memory.take_writes(), 0);
}

#[test]
fn a_new_password_takes_the_place_of_the_old_grant() {
    let memory = Memory::default();
    store(
        &memory,
        "protocol=https host=x username=ann password=1 oauth_refresh_token=R password_expiry_utc=2000",
    );
    store(&memory, "protocol=https host=x username=ann password=2");
    check(&memory, "protocol=https host=x", "username=ann password=2");
    store(&memory, "protocol=https host=x username=ann password=2 password_expiry_utc=3000");
    check(&memory, "protocol=https host=x", "username=ann password=2 password_expiry_utc=3000");
    store(&memory, "protocol=https host=x username=ann password=2 oauth_refresh_token=S");
    check(
        &memory,
        "protocol=https host=x",
        "username=ann password=2 oauth_refresh_token=S password_expiry_utc=3000",
    );
}

#[test]
fn an_incomplete_credential_is_not_stored() {
    let memory = Memory::default();
    for attributes in [
        "protocol=https host=x",
        "protocol=https host=x username=ann",
        "protocol=https host=x password=pw",
        "protocol=https host=x username=ann oauth_refresh_token=R",
        "protocol=https host=x authtype=Bearer",
        "protocol=https host=x credential=T",
        "protocol=https host=x authtype=Bearer credential=",
        "protocol=https host=x authtype= credential=T",
        "protocol=https username=ann password=pw",
        "host=x username=ann password=pw",
        "protocol=https host=x username=ann password=pw ephemeral=1",
        "protocol=https host=x username=ann password=pw continue=yes",
        "protocol=https host=x username=ann password=pw password_expiry_utc=999",
        "protocol=https host=x username=ann password=pw password_expiry_utc=1000",
    ] {
        store(&memory, attributes);
        assert!(memory.records().is_empty(), "{attributes}");
    }
}

#[test]
fn empty_names_and_empty_passwords_are_kept() {
    let memory = Memory::default();
    store(&memory, "protocol=https host=x username= password=pw");
    store(&memory, "protocol=https host=x username=ann password=");
    store(&memory, "protocol=https host=y username= password=");
    check(&memory, "protocol=https host=x username=", "username= password=pw");
    check(&memory, "protocol=https host=x username=ann", "username=ann password=");
    check(&memory, "protocol=https host=y", "username= password=");
}

#[test]
fn only_what_matches_is_erased() {
    let memory = Memory::default();
    store(&memory, "protocol=https host=x username=ann password=pw");
    store(&memory, "protocol=https host=x username=bob password=pw");
    for attributes in [
        "protocol=https host=x username=ann password=other",
        "protocol=https host=x username=eve",
        "protocol=https host=x authtype=Bearer credential=pw",
        "protocol=http host=x",
        "protocol=https host=x path=repo.git",
        "protocol=https username=ann password=pw",
        "host=x username=ann password=pw",
        "",
    ] {
        erase(&memory, attributes);
        assert_eq!(memory.records().len(), 3, "{attributes}");
    }
    erase(&memory, "protocol=https host=x username=ann password=pw wwwauth[]=Basic");
    check(&memory, "protocol=https host=x", "username=bob password=pw");
    erase(&memory, "protocol=https host=x");
    assert!(memory.records().is_empty());
}

#[test]
fn a_header_is_given_only_to_a_git_with_authtype() {
    let memory = Memory::default();
    store(
        &memory,
        "capability[]=authtype protocol=https host=x authtype=Bearer credential=T password_expiry_utc=2000",
    );
    let given = "capability[]=authtype authtype=Bearer credential=T password_expiry_utc=2000";
    check(&memory, "capability[]=authtype protocol=https host=x", given);
    check(&memory, "protocol=https host=x", "");
    check(&memory, "capability[]=authtype capability[]= protocol=https host=x", "");
    check(&memory, "capability[]=authtype url=https://x", "");
    check(&memory, "capability[]=authtype protocol=https host=x username=ann", "");
    store(&memory, "protocol=https host=x username=ann password=pw");
    check(&memory, "protocol=https host=x", "username=ann password=pw");
    check(&memory, "capability[]=authtype protocol=https host=x", given);
    erase(&memory, "protocol=https host=x authtype=Bearer credential=other");
    check(&memory, "capability[]=authtype protocol=https host=x", given);
    erase(&memory, "protocol=https host=x authtype=Bearer credential=T");
    check(&memory, "capability[]=authtype protocol=https host=x", "username=ann password=pw");
}

#[test]
fn a_password_may_become_a_header_and_back() {
    let memory = Memory::default();
    let capable = "capability[]=authtype protocol=https host=x username=ann";
    store(&memory, "protocol=https host=x username=ann password=pw password_expiry_utc=2000");
    store(&memory, "protocol=https host=x username=ann authtype=Bearer credential=T");
    check(&memory, capable, "capability[]=authtype authtype=Bearer credential=T username=ann");
    let fields: Vec<_> = record(&memory, "https://ann@x").fields.into_keys().collect();
    assert_eq!(fields, ["credential", "scheme", "username"]);
    store(&memory, "protocol=https host=x username=ann password=pw");
    check(&memory, capable, "username=ann password=pw");
}

#[test]
fn a_record_of_a_kind_that_git_does_not_know_is_not_replaced() {
    let memory = Memory::default();
    let asked = "protocol=https host=x username=ann password=pw";
    store(&memory, asked);
    let token = record(&memory, "https://ann@x").with_kind("token");
    memory.put(&EntryId::new("me", Some("https://ann@x")).unwrap(), &token).unwrap();
    let refused = say(&memory, Action::Store, asked, NOW).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Exists);
    assert_eq!(record(&memory, "https://ann@x"), token);
}

#[test]
fn an_expired_credential_is_not_given_but_can_be_refreshed() {
    let memory = Memory::default();
    store(&memory, "protocol=https host=x username=ann password=pw password_expiry_utc=2000");
    store(
        &memory,
        "protocol=https host=y username=ann password=pw password_expiry_utc=2000 oauth_refresh_token=R",
    );
    store(
        &memory,
        "protocol=https host=z authtype=Bearer credential=T password_expiry_utc=2000 oauth_refresh_token=R",
    );
    for (attributes, expected) in [
        ("protocol=https host=x", ""),
        ("protocol=https host=y", "username=ann oauth_refresh_token=R"),
        ("capability[]=authtype protocol=https host=z", "oauth_refresh_token=R"),
    ] {
        assert_eq!(say(&memory, Action::Get, attributes, LATER).unwrap(), expected);
    }
    let refreshed = "protocol=https host=y username=ann password=new oauth_refresh_token=R password_expiry_utc=3000";
    say(&memory, Action::Store, refreshed, LATER).unwrap();
    let given = say(&memory, Action::Get, "protocol=https host=y", LATER).unwrap();
    assert_eq!(given, "username=ann password=new oauth_refresh_token=R password_expiry_utc=3000");
}

#[test]
fn a_password_that_outlived_its_expiry_has_none() {
    let memory = Memory::default();
    let ask = "protocol=https host=x";
    store(
        &memory,
        "protocol=https host=x username=ann password=pw oauth_refresh_token=R password_expiry_utc=2000",
    );
    say(&memory, Action::Store, "protocol=https host=x username=ann password=pw", LATER).unwrap();
    let given = say(&memory, Action::Get, ask, LATER).unwrap();
    assert_eq!(given, "username=ann password=pw oauth_refresh_token=R");
    let name = EntryId::new("me", Some("https://ann@x")).unwrap();
    let expired = record(&memory, "https://ann@x").with_expires(Some(Timestamp::from_unix(NOW)));
    memory.put(&name, &expired).unwrap();
    say(&memory, Action::Store, "protocol=https host=x username=ann password=pw", LATER).unwrap();
    let given = say(&memory, Action::Get, ask, LATER).unwrap();
    assert_eq!(given, "username=ann password=pw oauth_refresh_token=R");
}

#[test]
fn half_a_header_is_not_given() {
    let memory = Memory::default();
    store(&memory, "protocol=https host=x authtype=Bearer credential=T oauth_refresh_token=R");
    let mut half = record(&memory, "https://@x");
    half.fields.remove("scheme");
    memory.put(&EntryId::new("me", Some("https://@x")).unwrap(), &half).unwrap();
    let ask = "capability[]=authtype protocol=https host=x";
    check(&memory, ask, "oauth_refresh_token=R");
}

#[test]
fn a_record_expires_as_a_whole_too() {
    let memory = Memory::default();
    store(&memory, "protocol=https host=x username=ann password=pw");
    let expiring = record(&memory, "https://ann@x").with_expires(Some(Timestamp::from_unix(LATER)));
    memory.put(&EntryId::new("me", Some("https://ann@x")).unwrap(), &expiring).unwrap();
    let given = "username=ann password=pw password_expiry_utc=2000";
    check(&memory, "protocol=https host=x", given);
    memory.take_writes();
    store(&memory, &format!("protocol=https host=x {given}"));
    assert_eq!(memory.take_writes(), 0);
    assert_eq!(say(&memory, Action::Get, "protocol=https host=x", LATER).unwrap(), "");
    store(&memory, "protocol=https host=x username=ann password=new");
    check(&memory, "protocol=https host=x", "username=ann password=new");
}

#[test]
fn a_record_says_what_git_said() {
    let memory = Memory::default();
    store(
        &memory,
        "protocol=https host=x username=ann password=pw oauth_refresh_token=R password_expiry_utc=2000",
    );
    let kept = record(&memory, "https://ann@x");
    let shown: Vec<_> = kept
        .fields
        .iter()
        .map(|(name, field)| (name.as_str(), field.secret, field.expires.map(Timestamp::as_unix)))
        .collect();
    assert_eq!(kept.kind, "user-password");
    let expected =
        [("password", true, Some(2000)), ("refresh_token", true, None), ("username", false, None)];
    assert_eq!(shown, expected);
}

#[test]
fn a_record_that_no_line_can_hold_is_an_error() {
    let memory = Memory::default();
    store(&memory, "protocol=https host=x username=ann password=pw");
    let odd = record(&memory, "https://ann@x").with("password", Field::secret("canary\nhost=y"));
    memory.put(&EntryId::new("me", Some("https://ann@x")).unwrap(), &odd).unwrap();
    let error = say(&memory, Action::Get, "protocol=https host=x", NOW).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    assert!(!format!("{error:?}").contains("canary"));
}

#[test]
fn a_source_that_fails_is_an_error() {
    let memory = Memory::default();
    memory.fail_after(0);
    for action in [Action::Get, Action::Store, Action::Erase] {
        let said = say(&memory, action, "protocol=https host=x username=ann password=pw", NOW);
        assert_eq!(said.unwrap_err().kind(), ErrorKind::Unavailable);
    }
}

#[test]
fn every_attribute_is_read() {
    let request = Request::parse(
        b"capability[]=authtype\ncapability[]=state\ncapability[]=later\nprotocol=https\nhost=x\npath=/a/b/\n\
          username=ann\nusername=bob\npassword=p w\npassword_expiry_utc=12x\noauth_refresh_token=R\nauthtype=Bearer\n\
          credential=T\nephemeral=true\ncontinue=1\nstate[]=dropped\nstate[]=\nstate[]=a\nstate[]=b\n\
          wwwauth[]=Basic\trealm=\"\xfc\"\nquit=1\nunknown=1\nunknown[]=2\n\nhost=y\r\n",
    );
    let expected = Request {
        capabilities: Capabilities { authtype: true, state: true },
        location: Some(Location::parse("https://bob@x/a/b").unwrap()),
        refusal: None,
        password: Some("p w".into()),
        password_expiry_utc: Some(Timestamp::from_unix(12)),
        oauth_refresh_token: Some("R".into()),
        authtype: Some("Bearer".into()),
        credential: Some("T".into()),
        ephemeral: true,
        multistage: true,
        state: vec!["a".into(), "b".into()],
        wwwauth: vec![Secret::from(&b"Basic\trealm=\"\xfc\""[..])],
    };
    assert_eq!(request.unwrap(), expected);
}

#[test]
fn a_url_resets_all_attributes_before_it() {
    let request = Request::parse(
        b"capability[]=authtype\nusername=eve\npassword=1\nephemeral=1\nurl=https://ann:pw@x:8443/a\npath=b\n",
    );
    let expected = Request {
        location: Some(Location::parse("https://ann@x:8443/b").unwrap()),
        password: Some("pw".into()),
        ..Request::default()
    };
    assert_eq!(request.unwrap(), expected);
    let moved = Request::parse(b"url=https://ann@x:8443\nhost=y\nusername=bob").unwrap();
    assert_eq!(moved.location.unwrap().to_string(), "https://bob@y");
}

#[test]
fn an_invalid_expiry_is_ignored() {
    for text in ["", "0", "zzz", "-5", "99999999999999999999999"] {
        let request = Request::parse(format!("password_expiry_utc={text}").as_bytes()).unwrap();
        assert_eq!(request.password_expiry_utc, None, "{text}");
    }
}

#[test]
fn what_could_be_read_in_two_ways_is_refused() {
    for attributes in [
        "protocol=https\nhost=good.example\r\n",
        "protocol=https\nhost=good.example\t\n",
        "protocol=https\nhost=evil.example\u{2029}host=good.example\n",
        "protocol=https\nhost=good.example\nusername=a\u{85}b\n",
        "protocol=https\nhost=good.example\npassword=canary\rhost=y\n",
        "ephemeral=canary\n",
        "url=https:///good.example/\n",
        "url=https://evil.example\\@good.example/\n",
        "url=https://ann:canary@good.example@evil.example/\n",
        "url=canary\n",
        "url=\n",
    ] {
        let error = Request::parse(attributes.as_bytes()).err();
        let error = error.unwrap_or_else(|| panic!("{attributes:?}"));
        assert_eq!(error.kind(), ErrorKind::Invalid);
        assert!(!format!("{error} {error:?}").contains("canary"));
    }
    assert!(Request::parse(b"username=\xff\n").is_err());
}

#[test]
fn a_host_that_is_refused_has_a_reason() {
    let refusal = |attributes: &[u8]| Request::parse(attributes).unwrap().refusal;
    assert!(refusal(b"protocol=https\nhost=x.\n").unwrap().contains("ends with a dot"));
    assert_eq!(refusal(b"protocol=https\nhost=x\n"), None);
    assert_eq!(refusal(b"protocol=cert\nhost=\npath=/key\n"), None);
}

#[test]
fn an_ambiguous_location_is_none() {
    for attributes in [
        "protocol=https\nhost=good.example/x\n",
        "protocol=https\nhost=good.example@evil.example\n",
        "protocol=https\nhost=0x7f.1\n",
        "protocol=https\nhost=good.example\npath=a/../b\n",
        "protocol=ht tps\nhost=good.example\n",
        "protocol=tool\nhost=good.example\n",
        "protocol=cert\nhost=\npath=good.example\n",
        "protocol=https\n",
        "host=good.example\n",
    ] {
        assert_eq!(Request::parse(attributes.as_bytes()).unwrap().location, None, "{attributes}");
    }
}

#[test]
fn hostile_requests_get_nothing() {
    let file = include_str!("../../../../tests/vectors/own/git_credential_protocol.json");
    let file: Value = serde_json::from_str(file).unwrap();
    for case in file["cases"].as_array().unwrap() {
        let name = case["id"].as_str().unwrap();
        let input = STANDARD.decode(case["stdin_b64"].as_str().unwrap()).unwrap();
        let memory = Memory::default();
        store(&memory, "protocol=https host=good.example username=alice password=S3CRET-GOOD");
        let before = memory.records();
        let action = Action::from_word(case["op"].as_str().unwrap());
        let said = replay(&memory, action, &input);
        let expected = match name {
            "ok" | "ok-eof" | "case" | "unknown" => "username=alice\npassword=S3CRET-GOOD\n",
            _ => "",
        };
        assert_eq!(said.unwrap_or_default(), expected, "{name}");
        match name {
            "store-badexpiry" => assert_eq!(memory.records().len(), before.len() + 2, "{name}"),
            "erase-all-users" => assert!(memory.records().is_empty(), "{name}"),
            _ => assert_eq!(memory.records(), before, "{name}"),
        }
    }
}

/// Returns what git would read, if there is a reply.
fn replay(memory: &Memory, action: Option<Action>, input: &[u8]) -> Option<String> {
    let request = Request::parse(input).ok()?;
    let accounts = Accounts::new(memory, "me");
    let now = Timestamp::from_unix(NOW);
    match action? {
        Action::Get => {
            let reply =
                super::get(&request, &Sources::new(&accounts), now).unwrap().encode().unwrap();
            return reply.expose_str().map(str::to_owned);
        }
        Action::Store => super::store(&request, &Sources::new(&accounts), now).unwrap(),
        Action::Erase => super::erase(&request, &accounts, now).unwrap(),
        Action::Capability => {}
    }
    None
}

fn line() -> impl Strategy<Value = Vec<u8>> {
    let keys = "(protocol|host|path|username|password|password_expiry_utc|url|ephemeral|continue|quit|\
                capability\\[\\]|state\\[\\]|wwwauth\\[\\]|authtype|credential|oauth_refresh_token|x|)";
    let value = prop_oneof![
        "(https|x|https://x|https://a:b@x/p|authtype|1|)".prop_map(String::into_bytes),
        prop::collection::vec(any::<u8>(), 0..12),
    ];
    (keys, value).prop_map(|(key, value)| [key.as_bytes(), b"=", &value].concat())
}

proptest! {
    #[test]
    fn no_request_is_too_strange(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = Request::parse(&bytes);
    }

    #[test]
    fn what_is_accepted_is_unambiguous(lines in prop::collection::vec(line(), 0..8)) {
        let bytes = lines.join(&b'\n');
        if let Ok(request) = Request::parse(&bytes) {
            // An empty line may have ended it early.
            let read = bytes.split(|&byte| byte == b'\n').take_while(|line| !line.is_empty());
            prop_assert!(read.flatten().all(|&byte| byte >= b' ' || byte == b'\t'));
            if let Some(location) = request.location {
                prop_assert_eq!(&Location::parse(&location.to_string()).unwrap(), &location);
            }
        }
    }

    #[test]
    fn a_reply_reads_as_it_was_said(
        username in prop::option::of("\\PC{0,9}"),
        secrets in prop::array::uniform4(prop::option::of(prop::collection::vec(any::<u8>(), 0..9))),
        expiry in prop::option::of(1..u64::MAX),
    ) {
        let [password, credential, token, authtype] = secrets.map(|it| it.map(Secret::new));
        let reply = Reply {
            authtype,
            credential,
            username: username.clone().map(Secret::from),
            password,
            oauth_refresh_token: token,
            password_expiry_utc: expiry.map(Timestamp::from_unix),
            ..Reply::default()
        };
        if let Ok(said) = reply.encode() {
            let bytes = [b"protocol=https\nhost=x\n", said.expose()].concat();
            if let Ok(request) = Request::parse(&bytes) {
                let asks = reply.authtype.is_some() || reply.credential.is_some();
                prop_assert_eq!(request.capabilities.authtype, asks);
                let location = request.location.unwrap();
                prop_assert_eq!(location.account(), username.as_deref());
                prop_assert_eq!(request.authtype.map(Secret::from), reply.authtype);
                prop_assert_eq!(request.credential, reply.credential);
                prop_assert_eq!(request.password, reply.password);
                prop_assert_eq!(request.oauth_refresh_token, reply.oauth_refresh_token);
                prop_assert_eq!(request.password_expiry_utc, reply.password_expiry_utc);
            } else {
                // A value that is text in a request may be bytes in a reply.
                prop_assert!(reply.authtype.is_some_and(|it| it.expose_str().is_none_or(|it| it.contains('\t'))));
            }
        }
    }
}
