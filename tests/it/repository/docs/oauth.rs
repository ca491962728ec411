//! The sessions of the page about OAuth happen at real servers, with a user who agrees. Only for the
//! grants that neither of them has, a function answers.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;

use crate::helpers::console_pages::{differences_with, steps_of};
use crate::helpers::home::Home;
use crate::helpers::program::keyward;
use crate::oauth::scripted::{Received, Scripted};
use crate::oauth::server::{Django, Oidc, browser};

pub(super) const PAGE: &str = "docs/oauth.md";

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
    let home = Home::in_memory();
    let (oidc, django) = (Oidc::start_with_keys(&home), Django::start());
    let scripted = Scripted::start(answer);
    // The servers as the page calls them.
    let servers = [
        ("https://login.example", oidc.issuer()),
        ("https://old.example", django.url()),
        ("https://oauth2.googleapis.com", &scripted.url),
        ("https://exchange.example", &scripted.url),
        ("https://developer.example", &scripted.url),
        ("https://pancloud.example", &scripted.url),
    ];
    for (name, text) in [
        ("secret", "s3cret\n"),
        ("old-secret", "old:s3cret/+%&"),
        ("password", "alice-pw\n"),
        ("token", "of.ann.1"),
        ("assertion", "signed.by.another"),
        ("developer-token", "dev-1"),
    ] {
        home.write(name, text);
    }
    fs::copy(home.path("keys/ES256.pem"), home.path("keys/robot.pem")).unwrap();
    let user = USER.replace("%browser%", browser().to_str().unwrap());
    let user = home.write("bin/keyward", user.replace("%keyward%", keyward().to_str().unwrap()));
    fs::set_permissions(&user, Permissions::from_mode(0o700)).unwrap();
    let mut steps = steps_of(PAGE);
    for step in &mut steps {
        for (name, url) in servers {
            step.command = step.command.replace(name, url);
            step.expected = step.expected.replace(name, url);
        }
    }
    let wrong = differences_with(&home, steps, user.parent().unwrap());
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

/// Answers a request of the page for a grant that no real server here has, if it is right.
fn answer(request: &Received) -> (String, String) {
    let has = |name, value| request.parameter(name) == Some(value);
    let grant = request.parameter("grant_type").unwrap_or_default();
    let is_right = match grant.rsplit("%3A").next().unwrap_or_default() {
        "jwt-bearer" => {
            request.parameter("assertion").is_some_and(|jwt| jwt.split('.').count() == 3)
        }
        "token-exchange" => {
            let jwt = "urn%3Aietf%3Aparams%3Aoauth%3Atoken-type%3Ajwt";
            has("subject_token", "of.ann.1")
                && has("subject_token_type", jwt)
                && has("audience", "orders")
        }
        _ if request.path == "/request_token" => request.authorization == "Bearer dev-1",
        _ => request.body.contains(r#""refresh_token":"r3fresh""#),
    };
    match is_right {
        true => {
            let token = r#"{"access_token":"access-for-cli","expires_in":3600}"#;
            ("200 OK".into(), token.into())
        }
        false => ("400 Bad Request".into(), r#"{"error":"invalid_grant"}"#.into()),
    }
}
