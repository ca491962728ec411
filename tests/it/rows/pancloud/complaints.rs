//! What pancloud's users complained about, by the numbers of their issues. `table.rs` names the tests
//! elsewhere that show the others to be absent.

use std::collections::BTreeMap;

use http::Request;
use http::header::AUTHORIZATION;
use keyward::{ErrorKind, Secret};
use keyward_core::Field;
use keyward_kinds::fields;
use keyward_oauth2::Provider;

use super::home;
use super::server::{API, Server, application, client_with_token, put, stored, value};

#[test]
fn b11_017_the_header_is_hidden_but_not_overwritten() {
    let home = home();
    put(&home, &client_with_token(3600));
    let session = Server::new().session(&application(&home));
    let mut request = Request::get(API).body(()).unwrap();
    let token = session.apply(&mut request).unwrap();
    assert!(!format!("{request:?}").contains("access-0"));
    assert_eq!(request.headers()[AUTHORIZATION], "Bearer access-0");
    assert_eq!(token.expose(), b"access-0");
}

#[test]
fn b11_056_the_freshest_token_is_used_and_compared() {
    let (server, home) = (Server::new(), home());
    put(&home, &client_with_token(3600));
    let session = server.session(&application(&home));
    session.token().unwrap();
    // Another program stores a newer one.
    let newer = Field::secret("newer");
    put(&home, &client_with_token(3600).with(fields::ACCESS_TOKEN, newer));
    assert_eq!(session.token().unwrap().expose(), b"newer");
    assert_eq!(session.refresh(&"access-0".into()).unwrap().expose(), b"newer");
    assert_eq!(server.requests(), 0);
    assert_eq!(session.refresh(&"newer".into()).unwrap().expose(), b"access-1");
}

#[test]
fn b11_073_a_refresh_that_fails_keeps_what_is_stored() {
    let answers = [
        (400, r#"{"error":"invalid_grant"}"#),
        (500, ""),
        (200, "{}"),
        (200, r#"{"access_token":null,"refresh_token":null}"#),
        (302, ""),
    ];
    for (status, body) in answers {
        let (server, home) = (Server::new(), home());
        let before = client_with_token(-1);
        put(&home, &before);
        server.answers(status, body);
        server.session(&application(&home)).token().unwrap_err();
        let after = stored(&home);
        for (name, field) in &before.fields {
            assert_eq!(after.field(name), Some(field), "{body}: {name}");
        }
    }
}

#[test]
fn b11_086_a_good_token_is_only_read() {
    let (server, home) = (Server::new(), home());
    put(&home, &client_with_token(3600));
    let before = home.files();
    let session = server.session(&application(&home));
    (0..20).for_each(|_| assert_eq!(server.call(&session).unwrap(), 200));
    assert_eq!(server.calls(), ["Bearer access-0"; 20]);
    assert_eq!((server.requests(), home.files()), (0, before));
}

#[test]
fn b11_131_a_region_has_a_default() {
    let pancloud = Provider::bundled("pancloud").unwrap();
    let origin = |variables: &[(&str, &str)]| {
        let variables = variables.iter().map(|(name, value)| (name.to_string(), value.to_string()));
        let variables: BTreeMap<_, _> = variables.collect();
        pancloud.record(&variables).unwrap().origins[0].to_string()
    };
    assert_eq!(origin(&[]), "https://api.us.cdl.paloaltonetworks.com");
    assert_eq!(origin(&[("region", "eu")]), "https://api.eu.cdl.paloaltonetworks.com");
}

#[test]
fn b11_154_the_callers_own_header_is_not_replaced() {
    let (server, home) = (Server::new(), home());
    put(&home, &client_with_token(3600));
    let session = server.session(&application(&home));
    let request = Request::get(API).header(AUTHORIZATION, "Basic eA==").body(Secret::default());
    let error = session.send(request.unwrap(), |_| -> keyward::Result<http::Response<()>> {
        panic!("nothing is sent")
    });
    assert_eq!(error.unwrap_err().kind(), ErrorKind::Invalid);
    // The values of the caller come before those that are stored.
    let own = session.clone().with_value("token", "of the caller");
    assert_eq!(own.token().unwrap().expose(), b"of the caller");
    assert_eq!(value(&stored(&home), fields::ACCESS_TOKEN), "access-0");
}
