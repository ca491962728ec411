use keyward_core::ErrorKind;
use proptest::prelude::*;

use super::*;
use crate::LocalKeycards;

const NOW: Timestamp = Timestamp::from_unix(1_000_000);
const TIMES: Times = Times { fresh: Duration::from_mins(5), life: Duration::from_hours(1) };

fn open(source: &Arc<LocalKeycards>) -> Cookies {
    let entry = EntryId::new("cookies", None).unwrap();
    Cookies::open(source.clone(), entry, TIMES).unwrap()
}

fn id() -> KeycardId {
    KeycardId::parse("00112233445566778899aabbccddeeff").unwrap()
}

fn later(seconds: u64) -> Timestamp {
    NOW.after(Duration::from_secs(seconds))
}

#[test]
fn fl_56_a_cookie_is_valid_old_or_nothing() {
    let cookies = open(&Arc::default());
    let cookie = cookies.sign(&id(), "site", Some("192.0.2.1"), NOW).unwrap();
    let check = |audience, address, now| cookies.check(&cookie, audience, address, now).unwrap();
    let home = Some("192.0.2.1");
    assert_eq!(check("site", home, NOW), Signed::Valid(id()));
    assert_eq!(check("site", home, later(299)), Signed::Valid(id()));
    assert_eq!(check("site", home, later(300)), Signed::Renew(id()));
    assert_eq!(check("site", home, later(3599)), Signed::Renew(id()));
    assert_eq!(check("site", home, later(3600)), Signed::Invalid);
    assert_eq!(check("other", home, NOW), Signed::Invalid);
    assert_eq!(check("site", Some("192.0.2.2"), NOW), Signed::Invalid);
    assert_eq!(check("site", None, NOW), Signed::Invalid);
    let past = Timestamp::from_unix(NOW.as_unix() - 61);
    assert_eq!(check("site", home, past), Signed::Invalid);
}

#[test]
fn fl_57_a_renewed_cookie_names_the_same_keycard() {
    let cookies = open(&Arc::default());
    let cookie = cookies.sign(&id(), "site", None, NOW).unwrap();
    let Signed::Renew(kept) = cookies.check(&cookie, "site", None, later(400)).unwrap() else {
        panic!("it is not old");
    };
    let renewed = cookies.sign(&kept, "site", None, later(400)).unwrap();
    assert_eq!(cookies.check(&renewed, "site", None, later(400)).unwrap(), Signed::Valid(id()));
}

#[test]
fn copies_share_keys_and_notice_new_ones() {
    let source = Arc::default();
    let (one, two) = (open(&source), open(&source));
    let old = one.sign(&id(), "site", None, NOW).unwrap();
    assert_eq!(two.check(&old, "site", None, NOW).unwrap(), Signed::Valid(id()));
    one.rotate().unwrap();
    let new = one.sign(&id(), "site", None, NOW).unwrap();
    assert_eq!(two.check(&new, "site", None, NOW).unwrap(), Signed::Valid(id()));
    assert_eq!(two.check(&old, "site", None, NOW).unwrap(), Signed::Renew(id()));
    one.rotate().unwrap();
    one.rotate().unwrap();
    assert_eq!(one.check(&old, "site", None, NOW).unwrap(), Signed::Invalid);
    // Another server has other keys.
    assert_eq!(open(&Arc::default()).check(&new, "site", None, NOW).unwrap(), Signed::Invalid);
}

#[test]
fn every_bit_of_a_cookie_counts() {
    let cookies = open(&Arc::default());
    let cookie = cookies.sign(&id(), "site", None, NOW).unwrap();
    let bytes = URL_SAFE_NO_PAD.decode(&cookie).unwrap();
    for bit in 0..bytes.len() * 8 {
        let mut changed = bytes.clone();
        changed[bit / 8] ^= 1 << (bit % 8);
        let changed = URL_SAFE_NO_PAD.encode(changed);
        assert_eq!(cookies.check(&changed, "site", None, NOW).unwrap(), Signed::Invalid, "{bit}");
    }
    for length in 0..cookie.len() {
        let part = &cookie[..length];
        assert_eq!(cookies.check(part, "site", None, NOW).unwrap(), Signed::Invalid);
    }
    let huge = "A".repeat(1 << 20);
    assert_eq!(cookies.check(&huge, "site", None, NOW).unwrap(), Signed::Invalid);
}

#[test]
fn an_entry_that_contains_something_else_is_left_alone() {
    let source = Arc::new(LocalKeycards::default());
    let entry = EntryId::new("cookies", None).unwrap();
    let record = Record::new("token").with("token", Field::secret("t"));
    let put = record.clone();
    source.update(&entry, &mut |_| Ok(Change::Put(Box::new(put.clone())))).unwrap();
    let error = Cookies::open(source.clone(), entry.clone(), TIMES).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Corrupt);
    assert_eq!(source.get(&entry).unwrap(), record);
}

proptest! {
    #[test]
    fn any_text_is_checked(text in "[A-Za-z0-9_-]{70,90}|\\PC{0,100}") {
        let cookies = open(&Arc::default());
        prop_assert_eq!(cookies.check(&text, "site", None, NOW).unwrap(), Signed::Invalid);
    }
}
