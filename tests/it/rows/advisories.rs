//! Published faults of other clients, each as a test or as a line of the table.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::sync::{Arc, Mutex};
use std::thread;

use crate::fetch::site::{Site, home_for, provider, store_password};
use crate::helpers::home::Home;
use crate::oauth::scripted::Scripted;
use crate::rows::tables::tests;

/// An advisory, and the tests that show that Keyward does not have its fault.
const SHOWN: &[(&str, &[&str])] = &[
    (
        "curl CVE-2026-3783: a token goes on if the other host has a netrc entry",
        &["curl_cve_2026_3783_and_2025_0167_a_netrc_file_gives_the_target_of_a_redirect_nothing"],
    ),
    (
        "curl CVE-2025-0167: an entry `default` of a netrc file",
        &["curl_cve_2026_3783_and_2025_0167_a_netrc_file_gives_the_target_of_a_redirect_nothing"],
    ),
    (
        "curl CVE-2026-6429 and CVE-2026-1965: a connection that is used again with another credential",
        &["curl_cve_2026_1965_and_6429_each_request_has_its_own_credential"],
    ),
    (
        "curl CVE-2026-6253 and CVE-2026-3784: the credential of one proxy goes to another",
        &["curl_cve_2026_6253_and_3784_a_proxy_gets_its_own_credential"],
    ),
    (
        "curl CVE-2026-8926: the password of another user",
        &["curl_cve_2026_8926_a_url_with_a_user_gets_no_other_users_password"],
    ),
    (
        "curl CVE-2026-86413: Negotiate with a foreign origin",
        &["curl_cve_2026_86413_negotiate_is_refused"],
    ),
    (
        "curl CVE-2026-94265: a user in the URL of a redirect",
        &["curl_cve_2026_94265_a_user_in_a_redirect_is_not_used"],
    ),
    (
        "follow-redirects CVE-2026-40895, CVE-2026-111756 and CVE-2026-116689: a header that a list of \
         names does not contain goes on",
        &["follow_redirects_cve_2026_40895_a_token_in_any_header_stays_with_its_server"],
    ),
    (
        "Renovate CVE-2026-88882 and CVE-2026-88887: the next page is anywhere",
        &[
            "renovate_cve_2026_88882_a_url_in_an_answer_gets_nothing",
            "a_realm_on_another_site_is_not_asked_unless_the_provider_lists_it",
        ],
    ),
    (
        "go-git CVE-2026-41506: a redirect of git over HTTP",
        &["the_target_of_a_redirection_gets_no_credential"],
    ),
    (
        "devcontainers/cli PR 1276: the realm of a registry is any server",
        &["a_realm_on_another_site_is_not_asked_unless_the_provider_lists_it"],
    ),
    (
        "artifact-keeper 3606: a cached token is given to a request without a credential",
        &["artifact_keeper_3606_a_provider_without_a_credential_stays_anonymous"],
    ),
];

#[test]
fn every_advisory_has_a_test() {
    let all = tests(&["crates", "tests/it"]);
    for (advisory, names) in SHOWN {
        let missing: Vec<_> = names.iter().filter(|name| !all.contains(**name)).collect();
        assert!(missing.is_empty() && !names.is_empty(), "{advisory}: {missing:?}");
    }
}

const REQUIRED: &str = "auth = 'required'\ncredentials = ['site']\n";

/// A server that answers each path below `/to/` with a redirect to the rest of it.
fn redirecting(to: String) -> Scripted {
    Scripted::start(move |request| match request.path.split_once("/to/") {
        Some((_, path)) => (format!("302 Found\r\nLocation: {to}/{path}"), String::new()),
        None => ("200 OK".into(), "{}".into()),
    })
}

fn silent(server: &Scripted) {
    let received = server.received();
    assert!(!received.is_empty(), "it got no request");
    for request in received {
        let head = request.head.to_lowercase();
        assert!(!head.contains("canary") && !head.contains("authorization"), "{head}");
        assert!(!head.contains("cookie"), "{head}");
    }
}

#[test]
fn curl_cve_2026_3783_and_2025_0167_a_netrc_file_gives_the_target_of_a_redirect_nothing() {
    let other = Scripted::start(|_| ("200 OK".into(), "{}".into()));
    let site = redirecting(other.url.clone());
    let lines = format!("{REQUIRED}[[authenticators]]\nname = 'bearer'\n");
    let home = home_for(&site.url, &lines);
    let line = format!("set s --name site --kind token --stdin --bind {}", site.url);
    home.keyward(&line).input("canary-token").run().ends(0);
    let text = "machine 127.0.0.1 login ann password canary\ndefault login x password canary\n";
    for name in [".netrc", "_netrc"] {
        home.write(name, text);
    }
    home.keyward(&format!("fetch {}/to/file --output -", site.url)).run().ends(0).prints("{}");
    assert!(site.received()[0].authorization.contains("canary-token"));
    silent(&other);
    home.keyward(&format!("curl -- -sL {}/to/file", site.url)).run().ends(0).prints("{}");
    silent(&other);
}

#[test]
fn curl_cve_2026_1965_and_6429_each_request_has_its_own_credential() {
    let site = Site::start();
    let home = Home::with_store("--option key.from=file");
    provider(&home, "one", &site.url, "path = '/private/.*'\ncredentials = ['site']\n");
    let lines = "path = '/token/.*'\ncredentials = ['token']\n";
    provider(&home, "two", &site.url, lines);
    store_password(&home, &site.url, "canary-password");
    let line = format!("set s --name token --kind token --stdin --bind {}", site.url);
    home.keyward(&line).input("canary-token").run().ends(0);
    // nginx keeps the connection open.
    let urls =
        ["private", "token", "private", ""].map(|path| format!("{}/{path}/data.csv", site.url));
    let line = format!("fetch {} --output -", urls.join(" "));
    home.keyward(&line).run().ends(0).prints("private,1\ntoken,1\nprivate,1\n,1\n");
    for line in site.heard() {
        let scheme = match line.split(' ').nth(1).unwrap() {
            path if path.starts_with("/private/") => "Basic",
            path if path.starts_with("/token/") => "Bearer",
            _ => "",
        };
        let sent = line.splitn(4, ' ').nth(3).unwrap_or_default();
        assert!(sent.is_empty() || (!scheme.is_empty() && sent.starts_with(scheme)), "{line}");
    }
}

/// A proxy that answers the first request of a connection, `CONNECT`, and redirects the second one.
/// Returns its address, and what it got.
fn redirecting_proxy(to: &'static str) -> (String, Arc<Mutex<String>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let received = Arc::<Mutex<String>>::default();
    let all = Arc::clone(&received);
    thread::spawn(move || {
        let redirect = format!("HTTP/1.1 302 Found\r\nLocation: {to}\r\nContent-Length: 0\r\n\r\n");
        for mut stream in listener.incoming().flatten() {
            for answer in ["HTTP/1.1 200 OK\r\n\r\n", &redirect] {
                let mut head = String::new();
                let mut reader = BufReader::new(&stream);
                while !head.ends_with("\r\n\r\n") && reader.read_line(&mut head).unwrap_or(0) > 0 {}
                *all.lock().unwrap() += &head;
                drop(stream.write_all(answer.as_bytes()));
            }
        }
    });
    (address, received)
}

#[test]
fn curl_cve_2026_6253_and_3784_a_proxy_gets_its_own_credential() {
    let second = Scripted::start(|_| ("403 Forbidden".into(), String::new()));
    let (first, received) = redirecting_proxy("https://evil.example/file");
    let home = Home::with_store("--option key.from=file")
        .with("http_proxy", format!("http://ann:canary-1@{first}"))
        .with("https_proxy", second.url.replace("http://", "http://ann:canary-2@"));
    home.keyward("fetch http://good.example/file --output -").run().ends(7);
    // `ann:canary-1` and `ann:canary-2`.
    let [one, two] = ["YW5uOmNhbmFyeS0x", "YW5uOmNhbmFyeS0y"];
    let counts = |head: &str| [one, two].map(|text| head.matches(text).count());
    // Neither of them is for the site behind the proxy.
    assert_eq!(counts(&received.lock().unwrap()), [1, 0]);
    let second: String = second.received().into_iter().map(|request| request.head).collect();
    assert_eq!(counts(&second), [0, 1]);
}

#[test]
fn curl_cve_2026_8926_a_url_with_a_user_gets_no_other_users_password() {
    let site = Site::start();
    let home = home_for(&site.url, REQUIRED);
    store_password(&home, &site.url, "canary-password");
    let url = format!("{}/private/data.csv", site.url).replace("http://", "http://bob@");
    home.write(".netrc", "machine 127.0.0.1 login ann password canary-password\n");
    home.keyward(&format!("fetch {url}")).run().ends(4).says("another user");
    home.keyward(&format!("curl -- -s {url}")).run().ends(4).says("another user");
    assert!(site.heard().is_empty());
}

#[test]
fn curl_cve_2026_86413_negotiate_is_refused() {
    let site = Scripted::start(|_| {
        ("401 Unauthorized\r\nWWW-Authenticate: Negotiate".into(), String::new())
    });
    let home = home_for(&site.url, "credentials = ['site']\n");
    store_password(&home, &site.url, "canary-password");
    home.keyward(&format!("fetch {}/file", site.url)).run().ends(9).says("Negotiate");
    silent(&site);
}

#[test]
fn curl_cve_2026_94265_a_user_in_a_redirect_is_not_used() {
    let other = Scripted::start(|_| ("200 OK".into(), "{}".into()));
    for (user, code) in [("ann:canary@", 7), ("canary@", 0)] {
        let site = redirecting(other.url.replace("http://", &format!("http://{user}")));
        let home = home_for(&site.url, REQUIRED);
        store_password(&home, &site.url, "canary-password");
        let lines = "[[authenticators]]\nname = 'basic'\n";
        provider(&home, "site", &site.url, &format!("{REQUIRED}{lines}"));
        home.keyward(&format!("fetch {}/to/file --output -", site.url)).run().ends(code);
    }
    silent(&other);
    assert_eq!(other.received().len(), 1);
}

#[test]
fn follow_redirects_cve_2026_40895_a_token_in_any_header_stays_with_its_server() {
    let other = Scripted::start(|_| ("200 OK".into(), "{}".into()));
    let site = redirecting(other.url.clone());
    for header in
        ["X-Api-Key", "PRIVATE-TOKEN", "x-amz-security-token", "Cookie", "Proxy-Authorization"]
    {
        let lines = format!(
            "{REQUIRED}[[authenticators]]\nname = 'token'\nheader = '{header}'\nprefix = ''\n"
        );
        let home = home_for(&site.url, &lines);
        let line = format!("set s --name site --kind token --stdin --bind {}", site.url);
        home.keyward(&line).input("canary-token").run().ends(0);
        home.keyward(&format!("fetch {}/to/file --output -", site.url)).run().ends(0).prints("{}");
        let sent = site.received().pop().unwrap().head;
        assert!(sent.contains("canary-token"), "{header}: {sent}");
    }
    silent(&other);
}

#[test]
fn renovate_cve_2026_88882_a_url_in_an_answer_gets_nothing() {
    let other = Scripted::start(|_| ("200 OK".into(), "{}".into()));
    let url = other.url.clone();
    let site = Scripted::start(move |_| {
        let head = format!(
            "200 OK\r\nLink: <{url}/next>; rel=\"next\"\r\nRefresh: 0; url={url}/\r\n\
             Content-Location: {url}/here\r\nLocation: {url}/moved"
        );
        (head, format!("{{\"next\": \"{url}/json\"}}"))
    });
    let home = home_for(&site.url, REQUIRED);
    store_password(&home, &site.url, "canary-password");
    home.keyward(&format!("fetch {}/file --output -", site.url)).run().ends(0);
    assert!(other.received().is_empty());
}

#[test]
fn artifact_keeper_3606_a_provider_without_a_credential_stays_anonymous() {
    let site = Scripted::start(|request| {
        let is_private = request.path.starts_with("/private");
        match is_private && request.authorization.is_empty() {
            true => {
                ("401 Unauthorized\r\nWWW-Authenticate: Basic realm=\"a\"".into(), String::new())
            }
            false => ("200 OK\r\nSet-Cookie: session=canary; Path=/".into(), "{}".into()),
        }
    });
    let home = Home::with_store("--option key.from=file");
    provider(&home, "one", &site.url, "path = '/private/.*'\ncredentials = ['site']\n");
    provider(&home, "two", &site.url, "path = '/public/.*'\n");
    store_password(&home, &site.url, "canary-password");
    let urls = ["private/a", "public/b", "other/c"].map(|path| format!("{}/{path}", site.url));
    home.keyward(&format!("fetch {} --output -", urls.join(" "))).run().ends(0);
    for request in site.received() {
        let is_first = request.path == "/private/a";
        assert!(is_first || request.authorization.is_empty(), "{}", request.head);
        assert!(request.cookie.is_empty(), "{}", request.head);
    }
}
