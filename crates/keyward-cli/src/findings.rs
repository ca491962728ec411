//! Prints the results of checks, one by one.

use keyward_core::Error;
use serde_json::json;

use crate::output::{escape_if_terminal, print};
use crate::stop::{Outcome, Stop, exit_code};

/// The result of a check: all is well, the user should know something, or something is wrong.
pub(crate) enum Finding {
    Good(String),
    Note(String),
    Bad(Error),
}

/// Prints findings, and keeps the highest exit code.
pub(crate) struct Findings {
    json: bool,
    worst: u8,
}

impl Findings {
    pub(crate) const fn new(json: bool) -> Self {
        Self { json, worst: 0 }
    }

    pub(crate) fn add(&mut self, about: &str, finding: Finding) -> Outcome {
        let (mark, text) = match finding {
            Finding::Good(text) => ("good", text),
            Finding::Note(text) => ("note", text),
            Finding::Bad(error) => {
                self.worst = self.worst.max(exit_code(error.kind()));
                ("bad", error.summary_with_hint())
            }
        };
        print(&match self.json {
            true => json!({ "about": about, "finding": mark, "text": text }).to_string(),
            false => escape_if_terminal(&format!("{mark}: {about}: {text}")),
        })
    }

    /// Returns the outcome of all checks.
    pub(crate) fn end(self) -> Outcome {
        match self.worst {
            0 => Ok(()),
            code => Err(Stop::Code(code, "error: a check found something wrong, see above".into())),
        }
    }
}
