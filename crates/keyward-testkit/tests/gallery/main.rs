//! Faulty backends, each of which must fail the cases that its fault breaks and no other.
#![expect(clippy::unwrap_used, reason = "these are tests")]

mod encryption;
mod key;
mod serializer;
mod storage;

use std::collections::BTreeSet;
use std::fmt::Debug;
use std::panic::{AssertUnwindSafe, catch_unwind};

use keyward_testkit::{Case, Subject};

/// Runs every case against a backend with this fault, or with none, and compares which fail.
///
/// In `breaks`, a case with a `?` behind its name may fail or not: it waits for threads to meet.
#[track_caller]
fn check<T: ?Sized, F: Copy + Debug>(
    cases: &[(&'static str, Case<T>)],
    subject: fn(Option<F>) -> Subject<T>,
    fault: Option<F>,
    breaks: &[&str],
) {
    let failing: BTreeSet<&str> = cases
        .iter()
        .filter(|(_, case)| catch_unwind(AssertUnwindSafe(|| case(&subject(fault)))).is_err())
        .map(|(name, _)| *name)
        .collect();
    let may: BTreeSet<_> = breaks.iter().map(|case| case.trim_end_matches('?')).collect();
    let must: BTreeSet<_> = breaks.iter().copied().filter(|case| !case.ends_with('?')).collect();
    let missed: Vec<_> = must.difference(&failing).collect();
    let others: Vec<_> = failing.difference(&may).collect();
    assert!(
        missed.is_empty() && others.is_empty(),
        "{fault:?}: not caught by {missed:?}, but by {others:?}"
    );
}
