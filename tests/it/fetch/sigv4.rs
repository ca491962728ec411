//! AWS Signature Version 4: what is signed is what is sent, and botocore, the reference, signs the same.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread;

use keyward_authn::hash_body;
use keyward_core::{
    Authenticator, Event, Field, Header, Host, Record, Registry, RequestHead, State, Step, Value,
    Values,
};
use keyward_fetch::Fetcher;
use keyward_testkit::TestHost;
use serde_json::json;

use super::site::home_for;
use crate::helpers::home::Home;

/// Paths and queries on which signers and servers are known to disagree (row 7: envoy#35023,
/// aws-sigv4-proxy#67 and #246, httr2#843, aws4#91, nginx-s3-gateway#578).
const AWKWARD: &[&str] = &[
    "/",
    "//",
    "///",
    "/a",
    "/a/",
    "/a//b",
    "//a",
    "/a///b//",
    "/./a",
    "/a/./b",
    "/../a",
    "/a/../b",
    "/a/../../b",
    "/%2e/a",
    "/a/%2E%2E/b",
    "/a.",
    "/.a",
    "/a/...",
    "/a%20b",
    "/%20",
    "/a%20",
    "/a+b",
    "/a%2Bb",
    "/a%2bb",
    "/a%2Fb",
    "/a%2fb",
    "/%2F",
    "/a%25b",
    "/a%2520b",
    "/a%252Fb",
    "/a=b",
    "/a%3Db",
    "/a@b",
    "/a%40b",
    "/a*b",
    "/a%2Ab",
    "/a:b",
    "/a;b",
    "/a,b",
    "/a!b'(c)",
    "/a$b",
    "/a&b",
    "/a~b",
    "/a%7Eb",
    "/-_.~",
    "/a%C3%BC",
    "/a%c3%bc",
    "/%E2%82%AC/%F0%9F%94%91",
    "/a%00b",
    "/a%3Fb",
    "/a%23b",
    "/a%22b",
    "/a%7Cb",
    "/a?",
    "/a?b",
    "/a?b=",
    "/a?b=&b=",
    "/a?b=2&b=1&b=10",
    "/a?b=c&a=d",
    "/a?b=c=d",
    "/a?=c",
    "/a?b=%20",
    "/a?b=c+d",
    "/a?b=c%2Bd",
    "/a?b=%2f",
    "/a?b=/",
    "/a?b=*@:~",
    "/a?b=%C3%BC",
    "/a?b=%c3%bc",
    "/a?%C3%BC=1&B=2&b=3&b-=4&b.=5",
    "/a?b=%2520",
    "/a?versionId=null&uploads",
    "/a?b=1&&c=2&",
    "/a?b=c?d",
    "/a?b='(c)!'",
];

/// An access key of the tests.
const ID: &str = "AKIDEXAMPLE";
const SECRET: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";
const SESSION: &str = "canary/session+token==";

fn record(session: Option<&str>) -> Record {
    let record = Record::new("aws")
        .with("access_key_id", Field::open(ID))
        .with("secret_access_key", Field::secret(SECRET));
    match session {
        Some(session) => record.with("session_token", Field::secret(session)),
        None => record,
    }
}

/// Returns what the authenticator adds to a request.
fn additions(service: &str, request: &RequestHead, session: Option<&str>) -> Vec<Header> {
    let options = Values::new().with("service", Value::Text(service.into()));
    let host: Arc<dyn Host> = Arc::new(TestHost::new().on_system_time());
    let registry = Registry::linked().unwrap();
    let signer = registry.open::<dyn Authenticator>("aws-sigv4", &options, &host).unwrap();
    let (record, mut state) = (record(session), State::default());
    let mut step =
        |event: &Event<'_>| signer.step(request, Some(&record), event, &mut state).unwrap();
    let Step::HashBody(kind) = step(&Event::Start) else { panic!("nothing is hashed") };
    let hash = hash_body(kind, &b""[..]).unwrap();
    let Step::Send(additions) = step(&Event::BodyHash(&hash)) else { panic!("nothing is sent") };
    additions.headers
}

fn value<'a>(headers: &'a [Header], name: &str) -> &'a str {
    let header = headers.iter().find(|header| header.name.eq_ignore_ascii_case(name));
    header.and_then(|header| header.value.expose_str()).unwrap_or_default()
}

/// Returns the headers that botocore makes for the same requests.
fn reference(requests: &[serde_json::Value]) -> Vec<String> {
    let mut python = Command::new("/usr/bin/python3")
        .args(["-c", include_str!("../../servers/botocore.py")])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    python.stdin.take().unwrap().write_all(json!(requests).to_string().as_bytes()).unwrap();
    let output = python.wait_with_output().unwrap();
    serde_json::from_slice(&output.stdout).expect("is python3-botocore installed?")
}

fn wanted(
    service: &str,
    method: &str,
    url: &str,
    body: &str,
    headers: &[Header],
) -> serde_json::Value {
    let own = ["authorization", "x-amz-date", "x-amz-content-sha256", "x-amz-security-token"];
    let is_own = |header: &&Header| own.contains(&header.name.to_ascii_lowercase().as_str());
    let kept = headers.iter().filter(|header| !is_own(header));
    let kept = kept.map(|it| (it.name.clone(), json!(it.value.expose_str().unwrap())));
    let session = value(headers, "x-amz-security-token");
    json!({
        "service": service, "region": "us-east-1", "method": method, "url": url, "body": body,
        "id": ID, "secret": SECRET, "session": (!session.is_empty()).then_some(session),
        "time": value(headers, "x-amz-date"),
        "headers": kept.collect::<serde_json::Map<_, _>>(),
    })
}

#[test]
fn every_awkward_path_is_signed_as_botocore_signs_it() {
    assert!(AWKWARD.len() >= 60);
    let (mut ours, mut requests) = (Vec::new(), Vec::new());
    for service in ["s3", "execute-api"] {
        for (session, method) in [(None, "GET"), (Some(SESSION), "DELETE")] {
            for path in AWKWARD {
                let url = format!("https://x.example{path}");
                let headers = vec![Header::new("Range", "bytes=1-"), Header::new("X-A", "a  b ")];
                let request = RequestHead { method: method.into(), url, headers };
                let added = additions(service, &request, session);
                ours.push((service, *path, value(&added, "authorization").to_owned()));
                let all = [request.headers, added].concat();
                requests.push(wanted(service, method, &request.url, "", &all));
            }
        }
    }
    for ((service, path, ours), theirs) in ours.iter().zip(reference(&requests)) {
        assert_eq!(*ours, theirs, "{service} {path}");
    }
}

/// A server that answers each request with 200, and keeps what it got.
struct Listener {
    url: String,
    heard: Arc<Mutex<Vec<String>>>,
}

impl Listener {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let heard = Arc::new(Mutex::new(Vec::new()));
        let keep = Arc::clone(&heard);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let head = answer(stream);
                keep.lock().unwrap().push(head);
            }
        });
        Self { url, heard }
    }
}

fn answer(mut stream: TcpStream) -> String {
    let (mut head, mut byte) = (Vec::new(), [0]);
    while !head.ends_with(b"\r\n\r\n") && stream.read(&mut byte).is_ok_and(|read| read > 0) {
        head.push(byte[0]);
    }
    stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n").unwrap();
    String::from_utf8(head).unwrap()
}

/// Reads the head of a request: the target, and the headers.
fn parse(head: &str) -> (String, Vec<Header>) {
    let (first, rest) = head.split_once("\r\n").unwrap();
    let target = first.split(' ').nth(1).unwrap().to_owned();
    let headers = rest.lines().filter_map(|line| line.split_once(": "));
    (target, headers.map(|(name, value)| Header::new(name, value)).collect())
}

fn signing_home(url: &str, service: &str) -> Home {
    let lines = format!(
        "credentials = ['site']\n[[authenticators]]\nname = 'aws-sigv4'\nservice = '{service}'\n"
    );
    let home = home_for(url, &lines);
    let line =
        format!("set s --name site --kind aws --field access_key_id={ID} --stdin --bind {url}");
    home.keyward(&line).input(SECRET).run().ends(0);
    home
}

#[test]
fn what_a_server_gets_is_what_was_signed() {
    let listener = Listener::start();
    for service in ["s3", "execute-api"] {
        let home = signing_home(&listener.url, service);
        let keyward = home.library();
        let mut fetcher = Fetcher::new(&keyward).unwrap();
        // A segment `.` or `..` is refused before anything is sent.
        let sent: Vec<_> = AWKWARD
            .iter()
            .filter(|path| fetcher.open(&format!("{}{path}", listener.url)).is_ok())
            .collect();
        assert!(sent.len() >= 60, "{}", sent.len());
        let heard = std::mem::take(&mut *listener.heard.lock().unwrap());
        assert_eq!(heard.len(), sent.len());
        let (mut ours, mut requests) = (Vec::new(), Vec::new());
        for (head, path) in heard.iter().zip(sent) {
            let (target, headers) = parse(head);
            assert_eq!(target, *path);
            let authorization = value(&headers, "authorization").to_owned();
            let list = authorization.split("SignedHeaders=").nth(1).unwrap().split(',').next();
            let signed: Vec<_> = list.unwrap().split(';').collect();
            let is_kept = |name: &str| signed.contains(&name) || name == "authorization";
            let headers = headers.into_iter().filter(|it| is_kept(&it.name.to_ascii_lowercase()));
            let headers: Vec<_> = headers.collect();
            ours.push((*path, authorization));
            requests.push(wanted(
                service,
                "GET",
                &format!("{}{target}", listener.url),
                "",
                &headers,
            ));
        }
        for ((path, ours), theirs) in ours.iter().zip(reference(&requests)) {
            assert_eq!(*ours, theirs, "{service} {path}");
        }
        // The secret key is in none of them.
        assert!(!heard.concat().contains(&SECRET[..10]));
    }
}
