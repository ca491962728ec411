//! Faulty backends, each of which must fail the cases that its fault breaks and no other.
#![expect(clippy::unwrap_used, reason = "these are tests")]

mod authenticator;
mod checker;
mod encryption;
mod key;
mod processes;
mod serializer;
mod storage;

use std::collections::BTreeSet;
use std::fmt::Debug;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::thread;

use keyward_testkit::{Case, Subject};

/// A fault and the cases that it breaks. A case with a `?` after its name may find the fault or
/// not, because it depends on threads or on random data.
type Fault<'a, F> = (F, &'a [&'a str]);

/// Checks that each fault breaks its cases and no other, and that each case catches some fault.
#[track_caller]
fn catches_all<T: ?Sized, F: Copy + Debug + Send + Sync>(
    cases: &[(&'static str, Case<T>)],
    subject: fn(Option<F>) -> Subject<T>,
    table: &[Fault<'_, F>],
) {
    let mut complaints = Vec::new();
    // At once, because some cases wait.
    let failing: Vec<_> = thread::scope(|scope| {
        let run = |fault: F| scope.spawn(move || failing(cases, || subject(Some(fault))));
        let running: Vec<_> = table.iter().map(|(fault, _)| run(*fault)).collect();
        running.into_iter().map(|running| running.join().unwrap()).collect()
    });
    for ((fault, breaks), failing) in table.iter().zip(failing) {
        let must = breaks.iter().filter(|case| !case.ends_with('?') && !failing.contains(*case));
        complaints.extend(must.map(|case| format!("{fault:?} is not caught by {case}")));
        let may: Vec<_> = breaks.iter().map(|case| case.trim_end_matches('?')).collect();
        let others = failing.iter().filter(|case| !may.contains(case));
        complaints.extend(others.map(|case| format!("{fault:?} is caught by {case} too")));
    }
    for (case, _) in cases {
        if !table.iter().any(|(_, breaks)| breaks.contains(case)) {
            complaints.push(format!("{case} catches nothing"));
        }
    }
    assert!(complaints.is_empty(), "{}", complaints.join("\n"));
}

/// The names of the cases that fail.
fn failing<T: ?Sized>(
    cases: &[(&'static str, Case<T>)],
    subject: impl Fn() -> Subject<T>,
) -> BTreeSet<&'static str> {
    let fails = |case: Case<T>| catch_unwind(AssertUnwindSafe(|| case(&subject()))).is_err();
    cases.iter().filter(|(_, case)| fails(*case)).map(|(name, _)| *name).collect()
}
