//! The calls of one side that the other has not answered yet.
//!
//! A thread that calls waits on a channel. The thread that reads hands each answer to the channel
//! of its call.

use std::collections::BTreeMap;
use std::sync::mpsc::{self, Receiver, SyncSender};
use std::sync::{Mutex, MutexGuard, PoisonError};

use keyward_core::Secret;

/// The calls that wait for their answers. A `T` is kept with each.
#[derive(Debug)]
pub(crate) struct Calls<T>(Mutex<State<T>>);

#[derive(Debug)]
struct State<T> {
    last: u64,
    waiting: BTreeMap<u64, (SyncSender<Secret>, T)>,
    ended: Option<String>,
}

impl<T> Default for Calls<T> {
    fn default() -> Self {
        Self(Mutex::new(State { last: 0, waiting: BTreeMap::new(), ended: None }))
    }
}

impl<T: Clone> Calls<T> {
    /// Starts a call. Returns its number and the channel on which its answer comes; the channel
    /// closes when everything [ends](Self::end).
    ///
    /// # Errors
    /// The reason of the end, if everything has ended.
    pub(crate) fn start(&self, kept: T) -> Result<(u64, Receiver<Secret>), String> {
        let mut state = self.state();
        if let Some(why) = &state.ended {
            return Err(why.clone());
        }
        state.last += 1;
        let id = state.last;
        let (sender, receiver) = mpsc::sync_channel(1);
        state.waiting.insert(id, (sender, kept));
        Ok((id, receiver))
    }

    /// Removes a call that was not sent: no answer may come.
    pub(crate) fn cancel(&self, id: u64) {
        self.state().waiting.remove(&id);
    }

    /// Hands over the answer to a call, and drops it if the caller has gone. Returns false if no
    /// such call waits for an answer.
    pub(crate) fn deliver(&self, id: u64, answer: Secret) -> bool {
        let Some((caller, _)) = self.state().waiting.remove(&id) else { return false };
        let _ = caller.send(answer);
        true
    }

    /// What is kept with each call that waits.
    pub(crate) fn kept(&self) -> Vec<T> {
        self.state().waiting.values().map(|(_, kept)| kept.clone()).collect()
    }

    /// Ends everything. The first reason is kept, and answers that were delivered can still be
    /// received.
    pub(crate) fn end(&self, why: &str) {
        let mut state = self.state();
        state.ended.get_or_insert_with(|| why.to_owned());
        state.waiting.clear();
    }

    /// The reason of the end, if everything has ended.
    pub(crate) fn ended(&self) -> Option<String> {
        self.state().ended.clone()
    }

    /// A panic cannot leave an incomplete change here, so a poisoned lock can be used.
    fn state(&self) -> MutexGuard<'_, State<T>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer() -> Secret {
        Secret::from("answer")
    }

    #[test]
    fn each_caller_receives_its_own_answer() {
        let calls = Calls::default();
        let (first, first_answer) = calls.start(()).unwrap();
        let (second, second_answer) = calls.start(()).unwrap();
        assert!(calls.deliver(second, answer()));
        assert!(first_answer.try_recv().is_err());
        assert!(second_answer.recv().unwrap() == answer());
        assert!(calls.deliver(first, Secret::from("another")));
        assert!(first_answer.recv().unwrap() == Secret::from("another"));
    }

    #[test]
    fn a_call_is_answered_once() {
        let calls = Calls::default();
        let (id, receiver) = calls.start(()).unwrap();
        assert!(!calls.deliver(id + 1, answer()));
        assert!(calls.deliver(id, answer()));
        assert!(!calls.deliver(id, answer()));
        assert!(receiver.recv().is_ok());
        assert!(!calls.deliver(id, answer()));
    }

    #[test]
    fn a_call_whose_caller_has_gone_may_be_answered_late() {
        let calls = Calls::default();
        let (id, receiver) = calls.start("kept").unwrap();
        drop(receiver);
        assert_eq!(calls.kept(), ["kept"]);
        assert!(calls.deliver(id, answer()));
        assert!(calls.kept().is_empty());
        assert!(!calls.deliver(id, answer()));
    }

    #[test]
    fn an_answer_that_came_before_the_end_counts() {
        let calls = Calls::default();
        let (id, answered) = calls.start(()).unwrap();
        let (_, unanswered) = calls.start(()).unwrap();
        calls.deliver(id, answer());
        calls.end("it died");
        calls.end("it died again");
        assert!(answered.recv().is_ok());
        assert!(unanswered.recv().is_err());
        assert_eq!(calls.start(()).unwrap_err(), "it died");
    }
}
