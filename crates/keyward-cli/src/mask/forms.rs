//! The forms in which programs print a secret.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use keyward_core::{Secret, hex};

use super::{SHORTEST, is_line_end};

/// The fewest bytes of a line of a secret that is hidden alone.
const SHORTEST_LINE: usize = 8;

/// The characters that programs do not percent-encode, besides letters and digits, and whether they
/// write a space as `+`.
const PERCENT: [(&[u8], bool); 6] = [
    // RFC 3986, also with `/` as in a path.
    (b"-._~", false),
    (b"-._~/", false),
    // JavaScript's `encodeURIComponent`.
    (b"-._~!'()*", false),
    // The user-info of a URL.
    (b"-._~!$&'()*+,;=", false),
    // Forms, as browsers and as most libraries write them.
    (b"-._*", true),
    (b"-._~", true),
];

/// Returns the forms to search for, without line ends; none if the secret is too short to be hidden.
pub(super) fn all_forms(secret: &Secret) -> Vec<Secret> {
    let whole = secret.expose();
    let end = whole.iter().rposition(|byte| !is_line_end(*byte)).map_or(0, |last| last + 1);
    let value = &whole[..end];
    let mut forms = vec![Secret::from(value)];
    if without_line_ends(value).len() >= SHORTEST {
        let lines = value.split(|byte| is_line_end(*byte)).map(<[u8]>::trim_ascii);
        forms.extend(lines.filter(|line| line.len() >= SHORTEST_LINE).map(Secret::from));
        add_encoded(value, &mut forms);
        if end < whole.len() {
            add_encoded(whole, &mut forms);
        }
    }
    for form in &mut forms {
        *form = without_line_ends(form.expose());
    }
    forms.retain(|form| form.len() >= SHORTEST);
    forms
}

fn without_line_ends(bytes: &[u8]) -> Secret {
    // As large as needed, so that it does not leave a copy when it grows.
    let mut kept = Vec::with_capacity(bytes.len());
    kept.extend(bytes.iter().filter(|byte| !is_line_end(**byte)));
    Secret::new(kept)
}

fn add_encoded(value: &[u8], forms: &mut Vec<Secret>) {
    let digits = hex::encode(value);
    forms.push(Secret::from(digits.to_ascii_uppercase()));
    forms.push(Secret::from(digits));
    for offset in 0..3 {
        add_base64(value, offset, forms);
    }
    for (kept, plus) in PERCENT {
        let encoded = percent_encoded(value, kept, plus);
        forms.push(lower_case_digits(&encoded));
        forms.push(encoded);
    }
    if let Ok(text) = std::str::from_utf8(value) {
        add_json(text, forms);
    }
}

/// Adds the base64 of a value that follows `offset` bytes, modulo three: the characters that depend
/// on nothing but the value, and those up to the end of the text if it ends after the value.
fn add_base64(value: &[u8], offset: usize, forms: &mut Vec<Secret>) {
    let mut before = Vec::with_capacity(offset + value.len());
    before.resize(offset, 0);
    before.extend_from_slice(value);
    let before = Secret::new(before);
    let text = Secret::from(STANDARD.encode(before.expose()));
    let text = &text.expose()[(4 * offset).div_ceil(3)..];
    let own = (before.len() * 4 / 3) - (4 * offset).div_ceil(3);
    let unpadded = text.iter().rposition(|byte| *byte != b'=').map_or(0, |last| last + 1);
    for length in [own, unpadded, text.len()] {
        let standard = &text[..length];
        let mut for_urls = standard.to_vec();
        for byte in &mut for_urls {
            *byte = match *byte {
                b'+' => b'-',
                b'/' => b'_',
                other => other,
            };
        }
        forms.extend([Secret::from(standard), Secret::new(for_urls)]);
    }
}

fn percent_encoded(value: &[u8], kept: &[u8], plus: bool) -> Secret {
    const DIGITS: &[u8; 16] = b"0123456789ABCDEF";

    let mut encoded = Vec::with_capacity(3 * value.len());
    for byte in value {
        if byte.is_ascii_alphanumeric() || kept.contains(byte) {
            encoded.push(*byte);
        } else if plus && *byte == b' ' {
            encoded.push(b'+');
        } else {
            let digits = [byte >> 4, byte & 15].map(|digit| DIGITS[usize::from(digit)]);
            encoded.extend([b'%', digits[0], digits[1]]);
        }
    }
    Secret::new(encoded)
}

/// Returns percent-encoded text with lower-case digits.
fn lower_case_digits(encoded: &Secret) -> Secret {
    let mut text = encoded.clone().into_bytes();
    for at in 0..text.len() {
        if text[at] == b'%' {
            text[at + 1..at + 3].make_ascii_lowercase();
        }
    }
    Secret::new(text)
}

/// Adds the content of a JSON string as different programs escape it.
fn add_json(text: &str, forms: &mut Vec<Secret>) {
    let quoted = Secret::from(serde_json::Value::from(text).to_string());
    let quoted = quoted.expose_str().unwrap_or_default();
    let plain = &quoted[1..quoted.len() - 1];
    let escape = |is_escaped: fn(char) -> bool| {
        let mut escaped = String::with_capacity(6 * plain.len());
        for c in plain.chars() {
            if is_escaped(c) {
                for unit in c.encode_utf16(&mut [0; 2]) {
                    escaped.push_str(&format!("\\u{unit:04x}"));
                }
            } else {
                escaped.push(c);
            }
        }
        Secret::from(escaped)
    };
    forms.push(Secret::from(plain));
    forms.push(Secret::from(plain.replace('/', "\\/")));
    // As Python does, and Go.
    forms.push(escape(|c| !c.is_ascii()));
    forms.push(escape(|c| matches!(c, '<' | '>' | '&' | '\u{2028}' | '\u{2029}')));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn has(secret: &str, form: &str) -> bool {
        all_forms(&Secret::from(secret)).iter().any(|found| found.expose() == form.as_bytes())
    }

    #[test]
    fn programs_print_a_secret_in_these_forms() {
        for form in [
            "a b/ü<\"?",
            "612062 2fc3bc3c223f".replace(' ', "").as_str(),
            "6120622FC3BC3C223F",
            "YSBiL8O8PCI/",
            "YSBiL8O8PCI_",
            "a%20b%2F%C3%BC%3C%22%3F",
            "a%20b%2f%c3%bc%3c%22%3f",
            "a%20b/%C3%BC%3C%22%3F",
            "a+b%2F%C3%BC%3C%22%3F",
            "a b/ü<\\\"?",
            "a b\\/ü<\\\"?",
            "a b/\\u00fc<\\\"?",
            "a b/ü\\u003c\\\"?",
        ] {
            assert!(has("a b/ü<\"?", form), "{form}");
        }
    }

    #[test]
    fn base64_is_known_wherever_it_begins_and_ends() {
        let secret = "hunter2!";
        for before in 0..7 {
            for after in 0..4 {
                let text = [&"<".repeat(before), secret, &">".repeat(after)].concat();
                let encoded = STANDARD.encode(text);
                let longest = all_forms(&Secret::from(secret))
                    .into_iter()
                    .filter(|form| encoded.contains(form.expose_str().unwrap()))
                    .map(|form| form.len())
                    .max();
                // All but the characters at the two ends that it shares with its neighbours.
                assert!(longest.is_some_and(|length| length >= 9), "{before} {after}: {encoded}");
                if before % 3 == 0 && after == 0 {
                    assert_eq!(longest, Some(12));
                }
            }
        }
    }

    #[test]
    fn lines_are_hidden_if_they_are_long_enough() {
        assert!(has("first line\r\n  second line\nshort\n", "second line"));
        assert!(has("first line\r\n  second line\nshort\n", "first line  second lineshort"));
        assert!(!has("first line\nsecond line\nshort\n", "short"));
    }

    #[test]
    fn short_secrets_are_not_hidden() {
        assert!(all_forms(&Secret::from("abc")).is_empty());
        assert!(all_forms(&Secret::from("abc\n\n")).is_empty());
        assert!(!all_forms(&Secret::from("abcd")).is_empty());
    }
}
