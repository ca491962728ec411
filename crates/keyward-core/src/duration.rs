//! Durations as text: a whole number and a unit, such as `30s`.

use std::time::Duration;

/// The units, the longest first, each in milliseconds.
const UNITS: [(&str, u64); 5] =
    [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1)];

/// Reads a duration: a whole number and one of the units `ms`, `s`, `m`, `h`, `d`.
///
/// Returns `None` for anything else, and for more milliseconds than a `u64` holds.
///
/// # Examples
/// ```
/// use std::time::Duration;
///
/// use keyward_core::{parse_duration, write_duration};
///
/// assert_eq!(parse_duration("5m"), Some(Duration::from_secs(300)));
/// assert_eq!(parse_duration("300"), None);
/// assert_eq!(write_duration(Duration::from_secs(300)), "5m");
/// ```
pub fn parse_duration(text: &str) -> Option<Duration> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at(digits);
    let (_, milliseconds) = UNITS.into_iter().find(|(name, _)| *name == unit)?;
    number.parse::<u64>().ok()?.checked_mul(milliseconds).map(Duration::from_millis)
}

/// Writes a duration in the form that [`parse_duration`] reads, with the longest unit that fits.
/// What is less than a millisecond is dropped.
pub fn write_duration(duration: Duration) -> String {
    let all = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
    let fits = |(_, milliseconds): &(&str, u64)| all.is_multiple_of(*milliseconds);
    match all {
        0 => "0s".to_owned(),
        _ => {
            let (name, milliseconds) = UNITS.into_iter().find(fits).unwrap_or(UNITS[4]);
            format!("{}{name}", all / milliseconds)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_number_with_a_unit_is_a_duration() {
        for (text, milliseconds) in [
            ("0ms", 0),
            ("1500ms", 1500),
            ("030s", 30_000),
            ("2h", 7_200_000),
            ("7d", 604_800_000),
            ("18446744073709551615ms", u64::MAX),
        ] {
            assert_eq!(parse_duration(text), Some(Duration::from_millis(milliseconds)), "{text}");
        }
        for text in [
            "",
            "s",
            "30",
            "30 s",
            "+30s",
            "-1s",
            "1.5s",
            "1h30m",
            "30S",
            "18446744073709551616ms",
            "213503982335d",
            "٣s",
        ] {
            assert_eq!(parse_duration(text), None, "{text}");
        }
    }

    proptest::proptest! {
        #[test]
        fn what_is_written_is_read(milliseconds: u64) {
            let duration = Duration::from_millis(milliseconds);
            proptest::prop_assert_eq!(parse_duration(&write_duration(duration)), Some(duration));
        }

        #[test]
        fn no_text_is_a_panic(text: String) {
            let _ = parse_duration(&text);
        }
    }
}
