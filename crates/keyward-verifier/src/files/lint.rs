use std::collections::BTreeMap;
use std::fmt;

use keyward_core::VerifierForm;

use super::{Entry, Format, Line, lines, without_end};
use crate::Unusable;
use crate::hash::{Hash, Weakness};
use crate::scram::{MIN_ITERATIONS, Scram};

/// What is wrong in a line of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The number of the line; the first is 1.
    pub line: usize,
    /// The name of the user, if the line has one.
    pub user: Option<String>,
    /// What is wrong.
    pub problem: Problem,
}

/// What can be wrong in a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Problem {
    /// It is longer than [`MAX_LINE`](super::MAX_LINE).
    TooLong,
    /// It is not UTF-8.
    NotText,
    /// It has no delimiter, or too few.
    TooFewFields,
    /// The name is empty. Some programs let in a client that sends an empty name.
    EmptyName,
    /// The name is too long, contains a control character or begins with `#`.
    BadName,
    /// The password is empty. Some programs let in a client that sends an empty password.
    EmptyPassword,
    /// The user is in another line too. Programs differ in which one they take.
    Duplicate {
        /// The number of the first line.
        first: usize,
    },
    /// It is a comment that programs without comments take for a user, whose name begins with `#`.
    Comment,
    /// What it stores cannot be used.
    Unusable(Unusable),
    /// The password itself is stored.
    Plaintext,
    /// The hash can be computed so fast that passwords can be guessed from it.
    WeakScheme,
    /// The cost of the hash is so low that passwords can be guessed from it.
    WeakCost,
}

impl Problem {
    /// Its name in JSON.
    pub fn name(self) -> &'static str {
        match self {
            Self::TooLong => "too-long",
            Self::NotText => "not-text",
            Self::TooFewFields => "too-few-fields",
            Self::EmptyName => "empty-name",
            Self::BadName => "bad-name",
            Self::EmptyPassword => "empty-password",
            Self::Duplicate { .. } => "duplicate",
            Self::Comment => "comment",
            Self::Unusable(_) => "unusable",
            Self::Plaintext => "plaintext",
            Self::WeakScheme => "weak-scheme",
            Self::WeakCost => "weak-cost",
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::TooLong => "the line is too long",
            Self::NotText => "the line is not UTF-8",
            Self::TooFewFields => "the line has too few fields",
            Self::EmptyName => "the name is empty",
            Self::BadName => "the name is too long, contains a control character or begins with #",
            Self::EmptyPassword => "the password is empty",
            Self::Duplicate { first } => return write!(f, "the user is also in line {first}"),
            Self::Comment => "the comment is a user for programs that know no comments",
            Self::Unusable(why) => return why.fmt(f),
            Self::Plaintext => "the password itself is stored",
            Self::WeakScheme => "the hash is so fast that passwords can be guessed",
            Self::WeakCost => "the cost of the hash is so low that passwords can be guessed",
        })
    }
}

/// Finds what is wrong in a file, in the order of its lines.
///
/// # Security
/// A finding contains the name of a user, and nothing that is secret. A comment's text is not shown.
pub fn lint(content: &[u8], format: &Format) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut seen = BTreeMap::new();
    for (line, bytes) in lines(content) {
        let bytes = without_end(bytes);
        let mut found = |user: Option<&str>, problem| {
            findings.push(Finding { line, user: user.map(str::to_owned), problem });
        };
        match format.line(bytes) {
            None if is_user_for_others(bytes, format) => found(None, Problem::Comment),
            None => {}
            Some(Line::Broken(problem)) => found(None, problem),
            Some(Line::Entry(entry)) => {
                let key = (format.canonical(entry.name), entry.realm);
                match seen.get(&key) {
                    Some(first) => found(Some(entry.name), Problem::Duplicate { first: *first }),
                    None => drop(seen.insert(key, line)),
                }
                if let Some(problem) = weakness(&entry, format) {
                    found(Some(entry.name), problem);
                }
            }
        }
    }
    findings
}

/// Whether a program that knows no comments lets in a user with this line.
fn is_user_for_others(comment: &[u8], format: &Format) -> bool {
    let Some(Ok(entry)) = comment.strip_prefix(b"#").map(|line| format.entry(line)) else {
        return false;
    };
    !entry.name.contains(' ') && format.verifier(&entry, true).is_ok()
}

fn weakness(entry: &Entry<'_>, format: &Format) -> Option<Problem> {
    let verifier = match format.verifier(entry, true) {
        Ok(verifier) => verifier,
        Err(Unusable::Locked) => return None,
        Err(why) => return Some(Problem::Unusable(why)),
    };
    match verifier.form {
        VerifierForm::Plaintext => Some(Problem::Plaintext),
        VerifierForm::PasswordHash => {
            Hash::parse(&verifier.value).ok()?.weakness().map(|weakness| match weakness {
                Weakness::Scheme => Problem::WeakScheme,
                Weakness::Cost => Problem::WeakCost,
            })
        }
        VerifierForm::ScramSha1 | VerifierForm::ScramSha256 => {
            let scram = Scram::parse(&verifier.value).ok()?;
            (scram.iterations < MIN_ITERATIONS).then_some(Problem::WeakCost)
        }
        _ => None,
    }
}
