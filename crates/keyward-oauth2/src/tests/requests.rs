use std::sync::Mutex;

use super::*;
use crate::Grant;

/// Returns the headers and the body of the request that a record makes for a grant.
pub(super) fn sent(record: Record, grant: &Grant) -> (String, String) {
    let seen = Arc::new(Mutex::new((String::new(), String::new())));
    let copy = Arc::clone(&seen);
    let tokens = World::new().tokens(move |request| {
        let header =
            |name| request.headers().get(name).map_or("-", |value| value.to_str().unwrap());
        let headers = format!("{} {}", header("content-type"), header("authorization"));
        let body = request.body().expose_str().unwrap().to_owned();
        *copy.lock().unwrap() = (headers, body);
        assert_eq!(request.uri(), "https://as.example/token");
        assert_eq!(header("accept"), "application/json");
        answer(200, r#"{"access_token":"access-2"}"#)
    });
    let record = tokens.request(record, grant).unwrap();
    assert_eq!(value(&record, fields::ACCESS_TOKEN), "access-2");
    let seen = seen.lock().unwrap();
    seen.clone()
}

const FORM: &str = "application/x-www-form-urlencoded";

#[test]
fn each_grant_has_its_parameters() {
    let code = Grant::AuthorizationCode {
        code: "c d".into(),
        redirect_uri: "http://127.0.0.1:7/cb".into(),
        verifier: "v~".into(),
    };
    let password = Grant::Password { username: "ann".into(), password: "p&w=ü".into() };
    for (grant, body) in [
        (
            code,
            "grant_type=authorization_code&code=c%20d\
             &redirect_uri=http%3A%2F%2F127.0.0.1%3A7%2Fcb&code_verifier=v%7E",
        ),
        (
            Grant::DeviceCode("d".into()),
            "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Adevice_code&device_code=d",
        ),
        (Grant::ClientCredentials, "grant_type=client_credentials&scope=read%20write"),
        (Grant::RefreshToken("r".into()), "grant_type=refresh_token&refresh_token=r"),
        (password, "grant_type=password&username=ann&password=p%26w%3D%C3%BC&scope=read%20write"),
    ] {
        let record = expired().with(fields::SCOPE, Field::open("read write"));
        let (headers, form) = sent(record, &grant);
        assert_eq!(headers, format!("{FORM} -"));
        assert_eq!(form, format!("{body}&client_id=cli"));
    }
}

#[test]
fn a_client_authenticates_as_its_record_says() {
    let record = expired()
        .with(fields::CLIENT_ID, Field::open("a:b"))
        .with(fields::CLIENT_SECRET, Field::secret("s+ü"));
    // RFC 6749 section 2.3.1: both are escaped before they are joined.
    let basic = "Basic YSUzQWI6cyUyQiVDMyVCQw==";
    let sent = |record| sent(record, &Grant::ClientCredentials);
    let (headers, body) = sent(record.clone());
    assert_eq!(
        (headers, body.as_str()),
        (format!("{FORM} {basic}"), "grant_type=client_credentials")
    );
    let with = |how: &str| record.clone().with(fields::CLIENT_AUTHENTICATION, Field::open(how));
    assert_eq!(sent(with("basic")).0, format!("{FORM} {basic}"));
    let (headers, body) = sent(with("post"));
    assert_eq!(headers, format!("{FORM} -"));
    assert_eq!(body, "grant_type=client_credentials&client_id=a%3Ab&client_secret=s%2B%C3%BC");
    assert_eq!(sent(with("none")).1, "grant_type=client_credentials&client_id=a%3Ab");
}

#[test]
fn a_request_may_be_json_and_have_more_parameters() {
    let record = expired()
        .with(fields::REQUEST_FORMAT, Field::open("json"))
        .with(fields::AUDIENCE, Field::open("\"api\""))
        .with(fields::PARAMETERS, Field::open("tenant=a%26b&x=1"));
    let (headers, body) = sent(record, &Grant::RefreshToken("r".into()));
    assert_eq!(headers, "application/json -");
    let body: serde_json::Value = serde_json::from_str(&body).unwrap();
    let expected = serde_json::json!({
        "grant_type": "refresh_token", "refresh_token": "r", "client_id": "cli",
        "audience": "\"api\"", "tenant": "a&b", "x": "1",
    });
    assert_eq!(body, expected);
}

#[test]
fn a_record_without_client_or_endpoint_sends_nothing() {
    let world = World::new();
    let tokens = world.tokens(|_| panic!("a request was sent"));
    for field in [fields::CLIENT_ID, fields::TOKEN_URL] {
        let mut record = expired();
        record.fields.remove(field);
        let error = tokens.request(record, &Grant::ClientCredentials).unwrap_err();
        assert_eq!(error.message(), format!("the `oauth2` record has no field `{field}`"));
    }
}
