//! A server whose every answer is secret, or repeats what it got or has issued.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

use percent_encoding::{NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use serde_json::json;

/// What it hands out.
pub(crate) struct Secrets {
    pub(crate) code: String,
    pub(crate) device: String,
    pub(crate) access: String,
    pub(crate) refresh: String,
    pub(crate) id: String,
}

pub(crate) struct Server {
    pub(crate) url: String,
    verifiers: Arc<Mutex<Vec<String>>>,
}

impl Server {
    pub(crate) fn start(secrets: Secrets) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let verifiers = Arc::<Mutex<Vec<String>>>::default();
        let server = Self { url: url.clone(), verifiers: Arc::clone(&verifiers) };
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let _ = serve(stream, &secrets, &url, &verifiers);
            }
        });
        server
    }

    /// The code verifiers that came so far.
    pub(crate) fn verifiers(&self) -> Vec<String> {
        self.verifiers.lock().unwrap().clone()
    }
}

fn serve(
    mut stream: TcpStream,
    secrets: &Secrets,
    url: &str,
    verifiers: &Mutex<Vec<String>>,
) -> Option<()> {
    let request = read(&mut stream)?;
    let (head, body) = request.split_once("\r\n\r\n")?;
    let target = head.split(' ').nth(1)?;
    verifiers.lock().unwrap().extend(value(body, "code_verifier"));
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let tokens = json!({
        "access_token": secrets.access, "refresh_token": secrets.refresh, "id_token": secrets.id,
        "token_type": "Bearer", "expires_in": 3600,
    });
    let (status, header, body) = match path {
        "/authorize" => {
            let code = utf8_percent_encode(&secrets.code, NON_ALPHANUMERIC);
            let (uri, state) = (value(query, "redirect_uri")?, value(query, "state")?);
            ("302 Found", format!("Location: {uri}?code={code}&state={state}\r\n"), String::new())
        }
        "/device" => {
            let answer = json!({
                "device_code": secrets.device, "user_code": "AB-CD", "interval": 1,
                "verification_uri": format!("{url}/page"), "expires_in": 3,
            });
            ("200 OK", String::new(), answer.to_string())
        }
        "/token" => ("200 OK", String::new(), tokens.to_string()),
        "/revocation" => ("200 OK", String::new(), String::new()),
        "/introspection" => ("200 OK", String::new(), r#"{"active":true}"#.to_owned()),
        "/echo" => {
            let error = json!({"error": "invalid_request", "error_description": request.clone()});
            ("400 Bad Request", String::new(), error.to_string())
        }
        // It issues tokens, but does not refresh them.
        "/lapses" if !body.contains("refresh_token=") => {
            ("200 OK", String::new(), tokens.to_string())
        }
        "/tells" | "/lapses" => {
            let told = format!("expired: {} {}", secrets.access, secrets.id);
            let error = json!({"error": "invalid_request", "error_description": told});
            ("400 Bad Request", String::new(), error.to_string())
        }
        "/html" => {
            ("500 Oops", format!("X-Got: {body}\r\n"), format!("<html>{request} {tokens}</html>"))
        }
        "/redirect" => {
            let location = format!("Location: {url}/token?{body}\r\n");
            ("307 Temporary Redirect", location, tokens.to_string())
        }
        _ => ("404 Not Found", String::new(), request.clone()),
    };
    let length = body.len();
    let head = format!("HTTP/1.1 {status}\r\n{header}Content-Type: application/json\r\n");
    let head = format!("{head}Content-Length: {length}\r\nConnection: close\r\n\r\n");
    stream.write_all((head + &body).as_bytes()).ok()
}

/// Returns a decoded parameter.
fn value(form: &str, name: &str) -> Option<String> {
    let value = form.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='))?;
    Some(percent_decode_str(value).decode_utf8().ok()?.into_owned())
}

/// Reads a request.
fn read(stream: &mut TcpStream) -> Option<String> {
    let mut request = Vec::new();
    let mut chunk = [0; 4096];
    loop {
        let read = stream.read(&mut chunk).ok().filter(|read| *read > 0)?;
        request.extend_from_slice(&chunk[..read]);
        let text = String::from_utf8(request.clone()).ok()?;
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        let length = head.lines().find_map(|line| {
            let (name, value) = line.split_once(':')?;
            name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse().ok())?
        });
        if body.len() >= length.unwrap_or(0) {
            return Some(text);
        }
    }
}
