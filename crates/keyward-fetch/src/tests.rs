//! Downloads from servers that fail in all ways.
#![expect(clippy::disallowed_methods, reason = "these files need not survive a power cut")]

use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use keyward::{Environment, Keyward, Silent};
use keyward_core::{ErrorKind, Result};

use crate::{Download, Fetcher, Options};

/// The file that the server has.
const FILE: &str = "0123456789";

/// A server that answers one request after the other with these texts.
struct Server {
    url: String,
    requests: Arc<Mutex<Vec<String>>>,
}

fn serve(answers: Vec<String>) -> Server {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/file", listener.local_addr().unwrap());
    let requests = Arc::new(Mutex::new(Vec::new()));
    let heard = Arc::clone(&requests);
    thread::spawn(move || {
        for answer in answers {
            let (mut stream, _) = listener.accept().unwrap();
            let mut reader = BufReader::new(stream.try_clone().unwrap());
            let mut head = String::new();
            while !head.ends_with("\r\n\r\n") && reader.read_line(&mut head).unwrap() > 0 {}
            heard.lock().unwrap().push(head);
            stream.write_all(answer.as_bytes()).unwrap();
        }
    });
    Server { url, requests }
}

fn answer(head: &str, body: &str) -> String {
    format!("HTTP/1.1 {head}\r\nConnection: close\r\n\r\n{body}")
}

/// The whole file, or its beginning though the head says that it is the whole one.
fn file(body: &str) -> String {
    answer("200 OK\r\nETag: \"a\"\r\nContent-Length: 10", body)
}

struct Home {
    folder: tempfile::TempDir,
    keyward: Keyward,
}

impl Home {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let environment = Environment::new([("HOME", folder.path())]);
        Self { keyward: Keyward::with(environment, Silent).unwrap(), folder }
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("file")
    }

    fn download(&self, url: &str, options: &Options) -> Result<Download> {
        let mut fetcher = Fetcher::new(&self.keyward).unwrap();
        fetcher.pause = Duration::ZERO;
        fetcher.download(url, &self.path(), options, &mut |_, _| {})
    }

    /// The names of all files.
    fn files(&self) -> Vec<String> {
        let files = std::fs::read_dir(self.folder.path()).unwrap();
        let mut files: Vec<_> =
            files.map(|file| file.unwrap().file_name().into_string().unwrap()).collect();
        files.sort();
        files
    }
}

#[test]
fn a_request_without_a_body_does_not_say_how_long_its_body_is() {
    let home = Home::new();
    let server = serve(vec![answer("204 X", ""); 3]);
    let mut fetcher = Fetcher::new(&home.keyward).unwrap();
    fetcher.open(&server.url).unwrap();
    fetcher.stat(&server.url).unwrap_err();
    fetcher.delete(&server.url).unwrap();
    let heads = server.requests.lock().unwrap().concat().to_ascii_lowercase();
    for method in ["get", "head", "delete"] {
        assert!(heads.contains(&format!("{method} /file http/1.1\r\n")), "{heads}");
    }
    assert!(!heads.contains("content-length") && !heads.contains("transfer-encoding"), "{heads}");
}

#[test]
fn c02_a_file_that_is_not_complete_is_tried_five_times_again() {
    let broken = |times| vec![file("0123"); times];
    let home = Home::new();
    let server = serve([broken(5), vec![file(FILE)]].concat());
    assert_eq!(home.download(&server.url, &Options::default()).unwrap().length, 10);
    assert_eq!(std::fs::read_to_string(home.path()).unwrap(), FILE);
    assert_eq!(home.files(), ["file"]);
    let home = Home::new();
    let server = serve(broken(6));
    let error = home.download(&server.url, &Options::default()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert_eq!(server.requests.lock().unwrap().len(), 6);
    // What is there is kept for the next time.
    assert_eq!(home.files(), [".file.keyward-part", ".file.keyward-part-of"]);
}

#[test]
fn c03_a_server_that_fails_is_tried_five_times_again() {
    for (status, tries) in [(500, 6), (503, 6), (429, 6), (404, 1), (403, 1), (400, 1)] {
        let home = Home::new();
        let server = serve(vec![answer(&format!("{status} X\r\nContent-Length: 0"), ""); 6]);
        home.download(&server.url, &Options::default()).unwrap_err();
        assert_eq!(server.requests.lock().unwrap().len(), tries, "{status}");
        assert!(home.files().is_empty());
    }
    // A server that is overloaded says when to come back; a day is too long to wait.
    let wait =
        |time: &str| answer(&format!("429 X\r\nRetry-After: {time}\r\nContent-Length: 0"), "");
    let home = Home::new();
    let server = serve(vec![wait("0"), wait("Mon, 01 Jan 2001 00:00:00 GMT"), file(FILE)]);
    home.download(&server.url, &Options::default()).unwrap();
    let home = Home::new();
    let server = serve(vec![wait("86400"); 2]);
    home.download(&server.url, &Options::default()).unwrap_err();
    assert_eq!(server.requests.lock().unwrap().len(), 1);
}

#[test]
fn a_download_goes_on_where_it_ended() {
    let home = Home::new();
    let rest = answer(
        "206 Partial Content\r\nETag: \"a\"\r\nContent-Range: bytes 4-9/10\r\nContent-Length: 6",
        "456789",
    );
    let server = serve(vec![file("0123"), rest]);
    let hash = "84d89877f0d4041efb6bf91a16f0248f2fd573e6af05c19f96bedb9f882f7882";
    let hashes = vec![format!("sha256={hash}").parse().unwrap()];
    let options = Options { hashes, ..Options::default() };
    let done = home.download(&server.url, &options).unwrap();
    assert_eq!((done.length, done.resumed, done.hashes[0].1.as_str()), (10, 4, hash));
    assert_eq!(std::fs::read_to_string(home.path()).unwrap(), FILE);
    let requests = server.requests.lock().unwrap();
    let second = requests[1].to_ascii_lowercase();
    assert!(second.contains("range: bytes=4-\r\nif-range: \"a\""), "{second}");
}

#[test]
fn a_file_that_has_changed_is_downloaded_from_its_beginning() {
    for second in [
        // The server sends the whole new file, does not know the range, or sends another one.
        answer("200 OK\r\nETag: \"b\"\r\nContent-Length: 3", "new"),
        answer("416 X\r\nContent-Length: 0", ""),
        answer("206 X\r\nContent-Range: bytes 5-9/10\r\nContent-Length: 5", "56789"),
        answer("206 X\r\nContent-Length: 6", "456789"),
    ] {
        let is_whole = second.contains("200 OK");
        let new = answer("200 OK\r\nETag: \"b\"\r\nContent-Length: 3", "new");
        let server = serve(vec![file("0123"), second, new]);
        let home = Home::new();
        let done = home.download(&server.url, &Options::default()).unwrap();
        assert_eq!((done.length, done.resumed), (3, 0));
        assert_eq!(std::fs::read_to_string(home.path()).unwrap(), "new");
        assert_eq!(server.requests.lock().unwrap().len(), if is_whole { 2 } else { 3 });
    }
}

#[test]
fn a_part_without_a_validator_is_not_continued() {
    let home = Home::new();
    let weak =
        |tag: &str, body: &str| answer(&format!("200 OK\r\n{tag}\r\nContent-Length: 10"), body);
    for tag in ["X: y", "ETag: W/\"a\""] {
        let server = serve(vec![weak(tag, "0123"), weak(tag, FILE)]);
        let options = Options { overwrites: true, ..Options::default() };
        assert_eq!(home.download(&server.url, &options).unwrap().resumed, 0);
        assert!(!server.requests.lock().unwrap()[1].to_ascii_lowercase().contains("range"));
    }
}

#[test]
fn a_file_with_another_hash_does_not_appear() {
    let home = Home::new();
    let server = serve(vec![file(FILE)]);
    let hashes = vec![format!("sha1={}", "0".repeat(40)).parse().unwrap()];
    let error = home.download(&server.url, &Options { hashes, ..Options::default() }).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Corrupt);
    assert!(home.files().is_empty());
    for wrong in ["sha256=12", "md4", "sha1=zz"] {
        assert!(wrong.parse::<crate::WantedHash>().is_err(), "{wrong}");
    }
}

#[test]
fn a_file_that_exists_is_replaced_only_if_that_is_wanted() {
    let home = Home::new();
    std::fs::write(home.path(), "mine").unwrap();
    let server = serve(vec![file(FILE)]);
    let error = home.download(&server.url, &Options::default()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Exists);
    assert_eq!(std::fs::read_to_string(home.path()).unwrap(), "mine");
    home.download(&server.url, &Options { overwrites: true, ..Options::default() }).unwrap();
    assert_eq!(std::fs::read_to_string(home.path()).unwrap(), FILE);
}
