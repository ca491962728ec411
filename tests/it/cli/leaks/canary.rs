use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use keyward_core::hex;

use crate::helpers::invocation::{Finished, Invocation};

/// Characters that a shell, JSON and TOML write unchanged.
const LETTERS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+-_.:,?";

/// A secret that nothing else contains, and that is recognised in several encodings.
pub(super) struct Canary {
    pub(super) text: String,
    forms: Vec<Vec<u8>>,
}

impl Canary {
    pub(super) fn new() -> Self {
        let mut bytes = [0; 24];
        getrandom::fill(&mut bytes).unwrap();
        let text = bytes.iter().map(|byte| char::from(LETTERS[usize::from(*byte) % LETTERS.len()]));
        let text: String = text.collect();
        let forms = forms(text.as_bytes());
        Self { text, forms }
    }

    pub(super) fn is_in(&self, bytes: &[u8]) -> bool {
        self.forms.iter().any(|form| bytes.windows(form.len()).any(|window| window == form))
    }

    /// Returns the files that contain it.
    pub(super) fn files(&self, folder: &Path) -> Vec<PathBuf> {
        let mut files = crate::helpers::home::files(folder);
        files.retain(|path, content| {
            self.is_in(content) || self.is_in(path.as_os_str().as_encoded_bytes())
        });
        files.into_keys().collect()
    }

    /// Runs a program with the highest verbosity. Neither of its outputs may contain the canary.
    #[track_caller]
    pub(super) fn is_kept_by(&self, call: Invocation) -> Finished {
        let ran = self.is_asked_of(call);
        assert!(!self.is_in(&ran.out), "{}", ran.text());
        ran
    }

    /// Runs a program that may print the canary on standard output. Standard error must not contain
    /// it.
    #[track_caller]
    pub(super) fn is_asked_of(&self, call: Invocation) -> Finished {
        let ran = call.arg("-vv").env("RUST_BACKTRACE", "full").run();
        assert!(!self.is_in(ran.err.as_bytes()), "{}", ran.err);
        assert!(!ran.err.contains("fault in keyward"), "{}", ran.err);
        ran
    }
}

/// Returns the bytes unchanged, in base64 at any position of a longer text, in hexadecimal, and in
/// UTF-16.
fn forms(bytes: &[u8]) -> Vec<Vec<u8>> {
    let hex = hex::encode(bytes);
    let wide = |pair: fn(u8) -> [u8; 2]| bytes.iter().flat_map(|byte| pair(*byte)).collect();
    let mut forms = vec![
        bytes.to_vec(),
        hex.to_uppercase().into_bytes(),
        hex.into_bytes(),
        wide(|byte| [byte, 0]),
        wide(|byte| [0, byte]),
    ];
    for before in 0..3 {
        let shifted = [&[0; 2][..before], bytes].concat();
        for engine in [STANDARD_NO_PAD, URL_SAFE_NO_PAD] {
            let text = engine.encode(&shifted);
            // The letters at the ends also contain bits of the adjacent bytes.
            forms.push(text.as_bytes()[4..text.len() - 4].to_vec());
        }
    }
    forms
}

#[test]
fn a_canary_is_recognised_in_every_encoding() {
    let canary = Canary::new();
    let bytes = canary.text.as_bytes();
    for before in 0..5 {
        let text = [&b"abcde"[..before], bytes, b"xyz"].concat();
        assert!(canary.is_in(&text));
        assert!(canary.is_in(STANDARD_NO_PAD.encode(&text).as_bytes()));
        assert!(canary.is_in(URL_SAFE_NO_PAD.encode(&text).as_bytes()));
        assert!(!canary.is_in(&text[..before + bytes.len() - 1]));
    }
    assert!(!canary.is_in(Canary::new().text.as_bytes()));
}
