//! The other processes of a case: what they do, and how the case talks to them.
//!
//! A child opens the storage, writes `ready` to its standard error, waits for a line on its standard
//! input, and does its job. The test harness writes to standard output, so nothing else does. When the
//! standard input ends, so does the child: it does not outlive the test.

use std::fmt::Display;
use std::io::{BufRead, BufReader, Lines, Write, stdin};
use std::process::{Child, ChildStderr, ChildStdin, Command, Stdio, exit};
use std::time::Duration;

use keyward_core::{ErrorKind, Exclusion, Expect, LockMode, Operation, Put, Storage};

use super::{any, entry};
use crate::Scratch;

/// The variable with the path of the scratch folder.
pub(super) const FOLDER: &str = "KEYWARD_TESTKIT_FOLDER";

/// The variable with the name of the job.
pub(super) const JOB: &str = "KEYWARD_TESTKIT_JOB";

/// What a child does.
#[derive(Clone, Copy, Debug)]
pub(super) enum Job {
    /// Puts 1, 2, 3, … and writes each number after it is stored.
    Write,
    /// Puts 1, 2, 3, … into all of [`bulk_entries`] at once, and writes each number after that.
    Bulk,
    /// Adds [`INCREMENTS`] to one number by compare-and-swap.
    Count,
    /// Puts [`FIRST_PUTS`] entries that must not exist, and writes the number of each that it made.
    First,
    /// Takes a lock, writes `held`, and keeps the lock.
    Hold,
}

/// The number that each [`Job::Count`] adds.
pub(super) const INCREMENTS: u64 = 50;

/// The number of entries that each [`Job::First`] puts.
pub(super) const FIRST_PUTS: u64 = 50;

/// How long a lease lasts.
pub(super) const TTL: Duration = Duration::from_secs(2);

impl Job {
    const ALL: [Self; 5] = [Self::Write, Self::Bulk, Self::Count, Self::First, Self::Hold];

    pub(super) fn name(self) -> String {
        format!("{self:?}")
    }

    fn run(self, storage: &dyn Storage) {
        match self {
            Self::Write => write(storage),
            Self::Bulk => bulk(storage),
            Self::Count => count(storage),
            Self::First => first(storage),
            Self::Hold => hold(storage),
        }
    }
}

/// Does the job that a case started this process for. Does nothing in any other process.
///
/// # Panics
/// If the storage fails.
#[expect(clippy::disallowed_methods, reason = "arguments would be those of the test harness")]
pub fn run_child(open: fn(&Scratch) -> Box<dyn Storage>) {
    let Some(folder) = std::env::var_os(FOLDER) else { return };
    let job = std::env::var(JOB).unwrap();
    let job = Job::ALL.into_iter().find(|known| known.name() == job).unwrap();
    let storage = open(&Scratch::given(folder));
    tell("ready");
    stdin().lines().next().unwrap().unwrap();
    std::thread::spawn(|| {
        let _ = stdin().lines().next();
        exit(1);
    });
    job.run(&*storage);
}

fn tell(line: impl Display) {
    let mut case = std::io::stderr();
    writeln!(case, "{line}").unwrap();
}

fn write(storage: &dyn Storage) {
    let id = entry("counter");
    for number in number_in(storage, "counter") + 1.. {
        storage.put(&id, padded(number).as_bytes(), &any()).unwrap();
        tell(number);
    }
}

fn bulk(storage: &dyn Storage) {
    let ids = bulk_entries().map(entry);
    let bulk = storage.abilities().bulk.unwrap();
    for number in number_in(storage, bulk_entries()[0]) + 1.. {
        let blob = padded(number).into_bytes();
        let puts = ids.each_ref().map(|id| Operation::Put(id, &blob, any()));
        bulk.apply(&puts).unwrap();
        tell(number);
    }
}

fn count(storage: &dyn Storage) {
    let id = entry("counter");
    let mut done = 0;
    while done < INCREMENTS {
        let (number, expect) = match storage.get(&id) {
            Ok(stored) => (parsed(&stored.blob), Expect::Revision(stored.revision())),
            Err(error) if error.is_miss() => (0, Expect::Absent),
            Err(error) => panic!("{error:?}"),
        };
        let next = padded(number + 1).into_bytes();
        match storage.put(&id, &next, &Put::expecting(expect)) {
            Ok(_) => done += 1,
            Err(error) if error.kind() == ErrorKind::Conflict => {}
            Err(error) => panic!("{error:?}"),
        }
    }
}

fn first(storage: &dyn Storage) {
    let blob = std::process::id().to_string();
    for number in 0..FIRST_PUTS {
        let put = Put::expecting(Expect::Absent);
        match storage.put(&entry(&number.to_string()), blob.as_bytes(), &put) {
            Ok(_) => tell(number),
            Err(error) => assert_eq!(error.kind(), ErrorKind::Conflict, "{error:?}"),
        }
    }
}

fn hold(storage: &dyn Storage) {
    let locks = storage.abilities().locks.unwrap();
    // A lock that ends with its holder must not need the time.
    let ttl = if locks.exclusion() == Exclusion::Lease { TTL } else { TTL * 1000 };
    let _lock = locks.lock(&entry("lock"), LockMode::Exclusive, Duration::ZERO, ttl).unwrap();
    tell("held");
    std::thread::park();
}

/// The names of the entries that a bulk changes together.
pub(super) const fn bulk_entries() -> [&'static str; 3] {
    ["first", "second", "third"]
}

/// The number in an entry, or 0 without one.
pub(super) fn number_in(storage: &dyn Storage, name: &str) -> u64 {
    match storage.get(&entry(name)) {
        Ok(stored) => parsed(&stored.blob),
        Err(error) if error.is_miss() => 0,
        Err(error) => panic!("{error:?}"),
    }
}

/// A blob for this number, large enough for several pages of a file.
fn padded(number: u64) -> String {
    format!("{number:<9000}")
}

/// The number of a blob that is there completely.
fn parsed(blob: &[u8]) -> u64 {
    let text = std::str::from_utf8(blob).unwrap();
    let number = text.trim_end().parse().unwrap();
    assert!(text == padded(number), "the blob of {number} is torn: {} bytes", text.len());
    number
}

/// A child that has opened the storage and waits.
#[derive(Debug)]
pub(super) struct Worker {
    process: Child,
    input: ChildStdin,
    lines: Lines<BufReader<ChildStderr>>,
}

impl Worker {
    pub(super) fn start(command: &mut Command) -> Self {
        let mut process = command
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let input = process.stdin.take().unwrap();
        let lines = BufReader::new(process.stderr.take().unwrap()).lines();
        let mut worker = Self { process, input, lines };
        let first = worker.hear();
        assert_eq!(first, "ready", "{:?}", worker.rest());
        worker
    }

    /// Lets it begin.
    pub(super) fn begin(&mut self) {
        self.input.write_all(b"begin\n").unwrap();
    }

    /// The next line that it writes.
    pub(super) fn hear(&mut self) -> String {
        self.lines.next().unwrap().unwrap()
    }

    /// The id of the process.
    pub(super) fn id(&self) -> u32 {
        self.process.id()
    }

    /// Kills it, and returns the lines that it had written completely.
    pub(super) fn kill(mut self) -> Vec<String> {
        self.process.kill().unwrap();
        self.rest()
    }

    /// Waits for its end, and returns the lines that it wrote.
    pub(super) fn finish(mut self) -> Vec<String> {
        let lines = self.rest();
        assert!(self.process.wait().unwrap().success(), "{}", lines.join("\n"));
        lines
    }

    fn rest(&mut self) -> Vec<String> {
        self.lines.by_ref().map_while(Result::ok).collect()
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
