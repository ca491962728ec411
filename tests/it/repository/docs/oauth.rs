//! The sessions of the page about OAuth happen at a real server, with a user who agrees.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;

use crate::helpers::console_pages::{differences_with, steps_of};
use crate::helpers::home::Home;
use crate::helpers::program::keyward;
use crate::oauth::server::{Oidc, browser};

pub(super) const PAGE: &str = "docs/oauth.md";

/// The server as the page calls it.
const SERVER: &str = "https://login.example";

/// Keyward, with a user beside it: the browser agrees, and a code that is shown is typed.
const USER: &str = r#"#!/bin/sh
export BROWSER='%browser%'
case "$*" in *--device*) ;; *) exec '%keyward%' "$@" ;; esac
'%keyward%' "$@" 2>&1 | while IFS= read -r line; do
    printf '%s\n' "$line"
    case "$line" in
        Open\ *) page=${line#Open } ;;
        "and type "*) "$BROWSER" "$page?user_code=${line#and type }" >/dev/null & ;;
    esac
done
"#;

#[test]
fn every_session_with_a_server_is_true() {
    let server = Oidc::start();
    let home = Home::in_memory();
    home.write("secret", "s3cret\n");
    let user = USER.replace("%browser%", browser().to_str().unwrap());
    let user = home.write("bin/keyward", user.replace("%keyward%", keyward().to_str().unwrap()));
    fs::set_permissions(&user, Permissions::from_mode(0o700)).unwrap();
    let mut steps = steps_of(PAGE);
    for step in &mut steps {
        step.command = step.command.replace(SERVER, server.issuer());
        step.expected = step.expected.replace(SERVER, server.issuer());
    }
    let wrong = differences_with(&home, steps, user.parent().unwrap());
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}
