use keyward_core::{Denial, Verifier};

use super::{Format, Line, lines, without_end};
use crate::Unusable;

/// What a line of a file says about a user.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Row {
    /// The number of the line; the first is 1.
    pub line: usize,
    /// The name of the user.
    pub user: String,
    /// The realm, in a file of `htdigest`.
    pub realm: Option<String>,
    /// What is stored.
    pub stored: Result<Verifier, Unusable>,
    /// Why the user is not let in whatever the password is, if the line says so.
    pub denied: Option<Denial>,
}

/// Lists the lines of users, without those that are broken. Weak verifiers are listed too.
pub fn list(content: &[u8], format: &Format) -> Vec<Row> {
    let entries = lines(content).filter_map(|(line, bytes)| {
        let Some(Line::Entry(entry)) = format.line(without_end(bytes)) else { return None };
        Some(Row {
            line,
            user: entry.name.to_owned(),
            realm: entry.realm.map(str::to_owned),
            stored: format.verifier(&entry, true),
            denied: format.denied(&entry),
        })
    });
    entries.collect()
}
