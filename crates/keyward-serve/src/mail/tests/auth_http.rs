use super::site;
use crate::testing::{Answer, Site};

const RIGHT: [(&str, &str); 6] = [
    ("Auth-Method", "plain"),
    ("Auth-User", "ann"),
    ("Auth-Pass", "open%20sesame"),
    ("Auth-Protocol", "imap"),
    ("Auth-SSL", "on"),
    ("Client-IP", "192.0.2.1"),
];

async fn ask(site: &Site, headers: &[(&str, &str)]) -> Answer {
    let mut request = "GET /auth HTTP/1.0\r\nHost: keyward\r\n".to_owned();
    for (name, value) in headers {
        request += &format!("{name}: {value}\r\n");
    }
    let answer = site.send("auth_http", request + "\r\n").await;
    assert_eq!(answer.status(), 200, "{}", answer.text);
    answer
}

fn with<'a>(name: &str, value: &'a str) -> Vec<(&'a str, &'a str)> {
    RIGHT.iter().map(|(it, old)| (*it, if *it == name { value } else { *old })).collect()
}

#[tokio::test]
async fn a_client_is_sent_to_the_back_end() {
    let site = site("").await;
    let answer = ask(&site, &RIGHT).await;
    let found =
        ["auth-status", "auth-user", "auth-server", "auth-port"].map(|name| answer.only(name));
    assert_eq!(found, ["OK", "ann", "127.0.0.1", "143"]);
    let answer = ask(&site, &with("Auth-Protocol", "smtp")).await;
    assert_eq!([answer.only("auth-server"), answer.only("auth-port")], ["::1", "25"]);
}

#[tokio::test]
async fn a_disabled_bouncer_lets_no_client_in() {
    let site = site("").await;
    let state = site.server.state();
    let bouncer = state.bouncers.values().next().unwrap();
    bouncer.keycards.disable().unwrap();
    let answer = ask(&site, &RIGHT).await;
    assert_eq!(answer.only("auth-status"), "Invalid login or password");
    bouncer.keycards.enable().unwrap();
    assert_eq!(ask(&site, &RIGHT).await.only("auth-status"), "OK");
}

#[tokio::test]
async fn a_client_is_not_told_why_it_is_refused() {
    let site = site("").await;
    let head = |answer: Answer| answer.text.split("date:").next().unwrap().to_owned();
    let wrong = head(ask(&site, &with("Auth-Pass", "wrong")).await);
    assert!(wrong.contains("auth-status: Invalid login or password\r\nauth-wait: 3"), "{wrong}");
    for (name, value) in [
        ("Auth-User", "bob"),
        ("Auth-Pass", ""),
        ("Auth-SSL", "off"),
        ("Auth-Method", "apop"),
        ("Auth-Method", "cram-md5"),
        ("Auth-Method", "external"),
        ("Auth-Method", "none"),
        ("Client-IP", "host"),
        ("Auth-User", "an%00n"),
    ] {
        let answer = head(ask(&site, &with(name, value)).await);
        assert_eq!(answer, wrong, "{name}: {value}");
    }
    let last = [&with("Auth-Pass", "wrong")[..], &[("Auth-Login-Attempt", "5")]].concat();
    assert!(ask(&site, &last).await.all("auth-wait").is_empty());
}

#[tokio::test]
async fn an_outage_is_no_refusal() {
    let site = site("").await;
    let failed = "Temporary server problem, try again later";
    // No back end is configured for it.
    assert_eq!(ask(&site, &with("Auth-Protocol", "pop3")).await.only("auth-status"), failed);
    std::fs::remove_file(site.path("users")).unwrap();
    let answer = ask(&site, &with("Auth-Protocol", "smtp")).await;
    let found = [answer.only("auth-status"), answer.only("auth-error-code")];
    assert_eq!(found, [failed, "454 4.7.0"]);
}
