//! Rows C22 to C24, C27, C30 and F11: sessions of the library.

use std::sync::Arc;
use std::thread;
use std::time::Duration;

use http::Request;
use keyward::{ErrorKind, Keyward, OAuthOptions, Secret, Silent};
use keyward_core::{Field, Origin};
use keyward_http::Http;
use keyward_kinds::fields;

use super::home;
use super::server::{
    API, IN_THE_ENVIRONMENT, Server, TOKEN_URL, application, client, client_with_token,
    environment, put, stored, value,
};
use crate::helpers::home::{Home, files};

#[test]
fn c18_a_session_takes_all_from_the_first_source_that_has_any() {
    let (server, home) = (Server::new(), home());
    put(&home, &client_with_token(3600));
    let variable = |name: &str| format!("KEYWARD_CREDENTIAL_API_{name}");
    let environment = home.environment().with(&variable("TOKEN"), "of the environment");
    let keyward = Keyward::with(environment.clone(), Silent).unwrap();
    let mut resolver = keyward.resolver().unwrap();
    resolver.set("api", "token", "of the session");
    let in_store = server.session(&application(&home));
    let in_environment = server.session(&keyward);
    let of_session = in_environment.clone().with_resolver(resolver);
    let of_call = of_session.clone().with_value("token", "of the call");
    for (session, token) in [
        (&in_store, "access-0"),
        (&in_environment, "of the environment"),
        (&of_session, "of the session"),
        (&of_call, "of the call"),
        (&of_session, "of the session"),
    ] {
        assert_eq!(session.token().unwrap().expose(), token.as_bytes());
    }
    // A part of a credential is an error, though a later source has the rest.
    for partial in [
        in_store.clone().with_value("refresh_token", "r"),
        of_session.clone().with_value("client_id", "cli"),
    ] {
        assert_eq!(partial.token().unwrap_err().kind(), ErrorKind::Invalid);
    }
    // With a resolver that merges, a token is used while it is good, and not refreshed.
    let environment = home.environment().with(&variable("CLIENT_ID"), "other");
    let merging = |keyward: &Keyward| {
        let resolver = keyward.resolver().unwrap().merging();
        server.session(keyward).with_resolver(resolver)
    };
    let merged = merging(&Keyward::with(environment, Silent).unwrap());
    let token = merged.token().unwrap();
    assert_eq!(token.expose(), b"access-0");
    let error = merged.refresh(&token).unwrap_err();
    assert_eq!((error.kind(), server.requests()), (ErrorKind::Unsupported, 0));
}

#[test]
fn c18_an_access_token_comes_before_a_developers_token_and_that_before_a_refresh_token() {
    let developer = |record: keyward::Record| {
        let url = Field::open("https://developer.example/request_token");
        let record = record.with(fields::DEVELOPER_TOKEN_URL, url);
        record.with(fields::DEVELOPER_TOKEN, Field::secret("d3v"))
    };
    for (record, token, urls) in [
        (developer(client_with_token(3600)), "access-0", &[][..]),
        (
            developer(client_with_token(-1)),
            "for-a-developer",
            &["https://developer.example/request_token"],
        ),
        (client_with_token(-1), "access-1", &[TOKEN_URL]),
    ] {
        let (server, home) = (Server::new(), home());
        put(&home, &record);
        let session = server.session(&application(&home));
        assert_eq!(session.token().unwrap().expose(), token.as_bytes());
        assert_eq!(server.urls(), urls);
        // In the environment it is the same.
        let server = Server::new();
        let names = record.fields.keys().filter(|name| *name != fields::ACCESS_TOKEN);
        let values: Vec<_> = names.map(|name| (name.as_str(), value(&record, name))).collect();
        let values: Vec<_> = values.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let keyward = Keyward::with(environment("/proc/self/no-home", &values), Silent).unwrap();
        let session = server.session(&keyward);
        let token = if token == "access-0" { "for-a-developer" } else { token };
        assert_eq!(session.token().unwrap().expose(), token.as_bytes());
    }
}

#[test]
fn c19_a_developers_token_in_pancloud_s_variables_is_enough() {
    let home = home().with("KEYWARD_RESOLVE_SOURCES", "pancloud");
    let home = home.with("PAN_DEVELOPER_TOKEN", "d3v");
    let url = "https://developer.example/request_token";
    let session = |server: &Server, home: &Home| {
        let session = application(home).oauth_session("pancloud").unwrap();
        let session = session.with_http(Arc::new(server.clone()));
        session.for_origin("https://api.example").unwrap()
    };
    let server = Server::new();
    let error = session(&server, &home).token().unwrap_err();
    assert_eq!((error.kind(), server.requests()), (ErrorKind::Invalid, 0));
    let home = home.with("PAN_DEVELOPER_TOKEN_PROVIDER", url);
    let session = session(&server, &home);
    assert_eq!(server.call(&session).unwrap(), 200);
    assert_eq!(
        (server.calls(), server.urls()),
        (vec!["Bearer for-a-developer".into()], vec![url.to_owned()])
    );
    // When the service refuses, the error is one line, and a login is not what helps.
    server.answers(401, r#"{"errorCode":"x","errorMessage":"{\"a\":1}"}"#);
    let error = session.refresh(&"for-a-developer".into()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unauthorized);
    assert_eq!(error.message(), "the server refuses the developer's token");
    assert_eq!(error.advice(), Some("Replace the credential where it comes from"));
}

#[test]
fn c19_the_settings_of_a_server_complete_pancloud_s_variables() {
    let (server, home) = (Server::new(), home());
    let provider = "version = 1\nhelp = 'x'\ntoken_url = 'https://login.example/token'\n\
                    request_format = 'form'\norigins = ['https://api.example']\n";
    home.write(".config/keyward/oauth/test.toml", provider);
    let home = home.with("KEYWARD_RESOLVE_SOURCES", "pancloud").with("PAN_CLIENT_ID", "cli");
    let home = home.with("PAN_REFRESH_TOKEN", "refresh-0").with("PAN_CLIENT_SECRET", "cs");
    let session = application(&home).oauth_session("pancloud").unwrap();
    let session = session.with_http(Arc::new(server.clone())).with_provider("test").unwrap();
    assert_eq!(server.call(&session).unwrap(), 200);
    assert_eq!((server.calls(), server.requests()), (vec!["Bearer access-1".to_owned()], 1));
    assert!(session.with_provider("none").is_err());
}

#[test]
fn c22_a_refresh_compares_the_callers_token_and_stores_a_new_refresh_token() {
    let (server, home) = (Server::new(), home());
    put(&home, &client_with_token(3600));
    let session = server.session(&application(&home));
    let first = session.token().unwrap();
    assert_eq!((first.expose(), server.requests()), (&b"access-0"[..], 0));
    assert_eq!(session.refresh(&first).unwrap().expose(), b"access-1");
    // Someone else has this one still.
    assert_eq!(session.refresh(&first).unwrap().expose(), b"access-1");
    assert_eq!(server.requests(), 1);
    assert_eq!(value(&stored(&home), fields::REFRESH_TOKEN), "refresh-1");
    // A new refresh token is stored also if the access token that came with it is unusable.
    server.answers(200, r#"{"access_token":"with a blank","refresh_token":"refresh-x"}"#);
    let error = session.refresh(&"access-1".into()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert_eq!(value(&stored(&home), fields::REFRESH_TOKEN), "refresh-x");
    assert_eq!(value(&stored(&home), fields::ACCESS_TOKEN), "access-1");
}

#[test]
fn c23_the_access_token_is_cached_for_all_threads_and_sessions() {
    let (server, home) = (Server::new(), home());
    put(&home, &client());
    server.takes(Duration::from_millis(100));
    let keyward = application(&home);
    thread::scope(|scope| {
        let threads: Vec<_> = (0..8)
            .map(|number| {
                // Half of them share Keyward, half do not.
                let own = application(&home);
                let session = server.session(if number % 2 == 0 { &keyward } else { &own });
                scope.spawn(move || session.token().unwrap())
            })
            .collect();
        for thread in threads {
            assert_eq!(thread.join().unwrap().expose(), b"access-1");
        }
    });
    assert_eq!(server.session(&application(&home)).token().unwrap().expose(), b"access-1");
    assert_eq!(server.requests(), 1);
    home.keyward("oauth token s --name api").run().ends(0).prints("access-1\n");
}

#[test]
fn c23_without_the_cache_the_access_token_stays_in_memory_and_the_refresh_token_does_not() {
    let (server, home) = (Server::new(), home());
    let before = client_with_token(3600);
    put(&home, &before);
    let options = OAuthOptions { cache_token: false, ..OAuthOptions::default() };
    let session = server.session(&application(&home)).with_options(options);
    for _ in 0..3 {
        assert_eq!(session.clone().token().unwrap().expose(), b"access-1");
    }
    assert_eq!(server.requests(), 1);
    let after = stored(&home);
    assert_eq!(after.field(fields::ACCESS_TOKEN), before.field(fields::ACCESS_TOKEN));
    assert_eq!(value(&after, fields::REFRESH_TOKEN), "refresh-1");
    // Another session has another token, made with the newest refresh token.
    let other = server.session(&application(&home)).with_options(options);
    assert_eq!(other.token().unwrap().expose(), b"access-2");
    assert_eq!(session.token().unwrap().expose(), b"access-1");
    assert_eq!(session.refresh(&"access-1".into()).unwrap().expose(), b"access-3");
    assert_eq!(value(&stored(&home), fields::REFRESH_TOKEN), "refresh-3");
    assert_eq!(server.requests(), 3);
    // A login for other scopes has another token.
    let mut other = stored(&home).with(fields::SCOPE, Field::open("other"));
    other.fields.remove(fields::ISSUED_FOR);
    put(&home, &other);
    assert_eq!(session.token().unwrap().expose(), b"access-4");
    // A refresh that fails loses nothing.
    server.answers(500, "<html>");
    let error = session.refresh(&"access-4".into()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert_eq!(session.token().unwrap().expose(), b"access-4");
    assert_eq!(value(&stored(&home), fields::REFRESH_TOKEN), "refresh-4");
}

#[test]
fn c23_a_stored_token_for_other_scopes_is_not_used_after_a_session_has_refreshed_without_the_cache()
{
    let (server, home) = (Server::new(), home());
    let mut record = client().with(fields::GRANT, Field::open("client_credentials"));
    record.fields.remove(fields::REFRESH_TOKEN);
    server.answers(200, r#"{"access_token":"for-read","expires_in":3600}"#);
    put(&home, &record.with(fields::SCOPE, Field::open("read")));
    let cached = server.session(&application(&home));
    assert_eq!(cached.token().unwrap().expose(), b"for-read");
    put(&home, &stored(&home).with(fields::SCOPE, Field::open("write")));
    server.answers(200, r#"{"access_token":"for-write","expires_in":3600}"#);
    let options = OAuthOptions { cache_token: false, ..OAuthOptions::default() };
    let session = server.session(&application(&home)).with_options(options);
    assert_eq!(session.token().unwrap().expose(), b"for-write");
    assert!(stored(&home).field(fields::ACCESS_TOKEN).is_none());
    server.answers(200, r#"{"access_token":"for-write-2","expires_in":3600}"#);
    assert_eq!(cached.token().unwrap().expose(), b"for-write-2");
    assert_eq!(server.requests(), 3);
}

#[test]
fn c23_credentials_that_differ_in_any_field_share_no_token() {
    let server = Server::new();
    let keyward = Keyward::with(environment("/proc/self/no-home", &[]), Silent).unwrap();
    let whole = [
        ("issuer", "https://login.example"),
        ("client_id", "cli"),
        ("username", "ann"),
        ("scope", "read"),
        ("audience", "one"),
        ("resource", "https://one.example"),
        ("grant", "client_credentials"),
        ("parameters", "tenant=one"),
        ("token_url", TOKEN_URL),
    ];
    let session = |changed: &str| {
        whole.iter().fold(server.session(&keyward), |session, (field, value)| {
            match *field == changed {
                true if changed == "grant" => session.with_value("refresh_token", "refresh-1"),
                true if changed == "token_url" => {
                    session.with_value(field, "https://login.example/2")
                }
                true => session.with_value(field, format!("{value}2").as_str()),
                false => session.with_value(field, *value),
            }
        })
    };
    let tokens: Vec<_> = ["", "grant"]
        .into_iter()
        .chain(whole.iter().map(|(field, _)| *field).filter(|field| *field != "grant"))
        .map(|changed| (changed, session(changed).token().unwrap()))
        .collect();
    for (at, (changed, token)) in tokens.iter().enumerate() {
        assert_eq!(token.expose(), format!("access-{}", at + 1).as_bytes(), "{changed}");
        assert_eq!(session(changed).token().unwrap(), *token, "{changed}");
    }
    assert_eq!(server.requests(), tokens.len());
}

#[test]
fn c24_a_request_refreshes_a_token_that_is_absent_expired_or_due_before_it_is_sent() {
    for record in [client(), client_with_token(-1), client_with_token(30)] {
        let (server, home) = (Server::new(), home());
        put(&home, &record);
        let session = server.session(&application(&home));
        assert_eq!(server.call(&session).unwrap(), 200);
        assert_eq!((server.calls(), server.requests()), (vec!["Bearer access-1".to_owned()], 1));
    }
}

#[test]
fn c24_a_rejected_token_is_refreshed_and_the_request_is_sent_once_more() {
    let (server, home) = (Server::new(), home());
    put(&home, &client_with_token(3600));
    let session = server.session(&application(&home));
    server.revokes();
    assert_eq!(server.call(&session).unwrap(), 200);
    assert_eq!((server.calls(), server.requests()), (both("access-0", "access-1"), 1));
    // The second answer is returned, whatever it is.
    server.rejects_everything();
    assert_eq!(server.call(&session).unwrap(), 401);
    assert_eq!((server.calls(), server.requests()), (both("access-1", "access-2"), 2));
}

fn both(first: &str, second: &str) -> Vec<String> {
    vec![format!("Bearer {first}"), format!("Bearer {second}")]
}

#[test]
fn c24_each_request_can_do_without_refresh_or_retry() {
    let (server, home) = (Server::new(), home());
    put(&home, &client_with_token(30));
    let session = server.session(&application(&home));
    let all = OAuthOptions::default();
    let no_refresh = OAuthOptions { auto_refresh: false, ..all };
    let no_retry = OAuthOptions { auto_retry: false, ..all };
    assert_eq!(session.options(), all);
    server.revokes();
    assert_eq!(server.call(&session.clone().with_options(no_refresh)).unwrap(), 401);
    assert_eq!((server.calls(), server.requests()), (vec!["Bearer access-0".to_owned()], 0));
    put(&home, &client_with_token(3600));
    assert_eq!(server.call(&session.clone().with_options(no_retry)).unwrap(), 401);
    assert_eq!((server.calls(), server.requests()), (vec!["Bearer access-0".to_owned()], 1));
    // The next request has the new token.
    assert_eq!(server.call(&session).unwrap(), 200);
    assert_eq!((server.calls(), server.requests()), (vec!["Bearer access-1".to_owned()], 1));
    put(&home, &client_with_token(-1));
    let expired = session.clone().with_options(no_refresh);
    let error = server.call(&expired).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unauthorized);
    assert!(
        error.report().contains("`api` has expired") && error.report().contains("auto_refresh")
    );
    assert_eq!((server.calls().len(), server.requests()), (0, 1));
}

#[test]
fn c24_the_margin_can_be_set() {
    let (server, home) = (Server::new(), home());
    put(&home, &client_with_token(1000));
    let session = server.session(&application(&home));
    let with = |margin| {
        let options =
            OAuthOptions { margin: Some(Duration::from_secs(margin)), ..session.options() };
        session.clone().with_options(options)
    };
    assert_eq!(with(900).token().unwrap().expose(), b"access-0");
    assert_eq!(with(1100).token().unwrap().expose(), b"access-1");
    // No margin makes a new token due.
    assert_eq!(with(1_000_000).token().unwrap().expose(), b"access-1");
    assert_eq!(server.requests(), 1);
}

#[test]
fn c27_a_credential_of_the_environment_leaves_no_file() {
    let home = tempfile::tempdir().unwrap();
    for folder in [home.path().to_str().unwrap(), "/proc/self/no-home"] {
        for cache_token in [true, false] {
            let keyward = Keyward::with(environment(folder, &IN_THE_ENVIRONMENT), Silent).unwrap();
            let options = OAuthOptions { cache_token, ..OAuthOptions::default() };
            let server = Server::new();
            let session = server.session(&keyward).with_options(options);
            assert_eq!(server.call(&session).unwrap(), 200);
            assert_eq!(session.token().unwrap().expose(), b"access-1");
            // The rotated refresh token is used, though the variable has the old one.
            assert_eq!(session.refresh(&"access-1".into()).unwrap().expose(), b"access-2");
            assert_eq!(server.session(&keyward).token().unwrap().expose(), b"access-2");
            assert_eq!(server.requests(), 2);
        }
    }
    assert!(files(home.path()).is_empty());
}

#[test]
fn c27_threads_share_the_refresh_of_a_credential_that_is_in_no_store() {
    let home = tempfile::tempdir().unwrap();
    let folder = home.path().to_str().unwrap();
    for place in ["call", "session", "environment"] {
        let server = Server::new();
        server.takes(Duration::from_millis(100));
        let variables: &[_] = if place == "environment" { &IN_THE_ENVIRONMENT } else { &[] };
        let keyward = Keyward::with(environment(folder, variables), Silent).unwrap();
        thread::scope(|scope| {
            let threads: Vec<_> = (0..6)
                .map(|_| {
                    let mut session = server.session(&keyward);
                    if place == "session" {
                        let mut resolver = keyward.resolver().unwrap();
                        for (field, value) in IN_THE_ENVIRONMENT {
                            resolver.set("api", field, value);
                        }
                        session = session.with_resolver(resolver);
                    }
                    if place == "call" {
                        for (field, value) in IN_THE_ENVIRONMENT {
                            session = session.with_value(field, value);
                        }
                    }
                    scope.spawn(move || session.token().unwrap())
                })
                .collect();
            for thread in threads {
                assert_eq!(thread.join().unwrap().expose(), b"access-1", "{place}");
            }
        });
        assert_eq!(server.requests(), 1, "{place}");
    }
}

#[test]
fn c30_errors_have_kinds() {
    let (server, home) = (Server::new(), home());
    let session = server.session(&application(&home));
    let kind = || session.token().unwrap_err().kind();
    assert_eq!(kind(), ErrorKind::NotFound);
    // A part of a credential.
    let partial = session.clone().with_value("client_id", "cli");
    let error = partial.token().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid);
    assert!(error.report().contains("no access token, and nothing to get one with"), "{error:?}");
    let partial = session.clone().with_value("refresh_token", "r");
    let error = partial.token().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid);
    assert!(error.report().contains("no field `client_id`"), "{}", error.report());
    // The network, and its end.
    put(&home, &client());
    server.answers(503, "<html>busy</html>");
    assert_eq!(
        (kind(), kind(), server.requests()),
        (ErrorKind::Unavailable, ErrorKind::Unavailable, 1)
    );
    // A rejected grant.
    put(&home, &client());
    server.answers(400, r#"{"error":"invalid_grant","error_description":"it was used"}"#);
    let error = session.token().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unauthorized);
    assert!(error.report().contains("it was used") && error.report().contains("Log in again"));
    assert_eq!(value(&stored(&home), fields::REFRESH_TOKEN), "refresh-0");
    // The storage.
    let entries = home.store_folder();
    for (path, content) in files(&entries) {
        if !content.is_empty() {
            std::fs::write(path, b"damaged").unwrap();
        }
    }
    assert!(matches!(kind(), ErrorKind::Corrupt | ErrorKind::NoKey), "{:?}", session.token());
    // The configuration.
    home.write(".config/keyward/config.toml", "version = 1\nnonsense = 1\n");
    let error = Keyward::with(home.environment(), Silent).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid);
}

#[test]
fn f11_a_rejected_refresh_is_an_error_and_no_request_has_an_empty_token() {
    let answers = [
        (400, r#"{"error":"invalid_grant"}"#),
        (401, ""),
        (500, "oops"),
        (200, r#"{"access_token":null,"expires_in":1}"#),
        (200, r#"{"access_token":""}"#),
        (200, "null"),
        (200, "{}"),
    ];
    for (status, body) in answers {
        let (server, home) = (Server::new(), home());
        server.answers(status, body);
        put(&home, &client_with_token(-1));
        let session = server.session(&application(&home));
        server.call(&session).unwrap_err();
        assert_eq!(server.calls(), [""; 0], "{body}");
        // The answer to a request with a token that was good is an error too.
        put(&home, &client_with_token(3600));
        server.revokes();
        server.call(&session).unwrap_err();
        assert_eq!(server.calls(), ["Bearer access-0"], "{body}");
    }
    for empty in ["", "None"] {
        let home = home();
        let record = client_with_token(3600);
        let field = Field::secret(empty);
        put(&home, &record.with(fields::ACCESS_TOKEN, field));
        let server = Server::new();
        let session = server.session(&application(&home));
        server.call(&session).unwrap();
        let sent = if empty.is_empty() { "Bearer access-1" } else { "Bearer None" };
        // A text that someone has stored as the token is sent: Keyward did not make it.
        assert_eq!(server.calls(), [sent]);
    }
}

#[test]
fn f11_waiters_get_the_result_of_the_one_who_asked() {
    let (server, home) = (Server::new(), home());
    put(&home, &client());
    server.takes(Duration::from_millis(200));
    server.answers(400, r#"{"error":"invalid_grant","error_description":"gone"}"#);
    let keyward = application(&home);
    let session = server.session(&keyward);
    thread::scope(|scope| {
        let threads: Vec<_> =
            (0..6).map(|_| scope.spawn(|| server.call(&session).unwrap_err())).collect();
        for thread in threads {
            assert!(thread.join().unwrap().report().contains("gone"));
        }
    });
    assert_eq!((server.requests(), server.calls().len()), (1, 0));
}

#[test]
fn a_token_is_sent_only_where_it_belongs() {
    let (server, home) = (Server::new(), home());
    let origin = |text| keyward_origin::parse(text).unwrap();
    let session =
        application(&home).oauth_session("api").unwrap().with_http(Arc::new(server.clone()));
    let send = |url: &str| {
        let request = Request::get(url).body(Secret::from("body")).unwrap();
        session.send(request, |request| server.send(request)).map(|it| it.status().as_u16())
    };
    let refused = |url: &str, hint: &str| {
        let error = send(url).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Refused, "{url}");
        assert!(error.report().contains(hint), "{}", error.report());
        assert_eq!(server.calls(), [""; 0]);
    };
    put(&home, &client_with_token(3600));
    refused(API, "for_origin(\"https://api.example\")");
    let origins: Vec<Origin> =
        vec![origin("https://api.example"), origin("https://b.example:8443")];
    put(&home, &client_with_token(3600).with_origins(origins));
    assert_eq!(send(API).unwrap(), 200);
    assert_eq!(send("https://API.example:443/other?x").unwrap(), 200);
    assert_eq!(send("https://b.example:8443/").unwrap(), 200);
    assert_eq!(server.calls().len(), 3);
    for url in [
        "http://api.example/data",
        "https://api.example:8443/",
        "https://b.example/",
        "https://api.example.evil.example/",
        "https://evil.example/",
    ] {
        refused(url, "--again --origin");
    }
    for url in ["/data", "https://api.example@evil.example/", "https://u:p@api.example/"] {
        assert_eq!(send(url).unwrap_err().kind(), ErrorKind::Invalid, "{url}");
    }
    // The application cannot send it to more servers than the record allows.
    let wider = session.clone().for_origin("https://evil.example").unwrap();
    let request = Request::get("https://evil.example/").body(()).unwrap();
    let error = wider.apply(&mut { request }).unwrap_err();
    assert_eq!((error.kind(), server.calls().len()), (ErrorKind::Refused, 0));
}

#[test]
fn c26_whether_a_token_has_expired_can_be_asked() {
    let (server, home) = (Server::new(), home());
    let session = server.session(&application(&home));
    put(&home, &client_with_token(-10));
    let expired = |leeway| session.is_expired(Duration::from_secs(leeway)).unwrap();
    assert!(expired(0) && !expired(60));
    // A JWT with the letters `-` and `_`, and an end that only its payload says.
    let token = "e30.eyJleHAiOjEwMDAsIm4iOiI_Pz8-Pj5-fn4ifQ.c2ln";
    put(&home, &client().with(fields::ACCESS_TOKEN, Field::secret(token)));
    assert!(expired(0) && !expired(u64::from(u32::MAX)));
    put(&home, &client().with(fields::ACCESS_TOKEN, Field::secret("opaque")));
    assert!(!expired(0));
    put(&home, &client());
    assert!(expired(60));
    assert_eq!(server.requests(), 0);
}
