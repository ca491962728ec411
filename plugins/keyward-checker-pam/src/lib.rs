//! Checker `pam`: asks the system's PAM (Pluggable Authentication Modules).
//!
//! A service, a file in `/etc/pam.d`, says what is checked. After the password, the account is checked
//! too: one that has expired, or whose password must be changed, is not let in.
//!
//! A `password` answers the one question of the service that is not shown while it is typed. If the
//! service asks for more, only a `conversation` can answer.
//!
//! A conversation is a thread of this process, because PAM keeps its state there. No other process can
//! go on with it. It ends if the client does not answer in time.
//!
//! # Security
//! - PAM decides as the user that runs the process: without root, `pam_unix` knows only the password
//!   of that user.
//! - PAM and its modules get copies of the password, which they must wipe themselves. The library
//!   between makes one more, which it does not wipe.

mod run;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use keyward_plugin::{
    Attempt, Backend, Checker, Denial, Error, Host, Info, Level, Presented, PresentedKind, Result,
    Round, Secret, options, random,
};

use run::{Login, Running, Said};

keyward_plugin::register!(checker: Pam);

/// The longest name of a user that PAM is asked about, in bytes.
const LONGEST_USER: usize = 256;

/// The longest answer, in bytes. Modules have buffers of 512 bytes (`PAM_MAX_RESP_SIZE`).
const LONGEST_ANSWER: usize = 511;

options! {
    /// What PAM is asked.
    pub struct Options {
        /// The service: the name of a file in `/etc/pam.d`.
        pub service: String,
        /// How long PAM may take until its next question or its decision.
        pub timeout: Duration = "20s",
        /// How long a client may take for an answer.
        pub answer_timeout: Duration = "2m",
    }
}

/// The checker `pam`.
#[derive(Debug)]
pub struct Pam {
    options: Options,
    host: Arc<dyn Host>,
    /// The conversations that wait for an answer, by what the caller keeps of them.
    waiting: Mutex<HashMap<[u8; 16], Running>>,
    /// As many copies as threads.
    running: Arc<()>,
}

const ACCEPTS: [PresentedKind; 2] = [PresentedKind::PASSWORD, PresentedKind::CONVERSATION];

impl Backend for Pam {
    const INFO: Info = Info::new("pam", "Asks the system's PAM, with the accounts that it knows")
        .serving(&["password", "conversation"]);
    type Options = Options;

    fn open(options: Options, host: &Arc<dyn Host>) -> Result<Self> {
        let is_part = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
        let service = &options.service;
        if service.is_empty() || service.starts_with('.') || !service.bytes().all(is_part) {
            let why = "`service` must be the name of a file in /etc/pam.d";
            return Err(Error::invalid("options", why));
        }
        let (waiting, running) = (Mutex::default(), Arc::new(()));
        Ok(Self { options, host: host.clone(), waiting, running })
    }
}

impl Checker for Pam {
    fn accepts(&self) -> &[PresentedKind] {
        &ACCEPTS
    }

    fn check(&self, presented: &Presented, attempt: &Attempt) -> Result<Round> {
        let kind = presented.kinds().iter().find(|kind| ACCEPTS.contains(kind));
        let kind = kind.ok_or_else(|| presented.unsupported())?;
        if *kind == PresentedKind::PASSWORD {
            return self.check_password(presented, attempt);
        }
        let Some(user) = presented.user() else { return Ok(Round::wrong(Denial::Malformed)) };
        if !is_name(user) {
            return Ok(Round::Unknown);
        }
        let running = self.begin(user, attempt)?;
        self.go_on(running)
    }

    fn resume(&self, pending: &Secret, answer: &Secret, _: &Attempt) -> Result<Round> {
        let id = <[u8; 16]>::try_from(pending.expose()).ok();
        let waiting = id.and_then(|id| self.waiting().remove(&id));
        // It may have ended because the answer came too late.
        let Some(running) = waiting else { return Ok(Round::wrong(Denial::Expired)) };
        if !is_answer(answer) {
            return Ok(Round::wrong(Denial::Secret));
        }
        running.answer(answer.clone());
        self.go_on(running)
    }
}

impl Pam {
    fn check_password(&self, presented: &Presented, attempt: &Attempt) -> Result<Round> {
        let (Some(user), Some(password)) = (presented.user(), presented.field("password")) else {
            return Ok(Round::wrong(Denial::Malformed));
        };
        // Some modules take an empty password for a request to be let in without one.
        if !is_answer(password) || password.expose().is_empty() {
            return Ok(Round::wrong(Denial::Secret));
        }
        if !is_name(user) {
            return Ok(Round::Unknown);
        }
        let running = self.begin(user, attempt)?;
        let mut is_answered = false;
        loop {
            match running.next(self.limit())? {
                Said::Ends(round) => return round,
                Said::Asks(question) if question.hidden && !is_answered => {
                    is_answered = true;
                    running.answer(password.clone());
                }
                // The thread ends when it gets no answer.
                Said::Asks(_) => {
                    let service = &self.options.service;
                    let why =
                        format_args!("the PAM service {service} asks for more than a password");
                    self.host.log(Level::Warning, why);
                    return Ok(Round::wrong(Denial::Secret));
                }
            }
        }
    }

    fn begin(&self, user: &str, attempt: &Attempt) -> Result<Running> {
        self.waiting().retain(|_, running| !running.is_over());
        Login {
            service: self.options.service.clone(),
            user: user.to_owned(),
            address: attempt.address.clone(),
            answer_limit: self.options.answer_timeout,
        }
        .start(&self.running)
    }

    /// Waits for the next question of a conversation, or for its end.
    fn go_on(&self, running: Running) -> Result<Round> {
        match running.next(self.limit())? {
            Said::Ends(round) => round,
            Said::Asks(question) => {
                let id: [u8; 16] = random()?;
                self.waiting().insert(id, running);
                let (pending, challenge) = (Secret::from(&id[..]), question.to_challenge());
                Ok(Round::Challenge { pending, challenge })
            }
        }
    }

    fn limit(&self) -> Duration {
        let limit = self.options.timeout;
        self.host.remaining().map_or(limit, |remaining| remaining.min(limit))
    }

    fn waiting(&self) -> std::sync::MutexGuard<'_, HashMap<[u8; 16], Running>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether PAM can have a user of this name. It writes names into logs and passes them to programs.
fn is_name(user: &str) -> bool {
    (1..=LONGEST_USER).contains(&user.len()) && !user.contains(char::is_control)
}

/// Whether C's texts can contain this answer.
fn is_answer(answer: &Secret) -> bool {
    answer.len() <= LONGEST_ANSWER && !answer.expose().contains(&0)
}

#[cfg(test)]
mod tests;
