//! Zones, and times in them.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use keyward_plugin::Result;

use crate::line::Line;
use crate::occurrences::{Limits, Rule};
use crate::time::{read_time, seconds};

/// The lines of a component `STANDARD` or `DAYLIGHT`, and the one that begins it.
pub(crate) type Observance = Vec<Line>;

/// The longest name of a zone, in bytes.
const MAX_NAME: usize = 255;

/// The last year for which the changes of a zone in a file are calculated.
const LAST_YEAR: i16 = 2150;

/// A zone.
#[derive(Clone, Debug)]
pub(crate) enum Zone {
    /// One that the system knows.
    Known(TimeZone),
    /// One of the file: its changes, sorted.
    File(Arc<[Change]>),
}

/// A change of the offset from UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Change {
    /// When it happens, in seconds of local time before the change.
    at: i64,
    /// The offset before, in seconds.
    from: i64,
    /// The offset after.
    to: i64,
}

impl Zone {
    /// Seconds since 1970 of a local time. A time that exists twice is the first one; one that does not
    /// exist is as long after the change as it says (RFC 5545, section 3.3.5). `None` if it is out of range.
    pub(crate) fn unix(&self, local: DateTime) -> Option<i64> {
        match self {
            Self::Known(zone) => zone.to_timestamp(local).ok().map(|time| time.as_second()),
            Self::File(changes) => {
                let local = seconds(local);
                let next = changes.partition_point(|change| change.at <= local);
                let offset = match (next.checked_sub(1).map(|last| changes[last]), changes.first())
                {
                    // The clock was put forward past this time.
                    (Some(last), _) if local - last.at < last.to - last.from => last.from,
                    (Some(last), _) => last.to,
                    (None, Some(first)) => first.from,
                    (None, None) => 0,
                };
                Some(local - offset)
            }
        }
    }
}

/// Returns the zone that the system knows by this name.
pub(crate) fn known(name: &str) -> Option<TimeZone> {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "_+-/".contains(c);
    let is_name = !name.is_empty() && name.len() <= MAX_NAME && name.chars().all(is_plain);
    is_name.then(|| TimeZone::get(name).ok()).flatten()
}

/// A time in its zone.
#[derive(Clone, Debug)]
pub(crate) struct Moment {
    pub(crate) local: DateTime,
    pub(crate) zone: Zone,
    /// Whether it is a day, and `local` its start.
    pub(crate) is_day: bool,
}

impl Moment {
    /// Seconds since 1970.
    ///
    /// # Errors
    /// `Corrupt` if it is out of range.
    pub(crate) fn unix(&self, line: &Line) -> Result<i64> {
        self.zone.unix(self.local).ok_or_else(|| line.broken("the time is out of range"))
    }
}

/// The zones of a file.
#[derive(Debug)]
pub(crate) struct Zones {
    local: TimeZone,
    in_file: BTreeMap<String, Zone>,
}

impl Zones {
    /// Reads the zones of a file.
    ///
    /// # Errors
    /// `Corrupt` if one cannot be read.
    pub(crate) fn new(
        local: &TimeZone,
        zones: Vec<(Line, Vec<Observance>)>,
        limits: &mut Limits,
    ) -> Result<Self> {
        let mut in_file = BTreeMap::new();
        for (name, observances) in zones {
            if name.name != "TZID" || observances.is_empty() {
                return Err(name.broken("the zone lacks TZID or its times"));
            }
            let mut changes = Vec::new();
            for observance in &observances {
                add_changes(observance, limits, &mut changes)?;
            }
            changes.sort_unstable();
            in_file.insert(name.value.trim().to_owned(), Zone::File(changes.into()));
        }
        Ok(Self { local: local.clone(), in_file })
    }

    /// Reads a time of a line.
    ///
    /// # Errors
    /// `Corrupt` if it is not a time, or its zone is not known.
    pub(crate) fn read(&self, line: &Line, text: &str) -> Result<Moment> {
        let (local, is_day, is_utc) = read_time(text.trim())
            .ok_or_else(|| line.broken("it has no time as 20260131 or 20260131T235959Z"))?;
        let zone = match line.parameter("TZID") {
            _ if is_utc => Zone::Known(TimeZone::UTC),
            Some(name) if !is_day => self.find(name).ok_or_else(|| {
                line.broken("neither the file nor the system knows the zone of this time")
            })?,
            _ => Zone::Known(self.local.clone()),
        };
        Ok(Moment { local, zone, is_day })
    }

    fn find(&self, name: &str) -> Option<Zone> {
        let in_file = self.in_file.get(name).cloned();
        in_file.or_else(|| known(name.trim_start_matches('/')).map(Zone::Known))
    }
}

/// Adds the changes of an observance.
fn add_changes(lines: &[Line], limits: &mut Limits, changes: &mut Vec<Change>) -> Result<()> {
    let begin = &lines[0];
    let find = |name: &str| lines.iter().find(|line| line.name == name);
    let need = |name: &str| {
        find(name).ok_or_else(|| begin.broken("it lacks DTSTART, TZOFFSETFROM or TZOFFSETTO"))
    };
    let local_time = |line: &Line, text: &str| {
        let time = read_time(text.trim()).filter(|(_, _, is_utc)| !is_utc);
        time.map(|(local, ..)| local).ok_or_else(|| line.broken("it has no local time"))
    };
    let start_line = need("DTSTART")?;
    let start = local_time(start_line, &start_line.value)?;
    let (from, to) = (offset(need("TZOFFSETFROM")?)?, offset(need("TZOFFSETTO")?)?);
    let mut onsets = vec![seconds(start)];
    for line in lines.iter().filter(|line| line.name == "RDATE") {
        for text in line.value.split(',') {
            onsets.push(seconds(local_time(line, text)?));
        }
    }
    for line in lines.iter().filter(|line| line.name == "RRULE") {
        let rule = Rule::parse(line, start)?;
        let last = seconds(jiff::civil::date(LAST_YEAR, 1, 1).at(0, 0, 0, 0));
        rule.each(line, limits, |local| {
            let at = seconds(local);
            let is_over = rule.is_over(local, at - from) || at > last;
            if !is_over {
                onsets.push(at);
            }
            Ok(!is_over)
        })?;
    }
    changes.extend(onsets.into_iter().map(|at| Change { at, from, to }));
    Ok(())
}

/// Reads an offset, as `+0100` or `-023000`.
fn offset(line: &Line) -> Result<i64> {
    let read = |text: &str| {
        let (sign, digits) = text.split_at_checked(1)?;
        let sign = match sign {
            "+" => 1,
            "-" => -1,
            _ => return None,
        };
        let is_number = digits.bytes().all(|byte| byte.is_ascii_digit());
        let part = |range: std::ops::Range<usize>| {
            digits.get(range).and_then(|part| part.parse::<i64>().ok())
        };
        let (hours, minutes) = (part(0..2)?, part(2..4)?);
        let seconds = if digits.len() == 4 { 0 } else { part(4..6)? };
        let is_valid = is_number && hours < 24 && minutes < 60 && seconds < 60 && digits.len() <= 6;
        is_valid.then_some(sign * (hours * 3600 + minutes * 60 + seconds))
    };
    read(line.value.trim()).ok_or_else(|| line.broken("it is not an offset as +0100"))
}
