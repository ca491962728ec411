//! Pages in which a server says how a login went.

use std::borrow::Cow;

use keyward_plugin::{Error, RefusalCause, ResponseHead, Result, Secret, Step, printable};
use regex_lite::Regex;

/// Regular expressions for the pages of a server.
#[derive(Clone, Debug, Default)]
pub(crate) struct Pages {
    success: Vec<Regex>,
    failure: Vec<Regex>,
}

impl Pages {
    /// Compiles the expressions of the options `success` and `failure`.
    ///
    /// # Errors
    /// [`Invalid`](keyward_plugin::ErrorKind::Invalid) if one of them is not an expression.
    pub(crate) fn new(success: &[String], failure: &[String]) -> Result<Self> {
        Ok(Self { success: compile("success", success)?, failure: compile("failure", failure)? })
    }

    /// Whether a page is the one that only a good login leads to, if there is such a page.
    pub(crate) fn shows_success(&self, page: &Secret) -> bool {
        let text = text(page);
        self.success.iter().all(|pattern| pattern.is_match(&text))
    }

    /// Whether it matters to which page a login leads.
    pub(crate) fn has_success(&self) -> bool {
        !self.success.is_empty()
    }

    /// Whether a page asks for a login, or says that one has failed.
    pub(crate) fn shows_failure(&self, page: &Secret) -> bool {
        let text = text(page);
        self.failure.iter().any(|pattern| pattern.is_match(&text))
    }

    /// Accepts an answer, unless its status or its page says that the credential is wrong.
    pub(crate) fn judge(&self, answer: &ResponseHead) -> Step {
        match self.shows_failure(&answer.body_start) {
            true => login_page("with the credential"),
            false => accepted_unless_401(answer),
        }
    }
}

/// Refuses a login page in place of a file.
pub(crate) fn login_page(when: &str) -> Step {
    let why = format!("the server answers with its login page, also {when}");
    Step::refuse(RefusalCause::WrongCredential, why)
}

fn compile(option: &str, texts: &[String]) -> Result<Vec<Regex>> {
    let pattern = |text: &String| {
        Regex::new(text).map_err(|error| {
            Error::invalid("options", format!("`{option}`: {}", printable(&error.to_string())))
        })
    };
    texts.iter().map(pattern).collect()
}

/// Returns bytes as text; what is not UTF-8 becomes another character.
fn text(bytes: &Secret) -> Cow<'_, str> {
    String::from_utf8_lossy(bytes.expose())
}

/// Accepts an answer unless it says that the credential is wrong. 403 is about what the user may do.
pub(crate) fn accepted_unless_401(answer: &ResponseHead) -> Step {
    match answer.status {
        401 => {
            Step::refuse(RefusalCause::WrongCredential, "the server does not accept the credential")
        }
        _ => Step::Accept,
    }
}
