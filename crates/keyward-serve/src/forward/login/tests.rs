use super::super::tests::ask_with;
use crate::testing::{Answer, Site};

const CONFIG: &str = "
[[bouncer]]
name = 'office'
auth = ['htpasswd:%/users']
[forward]
listen = ['unix:%/serve']
dialect = 'caddy'
trusted_proxies = ['unix']
[forward.login]
listen = ['unix:%/login']
[[forward.rule]]
host = 'www.example.org'
path = '/admin/'
bouncer = 'office'
schemes = ['cookie', 'basic']
[[forward.rule]]
host = 'www.example.org'
path = '/public/'
public = true
";

const SITE: &str =
    "Host: www.example.org\r\nX-Forwarded-Proto: https\r\nX-Forwarded-For: 192.0.2.7\r\n";

async fn get(site: &Site, path: &str) -> Answer {
    site.send("login", format!("GET {path} HTTP/1.1\r\n{SITE}Connection: close\r\n\r\n")).await
}

async fn post(site: &Site, path: &str, headers: &str, form: &str) -> Answer {
    let request = format!(
        "POST /keyward/{path} HTTP/1.1\r\n{SITE}{headers}Connection: close\r\n\
         Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n{form}",
        form.len()
    );
    site.send("login", request).await
}

const OWN: &str = "Origin: https://www.example.org\r\n";
const RIGHT: &str = "user=ann&password=open+sesame&to=%2Fadmin%2Fx";

/// Asks as Caddy does for a page.
async fn ask(site: &Site, path: &str, more: &[(&str, &str)]) -> Answer {
    let mut headers = vec![
        ("X-Forwarded-Method", "GET"),
        ("X-Forwarded-Host", "www.example.org"),
        ("X-Forwarded-Uri", path),
        ("X-Forwarded-Proto", "https"),
        ("X-Forwarded-For", "192.0.2.7"),
    ];
    headers.extend(more);
    ask_with(site, &headers).await
}

fn cookie(answer: &Answer) -> String {
    answer.only("set-cookie").split(';').next().unwrap().to_owned()
}

#[tokio::test]
async fn a_browser_logs_in_comes_in_and_logs_out() {
    let site = Site::start(CONFIG).await;
    let sent = ask(&site, "/admin/x", &[("Accept", "text/html")]).await;
    assert_eq!((sent.status(), sent.only("remote-user")), (302, ""));
    assert_eq!(sent.only("location"), "/keyward/login?to=%2Fadmin%2Fx");
    let page = get(&site, "/keyward/login?to=%2Fadmin%2Fx").await;
    assert!(page.status() == 200 && page.text.contains("value=\"/admin/x\""), "{}", page.text);
    assert!(
        !page.text.contains("<script") && page.only("content-security-policy").contains("'none'")
    );
    let answer = post(&site, "login", OWN, RIGHT).await;
    assert_eq!((answer.status(), answer.only("location")), (303, "/admin/x"), "{}", answer.text);
    let attributes = answer.only("set-cookie").split_once(';').unwrap().1;
    assert_eq!(attributes, " Path=/; HttpOnly; SameSite=Lax; Secure");
    let cookie = cookie(&answer);
    assert!(cookie.starts_with("__Host-keyward="));
    let came = ask(&site, "/admin/x", &[("Cookie", &cookie)]).await;
    assert_eq!((came.status(), came.only("remote-user")), (200, "ann"));
    assert_eq!(came.only("remote-factors"), "htpasswd,password");
    // Changed, twice, or beside another value, it is nothing.
    for wrong in [format!("{cookie}A"), format!("{cookie}; {cookie}"), "__Host-keyward=".into()] {
        assert_ne!(ask(&site, "/admin/x", &[("Cookie", &wrong)]).await.status(), 200, "{wrong}");
    }
    let left = post(&site, "logout", &format!("{OWN}Cookie: {cookie}\r\n"), "").await;
    assert!(left.status() == 200 && left.only("set-cookie").contains("Max-Age=0"));
    assert_ne!(ask(&site, "/admin/x", &[("Cookie", &cookie)]).await.status(), 200);
}

#[tokio::test]
async fn a_revoked_keycard_ends_a_browsers_login_at_its_next_request() {
    let site = Site::start(CONFIG).await;
    let cookie = cookie(&post(&site, "login", OWN, RIGHT).await);
    assert_eq!(ask(&site, "/admin/x", &[("Cookie", &cookie)]).await.status(), 200);
    let state = site.server.state();
    let bouncer = &state.bouncer("office").unwrap().keycards;
    bouncer.revoke(&keyward_bouncer::Selection::User("ann".into())).unwrap();
    assert_ne!(ask(&site, "/admin/x", &[("Cookie", &cookie)]).await.status(), 200);
    // After the configuration was read again, the next login is still good.
    let cookie = self::cookie(&post(&site, "login", OWN, RIGHT).await);
    site.reload(CONFIG).await.unwrap();
    assert_eq!(ask(&site, "/admin/x", &[("Cookie", &cookie)]).await.status(), 200);
}

#[tokio::test]
async fn a_form_that_another_site_sent_is_refused() {
    let site = Site::start(CONFIG).await;
    for other in [
        "",
        "Origin: null\r\n",
        "Origin: https://evil.example\r\n",
        "Origin: http://www.example.org\r\n",
        "Origin: https://www.example.org:444\r\n",
        "Origin: https://www.example.org\r\nSec-Fetch-Site: cross-site\r\n",
        "Sec-Fetch-Site: cross-site\r\n",
        "Sec-Fetch-Site: same-site\r\n",
    ] {
        for path in ["login", "logout"] {
            let answer = post(&site, path, other, RIGHT).await;
            assert_eq!(answer.status(), 403, "{other}");
            assert!(answer.all("set-cookie").is_empty());
        }
    }
}

#[tokio::test]
async fn a_wrong_login_says_nothing_about_users_and_leads_nowhere_else() {
    let site = Site::start(CONFIG).await;
    let wrong = post(&site, "login", OWN, "user=ann&password=wrong&to=%2Fadmin%2F").await;
    let unknown = post(&site, "login", OWN, "user=bob&password=wrong&to=%2Fadmin%2F").await;
    let body = |answer: &Answer| answer.text.split_once("\r\n\r\n").unwrap().1.to_owned();
    assert_eq!((wrong.status(), body(&wrong)), (403, body(&unknown)));
    assert!(!wrong.text.contains("password=wrong") && wrong.text.contains("role=\"alert\""));
    // Nowhere to log in for.
    for to in ["%2Fpublic%2F", "%2Fother", "%2F%2Fevil.example%2Fadmin%2F"] {
        let form = format!("user=ann&password=open+sesame&to={to}");
        let answer = post(&site, "login", OWN, &form).await;
        assert!(answer.status() == 404 && answer.all("set-cookie").is_empty(), "{to}");
    }
    let hostile = get(&site, "/keyward/login?to=%2F%22%3E%3Cscript%3E").await;
    assert!(!hostile.text.contains("<script"), "{}", hostile.text);
    let huge = post(&site, "login", OWN, &"a".repeat(1 << 20)).await;
    assert_eq!(huge.status(), 400);
}

#[tokio::test]
async fn a_password_that_others_can_read_is_not_taken() {
    let site = Site::start(CONFIG).await;
    let open = SITE.replace("https", "http");
    let request = format!(
        "POST /keyward/login HTTP/1.1\r\n{open}Origin: http://www.example.org\r\nConnection: close\r\n\
         Content-Length: {}\r\n\r\n{RIGHT}",
        RIGHT.len()
    );
    let answer = site.send("login", request).await;
    assert!(answer.status() == 403 && answer.text.contains("Use https"), "{}", answer.text);
    assert!(answer.all("set-cookie").is_empty());
}

#[tokio::test]
async fn a_browser_that_is_active_stays_logged_in() {
    let site = Site::start(&CONFIG.replace("auth = [", "ttl = '10s'\nauth = [")).await;
    let cookie = cookie(&post(&site, "login", OWN, RIGHT).await);
    for _ in 0..2 {
        tokio::time::sleep(std::time::Duration::from_secs(6)).await;
        assert_eq!(ask(&site, "/admin/x", &[("Cookie", &cookie)]).await.status(), 200);
    }
}

#[tokio::test]
async fn authorization_is_for_the_site_behind_if_the_rule_knows_cookies_only() {
    let config = CONFIG.replace("schemes = ['cookie', 'basic']", "schemes = ['cookie']");
    let site = Site::start(&config).await;
    let cookie = cookie(&post(&site, "login", OWN, RIGHT).await);
    let token = ("Authorization", "Bearer of-the-site");
    assert_eq!(ask(&site, "/admin/x", &[token, ("Cookie", &cookie)]).await.status(), 200);
    let answer = ask(&site, "/admin/x", &[("Authorization", crate::testing::ANN)]).await;
    assert_eq!((answer.status(), answer.only("remote-user")), (401, ""));
}

#[tokio::test]
async fn programs_are_asked_for_a_password_and_a_cookie_needs_the_page() {
    let site = Site::start(CONFIG).await;
    let program = ask(&site, "/admin/x", &[]).await;
    assert_eq!(program.status(), 401);
    assert!(program.only("www-authenticate").starts_with("Basic"));
    let basic = ask(&site, "/admin/x", &[("Authorization", crate::testing::ANN)]).await;
    assert_eq!((basic.status(), basic.only("remote-user")), (200, "ann"));
    let without = CONFIG.replace("[forward.login]\nlisten = ['unix:%/login']\n", "");
    assert!(crate::testing::complaint(&without).contains("[forward.login]"));
}
