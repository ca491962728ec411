//! The hostile values and names in `tests/vectors/own`.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use xtask::root;

/// Values that must come back byte for byte, each with its id.
pub(crate) fn secrets() -> Vec<(String, Vec<u8>)> {
    let secret = |case: &Value| match case["repeat"].as_str() {
        Some(text) => text.repeat(case["len"].as_u64().unwrap() as usize).into_bytes(),
        None => bytes(&case["b64"]),
    };
    let read = |case: &Value| {
        let secret = secret(case);
        assert_eq!(secret.len() as u64, case["len"].as_u64().unwrap(), "{case}");
        (case["id"].as_str().unwrap().to_owned(), secret)
    };
    cases("secrets_edge")["cases"].as_array().unwrap().iter().map(read).collect()
}

/// Names that must come back exactly or be refused, those that are not even text included.
pub(crate) fn names() -> Vec<Vec<u8>> {
    let file = cases("names_hostile");
    let read = |case: &Value| bytes(case.get("utf8_b64").unwrap_or(&case["bytes_b64"]));
    let mut names: Vec<_> = file["cases"].as_array().unwrap().iter().map(read).collect();
    let groups = file["collide_groups"].as_array().unwrap().iter();
    let colliding = groups.flat_map(|group| group.as_array().unwrap());
    names.extend(colliding.map(|name| name.as_str().unwrap().as_bytes().to_vec()));
    names.extend(MORE.iter().map(|name| name.as_bytes().to_vec()));
    names.sort();
    names.dedup();
    names
}

/// Names of the kinds that the file has one of, or none.
const MORE: &[&str] = &[
    "\u{202e}gpj.exe",
    "\u{2066}a",
    "\u{feff}a",
    "\u{ad}",
    "a\u{1b}[2J",
    "\u{9b}31m",
    "a\nb",
    "*",
    "?",
    "/etc/passwd",
    "../../../../../../x",
    "a/",
    "/",
    "A",
    "a ",
    "keyset",
    "%",
    "%2e%2e",
    "%61",
    ".tmp",
    ".locks",
    "con",
    "'",
    "$HOME",
    "--help",
    "--",
    "K",
    "k",
    "uid-0",
    "ſ",
    "I",
    "ı",
];

fn cases(name: &str) -> Value {
    let path = root().join(format!("tests/vectors/own/{name}.json"));
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

fn bytes(text: &Value) -> Vec<u8> {
    STANDARD.decode(text.as_str().unwrap()).unwrap()
}
