//! Writes the configuration that gives curl a credential.

use std::process::Command;

use keyward::Keyward;
use keyward_core::{
    Additions, Authenticator, Error, ErrorKind, Event, Record, RequestHead, Result, Secret, State,
    Step, printable,
};
use keyward_fetch::{curl_option, curl_user};
use keyward_kinds::names;
use keyward_origin::Target;
use keyward_provider::{Provider, Use};

use super::words::Words;

/// The first version of curl that gives no credential to another port of the host of a redirect.
const SAFE: (u32, u32) = (7, 83);

/// Returns the lines that make curl authenticate as a provider says.
///
/// # Errors
/// [`Unsupported`](ErrorKind::Unsupported) if curl cannot do it;
/// [`Invalid`](ErrorKind::Invalid) if a value cannot be written.
pub(super) fn lines(
    keyward: &Keyward,
    provider: &Provider,
    record: &Record,
    target: &Target,
    words: &Words,
) -> Result<Secret> {
    if words.follows && version()? < SAFE {
        return Err(unsupported("this curl sends credentials to the servers of redirects")
            .hint("Use curl 7.83 or newer, or leave out --location"));
    }
    let used = provider.authenticators.first().cloned().unwrap_or_else(Use::auto);
    let is_password = record.kind == names::USER_PASSWORD;
    match used.name.as_str() {
        "digest" if is_password => Ok(joined(&[curl_user(record)?, "digest\n".into()])),
        "auto" if is_password => Ok(joined(&[curl_user(record)?, "anyauth\n".into()])),
        "auto" => {
            let used = Use { name: "bearer".into(), ..used };
            headers(&*keyward.authenticator(&used)?, &used, record, target, words)
        }
        _ => headers(&*keyward.authenticator(&used)?, &used, record, target, words),
    }
}

/// Returns the lines for the headers that an authenticator adds without being asked.
fn headers(
    authenticator: &dyn Authenticator,
    used: &Use,
    record: &Record,
    target: &Target,
    words: &Words,
) -> Result<Secret> {
    let request =
        RequestHead { method: "GET".into(), url: target.to_string(), headers: Vec::new() };
    let step = authenticator.step(&request, Some(record), &Event::Start, &mut State::default())?;
    let Step::Send(Additions { headers, query, certificate: None }) = step else {
        return Err(cannot(used));
    };
    if headers.is_empty() || !query.is_empty() {
        return Err(cannot(used));
    }
    let mut lines = Vec::new();
    for header in headers {
        // curl sends every other header on to the servers of redirects.
        if words.follows && !header.name.eq_ignore_ascii_case("authorization") {
            let why = format!(
                "curl would send the header {} to the servers of redirects",
                printable(&header.name)
            );
            return Err(unsupported(why).hint("Leave out --location"));
        }
        let text = [header.name.as_bytes(), b": ", header.value.expose()].concat();
        lines.push(curl_option("header", &Secret::from(text))?);
    }
    Ok(joined(&lines))
}

fn joined(lines: &[Secret]) -> Secret {
    let lines: Vec<_> = lines.iter().map(Secret::expose).collect();
    Secret::from(lines.concat())
}

fn cannot(used: &Use) -> Error {
    unsupported(format!("curl cannot authenticate with `{}`", printable(&used.name)))
        .hint("Use `keyward fetch`")
}

fn unsupported(why: impl Into<String>) -> Error {
    Error::new(ErrorKind::Unsupported, "curl").because(why)
}

/// Returns the version of curl.
fn version() -> Result<(u32, u32)> {
    let output = Command::new("curl").args(["--disable", "--version"]).output();
    let output = output.map_err(|error| Error::io("curl", error))?;
    let text = String::from_utf8_lossy(&output.stdout);
    let mut numbers = text.split_whitespace().nth(1).unwrap_or_default().split('.').map(str::parse);
    match (numbers.next(), numbers.next()) {
        (Some(Ok(major)), Some(Ok(minor))) => Ok((major, minor)),
        _ => Err(unsupported("curl does not say its version")),
    }
}
