use keyward_authn::{Challenge, challenges as offered};
use keyward_core::{Header, ResponseHead, Secret};

/// The most challenges that are read of one response.
const MOST: usize = 32;

/// The challenges of several headers, one in each line, are those of each of them, in their order. Each
/// can be shown, and is read again from what a server would write for it.
pub fn challenges(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let found = Challenge::read(text.lines());
    let mut each: Vec<_> = text.lines().flat_map(|line| Challenge::read([line])).collect();
    each.truncate(MOST);
    assert_eq!(found, each);
    for challenge in &found {
        let is_part = |c: char| c.is_ascii_graphic() && !c.is_ascii_uppercase();
        assert!(!challenge.scheme.is_empty() && challenge.scheme.chars().all(is_part));
        if let Some(token) = &challenge.token {
            let written = format!("{} {token}", challenge.scheme);
            assert_eq!(Challenge::read([written.as_str()])[0].token.as_ref(), Some(token));
        }
        if let Some(realm) = challenge.parameter("realm") {
            let quoted = realm.replace('\\', "\\\\").replace('"', "\\\"");
            let written = format!("{} realm=\"{quoted}\"", challenge.scheme);
            assert_eq!(Challenge::read([written.as_str()])[0].parameter("realm"), Some(realm));
        }
    }
    let headers = text.lines().map(|line| Header::new("WWW-Authenticate", line)).collect();
    let answer = ResponseHead { status: 401, headers, body_start: Secret::default() };
    let shown = offered(&answer).to_string();
    assert!(shown.len() < 1000 && !shown.contains(char::is_control), "{shown:?}");
}
