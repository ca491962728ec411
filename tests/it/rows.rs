//! What DataLad, DataLad-next and pancloud can do with credentials, row by row. `docs/adr/0042` names
//! the rows that are missing, and why.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;

use crate::helpers::home::Home;

mod advisories;
mod datalad;
mod downloads;
mod flumotion;
mod pancloud;
mod providers;
mod tables;
mod twisted;

/// A home with the store `s`.
fn home() -> Home {
    let home = Home::in_memory();
    home.init("s", "file", "aes-gcm");
    home
}

/// A home with the store `s` and a user who answers questions: with `ann`, or, if a secret is asked
/// for, with `typed`. The file `questions` keeps the last lines of the questions.
fn home_with_answers() -> Home {
    let home = home();
    let script = "#!/bin/sh\nprintf '%s' \"$1\" | tail -n 1 >>\"$HOME/questions\"; echo >>\"$HOME/questions\"\n\
                  case $1 in *Username*) echo ann;; *) echo typed;; esac\n";
    let program = home.write("ask", script);
    fs::set_permissions(&program, Permissions::from_mode(0o700)).unwrap();
    home.write("questions", "");
    home.with("KEYWARD_ASKPASS", program)
}

/// Returns the questions since the last call.
fn questions(home: &Home) -> String {
    let questions = home.read("questions");
    home.write("questions", "");
    let questions = questions.lines().map(|line| line.trim_end_matches([' ', ':']));
    questions.collect::<Vec<_>>().join(", ")
}
