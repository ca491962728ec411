mod advisories;
mod decisions;
mod headers;
mod limits;

use crate::testing::{Answer, OFFICE, Site};

const RULES: &str = "
[[forward.rule]]
path = '/public/'
public = true
[[forward.rule]]
host = 'www.example.org'
path = '/admin/'
bouncer = 'office'
schemes = ['basic']
";

/// Returns the configuration of a site for a dialect.
fn config(dialect: &str, more: &str) -> String {
    format!(
        "audit = '%/audit'\n{OFFICE}[forward]\nlisten = ['unix:%/serve']\ndialect = '{dialect}'\n\
         trusted_proxies = ['unix']\n{more}"
    )
}

async fn nginx() -> Site {
    Site::start(&config("nginx", RULES)).await
}

/// The headers that the snippet for nginx sends, for a path.
fn original(target: &str) -> Vec<(&'static str, String)> {
    [
        ("X-Original-Method", "GET"),
        ("X-Original-Host", "www.example.org"),
        ("X-Original-URI", target),
        ("X-Original-Proto", "https"),
        ("X-Original-Address", "192.0.2.7"),
    ]
    .map(|(name, value)| (name, value.to_owned()))
    .to_vec()
}

/// Asks as nginx does, with further headers of the client.
async fn ask(site: &Site, target: &str, more: &[(&str, &str)]) -> Answer {
    let mut headers = original(target);
    headers.extend(more.iter().map(|(name, value)| {
        let name: &'static str = name.to_string().leak();
        (name, (*value).to_owned())
    }));
    send(site, &headers).await
}

/// Asks with these headers. Every answer names the client, or says that it has no name.
async fn send(site: &Site, headers: &[(&str, String)]) -> Answer {
    let mut request = "GET /auth HTTP/1.1\r\nHost: keyward\r\nConnection: close\r\n".to_owned();
    for (name, value) in headers {
        request += &format!("{name}: {value}\r\n");
    }
    let answer = site.send("serve", request + "\r\n").await;
    answer.only("remote-user");
    answer.only("remote-factors");
    answer
}

/// Asks with exactly these headers.
pub(super) async fn ask_with(site: &Site, headers: &[(&str, &str)]) -> Answer {
    let headers: Vec<_> =
        headers.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
    send(site, &headers).await
}
