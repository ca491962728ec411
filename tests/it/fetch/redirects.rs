//! A redirect takes a credential only to the same scheme, host and port. The hosts have names and
//! TLS: a proxy leads all of them to one nginx.

use std::fmt::Write as _;
use std::fs;
use std::io::{self, BufRead, BufReader, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

use serde_json::Value;

use super::site::provider;
use crate::helpers::home::Home;
use crate::helpers::nginx::{self, Server};
use crate::helpers::tls;

const HOSTS: [&str; 5] = [
    "good.example",
    "evil.example",
    "sub.good.example",
    "good.example.evil.example",
    "mark.example",
];

/// The origins to which the redirects lead, besides `https://good.example`.
const ELSEWHERE: [&str; 5] = [
    "http://good.example",
    "https://evil.example",
    "https://good.example:8443",
    "https://good.example.evil.example",
    "https://sub.good.example",
];

/// A provider that sends the password with the first request.
const LINES: &str =
    "auth = 'required'\ncredentials = ['site']\n[[authenticators]]\nname = 'basic'\n";

/// nginx, which answers `/c/ID` as the case says and anything else with 200.
struct Sites {
    _nginx: Server,
    folder: Home,
    proxy: Proxy,
}

impl Sites {
    fn start(cases: &[Value]) -> Self {
        let folder = Home::in_memory();
        tls::make(folder.folder(), &HOSTS);
        let dir = folder.folder().to_str().unwrap().to_owned();
        let mut redirects = String::new();
        for case in cases {
            let id = case["id"].as_str().unwrap();
            let answer = match (&case["status"], &case["location"]) {
                (Value::Number(status), Value::String(location)) => {
                    format!("return {status} {location};")
                }
                _ => "add_header Refresh '0;url=https://evil.example/'; return 200;".to_owned(),
            };
            writeln!(redirects, "location = /c/{id} {{ {answer} }}").unwrap();
        }
        let (nginx, [plain, tls]) = nginx::start(folder.folder(), |[plain, tls]| {
            include_str!("redirects.conf")
                .replace("%DIR%", &dir)
                .replace("%PLAIN%", &plain.to_string())
                .replace("%TLS%", &tls.to_string())
                .replace("%REDIRECTS%", &redirects)
        });
        fs::write(folder.path("heard"), "").unwrap();
        Self { _nginx: nginx, folder, proxy: Proxy::start(plain, tls) }
    }

    /// A home whose proxy leads to the sites, with a password that is bound to `https://good.example`.
    fn home(&self) -> Home {
        let home = Home::with_store("--option key.from=file")
            .with("KEYWARD_NETWORK_CA_FILE", self.folder.path("ca.pem"))
            .with("https_proxy", &self.proxy.url)
            .with("http_proxy", &self.proxy.url);
        let line = "set s ann --name site --stdin --bind https://good.example";
        home.keyward(line).input("canary-password").run().ends(0);
        provider(&home, "good", "https://good.example", LINES);
        home
    }

    /// Returns the requests since the last call, each as its URL and its secret headers.
    fn heard(&self) -> Vec<String> {
        thread::sleep(std::time::Duration::from_millis(50));
        let heard = fs::read_to_string(self.folder.path("heard")).unwrap();
        fs::write(self.folder.path("heard"), "").unwrap();
        heard.lines().map(|line| line.trim().to_owned()).collect()
    }
}

/// A proxy that takes every host for the sites, and wants a password itself.
struct Proxy {
    url: String,
    /// The heads of the requests to it.
    heads: Arc<Mutex<Vec<String>>>,
}

impl Proxy {
    fn start(plain: u16, tls: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://user:canary-proxy@{}", listener.local_addr().unwrap());
        let heads = Arc::new(Mutex::new(Vec::new()));
        let for_threads = Arc::clone(&heads);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let heads = Arc::clone(&for_threads);
                thread::spawn(move || lead(stream, plain, tls, &heads));
            }
        });
        Self { url, heads }
    }
}

/// Leads a connection to the sites.
fn lead(client: TcpStream, plain: u16, tls: u16, heads: &Mutex<Vec<String>>) -> io::Result<()> {
    let mut reader = BufReader::new(client.try_clone()?);
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if reader.read_line(&mut head)? == 0 {
            return Ok(());
        }
    }
    heads.lock().unwrap().push(head.clone());
    let is_tunnel = head.starts_with("CONNECT ");
    let is_plain = head.lines().next().unwrap().contains(":80 ");
    let mut server =
        TcpStream::connect(("127.0.0.1", if is_tunnel && !is_plain { tls } else { plain }))?;
    let mut client = client;
    if is_tunnel {
        client.write_all(b"HTTP/1.1 200 OK\r\n\r\n")?;
    } else {
        let own = |line: &&str| !line.to_ascii_lowercase().starts_with("proxy-");
        let lines: Vec<_> = head.split("\r\n").filter(own).collect();
        server.write_all(lines.join("\r\n").as_bytes())?;
    }
    let (mut from, mut to) = (server.try_clone()?, client.try_clone()?);
    let back = thread::spawn(move || {
        drop(io::copy(&mut from, &mut to));
        drop(to.shutdown(Shutdown::Write));
    });
    drop(io::copy(&mut reader, &mut server));
    drop(server.shutdown(Shutdown::Write));
    drop(back.join());
    Ok(())
}

fn cases() -> Vec<Value> {
    let text = include_str!("../../vectors/own/redirect_matrix.json");
    let matrix: Value = serde_json::from_str(text).unwrap();
    matrix["cases"].as_array().unwrap().clone()
}

#[test]
fn every_case_of_the_matrix_sends_the_credential_only_to_its_origin() {
    let cases = cases();
    let sites = Sites::start(&cases);
    // Providers of all the other servers name the credential too; it is not bound to them.
    for is_hostile in [false, true] {
        let home = sites.home();
        if is_hostile {
            for (at, origin) in ELSEWHERE.iter().enumerate() {
                provider(&home, &format!("p{at}"), origin, LINES);
            }
        }
        for case in &cases {
            let id = case["id"].as_str().unwrap();
            let ran = home.keyward(&format!("fetch https://good.example/c/{id} --output -")).run();
            let heard = sites.heard();
            let (first, rest) = heard.split_first().unwrap();
            assert!(first.starts_with("https://good.example/c/"), "{id}: {heard:?}");
            assert!(first.contains("Basic"), "{id}: {heard:?}");
            let follows = case["authorization"] == "sent";
            let next = rest.first().map(String::as_str).unwrap_or_default();
            assert_eq!(next.contains("Basic"), follows, "{id}: {heard:?}");
            // A hostile provider gets no request at all, because the credential may not be sent.
            let is_refused = is_hostile && case["authorization"] == "NOT sent";
            assert_eq!(ran.code, if is_refused { 4 } else { 0 }, "{id}: {}", ran.err);
            assert_eq!(
                rest.len(),
                usize::from(!is_refused && id != "refresh-header"),
                "{id}: {heard:?}"
            );
            assert!(!heard.concat().contains("canary-proxy"), "{heard:?}");
        }
    }
    // The proxy gets its own password, and no other one.
    let heads = sites.proxy.heads.lock().unwrap().join("");
    assert!(heads.contains("dXNlcjpjYW5hcnktcHJveHk="), "{heads}");
    assert!(!heads.contains("YW5uOmNhbmFyeS1wYXNzd29yZA=="), "{heads}");
}
