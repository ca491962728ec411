//! How an error is reported to a user.

use std::error::Error as StdError;
use std::iter;

use crate::Error;

/// Operations that a summary leaves out, because the message says everything.
const UNSAID: [&str; 11] = [
    "usage", "name", "options", "registry", "config", "open", "init", "setup", "plugin", "resolve",
    "kind",
];

impl Error {
    /// Iterates over the texts of what caused the error, from the nearest cause to the root.
    pub fn causes(&self) -> impl Iterator<Item = String> {
        let first: Option<&dyn StdError> = self.source();
        iter::successors(first, |cause| (*cause).source()).map(ToString::to_string)
    }

    /// Returns one line that says what failed. It contains the operation, unless that adds nothing.
    pub fn summary(&self) -> String {
        if UNSAID.contains(&self.operation()) {
            return self.message().to_owned();
        }
        self.to_string()
    }

    /// Returns one line that says what failed and, in parentheses, what the user can do about it.
    pub fn summary_with_hint(&self) -> String {
        let hint = self.advice().map(|hint| format!(" ({hint})")).unwrap_or_default();
        self.summary() + &hint
    }

    /// Returns what failed, why if that is known, and one hint, each on a line.
    ///
    /// # Examples
    /// ```
    /// use keyward_core::{Error, ErrorKind};
    ///
    /// let error = Error::new(ErrorKind::Unavailable, "config")
    ///     .because("the file cannot be read")
    ///     .caused_by("permission denied")
    ///     .hint("Run: keyward doctor");
    /// assert_eq!(
    ///     error.report(),
    ///     "the file cannot be read\n  because: permission denied\n  hint: Run: keyward doctor"
    /// );
    /// ```
    pub fn report(&self) -> String {
        let mut report = self.summary();
        for cause in self.causes() {
            if !report.contains(&cause) {
                report += &format!("\n  because: {cause}");
            }
        }
        if let Some(hint) = self.advice() {
            report += &format!("\n  hint: {hint}");
        }
        report
    }
}
