//! The contract of every serializer.

mod records;

use std::time::{Duration, Instant};

use keyward_core::{ErrorKind, Field, Form, MAX_ITEMS, MAX_RECORD, Record, Secret, Serializer};
use proptest::prelude::{any, prop};
use proptest::test_runner::{Config, TestRunner};

use crate::check::{everything_shown, fails, hides};
use crate::{Subject, vectors};
use records::{full, origin, record};

cases! {
    $
    /// Tests a serializer: `serializer_suite!(Json, |scratch| Values::new())`.
    serializer_suite for Serializer in serializer:
    an_empty_record_comes_back,
    a_full_record_comes_back,
    edge_values_come_back,
    a_large_value_comes_back,
    the_largest_record_comes_back,
    any_record_comes_back,
    trailing_bytes_are_refused,
    every_truncation_is_refused,
    no_bit_flip_does_harm,
    no_garbage_does_harm,
    small_inputs_that_claim_to_be_large_are_refused,
    too_many_items_are_refused,
    too_large_a_record_is_refused,
    errors_quote_no_secret,
    debug_shows_no_secret,
}

/// Nothing has to be removed after a case.
pub(crate) const CLEAN_UP: Option<fn(&dyn Serializer)> = None;

#[track_caller]
fn comes_back(serializer: &dyn Serializer, record: &Record) {
    let encoded = serializer.encode(record).unwrap();
    let decoded = serializer.decode(encoded.expose()).unwrap();
    assert!(decoded == *record, "it is decoded as\n{decoded:?}\nbut was\n{record:?}");
}

/// `decode` returns an empty record unchanged.
pub fn an_empty_record_comes_back(subject: &Subject<dyn Serializer>) {
    comes_back(&*subject.open(), &Record::new(""));
}

/// `decode` returns a record in which every part is set unchanged, also if only the last use is not
/// set.
pub fn a_full_record_comes_back(subject: &Subject<dyn Serializer>) {
    let serializer = subject.open();
    full().iter().for_each(|record| comes_back(&*serializer, record));
}

/// `decode` returns every edge value unchanged, as text if it is text, and as bytes.
pub fn edge_values_come_back(subject: &Subject<dyn Serializer>) {
    let serializer = subject.open();
    for value in vectors::secrets() {
        let field = Field::secret(value);
        let bytes = field.clone().with_form(Form::Bytes);
        comes_back(&*serializer, &Record::new("token").with("token", field));
        comes_back(&*serializer, &Record::new("token").with("token", bytes));
    }
}

/// `decode` returns a value of 1 MiB in which every byte occurs unchanged.
pub fn a_large_value_comes_back(subject: &Subject<dyn Serializer>) {
    let value: Vec<u8> = (0..1_u32 << 20).map(|at| (at >> 8 ^ at) as u8).collect();
    comes_back(&*subject.open(), &Record::new("").with("key", Field::secret(value)));
}

/// `decode` returns a record unchanged whose encoding is almost as large as is allowed.
pub fn the_largest_record_comes_back(subject: &Subject<dyn Serializer>) {
    const SAMPLE: usize = 1 << 20;
    let serializer = subject.open();
    let filled = |size| Record::new("").with("key", Field::secret(vec![0xff; size]));
    let encoded = |size| serializer.encode(&filled(size)).unwrap().len();
    // In base64, for example, a value grows by a third.
    let (empty, sample) = (encoded(0), encoded(SAMPLE));
    let largest = (MAX_RECORD - empty - 256) * SAMPLE / (sample - empty);
    comes_back(&*serializer, &filled(largest));
}

/// `decode` returns random records unchanged.
pub fn any_record_comes_back(subject: &Subject<dyn Serializer>) {
    let serializer = subject.open();
    let check = |record| {
        comes_back(&*serializer, &record);
        Ok(())
    };
    runner(128).run(&record(), check).unwrap();
}

fn runner(cases: u32) -> TestRunner {
    TestRunner::new(Config { cases, failure_persistence: None, ..Config::default() })
}

/// A record with bytes after it is refused.
pub fn trailing_bytes_are_refused(subject: &Subject<dyn Serializer>) {
    let serializer = subject.open();
    for record in [Record::new("")].into_iter().chain(full()) {
        let encoded = serializer.encode(&record).unwrap();
        for trailing in [&[0][..], &[0xff], b"x", encoded.expose()] {
            let bytes = [encoded.expose(), trailing].concat();
            fails(serializer.decode(&bytes), &[ErrorKind::Corrupt]);
        }
    }
}

/// The beginning of a record is refused.
pub fn every_truncation_is_refused(subject: &Subject<dyn Serializer>) {
    let serializer = subject.open();
    for record in [Record::new("")].into_iter().chain(full()) {
        let encoded = serializer.encode(&record).unwrap();
        for length in 0..encoded.len() {
            fails(serializer.decode(&encoded.expose()[..length]), &[ErrorKind::Corrupt]);
        }
    }
}

/// A record with any one bit changed is decoded as another record or is `Corrupt`. It never causes
/// a panic.
pub fn no_bit_flip_does_harm(subject: &Subject<dyn Serializer>) {
    let serializer = subject.open();
    for record in full() {
        let encoded = serializer.encode(&record).unwrap();
        for bit in 0..encoded.len() * 8 {
            let mut flipped = encoded.expose().to_vec();
            flipped[bit / 8] ^= 1 << (bit % 8);
            harmless(&*serializer, &flipped);
        }
    }
}

/// Random bytes, alone or after the beginning of a record, are `Corrupt`, or a record that can be
/// encoded and decoded again.
pub fn no_garbage_does_harm(subject: &Subject<dyn Serializer>) {
    let serializer = subject.open();
    let [_, full] = full();
    let encoded = serializer.encode(&full).unwrap();
    let check = |(garbage, begun): (Vec<u8>, prop::sample::Index)| {
        harmless(&*serializer, &garbage);
        let beginning = &encoded.expose()[..begun.index(encoded.len())];
        harmless(&*serializer, &[beginning, &garbage].concat());
        Ok(())
    };
    let garbage = prop::collection::vec(any::<u8>(), 0..300);
    runner(1000).run(&(garbage, any::<prop::sample::Index>()), check).unwrap();
}

/// Input that claims to be huge or deep is refused quickly.
pub fn small_inputs_that_claim_to_be_large_are_refused(subject: &Subject<dyn Serializer>) {
    let serializer = subject.open();
    let started = Instant::now();
    for bomb in vectors::BOMBS {
        fails(serializer.decode(bomb), &[ErrorKind::Corrupt]);
    }
    for byte in 0..=255 {
        harmless(&*serializer, &vec![byte; 100_000]);
    }
    let [_, full] = full();
    let encoded = serializer.encode(&full).unwrap();
    for length in [
        &[0xff; 9][..],
        b"\x9b\0\0\0\xff\0\0\0\0",
        b"\xbb\0\0\0\xff\0\0\0\0",
        b"\xfd\0\0\0\0\0\xff\0\0",
        b"\x80\x80\x80\x80\x80\x20",
    ] {
        for at in 0..encoded.len() {
            let bytes = [&encoded.expose()[..at], length, &encoded.expose()[at..]].concat();
            harmless(&*serializer, &bytes);
        }
    }
    assert!(started.elapsed() < Duration::from_secs(10), "bombs take too long");
}

/// Decodes bytes that may not be a record; if they are not, the error is `Corrupt`.
#[track_caller]
fn harmless(serializer: &dyn Serializer, bytes: &[u8]) {
    match serializer.decode(bytes) {
        Ok(record) => comes_back(serializer, &record),
        Err(error) => assert_eq!(error.kind(), ErrorKind::Corrupt, "{error:?}"),
    }
}

/// `decode` returns a record with as many fields, labels or origins as allowed; one more is
/// refused.
pub fn too_many_items_are_refused(subject: &Subject<dyn Serializer>) {
    let serializer = subject.open();
    let fill_in: [fn(&mut Record, usize); 3] = [
        |record, at| drop(record.fields.insert(at.to_string(), Field::open(""))),
        |record, at| drop(record.labels.insert(at.to_string(), String::new())),
        |record, _| record.origins.push(origin("https")),
    ];
    for fill in fill_in {
        let mut record = Record::new("");
        (0..MAX_ITEMS).for_each(|at| fill(&mut record, at));
        comes_back(&*serializer, &record);
        fill(&mut record, MAX_ITEMS);
        refused(&*serializer, &record);
    }
}

/// A record above the limit is refused when it is encoded, or when it is decoded.
pub fn too_large_a_record_is_refused(subject: &Subject<dyn Serializer>) {
    let large = Field::secret(vec![b'a'; MAX_RECORD + 1]);
    refused(&*subject.open(), &Record::new("").with("key", large));
}

#[track_caller]
fn refused(serializer: &dyn Serializer, record: &Record) {
    match serializer.encode(record) {
        Ok(encoded) => drop(fails(serializer.decode(encoded.expose()), &[ErrorKind::Corrupt])),
        Err(error) => assert_eq!(error.kind(), ErrorKind::Unsupported, "{error:?}"),
    }
}

const CANARY: &str = "canary-7b3f";

/// The error for a damaged encoding quotes no value of it.
pub fn errors_quote_no_secret(subject: &Subject<dyn Serializer>) {
    let serializer = subject.open();
    for form in [Form::Text, Form::Bytes] {
        let field = Field::secret(CANARY).with_form(form);
        let encoded = serializer.encode(&Record::new("t").with("f", field)).unwrap();
        let bytes = encoded.expose();
        let silent = |damaged: &[u8]| {
            if let Err(error) = serializer.decode(damaged) {
                hides(&everything_shown(&error), CANARY.as_bytes());
            }
        };
        for at in 0..bytes.len() {
            silent(&bytes[..at]);
            silent(&[&bytes[..at], &bytes[at + 1..]].concat());
            for byte in *b"\0\"x\x7f\xff" {
                silent(&[&bytes[..at], &[byte], &bytes[at + 1..]].concat());
            }
        }
        misplaced(bytes, silent);
    }
}

/// Writes the canary, with the bytes around it, over every position of its encoding. Many decoders
/// quote a value that is of the wrong type.
fn misplaced(bytes: &[u8], silent: impl Fn(&[u8])) {
    let Some(start) = bytes.windows(CANARY.len()).position(|run| run == CANARY.as_bytes()) else {
        return;
    };
    let end = start + CANARY.len();
    for (before, after) in [(0, 0), (1, 0), (1, 1), (2, 0), (8, 0)] {
        let value = &bytes[start.saturating_sub(before)..(end + after).min(bytes.len())];
        for at in 0..bytes.len() {
            for replaced in [0, 1, 4, 5] {
                let rest = bytes.get(at + replaced..).unwrap_or_default();
                silent(&[&bytes[..at], value, rest].concat());
            }
        }
    }
}

/// Neither `Debug` nor the log shows a value that was encoded and decoded.
pub fn debug_shows_no_secret(subject: &Subject<dyn Serializer>) {
    let serializer = subject.open();
    let record = Record::new("token").with("token", Field::secret(CANARY));
    let encoded: Secret = serializer.encode(&record).unwrap();
    let decoded = serializer.decode(encoded.expose());
    let shown = format!("{serializer:?} {decoded:?} {:?}", subject.host().log());
    hides(&shown, CANARY.as_bytes());
}
