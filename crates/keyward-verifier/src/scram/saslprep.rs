//! The form of passwords that SCRAM calculates with: SASLprep (RFC 4013).
//!
//! The function of the crate `stringprep` leaves copies of the password in memory, so only its tables
//! are used.

use std::borrow::Cow;
use std::io::Write;

use keyward_core::{Secret, SecretWriter};
use stringprep::tables;
use unicode_normalization::UnicodeNormalization;

/// Returns a password as clients prepare it. One that SASLprep does not allow is returned as it is, as
/// PostgreSQL and others do.
pub(super) fn saslprep(password: &Secret) -> Cow<'_, Secret> {
    let as_it_is = Cow::Borrowed(password);
    let Some(text) = password.expose_str().filter(|text| !text.is_ascii()) else {
        return as_it_is;
    };
    let mut prepared = SecretWriter::new();
    let kept = text.chars().filter(|it| !tables::commonly_mapped_to_nothing(*it));
    let spaced = kept.map(|it| if tables::non_ascii_space_character(it) { ' ' } else { it });
    for character in spaced.nfkc() {
        let encoded = Secret::from(character.encode_utf8(&mut [0; 4]).as_bytes());
        // A writer in memory without limit has no errors.
        let _ = prepared.write_all(encoded.expose());
    }
    let prepared = prepared.finish();
    let is_allowed = prepared.expose_str().is_some_and(is_allowed);
    if is_allowed { Cow::Owned(prepared) } else { as_it_is }
}

fn is_allowed(text: &str) -> bool {
    if text.is_empty() || text.contains(is_prohibited) {
        return false;
    }
    // Text from right to left begins and ends so, and contains no other (RFC 3454 section 6).
    let is_rtl = tables::bidi_r_or_al;
    !text.contains(is_rtl)
        || (text.starts_with(is_rtl) && text.ends_with(is_rtl) && !text.contains(tables::bidi_l))
}

fn is_prohibited(character: char) -> bool {
    [
        tables::non_ascii_space_character,
        tables::ascii_control_character,
        tables::non_ascii_control_character,
        tables::private_use,
        tables::non_character_code_point,
        tables::surrogate_code,
        tables::inappropriate_for_plain_text,
        tables::inappropriate_for_canonical_representation,
        tables::change_display_properties_or_deprecated,
        tables::tagging_character,
        tables::unassigned_code_point,
    ]
    .iter()
    .any(|is_one| is_one(character))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn prepared(password: &str) -> Secret {
        saslprep(&password.into()).into_owned()
    }

    /// RFC 4013, section 3. What is not allowed stays as it is.
    #[test]
    fn examples_of_the_rfc() {
        for (given, expected) in [
            ("I\u{ad}X", "IX"),
            ("user", "user"),
            ("USER", "USER"),
            ("\u{aa}", "a"),
            ("\u{2168}", "IX"),
            ("\u{7}", "\u{7}"),
            ("\u{627}1", "\u{627}1"),
            ("\u{ad}", "\u{ad}"),
            ("a\u{3000}e\u{301}", "a \u{e9}"),
        ] {
            assert_eq!(prepared(given).expose_str(), Some(expected));
        }
        assert_eq!(saslprep(&Secret::new(vec![0xff])).expose(), [0xff]);
    }

    proptest::proptest! {
        #[test]
        fn it_is_what_the_crate_does(text in "\\PC{0,12}|[a\u{e9}\u{301}\u{aa}\u{ad}\u{627}\u{5d0}1 \u{a0}]{0,8}") {
            let expected = stringprep::saslprep(&text).ok().filter(|it| !it.is_empty());
            let expected = expected.unwrap_or(Cow::Borrowed(&text));
            let found = prepared(&text);
            proptest::prop_assert_eq!(found.expose_str(), Some(&*expected));
        }
    }
}
