use keyward_accounts::{Accounts, Listed};
use keyward_core::{EntryId, ErrorKind, Field, Record, Timestamp};
use keyward_kinds::{fields, names};
use keyward_origin::{Location, from_parts};

use crate::memory::Memory;

/// Any text as the list of an origin's accounts, after a first line that names the default account.
/// All accounts in the list have this origin. An account that is added is in the list afterwards,
/// together with only those that were there before.
pub fn accounts(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let (chosen, lines) = text.split_once('\n').unwrap_or(("", text));
    let origin = from_parts("https", "example.com").expect("an origin");
    let mut list = Record::new(names::ACCOUNTS).with(fields::ACCOUNTS, Field::open(lines));
    if !chosen.is_empty() {
        list = list.with(fields::DEFAULT, Field::open(chosen));
    }
    list.origins.push(origin.clone());
    let memory = Memory::default();
    let name = EntryId::new("me", Some("https://example.com")).expect("a name");
    memory.put(name, list);

    let accounts = Accounts::new(&memory, "me");
    let before = match accounts.list(&origin) {
        Ok(before) => before,
        Err(error) => return assert_eq!(error.kind(), ErrorKind::Corrupt, "{error:?}"),
    };
    assert!(before.iter().all(|listed| *listed.location.origin() == origin));
    let location = Location::new(origin.clone(), Some("new"), None).expect("a location");
    let token = |record: Record| Ok(record.with_kind(names::TOKEN));
    match accounts.keep(&location, Timestamp::from_unix(1), &token) {
        Ok(()) => {
            let after = accounts.list(&origin).expect("it was written just now");
            let is_new =
                |listed: &Listed| listed.location == location && listed.kind == names::TOKEN;
            assert!(after.iter().any(is_new), "{after:?}");
            let is_old = |listed: &Listed| before.iter().any(|old| old.location == listed.location);
            assert!(after.iter().all(|listed| is_new(listed) || is_old(listed)), "{after:?}");
        }
        Err(error) => assert_eq!(error.kind(), ErrorKind::Full, "{error:?}"),
    }
}
