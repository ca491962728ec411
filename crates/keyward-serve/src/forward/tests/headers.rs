//! Which headers are believed, and from whom.

use super::{RULES, ask, config, original, send};
use crate::forward::Dialect;
use crate::testing::{ANN, Site};

/// Headers with which clients have chosen what a server believed.
const SPOOFED: [(&str, &str); 14] = [
    ("X-Forwarded-Uri", "/public/x"),
    ("X-Forwarded-Method", "OPTIONS"),
    ("X-Forwarded-Host", "other.example"),
    ("X-Forwarded-Proto", "https"),
    ("X-Forwarded-For", "127.0.0.1"),
    ("X-Forwarded-Prefix", "/public"),
    ("X-Forwarded-User", "ann"),
    ("X-Original-Url", "/public/x"),
    ("X-Rewrite-Url", "/public/x"),
    ("X-Real-Ip", "127.0.0.1"),
    ("Forwarded", "for=127.0.0.1;proto=https"),
    ("X-Auth-Request-User", "ann"),
    ("X-Envoy-Original-Path", "/public/x"),
    ("Remote-User", "ann"),
];

/// S17: through a proxy, these change nothing; directly, no client comes in whatever it sends.
#[tokio::test]
async fn s17_a_client_cannot_say_what_a_proxy_says() {
    let through = Site::start(&config("nginx", RULES)).await;
    let direct = Site::start(&config("nginx", RULES).replace("['unix']", "['192.0.2.1']")).await;
    let plain = ask(&through, "/admin/x", &[]).await;
    for header in SPOOFED {
        let answer = ask(&through, "/admin/x", &[header]).await;
        assert_eq!(answer.status(), plain.status(), "{header:?}");
        assert_eq!(answer.only("www-authenticate"), plain.only("www-authenticate"), "{header:?}");
        for target in ["/admin/x", "/public/x"] {
            let answer = ask(&direct, target, &[header, ("Authorization", ANN)]).await;
            assert_eq!((answer.status(), answer.only("remote-user")), (403, ""), "{header:?}");
        }
    }
}

/// S17: the address is the one that the dialect names, also of IPv6.
#[tokio::test]
async fn s17_the_address_is_that_of_the_dialect() {
    let site = Site::start(&config("nginx", RULES)).await;
    for (sent, written) in [("2001:DB8::7", "2001:db8::7"), ("::ffff:192.0.2.9", "192.0.2.9")] {
        let mut headers = original("/admin/x");
        headers[4].1 = sent.into();
        headers.push(("X-Forwarded-For", "198.51.100.1".into()));
        assert_eq!(send(&site, &headers).await.status(), 401);
        let audit = std::fs::read_to_string(site.path("audit")).unwrap();
        let last = audit.lines().last().unwrap();
        assert!(last.contains(&format!("\"address\":\"{written}\"")), "{last}");
    }
    for sent in ["", "unknown", "192.0.2.1, 192.0.2.2", "192.0.2.1:80", "[::1]"] {
        let mut headers = original("/public/x");
        headers[4].1 = sent.into();
        assert_eq!(send(&site, &headers).await.status(), 403, "{sent}");
    }
}

/// Each dialect reads its own headers, and those of no other.
#[tokio::test]
async fn only_the_headers_of_the_dialect_are_read() {
    let forwarded = [
        ("X-Forwarded-Method", "GET"),
        ("X-Forwarded-Host", "www.example.org"),
        ("X-Forwarded-Uri", "/public/x"),
        ("X-Forwarded-Proto", "https"),
        ("X-Forwarded-For", "192.0.2.7"),
    ];
    let forwarded = forwarded.map(|(name, value)| (name, value.to_owned()));
    for dialect in Dialect::ALL {
        let site = Site::start(&config(dialect.name, RULES)).await;
        let by_server = ["caddy", "traefik"].contains(&dialect.name);
        let is_envoy = dialect.name == "envoy";
        let original = send(&site, &original("/public/x")).await.status();
        let forwarded = send(&site, &forwarded).await.status();
        assert_eq!(original == 200, !by_server && !is_envoy, "{}", dialect.name);
        assert_eq!(forwarded == 200, by_server, "{}", dialect.name);
    }
}

/// Envoy sends the client's own request line and host, and appends the client's address.
#[tokio::test]
async fn envoy_sends_the_clients_own_request() {
    let site = Site::start(&config("envoy", RULES)).await;
    let ask = async |method: &str, target: &str, address: &str, more: &str| {
        let request = format!(
            "{method} {target} HTTP/1.1\r\nHost: www.example.org\r\nConnection: close\r\n\
             X-Forwarded-Proto: https\r\nX-Forwarded-For: {address}\r\n{more}\r\n"
        );
        site.send("serve", request).await
    };
    assert_eq!(ask("GET", "/public/x?a=b", "192.0.2.7", "").await.status(), 200);
    assert_eq!(ask("DELETE", "/admin/x", "192.0.2.7", "").await.status(), 401);
    assert_eq!(ask("GET", "/admin/%2e%2e/public/", "192.0.2.7", "").await.status(), 400);
    assert_eq!(ask("GET", "/public/x", "", "").await.status(), 400);
    let authorization = format!("Authorization: {ANN}\r\n");
    let answer = ask("POST", "/admin/x", "127.0.0.1, 192.0.2.7", &authorization).await;
    assert_eq!((answer.status(), answer.only("remote-user")), (200, "ann"));
    let audit = std::fs::read_to_string(site.path("audit")).unwrap();
    assert!(audit.lines().last().unwrap().contains("\"address\":\"192.0.2.7\""), "{audit}");
}
