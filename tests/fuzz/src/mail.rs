use std::pin::pin;
use std::task::{Context, Poll, Waker};

use http::{HeaderMap, HeaderName, HeaderValue};
use keyward_serve::mail::auth_http::Question as AuthHttp;
use keyward_serve::mail::checkpassword::Input;
use keyward_serve::mail::dovecot::{Command, MasterCommand, escape, unescape};
use keyward_serve::mail::saslauthd::{MAX_PART, Question, read};

/// A line of Dovecot's protocol. Its names have no blank, and a text that is read is written so that it
/// is one field.
pub fn dovecot_lines(bytes: &[u8]) {
    for line in bytes.split(|byte| *byte == b'\n') {
        if let Ok(Command::Begin(begin)) = Command::parse(line) {
            for name in [&begin.mechanism, &begin.service] {
                assert!(!name.is_empty() && name.bytes().all(|byte| byte.is_ascii_graphic()));
            }
        }
        let _ = MasterCommand::parse(line);
        for text in line.split(|byte| *byte == b'\t').filter_map(unescape) {
            let field = escape(&text);
            assert!(!field.contains(['\t', '\n', '\r', '\0']));
            assert_eq!(unescape(field.as_bytes()), Some(text));
        }
    }
}

/// A request to `saslauthd`. Its parts are what the bytes say, and none is too long.
pub fn saslauthd_frames(bytes: &[u8]) {
    let mut rest = bytes;
    let mut reading = pin!(read(&mut rest));
    // Bytes in memory are there at once.
    let Poll::Ready(result) = reading.as_mut().poll(&mut Context::from_waker(Waker::noop())) else {
        panic!("it waits for bytes in memory");
    };
    let Ok(parts) = result else { return };
    let written: Vec<u8> = parts
        .iter()
        .flat_map(|part| {
            assert!(part.len() <= MAX_PART);
            let length = u16::try_from(part.len()).expect("it is short").to_be_bytes();
            [&length[..], part.expose()].concat()
        })
        .collect();
    assert!(bytes.starts_with(&written));
    let _ = Question::new(parts);
}

/// What `checkpassword` reads. The name is that before the first NUL.
pub fn checkpassword_input(bytes: &[u8]) {
    let Some(input) = Input::parse(&bytes.into()) else { return };
    let read = [input.user.as_bytes(), b"\0", input.password.expose(), b"\0"].concat();
    assert!(!input.user.is_empty() && bytes.starts_with(&read));
}

/// The headers of nginx's `auth_http`, one to a line.
pub fn auth_http_headers(bytes: &[u8]) {
    let mut headers = HeaderMap::new();
    for line in bytes.split(|byte| *byte == b'\n') {
        let Some(colon) = line.iter().position(|byte| *byte == b':') else { continue };
        let (name, value) = (HeaderName::from_bytes(&line[..colon]), &line[colon + 1..]);
        if let (Ok(name), Ok(value)) = (name, HeaderValue::from_bytes(value)) {
            headers.append(name, value);
        }
    }
    if let Some(question) = AuthHttp::parse(&headers) {
        assert!(headers.contains_key("auth-method") && headers.contains_key("auth-protocol"));
        assert!(question.is_private == headers.get("auth-ssl").is_some_and(|it| it == "on"));
    }
}
