//! Events.

use std::collections::BTreeSet;

use jiff::Span;
use jiff::civil::{Date, DateTime};
use keyward_plugin::Result;

use crate::line::Line;
use crate::occurrences::{Limits, Rule};
use crate::zone::{Moment, Zone, Zones};

/// An event with all its occurrences.
#[derive(Debug)]
pub(crate) struct Event {
    /// What an event has in common with those that replace its occurrences.
    pub(crate) uid: String,
    /// The occurrence of another event that this one replaces, in seconds since 1970.
    pub(crate) replaces: Option<i64>,
    /// Whether it does not take place.
    pub(crate) is_cancelled: bool,
    /// The occurrences that do not take place, in seconds since 1970.
    pub(crate) without: BTreeSet<i64>,
    without_days: BTreeSet<Date>,
    start: Moment,
    length: Length,
    rules: Vec<(Line, Rule)>,
    more: Vec<(Moment, Length)>,
}

/// How long an event takes.
#[derive(Clone, Copy, Debug)]
struct Length {
    /// Days, which end at the same time of the day.
    days: i64,
    /// Seconds after them.
    seconds: i64,
}

impl Event {
    /// Reads an event. The first line begins it.
    ///
    /// # Errors
    /// `Corrupt` if it cannot be read, or ends before it starts.
    pub(crate) fn parse(lines: &[Line], zones: &Zones) -> Result<Self> {
        let find = |name: &str| lines.iter().find(|line| line.name == name);
        let all = |name: &'static str| lines.iter().filter(move |line| line.name == name);
        if let Some(line) = find("EXRULE") {
            return Err(line.broken("EXRULE is not supported"));
        }
        let start_line =
            find("DTSTART").ok_or_else(|| lines[0].broken("the event lacks DTSTART"))?;
        let start = zones.read(start_line, &start_line.value)?;
        let length = length(start_line, &start, find("DTEND"), find("DURATION"), zones)?;
        let mut event = Self {
            uid: find("UID").map(|line| line.value.trim().to_owned()).unwrap_or_default(),
            replaces: None,
            is_cancelled: find("STATUS")
                .is_some_and(|line| line.value.trim().eq_ignore_ascii_case("CANCELLED")),
            without: BTreeSet::new(),
            without_days: BTreeSet::new(),
            rules: Vec::new(),
            more: Vec::new(),
            start,
            length,
        };
        if let Some(line) = find("RECURRENCE-ID") {
            if line.parameter("RANGE").is_some() {
                return Err(line.broken("RANGE is not supported"));
            }
            event.replaces = Some(zones.read(line, &line.value)?.unix(line)?);
        }
        for line in all("RRULE") {
            event.rules.push((line.clone(), Rule::parse(line, event.start.local)?));
        }
        for line in all("RDATE") {
            for text in line.value.split(',') {
                let more = event.additional(line, text, zones)?;
                event.more.push(more);
            }
        }
        for line in all("EXDATE") {
            for text in line.value.split(',') {
                let moment = zones.read(line, text)?;
                match moment.is_day {
                    true => event.without_days.insert(moment.local.date()),
                    false => event.without.insert(moment.unix(line)?),
                };
            }
        }
        Ok(event)
    }

    /// Reads an additional occurrence: a time, or a time and an end or a length.
    fn additional(&self, line: &Line, text: &str, zones: &Zones) -> Result<(Moment, Length)> {
        let Some((start, end)) = text.split_once('/') else {
            return Ok((zones.read(line, text)?, self.length));
        };
        let start = zones.read(line, start)?;
        let length = match end.trim().starts_with(['P', '+', '-']) {
            true => read_length(line, end)?,
            false => between(line, &start, &zones.read(line, end)?)?,
        };
        Ok((start, length))
    }

    /// Adds when it is active: all windows that end after `from` and begin before `to`.
    ///
    /// # Errors
    /// `Corrupt` if it recurs too often.
    pub(crate) fn add_windows(
        &self,
        from: i64,
        to: i64,
        limits: &mut Limits,
        windows: &mut Vec<(i64, i64)>,
    ) -> Result<()> {
        let mut add = |zone: &Zone, local: DateTime, start: i64, length: Length| {
            if self.without.contains(&start) || self.without_days.contains(&local.date()) {
                return;
            }
            let end = length.end(zone, local, start);
            if start < end && end > from && start < to {
                windows.push((start, end));
            }
        };
        let zone = &self.start.zone;
        if self.rules.is_empty()
            && let Some(start) = zone.unix(self.start.local)
        {
            add(zone, self.start.local, start, self.length);
        }
        for (moment, length) in &self.more {
            if let Some(start) = moment.zone.unix(moment.local) {
                add(&moment.zone, moment.local, start, *length);
            }
        }
        for (line, rule) in &self.rules {
            rule.each(line, limits, |local| {
                let Some(start) = zone.unix(local) else { return Ok(false) };
                if rule.is_over(local, start) || start >= to {
                    return Ok(false);
                }
                add(zone, local, start, self.length);
                Ok(true)
            })?;
        }
        Ok(())
    }
}

impl Length {
    const NONE: Self = Self { days: 0, seconds: 0 };
    const DAY: Self = Self { days: 1, seconds: 0 };

    /// When something of this length ends.
    fn end(self, zone: &Zone, local: DateTime, start: i64) -> i64 {
        let day = match self.days {
            0 => Some(start),
            days => {
                let later =
                    Span::new().try_days(days).ok().and_then(|span| local.checked_add(span).ok());
                later.and_then(|later| zone.unix(later))
            }
        };
        day.map_or(i64::MAX, |day| day.saturating_add(self.seconds))
    }
}

/// How long an event takes, from its end or its length.
fn length(
    line: &Line,
    start: &Moment,
    end: Option<&Line>,
    length: Option<&Line>,
    zones: &Zones,
) -> Result<Length> {
    match (end, length) {
        (Some(line), Some(_)) => Err(line.broken("the event has DTEND and DURATION")),
        (Some(line), None) => between(line, start, &zones.read(line, &line.value)?),
        (None, Some(line)) => read_length(line, &line.value),
        (None, None) => {
            // An instant is never active.
            start.unix(line)?;
            Ok(if start.is_day { Length::DAY } else { Length::NONE })
        }
    }
}

/// The length between two times. That between days is in days, and any other one is exact.
fn between(line: &Line, start: &Moment, end: &Moment) -> Result<Length> {
    if start.is_day != end.is_day {
        return Err(line.broken("the start and the end must both be days or both be times"));
    }
    let length = match start.is_day {
        true => {
            let days = (end.local.date() - start.local.date()).get_days();
            Length { days: days.into(), seconds: 0 }
        }
        false => Length { days: 0, seconds: end.unix(line)? - start.unix(line)? },
    };
    match length.days < 0 || length.seconds < 0 {
        true => Err(line.broken("the event ends before it starts")),
        false => Ok(length),
    }
}

/// Reads a length, as `P1DT2H`.
fn read_length(line: &Line, text: &str) -> Result<Length> {
    let text = text.trim();
    // The library also reads lengths in words.
    let is_length = text.trim_start_matches(['+', '-']).starts_with('P');
    let span = Some(text).filter(|_| is_length).and_then(|text| text.parse::<Span>().ok());
    let span = span.ok_or_else(|| line.broken("it is not a length as P1DT2H"))?;
    if span.is_negative() {
        return Err(line.broken("the event ends before it starts"));
    }
    if span.get_years() != 0 || span.get_months() != 0 {
        return Err(line.broken("a length has no years and no months"));
    }
    let days = i64::from(span.get_weeks()) * 7 + i64::from(span.get_days());
    let hours = i64::from(span.get_hours());
    Ok(Length { days, seconds: hours * 3600 + span.get_minutes() * 60 + span.get_seconds() })
}
