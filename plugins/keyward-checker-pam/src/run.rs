//! A login with PAM, in a separate thread.

use std::cell::RefCell;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStringExt;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::{Builder, JoinHandle};
use std::time::Duration;

use keyward_plugin::{Denial, Error, ErrorKind, Identity, Question, Result, Round, Secret};
use nonstick::conv::Exchange;
use nonstick::items::{Items, ItemsMut};
use nonstick::{AuthnFlags, Conversation, ErrorCode, PamShared, Transaction, TransactionBuilder};

/// The most logins at once. Each is a thread, which lives as long as PAM or the client needs.
const MOST: usize = 256;

/// About the longest message or question that a client gets, in bytes.
const LONGEST_TEXT: usize = 4096;

/// What PAM is asked.
pub(crate) struct Login {
    pub(crate) service: String,
    pub(crate) user: String,
    pub(crate) address: Option<String>,
    /// How long the thread waits for an answer.
    pub(crate) answer_limit: Duration,
}

/// What PAM says.
pub(crate) enum Said {
    /// It asks this.
    Asks(Question),
    /// It has decided, or cannot.
    Ends(Result<Round>),
}

/// A login that has begun. If it is dropped, its thread ends at the next question.
#[derive(Debug)]
pub(crate) struct Running {
    said: Receiver<Said>,
    answers: Sender<Secret>,
    thread: JoinHandle<()>,
}

impl Login {
    /// Starts the thread. `running` has one copy for each.
    pub(crate) fn start(self, running: &Arc<()>) -> Result<Running> {
        if Arc::strong_count(running) > MOST {
            return Err(unavailable("there are too many logins at once"));
        }
        let (say, said) = channel();
        let (answers, answered) = channel();
        let one = running.clone();
        let work = move || {
            let talk = Talk {
                say: say.clone(),
                answered,
                limit: self.answer_limit,
                told: RefCell::default(),
            };
            let round = self.decide(talk);
            drop(one);
            // The caller may have stopped waiting.
            let _ = say.send(Said::Ends(round));
        };
        let thread = Builder::new().name("pam".into()).spawn(work);
        let thread = thread.map_err(|error| unavailable("no thread").caused_by(error))?;
        Ok(Running { said, answers, thread })
    }

    fn decide(&self, talk: Talk) -> Result<Round> {
        let builder = TransactionBuilder::new_with_service(&self.service).username(&self.user);
        let mut pam = builder.build(talk).map_err(failed)?;
        if let Some(address) = self.address.as_deref().filter(|it| !it.contains('\0')) {
            pam.items_mut().set_remote_host(Some(OsStr::new(address))).map_err(failed)?;
        }
        let flags = AuthnFlags::DISALLOW_NULL_AUTHTOK;
        if let Err(error) = pam.authenticate(flags) {
            return refusal(error, Denial::Secret);
        }
        if let Err(error) = pam.account_management(flags) {
            let round = refusal(error, Denial::Disabled)?;
            // The password was right, so no other checker may be asked.
            let is_known = !matches!(round, Round::Unknown);
            return Ok(if is_known { round } else { Round::wrong(Denial::Disabled) });
        }
        // A module may have replaced the name with its canonical form.
        let user = pam.items().user().map_err(failed)?.unwrap_or_default();
        let identity = user.into_string().ok().and_then(|user| Identity::new(user).ok());
        let identity = identity.ok_or_else(|| unavailable("the name of the user is not valid"))?;
        Ok(Round::accepted(identity))
    }
}

/// Turns an error of PAM into a decision, if it is one about the user.
fn refusal(error: ErrorCode, otherwise: Denial) -> Result<Round> {
    let why = match error {
        ErrorCode::UserUnknown => return Ok(Round::Unknown),
        ErrorCode::AuthenticationError
        | ErrorCode::CredentialsInsufficient
        | ErrorCode::CredentialsError
        | ErrorCode::MaxTries
        // There was no answer.
        | ErrorCode::ConversationError
        | ErrorCode::AuthTokError
        | ErrorCode::AuthTokRecoveryError => otherwise,
        ErrorCode::PermissionDenied => Denial::Restricted,
        ErrorCode::NewAuthTokRequired => Denial::PasswordChangeDue,
        ErrorCode::AccountExpired
        | ErrorCode::CredentialsExpired
        | ErrorCode::AuthTokExpired => Denial::Expired,
        _ => return Err(failed(error)),
    };
    Ok(Round::wrong(why))
}

fn failed(error: ErrorCode) -> Error {
    unavailable("PAM failed").caused_by(error)
}

fn unavailable(why: &'static str) -> Error {
    Error::new(ErrorKind::Unavailable, "check").because(why)
}

impl Running {
    /// Waits for what PAM says.
    pub(crate) fn next(&self, limit: Duration) -> Result<Said> {
        self.said.recv_timeout(limit).map_err(|error| match error {
            RecvTimeoutError::Timeout => unavailable("PAM takes too long"),
            RecvTimeoutError::Disconnected => unavailable("PAM ended without a decision"),
        })
    }

    /// Gives PAM the answer to its question.
    pub(crate) fn answer(&self, answer: Secret) {
        // If the thread has ended, `next` says how.
        let _ = self.answers.send(answer);
    }

    /// Whether its thread has ended.
    pub(crate) fn is_over(&self) -> bool {
        self.thread.is_finished()
    }
}

/// The thread's side of a conversation.
struct Talk {
    say: Sender<Said>,
    answered: Receiver<Secret>,
    limit: Duration,
    /// The messages since the last question, as lines.
    told: RefCell<String>,
}

impl Talk {
    fn tell(&self, text: &OsStr) {
        let mut told = self.told.borrow_mut();
        let text = text.to_string_lossy();
        if told.len() + text.len() <= LONGEST_TEXT {
            *told += &format!("{text}\n");
        }
    }

    fn ask(&self, question: &OsStr, hidden: bool) -> nonstick::Result<OsString> {
        let text = question.to_string_lossy();
        let text: String = text.chars().take(LONGEST_TEXT).collect();
        let question = if hidden { Question::hidden(&text) } else { Question::shown(&text) };
        let asks = Said::Asks(question.after(&self.told.take()));
        self.say.send(asks).map_err(|_| ErrorCode::ConversationError)?;
        let answer = self.answered.recv_timeout(self.limit);
        let answer = answer.map_err(|_| ErrorCode::ConversationError)?;
        // The checker has refused answers with NUL characters, which would end the process here.
        Ok(OsString::from_vec(answer.expose().to_vec()))
    }
}

impl Conversation for Talk {
    fn communicate(&self, messages: &[Exchange<'_>]) {
        for message in messages {
            match message {
                Exchange::Prompt(asked) => asked.set_answer(self.ask(asked.question(), false)),
                Exchange::MaskedPrompt(asked) => asked.set_answer(self.ask(asked.question(), true)),
                Exchange::Info(told) => {
                    self.tell(told.question());
                    told.set_answer(Ok(()));
                }
                Exchange::Error(told) => {
                    self.tell(told.question());
                    told.set_answer(Ok(()));
                }
                other => other.set_error(ErrorCode::ConversationError),
            }
        }
    }
}
