//! The weaknesses of pancloud, by their numbers. `table.rs` names the tests elsewhere that show the
//! others to be absent.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::thread;
use std::time::Duration;

use keyward::{ErrorKind, Keyward, OAuthOptions, Silent};
use keyward_core::{Expect, Field};
use keyward_kinds::fields;

use super::home;
use super::server::{
    IN_THE_ENVIRONMENT, Server, application, client, client_with_token, environment, put, stored,
    value,
};

/// A JWT that ended in 1970, and one that ends in the year 2255; both payloads need `-` and `_`.
const ENDED: &str = "e30.eyJleHAiOjEwMDAsIm4iOiI_Pz8-Pj5-fn4ifQ.c2ln";
const LASTING: &str = "e30.eyJleHAiOjkwMDAwMDAwMDAsIm4iOiI_Pz8-Pj5-fn4ifQ.c2ln";

#[test]
fn b12_02_threads_with_an_expired_token_all_send_the_new_one() {
    let (server, home) = (Server::new(), home());
    put(&home, &client_with_token(-1));
    server.takes(Duration::from_millis(100));
    let session = server.session(&application(&home));
    thread::scope(|scope| {
        let threads: Vec<_> = (0..6).map(|_| scope.spawn(|| server.call(&session))).collect();
        threads.into_iter().for_each(|thread| assert_eq!(thread.join().unwrap().unwrap(), 200));
    });
    assert_eq!(server.calls(), ["Bearer access-1"; 6]);
    assert_eq!(server.requests(), 1);
}

#[test]
fn b12_03_refreshes_at_the_same_time_leave_the_store_whole() {
    let (server, home) = (Server::new(), home());
    put(&home, &client());
    for round in 1..=30 {
        let newest = stored(&home).field(fields::ACCESS_TOKEN).map(|field| field.value.clone());
        thread::scope(|scope| {
            for _ in 0..4 {
                let session = server.session(&application(&home));
                let newest = newest.as_ref();
                scope.spawn(move || match newest {
                    Some(rejected) => session.refresh(rejected).unwrap(),
                    None => session.token().unwrap(),
                });
            }
        });
        assert_eq!(
            (server.requests(), value(&stored(&home), fields::ACCESS_TOKEN)),
            (round, format!("access-{round}"))
        );
    }
    home.keyward("store verify s").run().ends(0);
}

#[test]
fn b12_04_a_session_that_has_refreshed_takes_the_token_that_another_one_stored() {
    let (server, home) = (Server::new(), home());
    put(&home, &client());
    let [one, other] = [(); 2].map(|()| server.session(&application(&home)));
    let first = one.token().unwrap();
    let second = other.refresh(&first).unwrap();
    assert_eq!(one.token().unwrap(), second);
    assert_eq!(one.refresh(&first).unwrap(), second);
    assert_eq!(server.requests(), 2);
}

#[test]
fn b12_05_opaque_tokens_work_and_a_rotated_refresh_token_comes_first() {
    let (server, home) = (Server::new(), home());
    // Nothing says when it ends.
    put(&home, &client().with(fields::ACCESS_TOKEN, Field::secret("opaque")));
    let session = server.session(&application(&home));
    assert_eq!(session.token().unwrap().expose(), b"opaque");
    for body in [
        r#"{"access_token":"not-a.jwt","refresh_token":"rolled-1"}"#,
        r#"{"access_token":"opaque again","refresh_token":"rolled-2","expires_in":60}"#,
        r#"{"refresh_token":"rolled-3","expires_in":"soon"}"#,
    ] {
        put(&home, &client_with_token(-1));
        server.answers(200, body);
        drop(session.token());
        let rolled = value(&stored(&home), fields::REFRESH_TOKEN);
        assert!(rolled.starts_with("rolled-") && body.contains(&rolled), "{body}: {rolled}");
    }
}

#[test]
fn b12_06_no_token_is_in_a_file_that_others_can_read_or_in_clear() {
    let (server, home) = (Server::new(), home());
    put(&home, &client());
    server.session(&application(&home)).token().unwrap();
    for (path, content) in home.files() {
        let mode = fs::symlink_metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o077, 0, "{}", path.display());
        for token in ["access-1", "refresh-0", "refresh-1"] {
            let is_in = content.windows(token.len()).any(|part| part == token.as_bytes());
            assert!(!is_in, "{token} is in {}", path.display());
        }
    }
}

#[test]
fn b12_07_a_refresh_writes_no_value_of_the_environment_into_the_store() {
    let home = home();
    put(&home, &client().with(fields::REFRESH_TOKEN, Field::secret("of the store")));
    let before = home.files();
    let variables = IN_THE_ENVIRONMENT.into_iter();
    let environment = variables.fold(home.environment(), |all, (field, value)| {
        all.with(&format!("KEYWARD_CREDENTIAL_API_{}", field.to_ascii_uppercase()), value)
    });
    let server = Server::new();
    let session = server.session(&Keyward::with(environment, Silent).unwrap());
    assert_eq!(session.token().unwrap().expose(), b"access-1");
    assert_eq!(session.refresh(&"access-1".into()).unwrap().expose(), b"access-2");
    assert_eq!(home.files(), before);
}

#[test]
fn b12_08_an_answer_without_a_refresh_token_keeps_the_old_one() {
    for more in ["", r#","refresh_token":null"#, r#","refresh_token":"""#, r#","refresh_token":7"#]
    {
        let (server, home) = (Server::new(), home());
        put(&home, &client());
        server.answers(200, format!(r#"{{"access_token":"a"{more}}}"#));
        assert_eq!(server.session(&application(&home)).token().unwrap().expose(), b"a");
        assert_eq!(value(&stored(&home), fields::REFRESH_TOKEN), "refresh-0", "{more}");
    }
}

#[test]
fn b12_09_the_end_is_that_of_the_token_that_is_there_now() {
    let home = home();
    let session = Server::new().session(&application(&home));
    for (token, has_ended) in [(ENDED, true), (LASTING, false), (ENDED, true)] {
        put(&home, &client().with(fields::ACCESS_TOKEN, Field::secret(token)));
        assert_eq!(session.is_expired(Duration::ZERO).unwrap(), has_ended);
        // To look into another token changes nothing.
        assert!(keyward_oauth2::claims(&LASTING.into()).is_ok());
        assert_eq!(session.is_expired(Duration::ZERO).unwrap(), has_ended);
    }
}

#[test]
fn b12_11_a_static_token_is_sent_while_it_is_good_and_then_is_an_error() {
    let server = Server::new();
    let keyward = Keyward::with(environment("/nonexistent", &[]), Silent).unwrap();
    let session = server.session(&keyward);
    let with = |field: &str, token| session.clone().with_value(field, token);
    for (token, sent) in [("opaque", "Bearer opaque"), (LASTING, &format!("Bearer {LASTING}"))] {
        assert_eq!(server.call(&with("token", token)).unwrap(), 200);
        let client = with("access_token", token).with_value("client_id", "cli");
        assert_eq!(server.call(&client).unwrap(), 200);
        assert_eq!(server.calls(), [sent; 2]);
    }
    for session in
        [with("token", ENDED), with("access_token", ENDED).with_value("client_id", "cli")]
    {
        for auto_refresh in [true, false] {
            let options = OAuthOptions { auto_refresh, ..session.options() };
            let error = server.call(&session.clone().with_options(options)).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Unauthorized);
            assert_eq!(error.message(), "the access token of `api` has expired");
        }
    }
    // One that a server rejects is not refreshed either, and its answer is returned.
    server.rejects_everything();
    assert_eq!(server.call(&with("token", "opaque")).unwrap(), 401);
    let error = with("token", "opaque").refresh(&"opaque".into()).unwrap_err();
    assert_eq!((error.kind(), server.requests()), (ErrorKind::Unauthorized, 0));
    assert_eq!(server.calls(), ["Bearer opaque"]);
}

#[test]
fn b12_12_a_session_goes_on_after_its_credential_was_removed() {
    let (server, home) = (Server::new(), home());
    put(&home, &client_with_token(3600));
    let session = server.session(&application(&home));
    session.token().unwrap();
    let store = home.store("s");
    let id = store.entry(None, Some("api")).unwrap();
    store.delete(&id, &Expect::Any).unwrap();
    assert_eq!(session.token().unwrap_err().kind(), ErrorKind::NotFound);
    put(&home, &client());
    assert_eq!(session.token().unwrap().expose(), b"access-1");
}

#[test]
fn b12_14_a_url_keeps_its_port_and_gets_no_other() {
    for url in ["https://login.example:8443/token", "https://login.example/token?x=1"] {
        let (server, home) = (Server::new(), home());
        put(&home, &client().with(fields::TOKEN_URL, Field::open(url)));
        server.session(&application(&home)).token().unwrap();
        assert_eq!(server.urls(), [url]);
    }
}

#[test]
fn b12_17_neither_a_session_nor_an_error_shows_a_secret() {
    let (server, home) = (Server::new(), home());
    put(&home, &client().with(fields::REFRESH_TOKEN, Field::secret("canary-refresh")));
    let session = server.session(&application(&home)).with_value("client_secret", "canary-value");
    assert!(!format!("{session:?}{:?}", application(&home)).contains("canary"));
    let session = server.session(&application(&home));
    let bad = r#"{"error":"invalid_grant","error_description":"canary-refresh is bad"}"#;
    for (status, body) in [(400, bad), (500, "<html>canary-refresh</html>"), (200, "canary")] {
        put(&home, &client().with(fields::REFRESH_TOKEN, Field::secret("canary-refresh")));
        server.answers(status, body);
        let error = session.token().unwrap_err();
        let shown = format!("{error:?} {error} {}", error.report());
        assert!(!shown.contains("canary"), "{shown}");
    }
}

#[test]
fn b12_18_an_error_is_one_line_in_words_and_a_busy_server_is_left_alone() {
    let (server, home) = (Server::new(), home());
    let session = server.session(&application(&home));
    for (status, body, kind, message) in [
        (
            400,
            r#"{"error":"invalid_grant","error_description":"The grant ended"}"#,
            ErrorKind::Unauthorized,
            "the server says invalid_grant: The grant ended",
        ),
        (
            401,
            r#"{"error":"invalid_client"}"#,
            ErrorKind::Unauthorized,
            "the server says invalid_client",
        ),
        (
            400,
            r#"{"error":{"errorCode":"x","errorMessage":"{\"a\":1}"}}"#,
            ErrorKind::Unavailable,
            "the server answered 400 Bad Request without an OAuth error",
        ),
        (
            429,
            "",
            ErrorKind::Unavailable,
            "the server answered 429 Too Many Requests without an OAuth error",
        ),
        (
            503,
            "<html>\n</html>",
            ErrorKind::Unavailable,
            "the server answered 503 Service Unavailable without an OAuth error",
        ),
    ] {
        put(&home, &client());
        server.answers(status, body);
        let before = server.requests();
        for _ in 0..3 {
            let error = session.token().unwrap_err();
            assert_eq!((error.kind(), error.message()), (kind, message));
        }
        assert_eq!(server.requests(), before + 1, "{body}");
    }
}
