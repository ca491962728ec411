//! Times as they are written, without their zones.

use jiff::civil::{Date, DateTime, Time};
use jiff::tz::Offset;

/// The seconds from 1970 to a time, both in the same zone without changes.
pub(crate) fn seconds(local: DateTime) -> i64 {
    Offset::UTC.to_timestamp(local).map_or(0, |time| time.as_second())
}

/// Reads `20260131`, `20260131T235959` or `20260131T235959Z`; the flag says that it is in UTC.
pub(crate) fn read_time(text: &str) -> Option<(DateTime, bool, bool)> {
    let number = |range: std::ops::Range<usize>| {
        let digits = text.get(range)?;
        digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| digits.parse::<i16>().ok())?
    };
    let small = |range| number(range).and_then(|number| i8::try_from(number).ok());
    let date = Date::new(number(0..4)?, small(4..6)?, small(6..8)?).ok()?;
    let rest = text.get(8..)?;
    if rest.is_empty() {
        return Some((date.at(0, 0, 0, 0), true, false));
    }
    let is_utc = rest.len() == 8 && rest.ends_with('Z');
    if !rest.starts_with('T') || !(rest.len() == 7 || is_utc) {
        return None;
    }
    let (hour, minute, second) = (small(9..11)?, small(11..13)?, small(13..15)?);
    // Leap seconds are written as 60.
    let time = Time::new(hour, minute, second.min(59), 0).ok()?;
    (second <= 60).then_some((date.to_datetime(time), false, is_utc))
}
