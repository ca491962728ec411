//! Who comes in.

use super::{RULES, ask, config, nginx, original, send};
use crate::testing::{ANN, OFFICE, Site, WRONG, complaint};

#[tokio::test]
async fn fl_53_a_wrong_user_or_password_is_answered_with_401() {
    let site = nginx().await;
    // bob:open sesame
    for wrong in [WRONG, "Basic Ym9iOm9wZW4gc2VzYW1l", "Basic YW5uOg==", "Basic Og==", "Basic"] {
        let answer = ask(&site, "/admin/x", &[("Authorization", wrong)]).await;
        assert_eq!((answer.status(), answer.only("remote-user")), (401, ""), "{wrong}");
        assert_eq!(answer.only("www-authenticate"), "Basic realm=\"office\", charset=\"UTF-8\"");
    }
    let answer = ask(&site, "/admin/x", &[("Authorization", ANN)]).await;
    assert_eq!((answer.status(), answer.only("remote-user")), (200, "ann"));
    assert_eq!(answer.only("remote-factors"), "htpasswd,password");
}

/// The tokens of Flumotion's test are the two passwords here: wrong, missing, double; right, and right
/// twice.
#[tokio::test]
async fn fl_54_one_right_credential_comes_in_each_time() {
    let site = nginx().await;
    let double = [("Authorization", ANN), ("Authorization", ANN)];
    assert_eq!(ask(&site, "/admin/x", &[]).await.status(), 401);
    assert_eq!(ask(&site, "/admin/x", &[("Authorization", WRONG)]).await.status(), 401);
    assert_eq!(ask(&site, "/admin/x", &double).await.status(), 401);
    for _ in 0..2 {
        assert_eq!(ask(&site, "/admin/x", &[("Authorization", ANN)]).await.status(), 200);
    }
}

#[tokio::test]
async fn fl_55_an_outage_is_500_or_lets_in_and_a_refusal_is_neither() {
    for (allow, in_outage) in [("", 500..600), ("allow_default = true", 200..201)] {
        let site = Site::start(&config("caddy", &format!("{RULES}{allow}\n"))).await;
        let as_caddy = |authorization: &str| {
            let mut headers = original("/admin/x");
            for (header, name) in headers.iter_mut().zip([
                "X-Forwarded-Method",
                "X-Forwarded-Host",
                "X-Forwarded-Uri",
                "X-Forwarded-Proto",
                "X-Forwarded-For",
            ]) {
                header.0 = name;
            }
            headers.push(("Authorization", authorization.to_owned()));
            headers
        };
        assert_eq!(send(&site, &as_caddy(WRONG)).await.status(), 401, "{allow}");
        std::fs::remove_file(site.path("users")).unwrap();
        let answer = send(&site, &as_caddy(ANN)).await;
        assert!(in_outage.contains(&answer.status()), "{allow}: {}", answer.text);
        assert_eq!(answer.only("remote-user"), "");
        // What cannot be read, and what presents nothing, was refused and not failed.
        assert_eq!(send(&site, &as_caddy("Basic %")).await.status(), 401, "{allow}");
        let metrics = site.server.metrics.render(0);
        let word = if allow.is_empty() { "failed" } else { "allowed-in-outage" };
        assert!(metrics.contains(&format!("decision=\"{word}\"}} 1")), "{metrics}");
        let audit = std::fs::read_to_string(site.path("audit")).unwrap();
        assert!(audit.contains(&format!("\"decision\":\"{word}\"")), "{audit}");
    }
}

/// S10: the client cannot tell why it is refused; the audit log can, and has no secret.
#[tokio::test]
async fn s10_refusals_have_one_face_and_the_log_knows_the_cause() {
    let site = nginx().await;
    let mut faces = Vec::new();
    for (authorization, cause) in [
        (WRONG, "the secret is wrong"),
        ("Basic Ym9iOm9wZW4gc2VzYW1l", "the user is unknown"),
        ("Basic %", "cannot be read"),
    ] {
        let answer = ask(&site, "/admin/x", &[("Authorization", authorization)]).await;
        let text = answer.text.lines().filter(|line| !line.starts_with("date:"));
        faces.push(text.collect::<Vec<_>>().join("\n"));
        let audit = std::fs::read_to_string(site.path("audit")).unwrap();
        assert!(audit.lines().last().unwrap().contains(cause), "{audit}");
        assert!(!audit.contains("open sesame") && !audit.contains("YW5u"), "{audit}");
    }
    assert!(faces.windows(2).all(|pair| pair[0] == pair[1]), "{faces:?}");
}

/// S15: passwords are neither offered nor accepted where others can read them.
#[tokio::test]
async fn s15_passwords_need_tls() {
    let site = nginx().await;
    let plain = |address: &str| {
        let mut headers = original("/admin/x");
        headers[3].1 = "http".into();
        headers[4].1 = address.into();
        headers.push(("Authorization", ANN.into()));
        headers
    };
    let answer = send(&site, &plain("192.0.2.7")).await;
    assert_eq!(answer.status(), 403);
    assert!(answer.all("www-authenticate").is_empty());
    assert_eq!(send(&site, &plain("127.0.0.1")).await.status(), 200);
    let allowing = config("nginx", &format!("allow_plain = true\n{RULES}"));
    let site = Site::start(&allowing).await;
    assert_eq!(send(&site, &plain("192.0.2.7")).await.status(), 200);
}

/// S16: after many failures, the right password does not help either, for a while.
#[tokio::test]
async fn s16_guessing_is_slowed_down() {
    let site = nginx().await;
    let mut last = 401;
    for _ in 0..200 {
        last = ask(&site, "/admin/x", &[("Authorization", WRONG)]).await.status();
        if last != 401 {
            break;
        }
    }
    assert_eq!(last, 403);
    let answer = ask(&site, "/admin/x", &[("Authorization", ANN)]).await;
    assert_eq!(answer.status(), 403);
    assert!(answer.only("retry-after").parse::<u64>().unwrap() > 0);
}

#[tokio::test]
async fn a_rule_can_be_for_a_host_a_method_and_users() {
    let rules = "
[[forward.rule]]
host = '*.example.org'
methods = ['GET']
bouncer = 'office'
schemes = ['basic']
users = ['bob']
[[forward.rule]]
methods = ['POST']
bouncer = 'office'
schemes = ['basic']
";
    let site = Site::start(&config("nginx", rules)).await;
    for (method, host, status) in [
        ("GET", "www.example.org", 403),
        ("GET", "example.org", 403),
        ("GET", "wwwexample.org", 403),
        ("POST", "www.example.org", 200),
        ("post", "www.example.org", 403),
        ("PUT", "www.example.org", 403),
    ] {
        let mut headers = original("/x");
        headers[0].1 = method.into();
        headers[1].1 = host.into();
        headers.push(("Authorization", ANN.into()));
        assert_eq!(send(&site, &headers).await.status(), status, "{method} {host}");
    }
}

#[test]
fn what_clients_cannot_satisfy_is_refused_at_the_start() {
    let rule =
        |scheme: &str| format!("[[forward.rule]]\nbouncer = 'office'\nschemes = ['{scheme}']\n");
    for (text, says) in [
        (config("nginx", &rule("bearer")), "token is offered"),
        (config("nginx", &rule("digest")), "digest is offered"),
        (config("nginx", &rule("magic")), "no such scheme"),
        (config("nginx", "[[forward.rule]]\nbouncer = 'offcie'\nschemes = ['basic']\n"), "office"),
        (config("nginx", "[[forward.rule]]\nbouncer = 'office'\n"), "`schemes`"),
        (config("nginx", "[[forward.rule]]\nbouncer = 'office'\npublic = true\n"), "public"),
        (config("nginx", "[[forward.rule]]\npublic = true\npath = 'x'\n"), "`path`"),
        (config("nginx", "[[forward.rule]]\npublic = true\nhost = 'X.org'\n"), "`host`"),
        (config("apche", ""), "dialect"),
        (format!("{OFFICE}policy = 'password and totp'\n"), "totp"),
    ] {
        let complaint = complaint(&text);
        assert!(complaint.contains(says), "{text}\n{complaint}");
    }
}

#[tokio::test]
async fn a_wrong_configuration_leaves_the_old_one_in_force() {
    let site = nginx().await;
    assert!(site.reload(&config("nginx", "[[forward.rule]]\nbouncer = 'x'\n")).await.is_err());
    assert_eq!(ask(&site, "/public/x", &[]).await.status(), 200);
    site.reload(&config("nginx", "")).await.unwrap();
    assert_eq!(ask(&site, "/public/x", &[]).await.status(), 403);
}

#[tokio::test]
async fn a_disabled_bouncer_lets_no_client_in() {
    let site = nginx().await;
    let state = site.server.state();
    let keycards = &state.bouncer("office").unwrap().keycards;
    keycards.disable().unwrap();
    let answer = ask(&site, "/admin/x", &[("Authorization", ANN)]).await;
    assert_eq!((answer.status(), answer.only("remote-user")), (403, ""));
    // Public paths ask no bouncer.
    assert_eq!(ask(&site, "/public/x", &[]).await.status(), 200);
    keycards.enable().unwrap();
    assert_eq!(ask(&site, "/admin/x", &[("Authorization", ANN)]).await.status(), 200);
}
