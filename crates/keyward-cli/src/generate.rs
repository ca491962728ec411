//! Makes random secrets.

use std::str::FromStr;

use keyward_core::{Error, Result, Secret};
use keyward_fs::random;
use zeroize::Zeroizing;

/// The least entropy of a secret whose length is not given, in bits.
const BITS: usize = 128;

/// The most characters of a secret.
const MAX_LENGTH: usize = 4096;

/// The sets of characters, by their names. The first one is the default.
const SETS: [(&str, &[u8]); 4] = [
    ("alnum", b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"),
    ("hex", b"0123456789abcdef"),
    ("digits", b"0123456789"),
    (
        "ascii",
        b"!\"#$%&'()*+,-./0123456789:;<=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[\\]^_`abcdefghijklmnopqrstuvwxyz{|}~",
    ),
];

/// How a secret is made: `SET`, `LENGTH` or `SET:LENGTH`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Rule {
    characters: &'static [u8],
    length: usize,
}

impl Default for Rule {
    fn default() -> Self {
        Self::long_enough(SETS[0].1)
    }
}

impl Rule {
    /// Returns the rule for the shortest secret of these characters that has enough entropy.
    fn long_enough(characters: &'static [u8]) -> Self {
        let lengths = (1..=MAX_LENGTH).map(|length| Self { characters, length });
        lengths
            .into_iter()
            .find(|rule| rule.bits() >= BITS)
            .unwrap_or(Self { characters, length: MAX_LENGTH })
    }

    /// Returns how many bits of entropy a secret has at least.
    pub(crate) fn bits(self) -> usize {
        // A logarithm of floating-point numbers would make every command load the library libm.
        let sixteen = (self.characters.len() as u128).pow(16).ilog2() as usize;
        self.length * sixteen / 16
    }

    /// Makes a secret: each character is independent, and all are equally likely.
    ///
    /// # Errors
    /// [`Unavailable`](keyward_core::ErrorKind::Unavailable) if the operating system returns no
    /// random bytes.
    pub(crate) fn secret(self) -> Result<Secret> {
        // The whole room is there from the start, so that no smaller copy is left behind.
        let mut secret = Vec::with_capacity(self.length);
        while secret.len() < self.length {
            let bytes = Zeroizing::new(random::<64>()?);
            let characters = bytes.iter().filter_map(|byte| self.character(*byte));
            secret.extend(characters.take(self.length - secret.len()));
        }
        Ok(Secret::new(secret))
    }

    /// Returns the character that a random byte selects. The highest bytes select none: they would
    /// make some characters more likely than others.
    fn character(self, byte: u8) -> Option<u8> {
        let (byte, count) = (usize::from(byte), self.characters.len());
        (byte < 256 - 256 % count).then(|| self.characters[byte % count])
    }
}

impl FromStr for Rule {
    type Err = Error;

    /// Reads a rule. The error does not contain the text, which may be a misplaced secret.
    fn from_str(text: &str) -> Result<Self> {
        let set = |name| SETS.into_iter().find(|(it, _)| *it == name).map(|(_, set)| set);
        if let Some(characters) = set(text) {
            return Ok(Self::long_enough(characters));
        }
        let (name, length) = text.split_once(':').unwrap_or((SETS[0].0, text));
        let characters = set(name).ok_or_else(unknown)?;
        match length.parse() {
            Ok(length) if (1..=MAX_LENGTH).contains(&length) => Ok(Self { characters, length }),
            _ => Err(unknown()),
        }
    }
}

fn unknown() -> Error {
    let names: Vec<_> = SETS.iter().map(|(name, _)| *name).collect();
    Error::invalid("usage", "this is not a rule for a secret").hint(format!(
        "Write a length up to {MAX_LENGTH}, a set of characters ({}), or both, such as hex:64",
        names.join(", ")
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(text: &str) -> Rule {
        text.parse().unwrap()
    }

    #[test]
    fn a_rule_is_a_set_a_length_or_both() {
        for (text, length, bits) in [
            ("alnum", 22, 130),
            ("hex", 32, 128),
            ("digits", 39, 129),
            ("ascii", 20, 130),
            ("32", 32, 190),
            ("hex:64", 64, 256),
            ("digits:6", 6, 19),
            ("alnum:4096", 4096, 24320),
        ] {
            let rule = rule(text);
            assert_eq!((rule.length, rule.bits()), (length, bits), "{text}");
            let secret = rule.secret().unwrap();
            assert_eq!(secret.len(), length);
            assert!(secret.expose().iter().all(|byte| rule.characters.contains(byte)), "{text}");
        }
        assert_eq!(rule("alnum"), Rule::default());
    }

    #[test]
    fn what_is_no_rule_is_refused_without_being_shown() {
        for text in ["", "0", "4097", "-1", "hex:", "hex:0", ":8", "hunter2", "hex:8:8", " 8"] {
            let error = text.parse::<Rule>().unwrap_err();
            assert!(!format!("{error:?}").contains("hunter2"), "{text}");
        }
    }

    #[test]
    fn as_many_bytes_select_each_character() {
        for (name, characters) in SETS {
            let rule = rule(name);
            let count = |wanted: &u8| {
                (0..=255).filter(|byte| rule.character(*byte) == Some(*wanted)).count()
            };
            let counts: Vec<_> = characters.iter().map(count).collect();
            assert_eq!(counts, vec![256 / characters.len(); characters.len()], "{name}");
        }
    }

    /// The chi-squared statistic of many characters is as uniform ones have it: a correct generator
    /// exceeds the limit once in about a million runs.
    #[test]
    fn the_characters_are_uniform() {
        for (name, characters) in SETS {
            let mut counts = vec![0_u32; 256];
            for _ in 0..25 {
                let rule = Rule { characters, length: MAX_LENGTH };
                for byte in rule.secret().unwrap().expose() {
                    counts[usize::from(*byte)] += 1;
                }
            }
            let freedom = characters.len() as f64 - 1.0;
            let expected = 25.0 * MAX_LENGTH as f64 / characters.len() as f64;
            let differences = characters
                .iter()
                .map(|byte| (f64::from(counts[usize::from(*byte)]) - expected).powi(2) / expected);
            let statistic: f64 = differences.sum();
            // The approximation of Wilson and Hilferty, at 5 standard deviations.
            let spread = 2.0 / (9.0 * freedom);
            let limit = freedom * (1.0 - spread + 5.0 * spread.sqrt()).powi(3);
            assert!(statistic < limit, "{name}: {statistic} of at most {limit}");
        }
    }

    #[test]
    fn no_two_secrets_are_equal() {
        let rule = Rule::default();
        assert_ne!(rule.secret().unwrap(), rule.secret().unwrap());
    }
}
