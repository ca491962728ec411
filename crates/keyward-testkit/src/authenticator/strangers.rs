//! Credentials, servers and answers that an authenticator was not made for.

use keyward_core::{Field, Header, Record, ResponseHead, Secret, SubResponse};

use super::server::{Answer, Sent};

/// Credentials of the usual kinds. All that is secret in them contains `mark`.
pub(super) fn records(mark: &str) -> Vec<Record> {
    let secret = |name: &str| Field::secret(format!("{name}-{mark}"));
    let pem = |label: &str, content: &str| {
        format!("-----BEGIN {label}-----\n{content}\n-----END {label}-----\n")
    };
    vec![
        Record::new("user-password")
            .with("username", Field::open("ann"))
            .with("password", secret("password")),
        Record::new("token").with("token", secret("token")),
        Record::new("api-key").with("key", secret("key")),
        Record::new("oauth2").with("access_token", secret("access")),
        Record::new("aws")
            .with("access_key_id", Field::open("AKIDEXAMPLE"))
            .with("secret_access_key", secret("secret")),
        Record::new("client-certificate")
            .with("certificate", Field::open(pem("CERTIFICATE", "AAAA")))
            .with("private_key", Field::secret(pem("PRIVATE KEY", mark))),
        Record::new("x.unknown").with("x", secret("x")),
    ]
}

/// What a credential may contain that no header may.
const UNSENDABLE: [&str; 4] = ["a\r\nX-Injected: 1", "a\nb", "a\0b", "\u{7f}"];

/// The same credentials, with values that cannot be sent as they are.
pub(super) fn unsendable(records: &[Record]) -> Vec<Record> {
    let spoilt = |record: &Record, value: &str| {
        let mut record = record.clone();
        record.fields.values_mut().for_each(|field| field.value = Secret::from(value));
        record
    };
    let each = |record| UNSENDABLE.iter().map(move |value| spoilt(record, value));
    records.iter().flat_map(each).collect()
}

/// A server that refuses every request, and asks for whatever there is.
pub(super) fn refuses(_: &Sent) -> Answer {
    Answer::new(401)
        .header("www-authenticate", "Basic realm=\"a\", Negotiate")
        .header(
            "www-authenticate",
            "Digest realm=\"a\", nonce=\"n1\", qop=\"auth\", algorithm=SHA-256, stale=true",
        )
        .header("www-authenticate", "Bearer realm=\"https://data.example/token\", service=\"a\"")
        .header("set-cookie", "session=one; Path=/")
        .body("{\"error\": \"wrong\"}")
}

/// Servers that never give what was asked for, or always something else.
pub(super) const SERVERS: [fn(&Sent) -> Answer; 8] = [
    refuses,
    |_| Answer::new(200).body("data"),
    |_| Answer::new(403).header("content-type", "text/html").body("<h1>no</h1>"),
    |sent| Answer::new(302).header("location", sent.url()),
    |_| Answer::new(500),
    |_| {
        let form = "<form><input type=\"hidden\" name=\"csrf\" value=\"v\"></form>";
        Answer::new(200).header("set-cookie", "a=b").header("content-type", "text/html").body(form)
    },
    // It gives tokens and sessions, and refuses them.
    |sent| match sent.head.method.as_str() {
        "GET" if sent.header("authorization").is_some() || sent.header("cookie").is_some() => {
            refuses(sent)
        }
        _ => Answer::new(200)
            .header("set-cookie", "session=two")
            .body("{\"token\": \"t\", \"access_token\": \"t\", \"expires_in\": 1}"),
    },
    |sent| match sent.head.method.as_str() {
        "GET" => refuses(sent),
        _ => Answer::new(200).body("t0ken"),
    },
];

/// The names of headers that authenticators read.
const READ: [&str; 6] =
    ["www-authenticate", "authentication-info", "set-cookie", "location", "content-type", "date"];

/// The size of a body.
const MEGABYTE: usize = 1 << 20;

/// The size of a header: those of one answer are together as large as the plugin protocol allows.
const HEADER: usize = MEGABYTE / 8;

/// Answers that no honest server gives.
pub(super) fn hostile_answers() -> Vec<SubResponse> {
    let mut answers = Vec::new();
    let bytes: Vec<u8> = (0..=255).collect();
    let mut values = vec![Vec::new(), bytes, vec![0xff; 100], b"Digest ".to_vec()];
    values.push(b"Basic realm=\"a\x1b[2J\x07\n\", Digest nonce=\"\xff\"".to_vec());
    values.push(b"https://[::1/%%%zz\r\nX: y".to_vec());
    for piece in [&b"a"[..], b",", b"\"", b"\\", b"= ", b"Digest a=\"", b"a=b; "] {
        values.push(piece.repeat(HEADER / piece.len()));
    }
    for value in values {
        let named = |name: &&str| Header::new(*name, Secret::from(&value[..]));
        answers.push(response(401, READ.iter().map(named).collect(), b""));
    }
    for count in [1000, 10_000] {
        let offer = Header::new("Www-Authenticate", "Digest realm=\"a\", nonce=\"b\"");
        answers.push(response(401, vec![offer; count], b""));
        answers.push(response(200, vec![Header::new("SET-COOKIE", "a=b"); count], b""));
    }
    for piece in [&b"["[..], b"{\"a\":", b"<input ", b"<", b"&", b"\0", b"\xff", b"\"\\u"] {
        let body = piece.repeat(MEGABYTE / piece.len());
        answers.push(response(200, Vec::new(), &body));
    }
    answers.push(response(0, Vec::new(), b""));
    answers.push(response(u16::MAX, Vec::new(), b"{\"token\": null}"));
    answers
}

fn response(status: u16, headers: Vec<Header>, body: &[u8]) -> SubResponse {
    let mut body_start = Secret::from(body);
    body_start.truncate(keyward_core::MAX_BODY_START);
    SubResponse { head: ResponseHead { status, headers, body_start }, body: Secret::from(body) }
}
