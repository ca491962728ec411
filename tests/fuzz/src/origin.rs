use keyward_origin::from_parts;

/// The checks of the crate's own tests.
#[path = "../../../crates/keyward-origin/tests/agreement/readings.rs"]
mod readings;

/// If a URL is accepted, every parser reads the same origin from it, and its canonical text is
/// accepted again. The same holds for git's scheme and host, here on two lines.
pub fn origin(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    readings::check(text);
    let Some((scheme, host)) = text.split_once('\n') else { return };
    if let Ok(origin) = from_parts(scheme, host) {
        let written = origin.to_string();
        assert!(readings::check(&written).contains(&origin), "{written:?}");
    }
}
