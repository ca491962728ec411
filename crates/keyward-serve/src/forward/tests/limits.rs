//! Requests that cost much, and requests that two servers would read differently.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;

use super::{RULES, config, nginx, original};
use crate::testing::Site;

fn head(more: &str) -> String {
    let mut text = "GET /auth HTTP/1.1\r\nHost: keyward\r\n".to_owned();
    for (name, value) in original("/public/x") {
        text += &format!("{name}: {value}\r\n");
    }
    text + more
}

/// What follows such a request is never answered: it could be the body of the first.
#[tokio::test]
async fn smuggling_shapes_are_refused_and_end_the_connection() {
    let site = nginx().await;
    let second = head("\r\n");
    for shape in [
        "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\n",
        "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "Transfer-Encoding: gzip\r\n\r\n",
        "Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n",
        "Transfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n",
        "Content-Length: 4\r\nContent-Length: 5\r\n\r\n",
        "Content-Length: +4\r\n\r\n",
        "Content-Length: 4, 4\r\n\r\n",
        "Content-Length: -1\r\n\r\n",
        "Content-Length: 99999999999999999999\r\n\r\n",
        " Folded: x\r\n\r\n",
        "X: a\x00b\r\n\r\n",
        "X: a\rb\r\n\r\n",
        "No colon\r\n\r\n",
        "X y: z\r\n\r\n",
    ] {
        let answer = site.send("serve", head(shape) + &second).await;
        assert!(!answer.text.contains(" 200 "), "{shape:?}: {}", answer.text);
        assert!([0, 400].contains(&answer.status()), "{shape:?}: {}", answer.text);
    }
    for line in
        ["GET  /auth HTTP/1.1", "GET /auth HTTP/3.0", "GET /auth", "GET /au th HTTP/1.1", "\0"]
    {
        let request = head("\r\n").replacen("GET /auth HTTP/1.1", line, 1);
        let answer = site.send("serve", request + &second).await;
        assert!(!answer.text.contains(" 200 "), "{line:?}: {}", answer.text);
    }
}

#[tokio::test]
async fn pipelined_requests_are_answered_in_order() {
    let site = nginx().await;
    let last = head("Connection: close\r\n\r\n");
    let answer = site.send("serve", head("\r\n").repeat(3) + &last).await;
    assert_eq!(answer.text.matches("HTTP/1.1 200 OK").count(), 4, "{}", answer.text);
}

#[tokio::test]
async fn heads_that_are_too_large_are_refused() {
    let site = nginx().await;
    let long = format!("X: {}\r\n\r\n", "x".repeat(1 << 20));
    let many = format!("{}\r\n", "X: y\r\n".repeat(200));
    let long_target = head("\r\n").replacen("/auth", &format!("/{}", "x".repeat(1 << 20)), 1);
    for request in [head(&long), head(&many), long_target] {
        let status = site.send("serve", request).await.status();
        assert!([0, 414, 431].contains(&status), "{status}");
    }
    let fits = format!("X: {}\r\nConnection: close\r\n\r\n", "x".repeat(30_000));
    assert_eq!(site.send("serve", head(&fits)).await.status(), 200);
}

#[tokio::test]
async fn a_head_that_does_not_end_ends_the_connection() {
    let limits = "[limits]\nidle = '200ms'\nconnections = 2\n";
    let site = Site::start(&(config("nginx", RULES) + limits)).await;
    let connect = async || UnixStream::connect(site.path("serve")).await.unwrap();
    let (mut one, mut other) = (connect().await, connect().await);
    one.write_all(head("").as_bytes()).await.unwrap();
    other.write_all(head("\r\n").as_bytes()).await.unwrap();
    // The third client waits until the first two are gone, and gets its answer.
    let answer = site.send("serve", head("Connection: close\r\n\r\n"));
    let answer = tokio::time::timeout(Duration::from_secs(10), answer).await.unwrap();
    assert_eq!(answer.status(), 200);
    let mut rest = Vec::new();
    let _ = one.read_to_end(&mut rest).await;
    assert!(!rest.starts_with(b"HTTP/1.1 200"));
}

#[tokio::test]
async fn open_requests_are_answered_when_the_server_stops() {
    let site = nginx().await;
    let mut stream = UnixStream::connect(site.path("serve")).await.unwrap();
    stream.write_all(head("").as_bytes()).await.unwrap();
    // The server has the connection when it has answered the next one.
    assert_eq!(site.send("serve", head("Connection: close\r\n\r\n")).await.status(), 200);
    site.stop().await;
    assert!(UnixStream::connect(site.path("serve")).await.is_err());
}
