//! Calls that wait for their answers, and who of those that wait reads.
//!
//! There is no thread that only reads. Of all who wait for an answer one reads, hands the others theirs,
//! and when it has its own leaves the reading to another. So a call that is alone costs no change of
//! threads on this side.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread::{self, Thread};
use std::time::Instant;

use keyward_core::Secret;

/// The calls of one side that the other has not answered yet. `R` is what answers are read from.
#[derive(Debug)]
pub(crate) struct Calls<R>(Mutex<State<R>>);

#[derive(Debug)]
struct State<R> {
    last: u64,
    waiting: BTreeMap<u64, Waiting>,
    /// Calls that nobody waits for any more, and since when they were under way.
    forgotten: BTreeMap<u64, Instant>,
    /// Here, unless somebody reads.
    reader: Option<R>,
    ended: Option<String>,
}

#[derive(Debug, Default)]
struct Waiting {
    answer: Option<Secret>,
    /// Who waits, once it has nothing to do but wait.
    sleeper: Option<Thread>,
}

/// What is to be done now by whoever waits for an answer.
#[derive(Debug)]
pub(crate) enum Turn<R> {
    /// Take the answer; the call is over.
    Answered(Secret),
    /// Nothing more will come, and this is why; the call is over.
    Ended(String),
    /// Read, and [put the reader back](Calls::put_back).
    Read(R),
    /// Park: somebody else reads, and will wake this thread.
    Wait,
}

impl<R> Calls<R> {
    pub(crate) fn new(reader: R) -> Self {
        Self(Mutex::new(State {
            last: 0,
            waiting: BTreeMap::new(),
            forgotten: BTreeMap::new(),
            reader: Some(reader),
            ended: None,
        }))
    }

    /// Starts a call, and gives its number; why not, if all is over.
    pub(crate) fn start(&self) -> Result<u64, String> {
        let mut state = self.state();
        if let Some(why) = &state.ended {
            return Err(why.clone());
        }
        state.last += 1;
        let id = state.last;
        state.waiting.insert(id, Waiting::default());
        Ok(id)
    }

    /// What whoever waits for the answer to `id` is to do.
    pub(crate) fn turn(&self, id: u64) -> Turn<R> {
        let mut state = self.state();
        let state = &mut *state;
        let waiting = state.waiting.entry(id).or_default();
        if waiting.answer.is_none() && state.ended.is_none() {
            return match state.reader.take() {
                Some(reader) => {
                    waiting.sleeper = None;
                    Turn::Read(reader)
                }
                None => {
                    waiting.sleeper = Some(thread::current());
                    Turn::Wait
                }
            };
        }
        let answer = state.waiting.remove(&id).and_then(|waiting| waiting.answer);
        match answer {
            Some(answer) => Turn::Answered(answer),
            None => Turn::Ended(state.ended.clone().unwrap_or_default()),
        }
    }

    /// The reader, if nobody else has it.
    pub(crate) fn take_reader(&self) -> Option<R> {
        self.state().reader.take()
    }

    /// Whether nobody reads.
    pub(crate) fn is_unread(&self) -> bool {
        self.state().reader.is_some()
    }

    /// Gives the reader back, and with it the turn to somebody who waits.
    pub(crate) fn put_back(&self, reader: R) {
        self.state().put_back(reader);
    }

    /// Gives the reader back after it has read the answer to `id`, which is over.
    pub(crate) fn finish(&self, id: u64, reader: R) {
        let mut state = self.state();
        state.waiting.remove(&id);
        state.put_back(reader);
    }

    /// Ends the call `id`, of which nobody knows on the other side.
    pub(crate) fn drop_call(&self, id: u64) {
        let mut state = self.state();
        state.waiting.remove(&id);
        state.pass_on();
    }

    /// Waits no longer for the answer to `id`, and drops it when it comes.
    pub(crate) fn forget(&self, id: u64, since: Instant) {
        let mut state = self.state();
        if state.waiting.remove(&id).is_some_and(|waiting| waiting.answer.is_none()) {
            state.forgotten.insert(id, since);
        }
        // It may have been this one's turn.
        state.pass_on();
    }

    /// Since when the oldest forgotten call is under way.
    pub(crate) fn oldest_forgotten(&self) -> Option<Instant> {
        self.state().forgotten.values().min().copied()
    }

    /// Hands over the answer to `id`; false if nobody made such a call, or it was answered before.
    pub(crate) fn deliver(&self, id: u64, answer: Secret) -> bool {
        let mut state = self.state();
        match state.waiting.get_mut(&id) {
            Some(waiting) if waiting.answer.is_none() => {
                waiting.answer = Some(answer);
                waiting.wake();
                true
            }
            Some(_) => false,
            None => state.forgotten.remove(&id).is_some(),
        }
    }

    /// Ends everything; the first reason stays. Answers that have come are still handed over.
    pub(crate) fn end(&self, why: &str) {
        let mut state = self.state();
        state.ended.get_or_insert_with(|| why.to_owned());
        state.waiting.values_mut().for_each(Waiting::wake);
    }

    /// Why everything is over, if it is.
    pub(crate) fn ended(&self) -> Option<String> {
        self.state().ended.clone()
    }

    /// Nothing in here is left half done by a panic.
    fn state(&self) -> MutexGuard<'_, State<R>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<R> State<R> {
    fn put_back(&mut self, reader: R) {
        self.reader = Some(reader);
        self.pass_on();
    }

    /// Where nobody reads, wakes somebody who will.
    fn pass_on(&mut self) {
        if self.reader.is_some() {
            let next = self.waiting.values_mut().find(|waiting| waiting.sleeper.is_some());
            next.into_iter().for_each(Waiting::wake);
        }
    }
}

impl Waiting {
    fn wake(&mut self) {
        if let Some(sleeper) = self.sleeper.take() {
            sleeper.unpark();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer() -> Secret {
        Secret::from("answer")
    }

    #[test]
    fn one_reads_and_the_others_wait() {
        let calls = Calls::new("reader");
        let (one, other) = (calls.start().unwrap(), calls.start().unwrap());
        let Turn::Read(reader) = calls.turn(one) else { panic!("nobody reads yet") };
        assert!(matches!(calls.turn(other), Turn::Wait));
        assert!(calls.deliver(other, answer()));
        assert!(matches!(calls.turn(other), Turn::Answered(_)));
        calls.finish(one, reader);
        assert!(calls.is_unread());
    }

    #[test]
    fn a_call_is_answered_once() {
        let calls = Calls::new(());
        let id = calls.start().unwrap();
        assert!(!calls.deliver(id + 1, answer()));
        assert!(calls.deliver(id, answer()));
        assert!(!calls.deliver(id, answer()));
        assert!(matches!(calls.turn(id), Turn::Answered(_)));
        assert!(!calls.deliver(id, answer()));
    }

    #[test]
    fn what_is_forgotten_may_be_answered_late() {
        let calls = Calls::new(());
        let id = calls.start().unwrap();
        calls.forget(id, Instant::now());
        assert!(calls.oldest_forgotten().is_some());
        assert!(calls.deliver(id, answer()));
        assert!(calls.oldest_forgotten().is_none());
        assert!(!calls.deliver(id, answer()));
    }

    #[test]
    fn an_answer_that_came_before_the_end_counts() {
        let calls = Calls::new(());
        let (one, other) = (calls.start().unwrap(), calls.start().unwrap());
        calls.deliver(one, answer());
        calls.end("it died");
        calls.end("it died again");
        assert!(matches!(calls.turn(one), Turn::Answered(_)));
        assert!(matches!(calls.turn(other), Turn::Ended(why) if why == "it died"));
        assert_eq!(calls.start().unwrap_err(), "it died");
    }
}
