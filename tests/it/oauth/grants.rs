//! Grants besides those of a login with a browser.

use super::scripted::{Received, Scripted};
use super::server::Oidc;
use crate::helpers::home::Home;

/// Issues `access-1`, `access-2` and so on to each request that is right.
fn issuing(is_right: impl Fn(&Received) -> bool + Send + Sync + 'static) -> Scripted {
    let issued = std::sync::atomic::AtomicUsize::new(0);
    Scripted::start(move |request| {
        if !is_right(request) {
            return ("400 Bad Request".into(), r#"{"error":"invalid_grant"}"#.into());
        }
        let number = issued.fetch_add(1, std::sync::atomic::Ordering::SeqCst) + 1;
        let token = format!(r#"{{"access_token":"access-{number}","expires_in":3600}}"#);
        ("200 OK".into(), token)
    })
}

fn home() -> Home {
    Home::with_store("--option key.from=file")
}

#[test]
fn a_client_shows_who_it_is_with_each_sort_of_key() {
    let home = home();
    let server = Oidc::start_with_keys(&home);
    let keys = home.path("keys");
    for name in ["RS256", "ES256", "EdDSA"] {
        let key = keys.join(format!("{name}.pem"));
        let client = format!("--issuer {} --client-id {name} --scope read", server.issuer());
        let line = format!(
            "oauth login s --name {name} {client} --client-credentials --field key_id={name}-1 --secret-file private_key={}",
            key.display()
        );
        home.keyward(&line).run().ends(0).says("");
        let first = home.keyward(&format!("oauth token s --name {name}")).run().ends(0).into_text();
        home.keyward(&format!("oauth refresh s --name {name}")).run().ends(0);
        let token = home.keyward(&format!("oauth token s --name {name}")).run().ends(0).into_text();
        assert_ne!(first, token);
        let status = home.keyward(&format!("oauth status s --name {name} --check")).run();
        assert_eq!(status.ends(0).json()[0]["active"], true);
        home.keyward(&format!("oauth revoke s --name {name}")).run().ends(0);
        home.keyward(&line.replace("key_id=", "key_id=not-")).run().ends(9).says("invalid_client");
    }
    // Another client's key.
    let wrong = format!(
        "oauth login s --name x --issuer {} --client-id ES256 --client-credentials --secret-file private_key={}",
        server.issuer(),
        keys.join("EdDSA.pem").display()
    );
    home.keyward(&wrong).run().ends(9).says("invalid_client");
    let not_a_key = home.write("not-a-key", "s3cret");
    let wrong =
        wrong.replace(&keys.join("EdDSA.pem").display().to_string(), not_a_key.to_str().unwrap());
    let finished = home.keyward(&wrong).run().ends(2).says("not a key that can sign");
    assert!(!finished.err.contains("s3cret"));
}

#[test]
fn a_key_signs_for_a_user() {
    let home = home();
    drop(Oidc::start_with_keys(&home));
    let keys = home.path("keys");
    let server = issuing(|request| {
        let grant = "urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer";
        request.parameter("grant_type") == Some(grant)
            && request.parameter("assertion").is_some_and(|jwt| jwt.split('.').count() == 3)
    });
    let line = format!(
        "oauth login s --name robot --token-url {}/token --client-id robot --username ann --jwt-bearer --secret-file private_key={}",
        server.url,
        keys.join("ES256.pem").display()
    );
    home.keyward(&line).run().ends(0);
    home.keyward("oauth token s --name robot").run().ends(0).prints("access-1\n");
    home.keyward("oauth refresh s --name robot").run().ends(0);
    home.keyward("oauth login s --name robot --again").run().ends(0);
    home.keyward("oauth token s --name robot").run().ends(0).prints("access-3\n");
    let assertions = server.received();
    let assertions: Vec<_> = assertions.iter().map(|it| it.parameter("assertion")).collect();
    assert!(assertions[0] != assertions[1] && assertions[1] != assertions[2]);
    // Someone else has signed; that is good for once.
    let ready = home.write("assertion", "a.b.c\n");
    let line = format!(
        "oauth login s --name once --token-url {}/token --client-id robot --assertion-file {}",
        server.url,
        ready.display()
    );
    home.keyward(&line).run().ends(0);
    assert_eq!(server.received().last().unwrap().parameter("assertion"), Some("a.b.c"));
    home.keyward("oauth refresh s --name once").run().ends(9).says("no refresh token");
    let shown = home.keyward("get s --name once --json --reveal").run().ends(0).into_text();
    assert!(!shown.contains("a.b.c"), "{shown}");
}

#[test]
fn a_token_is_exchanged_for_another_one() {
    let home = home();
    let server = issuing(|request| {
        request.parameter("subject_token") == Some("of-ann")
            && request.parameter("actor_token") == Some("of-robot")
            && request.parameter("audience") == Some("api")
    });
    let (subject, actor) = (home.write("subject", "of-ann"), home.write("actor", "of-robot"));
    let line = format!(
        "oauth login s --name api --token-url {}/token --client-id robot --audience api --token-exchange --secret-file subject_token={} --secret-file actor_token={} --field subject_token_type=jwt",
        server.url,
        subject.display(),
        actor.display()
    );
    home.keyward(&line).run().ends(0);
    home.keyward("oauth token s --name api").run().ends(0).prints("access-1\n");
    home.keyward("oauth refresh s --name api").run().ends(0);
    let jwt = "urn%3Aietf%3Aparams%3Aoauth%3Atoken-type%3Ajwt";
    assert_eq!(server.received()[1].parameter("subject_token_type"), Some(jwt));
    // A token that was issued for ann is not given to whom the record asks for now.
    let other = home.write("other", "of-bob");
    let line = format!("set s --name api --secret-file subject_token={}", other.display());
    home.keyward(&line).run().ends(0);
    let status = home.keyward("oauth status s --name api").run().ends(0);
    assert!(status.text().contains("issued for something else"), "{}", status.text());
    home.keyward("oauth token s --name api").run().ends(9).says("invalid_grant");
    home.keyward("get s --name api --field access_token").run().ends(9);
}

#[test]
fn a_developers_token_gets_tokens_without_a_client() {
    let home = home();
    let server = Scripted::start(|request| match &*request.authorization {
        "Bearer dev-1" => ("200 OK".into(), r#"{"access_token":"access-1"}"#.into()),
        "Bearer dev-2" => ("200 OK".into(), r#"{"access_token":"access-2"}"#.into()),
        _ => ("401 Unauthorized".into(), r#"{"message":{"error":"x"}}"#.into()),
    });
    let token = home.write("token", "dev-1\n");
    let line = format!(
        "oauth login s --name pancloud --provider pancloud --developer-token --field developer_token_url={}/request_token --secret-file developer_token={}",
        server.url,
        token.display()
    );
    home.keyward(&line).run().ends(0);
    home.keyward("oauth token s --name pancloud").run().ends(0).prints("access-1\n");
    assert_eq!(server.received()[0].path, "/request_token");
    home.write("token", "dev-2");
    let line = format!("set s --name pancloud --secret-file developer_token={}", token.display());
    home.keyward(&line).run().ends(0);
    home.keyward("get s --name pancloud --field access_token").run().ends(0).prints("access-2\n");
    home.write("token", "dev-3");
    home.keyward(&line).run().ends(0);
    home.keyward("oauth token s --name pancloud").run().ends(9).says("developer's token");
    // There is no terminal on which to type the token.
    let line = "oauth login s --name other --provider pancloud --developer-token --field developer_token_url=http://127.0.0.1:9/ --no-input";
    home.keyward(line).run().ends(5);
}

#[test]
fn a_password_is_sent_once_and_not_stored() {
    let home = home();
    let server = Scripted::start(|request| {
        let grant = request.parameter("grant_type").unwrap_or_default().to_owned();
        let token = format!(r#"{{"access_token":"by-{grant}","refresh_token":"r"}}"#);
        ("200 OK".into(), token)
    });
    let password = home.write("password", "s3cret\n");
    let line = format!(
        "oauth login s --name old --token-url {}/token --client-id cli --username ann --password-grant --password-file {}",
        server.url,
        password.display()
    );
    home.keyward(&line).run().ends(0).says("warning: Keyward sends your password");
    assert_eq!(
        server.received()[0].body,
        "grant_type=password&username=ann&password=s3cret&client_id=cli"
    );
    home.keyward("oauth token s --name old").run().ends(0).prints("by-password\n");
    home.keyward("oauth refresh s --name old").run().ends(0);
    home.keyward("oauth token s --name old").run().ends(0).prints("by-refresh_token\n");
    let shown = home.keyward("get s --name old --json --reveal").run().ends(0).into_text();
    assert!(!shown.contains("s3cret"), "{shown}");
    home.keyward(&line.replace("--username ann", "")).run().ends(2).says("--username");
}

#[test]
fn a_scope_that_was_changed_needs_a_new_login() {
    let home = home();
    let server = Scripted::start(|_| {
        ("200 OK".into(), r#"{"access_token":"a","refresh_token":"r","expires_in":3600}"#.into())
    });
    let password = home.write("password", "x");
    let line = format!(
        "oauth login s --name api --token-url {}/token --client-id cli --username ann --scope read --password-grant --password-file {}",
        server.url,
        password.display()
    );
    home.keyward(&line).run().ends(0);
    home.keyward("set s --name api --field scope=write").run().ends(0);
    for line in ["oauth token s --name api", "get s --name api --field access_token"] {
        home.keyward(line).run().ends(9).says("something else").says("Log in again");
    }
    assert_eq!(server.received().len(), 1);
    home.keyward("set s --name api --field scope=read").run().ends(0);
    home.keyward("oauth token s --name api").run().ends(0).prints("a\n");
}

#[test]
fn a_wrong_clock_is_said() {
    let home = home();
    let server = Scripted::start(|_| {
        let head = "200 OK\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT";
        (head.into(), r#"{"access_token":"a","expires_in":0}"#.into())
    });
    let secret = home.write("secret", "x");
    let line = format!(
        "oauth login s --name api --token-url {}/token --client-id cli --client-credentials --client-secret-file {}",
        server.url,
        secret.display()
    );
    let login = home.keyward(&line).run().ends(0).says("the clock of this machine is ");
    let login = login.says("ahead of the server's");
    assert!(login.text().starts_with("Logged in. But the server says"), "{}", login.text());
    home.keyward("oauth refresh s --name api").run().ends(0).says("ahead of the server's");
}

#[test]
fn a_token_endpoint_that_redirects_or_does_not_end_costs_nothing() {
    let elsewhere = Scripted::start(|_| ("200 OK".into(), r#"{"access_token":"stolen"}"#.into()));
    let target = elsewhere.url.clone();
    let server = Scripted::start(move |request| match &*request.path {
        "/redirect" => {
            (format!("307 Temporary Redirect\r\nLocation: {target}/token"), String::new())
        }
        "/endless" => ("200 OK".into(), format!(r#"{{"x":"{}"#, "x".repeat(2 << 20))),
        _ => ("200 OK".into(), r#"{"access_token":"a","access_token":"b"}"#.into()),
    });
    let home = home();
    for (path, why) in
        [("redirect", "307"), ("endless", "larger than"), ("twice", "not a valid JSON object")]
    {
        let json = format!(
            r#"{{"kind":"oauth2","fields":{{"client_id":"cli","token_url":"{}/{path}","refresh_token":"r3fresh"}}}}"#,
            server.url
        );
        home.keyward(&format!("set s --name {path} --json")).input(json).run().ends(0);
        home.keyward(&format!("oauth token s --name {path}")).run().ends(7).says(why);
        let shown = home.keyward(&format!("get s --name {path} --json --reveal")).run().ends(0);
        assert_eq!(shown.json()[0]["fields"]["refresh_token"], "r3fresh");
    }
    assert!(elsewhere.received().is_empty());
}

#[test]
fn a_login_that_exists_comes_from_json() {
    let home = home();
    let server = Scripted::start(|request| {
        let grant = r#""grant_type":"refresh_token""#;
        let is_right = request.body.contains(grant) && request.body.contains(r#""rt""#);
        let token = r#"{"access_token":"access-1","refresh_token":"rt-2"}"#;
        (if is_right { "200 OK" } else { "400 Bad Request" }.into(), token.into())
    });
    let json = r#"{"client_id":"id","client_secret":"cs","refresh_token":"rt","profile":"lab"}"#;
    let line =
        format!("oauth login s --provider pancloud --token-url {}/t --from-json", server.url);
    let file = home.write("cred-init.json", json);
    home.keyward(&format!("{line} {}", file.display()))
        .run()
        .ends(0)
        .prints("Stored. The tokens are refreshed when they are used.\n");
    assert!(server.received().is_empty());
    home.keyward("oauth token s --name pancloud-lab").run().ends(0).prints("access-1\n");
    home.keyward(&format!("{line} - --name mine")).input(json).run().ends(0);
    home.keyward("oauth token s --name mine").run().ends(0).prints("access-1\n");
    home.keyward(&format!("{line} -")).input(r#"{"region":"us"}"#).run().ends(2).says("`region`");
    home.keyward(&format!("{line} - --device")).input(json).run().ends(2);
}
