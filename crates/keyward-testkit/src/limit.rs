use std::panic::resume_unwind;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::thread;
use std::time::Duration;

/// More time than any case needs, even on a busy machine.
const LIMIT: Duration = Duration::from_secs(90);

/// Runs a case on a separate thread, so that one that hangs fails.
///
/// # Panics
/// If the case panics, or has not ended in time.
pub fn within_limit(case: &str, work: impl FnOnce() + Send + 'static) {
    run_within(LIMIT, case, work);
}

fn run_within(limit: Duration, case: &str, work: impl FnOnce() + Send + 'static) {
    let (done, ended) = channel::<()>();
    let run = move || {
        // Dropped when the work ends, also by a panic.
        let _done = done;
        work();
    };
    let running = thread::Builder::new().name(case.to_owned()).spawn(run).unwrap();
    if ended.recv_timeout(limit) == Err(RecvTimeoutError::Timeout) {
        panic!("the case `{case}` hangs: it has not ended after {} seconds", limit.as_secs());
    }
    if let Err(panic) = running.join() {
        resume_unwind(panic);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[should_panic(expected = "the case `slow` hangs: it has not ended after 0 seconds")]
    fn a_case_that_hangs_fails() {
        run_within(Duration::from_millis(20), "slow", || thread::sleep(Duration::from_secs(600)));
    }

    #[test]
    #[should_panic(expected = "what was wrong")]
    fn a_case_that_panics_fails() {
        run_within(LIMIT, "wrong", || panic!("what was wrong"));
    }
}
