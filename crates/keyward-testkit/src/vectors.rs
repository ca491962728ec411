//! The test data of the cases. Your own tests can use it too.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

/// Returns names that some storages cannot keep. Not all of them are canonical.
pub fn names() -> Vec<String> {
    let listed = cases(include_str!("../vectors/names_hostile.json"));
    let mut names: Vec<_> = listed
        .iter()
        .filter_map(|case| case["utf8_b64"].as_str())
        .map(|name| String::from_utf8(STANDARD.decode(name).unwrap()).unwrap())
        .collect();
    names.extend(MORE_NAMES.iter().map(|name| (*name).to_owned()));
    names.extend([255, 256, 1024, 1025].map(|len| "k".repeat(len)));
    names.push("\u{1f600}".repeat(63));
    names.sort_unstable();
    names.dedup();
    names
}

/// Names similar to those in the file. A careless storage takes two of them for the same.
const MORE_NAMES: &[&str] = &[
    "A", "A.", "a.", "a ", "Alice", "ALICE", "a/b", "a\\b", "a%2fb", "a%b", "%2e", "_", "*", "?",
    "a'b", "SS", "ss", "\u{131}", "i", "I", "fi", ".", ".tmp", ".locks", "-", "--", "$HOME", "con",
    "+",
];

/// Returns values that some formats change.
pub fn secrets() -> Vec<Vec<u8>> {
    cases(include_str!("../vectors/secrets_edge.json"))
        .iter()
        .map(|case| match case["repeat"].as_str() {
            Some(text) => text.repeat(case["len"].as_u64().unwrap() as usize).into_bytes(),
            None => STANDARD.decode(case["b64"].as_str().unwrap()).unwrap(),
        })
        .collect()
}

/// Small inputs that claim to be huge or deep.
pub const BOMBS: &[&[u8]] = &[
    include_bytes!("../vectors/bombs/bincode_fixint_1TiB_string.bin"),
    include_bytes!("../vectors/bombs/bincode_varint_1TiB_string.bin"),
    include_bytes!("../vectors/bombs/cbor_bytes_len_1TiB.cbor"),
    include_bytes!("../vectors/bombs/cbor_nan_key.cbor"),
    include_bytes!("../vectors/bombs/cbor_text_len_1TiB.cbor"),
    include_bytes!("../vectors/bombs/json_bad_surrogate.json"),
    include_bytes!("../vectors/bombs/json_bom.json"),
    include_bytes!("../vectors/bombs/json_nul.json"),
    include_bytes!("../vectors/bombs/msgpack_nest.mp"),
];

fn cases(file: &str) -> Vec<Value> {
    let file: Value = serde_json::from_str(file).unwrap();
    file["cases"].as_array().unwrap().clone()
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_files_are_read_completely() {
        assert!(super::names().len() > 70, "{}", super::names().len());
        assert!(super::secrets().iter().any(|value| value.len() == 1 << 20));
        assert!(super::secrets().contains(&Vec::new()));
    }
}
