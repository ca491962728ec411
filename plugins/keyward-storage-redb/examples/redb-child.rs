//! One of many processes that use a store at once: the tests start it and kill it.
//!
//! `redb-child PATH write` puts 1, 2, 3, … and prints each number once it is kept.
//! `redb-child PATH count N` adds one N times by compare-and-swap.

use std::io::Write;
use std::sync::Arc;

use keyward_plugin::{EntryId, ErrorKind, Expect, Host, Put, Registry, Storage, Value, Values};
use keyward_storage_redb as _;
use keyward_testkit::TestHost;

type Outcome = Result<(), Box<dyn std::error::Error>>;

fn main() -> Outcome {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let host: Arc<dyn Host> = Arc::new(TestHost::new());
    let path = Value::Text(arguments.first().cloned().unwrap_or_default());
    let storage = Registry::linked()?.open::<dyn Storage>(
        "redb",
        &Values::new().with("path", path),
        &host,
    )?;
    let id = EntryId::new("ann", Some("counter"))?;
    match arguments.get(2) {
        None => write(&*storage, &id),
        Some(times) => count(&*storage, &id, times.parse()?),
    }
}

fn write(storage: &dyn Storage, id: &EntryId) -> Outcome {
    let mut number = match storage.get(id) {
        Ok(stored) => String::from_utf8(stored.blob)?.trim_end().parse()?,
        Err(_) => 0_u64,
    };
    loop {
        number += 1;
        // Large enough to reach over several pages.
        let blob = format!("{number:<9000}");
        storage.put(id, blob.as_bytes(), &Put::expecting(Expect::Any))?;
        writeln!(std::io::stdout(), "{number}")?;
    }
}

fn count(storage: &dyn Storage, id: &EntryId, times: u64) -> Outcome {
    let mut done = 0;
    while done < times {
        let (number, expect) = match storage.get(id) {
            Ok(stored) => {
                let expect = Expect::Revision(stored.revision());
                (String::from_utf8(stored.blob)?.parse()?, expect)
            }
            Err(error) if error.is_miss() => (0_u64, Expect::Absent),
            Err(error) => return Err(error.into()),
        };
        let next = (number + 1).to_string();
        match storage.put(id, next.as_bytes(), &Put::expecting(expect)) {
            Ok(_) => done += 1,
            Err(error) if error.kind() == ErrorKind::Conflict => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}
