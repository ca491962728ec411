use keyward_origin::from_parts;

/// The checks that the crate's own tests make.
#[path = "../../../crates/keyward-origin/tests/agreement/readings.rs"]
mod readings;

/// Whatever is accepted as a URL, everybody reads the same origin in it, and it comes back from
/// its own text. So it is with git's scheme and host, here on two lines.
pub fn origin(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    readings::check(text);
    let Some((scheme, host)) = text.split_once('\n') else { return };
    if let Ok(origin) = from_parts(scheme, host) {
        let written = origin.to_string();
        assert!(readings::check(&written).contains(&origin), "{written:?}");
    }
}
