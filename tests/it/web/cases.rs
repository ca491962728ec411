//! What every web server must do, in one list.

use std::fs;
use std::process::Command;
use std::sync::atomic::Ordering;

use super::backend::REACHED;
use super::client::{Answer, Client, HOST, ask};
use super::site::{Site, TOKEN};
use crate::helpers::home::clean_environment;

const RIGHT: &str = "Authorization: Basic YW5uOm9wZW4gc2VzYW1l";
const WRONG: &str = "Authorization: Basic YW5uOndyb25n";
/// bob:open sesame
const UNKNOWN: &str = "Authorization: Basic Ym9iOm9wZW4gc2VzYW1l";

/// What is tried, and how.
type Case = (&'static str, fn(&Site));

/// The cases, in order: each leaves the site as it was.
const CASES: &[Case] = &[
    ("the right password", right),
    ("a wrong password", |site| refuse(&site.get("/admin/x", &[WRONG]), 401)),
    ("no password", no_password),
    ("an unknown user", unknown_user),
    ("the body of a POST", |site| post(site, false)),
    ("a body in chunks", |site| post(site, true)),
    ("a WebSocket", web_socket),
    ("events, and a user who is disabled meanwhile", events),
    ("HEAD", head),
    ("long headers", long_headers),
    ("an encoded path", encoded_path),
    ("dots in a path", dots),
    ("identity headers of the client", identity_headers),
    ("headers of web servers from the client", headers_of_web_servers),
    ("rules for methods", methods),
    ("rules for paths", paths),
    ("rules for hosts", hosts),
    ("Digest", |site| digest(site, "/digest/x?a=b")),
    ("Digest with a file of htdigest", |site| digest(site, "/htdigest/x?a=b")),
    ("Bearer", bearer),
    ("a disabled user", disabled),
    ("1,000 connections", connections),
];

/// Runs all cases, and one that leaves the site without `keyward serve`.
#[expect(clippy::print_stdout, reason = "the output of a test that fails says which case it was")]
pub(super) fn run(mut site: Site) {
    for (name, case) in CASES {
        println!("{name}");
        case(&site);
    }
    println!("an outage of keyward serve");
    site.stop_serve();
    for target in ["/admin/x", "/public/x"] {
        let answer = site.get(target, &[RIGHT]);
        assert!(answer.status >= 500, "{answer:?}");
        refuse(&answer, answer.status);
    }
}

#[track_caller]
fn refuse(answer: &Answer, status: u16) {
    assert_eq!(answer.status, status, "{answer:?}");
    let reached = answer.body.contains(REACHED) || answer.head.contains("x-reached");
    assert!(!reached, "{answer:?}");
}

#[track_caller]
fn enter(answer: &Answer) {
    assert!(answer.status == 200 && answer.body.starts_with(REACHED), "{answer:?}");
}

/// Returns the values of a header that the server behind got, except empty ones.
fn got<'a>(answer: &'a Answer, name: &str) -> Vec<&'a str> {
    let lines = answer.body.lines().filter_map(|line| line.split_once(": "));
    let named =
        lines.filter(|(found, _)| found.replace(['_', '.'], "-").eq_ignore_ascii_case(name));
    named.map(|(_, value)| value).filter(|value| !value.is_empty()).collect()
}

fn right(site: &Site) {
    let answer = site.get("/admin/x?a=b", &[RIGHT]);
    enter(&answer);
    assert!(answer.body.contains("GET /admin/x?a=b HTTP/1.1"), "{answer:?}");
    assert_eq!(got(&answer, "remote-user"), ["ann"]);
    assert_eq!(got(&answer, "remote-factors"), ["htpasswd,password"]);
}

fn no_password(site: &Site) {
    let answer = site.get("/admin/x", &[]);
    refuse(&answer, 401);
    let challenge = "www-authenticate: basic realm=\"office\"";
    assert!(answer.head.contains(challenge), "{answer:?}");
}

/// The answer does not say whether the user is known.
fn unknown_user(site: &Site) {
    let ask = |login: &str| {
        let answer = site.get("/admin/x", &[login]);
        refuse(&answer, 401);
        let lines = answer.head.lines().filter(|line| !line.starts_with("date:"));
        (lines.collect::<Vec<_>>().join("\n"), answer.body)
    };
    assert_eq!(ask(UNKNOWN), ask(WRONG));
}

fn post(site: &Site, in_chunks: bool) {
    let text = "all of it arrives. ".repeat(20_000);
    let length = format!("Content-Length: {}", text.len());
    let (header, sent) = match in_chunks {
        true => ("Transfer-Encoding: chunked", format!("{:x}\r\n{text}\r\n0\r\n\r\n", text.len())),
        false => (&*length, text.clone()),
    };
    let answer = ask(site.ports.proxy, "POST", "/admin/x", &[RIGHT, header], &sent);
    enter(&answer);
    assert!(answer.body.ends_with(&format!("\r\n\r\n{text}")), "{}", answer.head);
}

fn web_socket(site: &Site) {
    let upgrade = [
        "Connection: Upgrade",
        "Upgrade: websocket",
        "Sec-WebSocket-Version: 13",
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
    ];
    let mut client = Client::connect(site.ports.proxy);
    client.send("GET", "/admin/websocket", &upgrade, "");
    let (status, head) = client.status_and_head();
    assert_eq!(status, 401, "{head}");
    let mut client = Client::connect(site.ports.proxy);
    client.send("GET", "/admin/websocket", &[&upgrade[..], &[RIGHT]].concat(), "");
    let (status, head) = client.status_and_head();
    assert_eq!(status, 101, "{head}");
    for text in ["one\n", "two\n"] {
        client.write(text);
        assert_eq!(client.line(), text);
    }
}

/// An event comes before the stream ends. The stream goes on for a user who is disabled, but the
/// user's next request is refused.
fn events(site: &Site) {
    let mut client = Client::connect(site.ports.proxy);
    client.send("GET", "/admin/events", &[RIGHT], "");
    client.read_to("data: one");
    site.set_user(false);
    refuse(&site.get("/admin/x", &[RIGHT]), 401);
    site.backend.goes_on.store(true, Ordering::SeqCst);
    client.read_to("data: two");
    site.set_user(true);
    enter(&site.get("/admin/x", &[RIGHT]));
}

fn head(site: &Site) {
    let head = |headers: &[&str]| ask(site.ports.proxy, "HEAD", "/admin/x", headers, "");
    refuse(&head(&[]), 401);
    let answer = head(&[RIGHT]);
    assert_eq!((answer.status, answer.head.contains("x-reached: yes")), (200, true), "{answer:?}");
}

fn long_headers(site: &Site) {
    let long = "x".repeat(30 << 10);
    let header = format!("X-Long: {long}");
    let answer = site.get("/admin/x", &[RIGHT, &header]);
    enter(&answer);
    assert_eq!(got(&answer, "x-long"), [long]);
    refuse(&site.get("/admin/x", &[&header]), 401);
}

/// The rule is found as the server behind will read the path, which gets it as the client sent it.
fn encoded_path(site: &Site) {
    refuse(&site.get("/%61dmin/x", &[]), 401);
    let answer = site.get("/admin/caf%C3%A9%20x", &[RIGHT]);
    enter(&answer);
    assert!(answer.body.contains("GET /admin/caf%C3%A9%20x HTTP"), "{answer:?}");
}

/// No spelling leads from the public part to the other.
fn dots(site: &Site) {
    for target in [
        "/public/../admin/x",
        "/public/%2e%2e/admin/x",
        "/public/.%2E/admin/x",
        "/public/..%2fadmin/x",
        "/public%2f..%2fadmin/x",
        "/public//../../admin/x",
        "/public/..;/admin/x",
        "/public/..\\admin/x",
    ] {
        let answer = site.get(target, &[]);
        assert!(answer.status >= 300, "{target}: {answer:?}");
        refuse(&answer, answer.status);
    }
}

fn identity_headers(site: &Site) {
    for name in ["Remote-User", "remote-factors", "Remote_User", "Remote.User"] {
        let header = format!("{name}: root");
        for (target, headers) in
            [("/public/x", vec![&*header]), ("/admin/x", vec![RIGHT, &*header, &*header])]
        {
            // A web server drops the header, replaces it, or the request is refused.
            let answer = site.get(target, &headers);
            let users = got(&answer, "remote-user");
            assert!(users.is_empty() || users == ["ann"], "{header}: {answer:?}");
            assert!(!answer.body.contains("root"), "{header}: {answer:?}");
            assert!([200, 400, 403].contains(&answer.status), "{header}: {answer:?}");
        }
    }
}

fn headers_of_web_servers(site: &Site) {
    for header in [
        "X-Forwarded-Uri: /public/x",
        "X-Original-URI: /public/x",
        "X-Original-URL: /public/x",
        "X-Rewrite-URL: /public/x",
        "X-Forwarded-Method: OPTIONS",
        "X-Forwarded-Host: other.example",
        "X-Forwarded-Prefix: /public",
        "X-Forwarded-For: 127.0.0.1",
        "Forwarded: for=127.0.0.1;proto=https",
        "Connection: X-Forwarded-Uri, X-Original-URI, Remote-User, Authorization",
    ] {
        refuse(&site.get("/admin/x", &[header]), 401);
    }
}

fn methods(site: &Site) {
    let ask = |method: &str| ask(site.ports.proxy, method, "/read/x", &[RIGHT], "");
    enter(&ask("GET"));
    for method in ["DELETE", "OPTIONS", "PROPFIND"] {
        refuse(&ask(method), 403);
    }
}

fn paths(site: &Site) {
    let answer = site.get("/public/x", &[]);
    enter(&answer);
    assert_eq!(got(&answer, "remote-user"), [""; 0]);
    refuse(&site.get("/publicx", &[RIGHT]), 403);
    refuse(&site.get("/", &[RIGHT]), 403);
}

fn hosts(site: &Site) {
    refuse(&site.get("/admin/x", &["Host: other.example", RIGHT]), 403);
    enter(&site.get("/admin/x", &["Host: WWW.example.org:8080", RIGHT]));
}

fn digest(site: &Site, target: &str) {
    let curl = |login: &str| {
        let mut curl = Command::new("curl");
        clean_environment(&mut curl, site.home.folder());
        curl.args(["--silent", "--max-time", "20", "--digest", "--user", login, "--header"]);
        curl.arg(format!("Host: {HOST}"));
        curl.arg(format!("http://127.0.0.1:{}{target}", site.ports.proxy));
        String::from_utf8(curl.output().unwrap().stdout).unwrap()
    };
    let text = curl("ann:open sesame");
    assert!(text.starts_with(REACHED), "{text}");
    assert!(text.to_ascii_lowercase().contains("\r\nremote-user: ann\r\n"), "{text}");
    assert!(!curl("ann:wrong").contains(REACHED));
    refuse(&site.get(target, &[RIGHT]), 401);
}

fn bearer(site: &Site) {
    let ask = |token: &str| site.get("/robots/x", &[&format!("Authorization: Bearer {token}")]);
    let answer = ask(TOKEN);
    enter(&answer);
    assert_eq!(got(&answer, "remote-user"), ["robot"]);
    let answer = ask("0000");
    refuse(&answer, 401);
    assert!(answer.head.contains("www-authenticate: bearer realm=\"robots\""), "{answer:?}");
    refuse(&site.get("/robots/x", &[RIGHT]), 401);
}

fn disabled(site: &Site) {
    let mut client = Client::connect(site.ports.proxy);
    for (enabled, status) in [(true, 200), (false, 401), (true, 200)] {
        site.set_user(enabled);
        client.send("GET", "/admin/x", &[RIGHT], "");
        assert_eq!(client.answer(true).status, status, "on one connection");
    }
}

/// Clients that stay connected do not each hold a connection to `keyward serve`.
fn connections(site: &Site) {
    let mut clients = Vec::new();
    for _ in 0..1000 {
        let mut client = Client::connect(site.ports.proxy);
        client.send("GET", "/admin/x", &[RIGHT], "");
        enter(&client.answer(true));
        clients.push(client);
    }
    let held = connections_to(site.ports.serve);
    assert!(held <= 64, "{held} connections");
    for client in &mut clients {
        client.send("GET", "/public/x", &[], "");
        enter(&client.answer(true));
    }
}

/// Counts the established connections to a port of loopback.
fn connections_to(port: u16) -> usize {
    let table = fs::read_to_string("/proc/net/tcp").unwrap();
    let wanted = format!("0100007F:{port:04X}");
    let is_wanted = |line: &&str| {
        let fields: Vec<_> = line.split_whitespace().collect();
        fields.get(2) == Some(&&*wanted) && fields.get(3) == Some(&"01")
    };
    table.lines().filter(is_wanted).count()
}
