//! Storages with faults that show only when several processes use them or are killed.
#![expect(clippy::disallowed_methods, reason = "these files need not survive a power cut")]

use std::fs::{self, File};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::thread::sleep;
use std::time::Duration;

use keyward_testkit::Scratch;
use keyward_testkit::core::{
    Bulk, EntryId, Error, ErrorKind, Exclusion, Expect, Guard, LockMode, Locks, Operation, Page,
    Persistence, Put, Query, Result, Revision, Sharing, Storage, StorageAbilities, Stored,
};
use keyward_testkit::processes::{self, Processes, run_child};

type Case = fn(&Processes);

const CASES: &[(&str, Case)] = &[
    ("writer", processes::a_killed_writer_loses_nothing_it_acknowledged),
    ("bulk", processes::a_killed_bulk_is_done_or_not),
    ("increments", processes::processes_lose_no_increment),
    ("first puts", processes::one_of_many_first_puts_wins),
    ("lock", processes::a_lock_ends_with_its_killed_holder),
];

/// The faults, and the case that must find each.
const FAULTS: &[(&str, &str)] = &[
    ("acknowledges early", "writer"),
    ("writes in place", "writer"),
    ("bulk one by one", "bulk"),
    ("does not exclude", "increments"),
    ("does not exclude", "first puts"),
    ("lock file", "lock"),
];

#[test]
fn a_correct_storage_passes() {
    for (name, _) in CASES {
        assert!(passes("none", name), "{name}");
    }
}

#[test]
fn every_faulty_storage_is_caught_in_other_processes() {
    for (fault, case) in FAULTS {
        // Whether processes meet is a matter of chance, on a busy machine most of all.
        let is_caught = (0..10).any(|_| !passes(fault, case));
        assert!(is_caught, "{fault} is not caught by {case}");
    }
}

/// What the other processes do; nothing in this one.
#[test]
fn child() {
    run_child(open);
}

fn passes(fault: &str, name: &str) -> bool {
    let processes = Processes::new(open, concat!(module_path!(), "::child"));
    processes.scratch().file("fault", fault.as_bytes());
    fs::create_dir(processes.scratch().folder().join("store")).unwrap();
    let (_, case) = CASES.iter().find(|(known, _)| *known == name).unwrap();
    catch_unwind(AssertUnwindSafe(|| case(&processes))).is_ok()
}

fn open(scratch: &Scratch) -> Box<dyn Storage> {
    let fault = fs::read_to_string(scratch.folder().join("fault")).unwrap();
    Box::new(Files { folder: scratch.folder().join("store"), fault })
}

/// A file for each entry, and one file that is locked during each change.
#[derive(Debug)]
struct Files {
    folder: PathBuf,
    fault: String,
}

impl Files {
    fn has(&self, fault: &str) -> bool {
        self.fault == fault
    }

    fn path(&self, id: &EntryId) -> PathBuf {
        self.folder.join(id.name().unwrap())
    }

    fn lock_changes(&self) -> File {
        let file = File::create(self.folder.join(".changes")).unwrap();
        if !self.has("does not exclude") {
            file.lock().unwrap();
        }
        file
    }

    fn check(&self, id: &EntryId, expect: &Expect) -> Result<()> {
        let found = self.get(id).ok().map(|stored| stored.revision());
        let holds = match expect {
            Expect::Absent => found.is_none(),
            Expect::Revision(revision) => found.as_ref() == Some(revision),
            _ => true,
        };
        if holds { Ok(()) } else { Err(Error::new(ErrorKind::Conflict, "put")) }
    }

    fn write(&self, id: &EntryId, blob: &[u8]) {
        let path = self.path(id);
        if self.has("writes in place") {
            let (first, second) = blob.split_at(blob.len() / 2);
            fs::write(&path, first).unwrap();
            sleep(Duration::from_millis(1));
            return fs::write(&path, [first, second].concat()).unwrap();
        }
        let new = path.with_extension(std::process::id().to_string());
        fs::write(&new, blob).unwrap();
        fs::rename(&new, &path).unwrap();
    }
}

/// The revision of a blob: the number in it. The cases put no blob twice.
fn revision(blob: &[u8]) -> Revision {
    Revision::new(blob.trim_ascii_end()).unwrap()
}

impl Storage for Files {
    fn get(&self, id: &EntryId) -> Result<Stored> {
        let blob = fs::read(self.path(id)).map_err(|_| Error::new(ErrorKind::NotFound, "get"))?;
        let revision = revision(&blob);
        Ok(Stored::new(blob, revision))
    }

    fn put(&self, id: &EntryId, blob: &[u8], put: &Put) -> Result<Revision> {
        // Every second put, or no kill may fall between one of these and the next put.
        let even = blob.trim_ascii_end().last().is_some_and(|digit| digit % 2 == 0);
        if self.has("acknowledges early") && even {
            return Ok(revision(blob));
        }
        let _changes = self.lock_changes();
        self.check(id, &put.expect)?;
        self.write(id, blob);
        Ok(revision(blob))
    }

    fn delete(&self, _: &EntryId, _: &Expect) -> Result<()> {
        Err(Error::new(ErrorKind::NotFound, "delete"))
    }

    fn list(&self, _: &Query<'_>) -> Result<Page> {
        Ok(Page::default())
    }

    fn destroy(&self) -> Result<()> {
        Ok(())
    }

    fn abilities(&self) -> StorageAbilities<'_> {
        let abilities = StorageAbilities::new(Persistence::Durable, Sharing::Machine).locks(self);
        if self.has("bulk one by one") { abilities.bulk(self) } else { abilities }
    }
}

impl Bulk for Files {
    fn apply(&self, operations: &[Operation<'_>]) -> Result<Vec<Option<Revision>>> {
        let mut revisions = Vec::new();
        for operation in operations {
            let Operation::Put(id, blob, _) = operation else { panic!("no case deletes") };
            sleep(Duration::from_millis(1));
            self.write(id, blob);
            revisions.push(Some(revision(blob)));
        }
        Ok(revisions)
    }
}

impl Locks for Files {
    fn lock(
        &self,
        _: &EntryId,
        _: LockMode,
        wait: Duration,
        _: Duration,
    ) -> Result<Box<dyn Guard>> {
        let path = self.folder.join(".lock");
        for _ in 0..=wait.as_millis() {
            if self.has("lock file") {
                if File::create_new(&path).is_ok() {
                    return Ok(Box::new(Held(None)));
                }
            } else {
                let file = File::create(&path).unwrap();
                if file.try_lock().is_ok() {
                    return Ok(Box::new(Held(Some(file))));
                }
            }
            sleep(Duration::from_millis(1));
        }
        Err(Error::new(ErrorKind::Locked, "lock"))
    }

    fn exclusion(&self) -> Exclusion {
        Exclusion::Holder
    }
}

#[derive(Debug)]
struct Held(#[expect(dead_code, reason = "the file is locked while it is open")] Option<File>);

impl Guard for Held {
    fn renew(&mut self, _: Duration) -> Result<()> {
        Ok(())
    }
}
