//! The form (`application/x-www-form-urlencoded`, URL standard section 5.1).

use std::time::Duration;

use http_body_util::{BodyExt, Limited};
use keyward_core::Secret;
use zeroize::Zeroizing;

use super::super::path;
use crate::web::Request;

/// The longest form, in bytes.
const MAX: usize = 16 << 10;

/// How long a form may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// What a browser sent.
#[derive(Debug, Default)]
pub(super) struct Form {
    pub(super) user: String,
    pub(super) password: Secret,
    pub(super) session: Option<String>,
    pub(super) code: Secret,
    /// Where to go after the login, on the same host.
    pub(super) to: String,
}

impl Form {
    /// Reads the body; `None` if it is too large or does not come.
    pub(super) async fn read(request: Request) -> Option<Self> {
        let body = Limited::new(request.into_body(), MAX).collect();
        let body = tokio::time::timeout(PATIENCE, body).await.ok()?.ok()?;
        Some(Self::parse(&body.to_bytes()))
    }

    fn parse(body: &[u8]) -> Self {
        let mut form = Self { to: "/".into(), ..Self::default() };
        for (name, value) in body.split(|byte| *byte == b'&').map(pair) {
            let text = || std::str::from_utf8(&value).unwrap_or_default().to_owned();
            match name {
                b"user" => form.user = text(),
                b"password" => form.password = Secret::from(&value[..]),
                b"session" => form.session = Some(text()),
                b"code" => form.code = Secret::from(value.trim_ascii()),
                b"to" => form.to = on_this_site(&text()),
                _ => {}
            }
        }
        form
    }
}

/// Returns where to go after the login, which the page's address says. nginx writes it as the client
/// sent it, at the end and not encoded.
pub(super) fn target(query: &str) -> String {
    if let Some(raw) = query.strip_prefix("to=").filter(|raw| raw.starts_with('/')) {
        return on_this_site(raw);
    }
    let values = query.split('&').map(|part| pair(part.as_bytes()));
    let mut found = values.filter(|(name, _)| *name == b"to");
    let to = found.next().and_then(|(_, value)| String::from_utf8(value.to_vec()).ok());
    on_this_site(&to.unwrap_or_default())
}

/// Returns a target if it leads to a place of the same host, and to none of the page itself; otherwise
/// the host's start.
fn on_this_site(to: &str) -> String {
    let is_path = path::parse(to).is_some_and(|path| !path.starts_with(super::PLACE));
    if is_path && !to.contains('\\') { to.to_owned() } else { "/".to_owned() }
}

fn pair(part: &[u8]) -> (&[u8], Zeroizing<Vec<u8>>) {
    let mut halves = part.splitn(2, |byte| *byte == b'=');
    let (name, value) = (halves.next().unwrap_or_default(), halves.next().unwrap_or_default());
    let spaced: Zeroizing<Vec<u8>> = value
        .iter()
        .map(|byte| if *byte == b'+' { b' ' } else { *byte })
        .collect::<Vec<_>>()
        .into();
    (name, Zeroizing::new(percent_encoding::percent_decode(&spaced).collect()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_is_decoded() {
        let form = Form::parse(b"user=%C3%A4nn&password=open+s%26same&to=%2Fadmin%2F%3Fa%3Db&x");
        assert_eq!((form.user.as_str(), form.password.expose()), ("\u{e4}nn", &b"open s&same"[..]));
        assert_eq!((form.to.as_str(), form.session), ("/admin/?a=b", None));
    }

    #[test]
    fn a_target_elsewhere_is_not_followed() {
        for to in [
            "https://evil.example/",
            "//evil.example/",
            "/\\evil.example",
            "\\\\evil.example",
            "javascript:alert(1)",
            "/a\nb",
            "/%2f/evil.example",
            "/keyward/logout",
            "",
        ] {
            let query: String = to.bytes().map(|byte| format!("%{byte:02X}")).collect();
            assert_eq!(target(&format!("to={query}")), "/", "{to}");
        }
        assert_eq!(target("to=%2Fadmin%2Fx"), "/admin/x");
        assert_eq!(target("other=%2Fx"), "/");
        assert_eq!(target("to=/admin/?a=1&to=2%20"), "/admin/?a=1&to=2%20");
        assert_eq!(target("to=//evil.example/"), "/");
    }
}
