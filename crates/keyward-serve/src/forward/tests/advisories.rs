//! The published faults of other forward-auth servers. None of them lets a client in here.

use super::{RULES, ask, config, nginx, original, send};
use crate::testing::{ANN, Site};

#[tokio::test]
async fn cve_2026_40575_a_client_does_not_choose_the_path() {
    let site = nginx().await;
    for name in ["X-Forwarded-Uri", "X-Original-Url", "X-Rewrite-Url", "X-Auth-Request-Redirect"] {
        assert_eq!(ask(&site, "/admin/x", &[(name, "/public/x")]).await.status(), 401, "{name}");
    }
}

#[tokio::test]
async fn cve_2026_40575_no_proxy_is_trusted_by_default() {
    let config = config("nginx", RULES).replace("trusted_proxies = ['unix']\n", "");
    let site = Site::start(&config).await;
    for target in ["/public/x", "/admin/x"] {
        let answer = ask(&site, target, &[("Authorization", ANN)]).await;
        assert_eq!((answer.status(), answer.only("remote-user")), (403, ""), "{target}");
    }
}

#[tokio::test]
async fn cve_2026_34457_a_user_agent_opens_nothing() {
    let site = nginx().await;
    for agent in ["", "GoogleHC/1.0", "kube-probe/1.30", "ELB-HealthChecker/2.0"] {
        assert_eq!(ask(&site, "/admin/x", &[("User-Agent", agent)]).await.status(), 401, "{agent}");
    }
}

#[tokio::test]
async fn oauth2_proxy_657_health_is_not_where_clients_are_checked() {
    let site = nginx().await;
    for path in ["/ping", "/health", "/ready", "/metrics"] {
        let request = format!("GET {path} HTTP/1.1\r\nHost: keyward\r\nConnection: close\r\n\r\n");
        assert_eq!(site.send("serve", request).await.status(), 403, "{path}");
    }
}

#[tokio::test]
async fn cve_2026_41059_a_fragment_does_not_change_the_path() {
    let site = nginx().await;
    for target in ["/admin/x#/public/", "/public/#/../admin/x", "/public/%23", "/public/x?a#b"] {
        let status = ask(&site, target, &[("Authorization", ANN)]).await.status();
        assert_eq!(status, 403, "{target}");
    }
}

#[tokio::test]
async fn ghsa_7rh7_c77v_6434_a_query_does_not_match_a_rule() {
    let site = nginx().await;
    for target in ["/admin/x?/public/", "/admin/x?a=/public/x", "/admin/?/public/x"] {
        assert_eq!(ask(&site, target, &[]).await.status(), 401, "{target}");
    }
    assert_eq!(ask(&site, "/?/public/x", &[]).await.status(), 403);
}

#[tokio::test]
async fn cve_2021_32637_what_cannot_be_read_is_refused() {
    let site = Site::start(&config("haproxy", RULES)).await;
    for target in ["", "/public/%", "/public/%zz", "http://[/public/", "public/", "/public/\u{e9}"]
    {
        assert_eq!(ask(&site, target, &[]).await.status(), 400, "{target}");
    }
}

#[tokio::test]
async fn cve_2026_35051_a_prefix_in_a_header_is_not_read() {
    let site = Site::start(&config("traefik", RULES)).await;
    let forwarded = |target: &str| {
        let rename = |(name, value): (&'static str, String)| match name {
            "X-Original-Address" => ("X-Forwarded-For", value),
            "X-Original-URI" => ("X-Forwarded-Uri", value),
            "X-Original-Proto" => ("X-Forwarded-Proto", value),
            "X-Original-Host" => ("X-Forwarded-Host", value),
            _ => ("X-Forwarded-Method", value),
        };
        original(target).into_iter().map(rename).collect::<Vec<_>>()
    };
    let mut headers = forwarded("/admin/x");
    assert_eq!(send(&site, &headers).await.status(), 401);
    headers.push(("X-Forwarded-Prefix", "/public/".into()));
    assert_eq!(send(&site, &headers).await.status(), 401);
}

#[tokio::test]
async fn cve_2026_54764_a_port_is_not_taken_from_the_scheme() {
    let site = nginx().await;
    for (scheme, status) in [("https:8443", 403), ("https, http", 403), ("HTTPS ", 403), ("", 403)]
    {
        let mut headers = original("/public/x");
        headers.retain(|(name, _)| *name != "X-Original-Proto");
        headers.push(("X-Original-Proto", scheme.into()));
        assert_eq!(send(&site, &headers).await.status(), status, "{scheme}");
    }
}

#[tokio::test]
async fn ghsa_62c8_mh53_4cqv_a_header_that_the_client_removed_is_missed() {
    let site = nginx().await;
    for missing in original("/public/x").iter().map(|(name, _)| *name) {
        let mut headers = original("/public/x");
        headers.retain(|(name, _)| *name != missing);
        headers.push(("Authorization", ANN.into()));
        assert_eq!(send(&site, &headers).await.status(), 403, "{missing}");
    }
}

#[tokio::test]
async fn traefik_7559_a_header_that_is_there_twice_is_refused() {
    let site = nginx().await;
    for twice in original("/public/x") {
        let mut headers = original("/public/x");
        headers.push(twice.clone());
        assert_eq!(send(&site, &headers).await.status(), 403, "{twice:?}");
    }
}

#[tokio::test]
async fn traefik_x_forwarded_proto_with_an_underscore_is_refused() {
    let site = nginx().await;
    for name in ["X_Original_Proto", "X.Original.Proto", "X-Original_Uri", "x_original_address"] {
        assert_eq!(ask(&site, "/public/x", &[(name, "http")]).await.status(), 403, "{name}");
    }
}

#[tokio::test]
async fn ghsa_f59h_q822_g45g_an_identity_with_an_underscore_is_refused() {
    let site = nginx().await;
    let names = ["Remote_User", "Remote.User", "remote_factors", "REMOTE_USER", "Authorization_"];
    for name in &names[..4] {
        let answer = ask(&site, "/admin/x", &[("Authorization", ANN), (name, "root")]).await;
        assert_eq!((answer.status(), answer.only("remote-user")), (403, ""), "{name}");
    }
    // This is the alias of nothing.
    assert_eq!(ask(&site, "/public/x", &[(names[4], "x")]).await.status(), 200);
}

#[tokio::test]
async fn ghsa_7r4p_vjf4_gxv4_an_answer_always_says_who_the_client_is() {
    let site = nginx().await;
    // `ask` checks that the headers are in each answer once.
    for (target, more) in [
        ("/public/x", vec![("Remote-User", "root")]),
        ("/admin/x", vec![("Remote-User", "root")]),
        ("/none", vec![("Remote-User", "root")]),
        ("//", vec![("Remote-User", "root")]),
    ] {
        assert_eq!(ask(&site, target, &more).await.only("remote-user"), "", "{target}");
    }
    let more = [("Remote-User", "root"), ("Authorization", ANN)];
    assert_eq!(ask(&site, "/admin/x", &more).await.only("remote-user"), "ann");
}

#[tokio::test]
async fn cve_2026_48020_a_path_that_is_decoded_twice_is_refused() {
    let site = nginx().await;
    for target in [
        "/public/%2e%2e/admin/x",
        "/public/..%2fadmin/x",
        "/public/%2E%2E%2Fadmin",
        "/public/%252e%252e/admin",
        "/public/..;/admin/x",
        "/public/.%2e/admin",
    ] {
        let status = ask(&site, target, &[("Authorization", ANN)]).await.status();
        assert_eq!(status, 403, "{target}");
    }
}

#[tokio::test]
async fn cve_2026_124680_a_prefix_is_compared_after_decoding() {
    let site = nginx().await;
    for target in ["/%61dmin/x", "/admi%6e", "/%61%64%6d%69%6e/"] {
        assert_eq!(ask(&site, target, &[]).await.status(), 401, "{target}");
    }
    for target in ["/administrator", "/admin.", "/xadmin/", "/x/public/"] {
        assert_eq!(ask(&site, target, &[]).await.status(), 403, "{target}");
    }
}
