use serde_json::{Value, json};

use crate::testing::{OFFICE, Site};

#[test]
fn the_description_for_programs_has_each_call() {
    let text = include_str!("../../../../docs/serve-rpc.openapi.json");
    let description: Value = serde_json::from_str(text).unwrap();
    let paths = description["paths"].as_object().unwrap();
    let posts = paths.iter().filter(|(_, path)| path.get("post").is_some());
    let mut posts: Vec<_> = posts.map(|(path, _)| path.rsplit('/').next().unwrap()).collect();
    let mut calls: Vec<_> = super::answer::Call::ALL.map(super::answer::Call::name).into();
    posts.sort_unstable();
    calls.sort_unstable();
    assert_eq!(posts, calls);
    let page = include_str!("../../../../docs/serve-rpc.md");
    assert!(calls.iter().all(|call| page.contains(&format!("`{call}`"))));
}

async fn start() -> Site {
    Site::start(&format!("{OFFICE}[rpc]\nlisten = ['unix:%/rpc']\n")).await
}

async fn call(site: &Site, path: &str, body: &Value) -> (u16, Value) {
    let body = body.to_string();
    let request = format!(
        "POST /v1/bouncers/{path} HTTP/1.1\r\nHost: keyward\r\nConnection: close\r\n\
         Content-Length: {}\r\n\r\n{body}",
        body.len()
    );
    send(site, request).await
}

async fn get(site: &Site, path: &str) -> (u16, Value) {
    send(site, format!("GET {path} HTTP/1.1\r\nHost: keyward\r\nConnection: close\r\n\r\n")).await
}

async fn send(site: &Site, request: impl AsRef<[u8]>) -> (u16, Value) {
    let answer = site.send("rpc", request).await;
    let body = answer.text.split_once("\r\n\r\n").unwrap_or_default().1;
    (answer.status(), serde_json::from_str(body).unwrap_or_else(|_| panic!("{}", answer.text)))
}

fn login(password: &str) -> Value {
    json!({
        "presented": {"kind": "password", "user": "ann", "fields": {"password": password}},
        "request": {
            "attempt": {"address": "192.0.2.1", "private": true, "details": {"path": "/x"}},
            "issuer": "streamer", "ttl": 60, "notices": true,
        },
    })
}

async fn keycard(site: &Site) -> String {
    let (status, answer) = call(site, "office/authenticate", &login("open sesame")).await;
    assert_eq!((status, answer["state"].as_str()), (200, Some("authenticated")), "{answer}");
    answer["keycard"]["id"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_keycard_from_its_login_to_its_revocation() {
    let site = start().await;
    let (_, described) = get(&site, "/v1/bouncers").await;
    assert_eq!(described["bouncers"][0]["name"], "office");
    assert_eq!(described["bouncers"][0]["enabled"], true);
    let id = keycard(&site).await;
    let check = json!({"id": id});
    let (_, checked) = call(&site, "office/check", &check).await;
    assert_eq!(
        (&checked["state"], &checked["keycard"]["identity"]),
        (&json!("authenticated"), &json!("ann"))
    );
    assert_eq!(checked["keycard"]["details"]["path"], "/x");
    let kept = call(&site, "office/keep-alive", &json!({"issuer": "streamer", "ttl": 60})).await;
    assert_eq!(kept, (200, json!({})));
    let (_, listed) = call(&site, "office/list", &json!({"user": "ann"})).await;
    assert_eq!(listed["keycards"].as_array().unwrap().len(), 1);
    let revoked = call(&site, "office/revoke", &json!({"id": id})).await;
    assert_eq!(revoked, (200, json!({"revoked": 1})));
    let (_, checked) = call(&site, "office/check", &check).await;
    assert_eq!(checked, json!({"state": "refused"}));
    let (_, ended) = get(&site, "/v1/bouncers/office/ended").await;
    assert_eq!(
        (&ended["ended"][0]["id"], &ended["ended"][0]["reason"]),
        (&json!(id), &json!("revoked"))
    );
    assert_eq!(call(&site, "office/confirm", &json!({"ids": [id]})).await.0, 200);
    assert_eq!(get(&site, "/v1/bouncers/office/ended").await.1, json!({"ended": []}));
}

#[tokio::test]
async fn a_refusal_does_not_say_why() {
    let site = start().await;
    let wrong = call(&site, "office/authenticate", &login("wrong")).await;
    let mut unknown = login("wrong");
    unknown["presented"]["user"] = "bob".into();
    assert_eq!(call(&site, "office/authenticate", &unknown).await, wrong);
    assert_eq!(wrong, (200, json!({"state": "refused"})));
    // A password that others can read is not accepted either.
    let mut public = login("open sesame");
    public["request"]["attempt"]["private"] = false.into();
    let (_, answer) = call(&site, "office/authenticate", &public).await;
    assert_ne!(answer["state"], "requesting", "{answer}");
}

#[tokio::test]
async fn a_disabled_bouncer_lets_none_in() {
    let site = start().await;
    let id = keycard(&site).await;
    assert_eq!(call(&site, "office/disable", &json!({})).await.0, 200);
    let (_, answer) = call(&site, "office/authenticate", &login("open sesame")).await;
    assert_eq!(answer, json!({"state": "refused"}));
    assert_eq!(get(&site, "/v1/bouncers/office").await.1["enabled"], false);
    assert_eq!(call(&site, "office/enable", &json!({})).await.0, 200);
    let (_, checked) = call(&site, "office/check", &json!({"id": id})).await;
    assert_eq!(checked["state"], "refused");
    keycard(&site).await;
}

#[tokio::test]
async fn an_outage_lets_none_in_and_names_no_files() {
    let site = start().await;
    let id = keycard(&site).await;
    std::fs::remove_file(site.path("users")).unwrap();
    let (status, answer) = call(&site, "office/authenticate", &login("open sesame")).await;
    assert_eq!(status, 503);
    assert!(!answer.to_string().contains("users"), "{answer}");
    // What was proved before still holds.
    let (_, checked) = call(&site, "office/check", &json!({"id": id})).await;
    assert_eq!(checked["state"], "authenticated");
}

#[tokio::test]
async fn what_is_wrong_is_said_and_not_quoted() {
    let site = start().await;
    for (path, body, status) in [
        ("other/check", json!({}), 404),
        ("office/dance", json!({}), 404),
        ("office/check", json!({"id": "hunter2"}), 400),
        ("office/check", json!({}), 400),
        ("office/authenticate", json!({"presented": {"kind": "hunter2"}}), 400),
        ("office/authenticate", json!({"presented": {"kind": "password"}, "hunter2": 1}), 400),
        ("office/respond", json!({"session": "x"}), 400),
        ("office/keep-alive", json!({"issuer": "a", "ttl": 0}), 400),
        ("office/revoke", json!({"all": false}), 400),
        ("office/revoke", json!({}), 400),
        ("office/begin", json!({"kind": "password"}), 400),
    ] {
        let (found, answer) = call(&site, path, &body).await;
        assert_eq!(found, status, "{path} {body} {answer}");
        assert!(answer["error"].is_string() && !answer.to_string().contains("hunter2"), "{answer}");
    }
    assert_eq!(get(&site, "/v1/bouncers/office/check").await.0, 405);
    assert_eq!(get(&site, "/").await.0, 404);
    let huge = format!(
        "POST /v1/bouncers/office/check HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\
         Content-Length: {}\r\n\r\n{}",
        1 << 20,
        "a".repeat(1 << 20)
    );
    assert_eq!(send(&site, huge).await.0, 413);
}
