//! A file: its zones and its events.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use jiff::tz::TimeZone;
use keyward_plugin::{Error, Result, Timestamp};

use crate::event::Event;
use crate::line::Line;
use crate::occurrences::Limits;
use crate::zone::{Observance, Zones};

/// The largest file, in bytes.
const MAX_FILE: usize = 1 << 20;

/// How deeply components may be nested. RFC 5545 needs 3.
const MAX_DEPTH: usize = 8;

/// How far ahead it looks, in seconds. A chain of events that goes on for longer is cut after this.
const AHEAD: i64 = 32 * DAY;

/// How long windows are used until they are calculated again, in seconds.
const KEPT: i64 = DAY;

const DAY: i64 = 24 * 60 * 60;

/// How long the calculation may take.
const LIMIT: Duration = Duration::from_secs(10);

/// A file, and when its events are active around now.
#[derive(Debug)]
pub(crate) struct Calendar {
    events: Vec<Event>,
    windows: Mutex<Option<Windows>>,
}

/// When events are active.
#[derive(Debug)]
struct Windows {
    /// The time for which they were calculated.
    from: i64,
    /// Sorted, and without an overlap; or why they cannot be calculated.
    found: Result<Vec<(i64, i64)>, String>,
}

impl Calendar {
    /// Reads a file. `local` is the zone of times without one.
    ///
    /// # Errors
    /// `Corrupt` if it is not a calendar, or too large.
    pub(crate) fn parse(content: &[u8], local: &TimeZone) -> Result<Self> {
        let broken = |why: &str| Error::corrupt("read the calendar").because(why);
        if content.len() > MAX_FILE {
            return Err(broken("the calendar has more than a megabyte"));
        }
        let text = std::str::from_utf8(content).map_err(|_| broken("the calendar is not UTF-8"))?;
        let parts = Components::read(&Line::read_all(text.trim_start_matches('\u{feff}'))?)?;
        let mut limits = Limits::new(LIMIT);
        let zones = Zones::new(local, parts.zones, &mut limits)?;
        let events = parts.events.iter().map(|lines| Event::parse(lines, &zones));
        let events = events.collect::<Result<Vec<_>>>()?;
        Ok(Self { events: with_changes(events), windows: Mutex::new(None) })
    }

    /// Until when events are active without a gap; `None` if none is active.
    ///
    /// # Errors
    /// `Corrupt` if the events recur too often.
    pub(crate) fn active_until(&self, now: Timestamp) -> Result<Option<Timestamp>> {
        let now = i64::try_from(now.as_unix()).unwrap_or(i64::MAX - AHEAD);
        let mut kept = self.windows.lock().unwrap_or_else(PoisonError::into_inner);
        let is_current = |windows: &Windows| (windows.from..windows.from + KEPT).contains(&now);
        if !kept.as_ref().is_some_and(is_current) {
            let found = self.windows(now).map_err(|error| error.message().to_owned());
            *kept = Some(Windows { from: now, found });
        }
        let windows = match kept.as_ref().map(|windows| &windows.found) {
            Some(Ok(windows)) => windows.as_slice(),
            Some(Err(why)) => return Err(Error::corrupt("read the calendar").because(why.clone())),
            None => &[],
        };
        let active = windows.iter().find(|(start, end)| (*start..*end).contains(&now));
        let end = active.and_then(|(_, end)| u64::try_from(*end).ok());
        Ok(end.map(Timestamp::from_unix))
    }

    /// All windows that end after `now`.
    fn windows(&self, now: i64) -> Result<Vec<(i64, i64)>> {
        let mut limits = Limits::new(LIMIT);
        let mut all = Vec::new();
        for event in &self.events {
            event.add_windows(now, now + AHEAD, &mut limits, &mut all)?;
        }
        all.sort_unstable();
        let mut merged: Vec<(i64, i64)> = Vec::new();
        for (start, end) in all {
            match merged.last_mut() {
                Some(last) if start <= last.1 => last.1 = last.1.max(end),
                _ => merged.push((start, end)),
            }
        }
        Ok(merged)
    }
}

/// Takes the occurrences that other events replace out of those that recur, and cancelled events out of
/// all.
fn with_changes(mut events: Vec<Event>) -> Vec<Event> {
    let mut replaced: BTreeMap<String, BTreeSet<i64>> = BTreeMap::new();
    for event in &events {
        if let Some(occurrence) = event.replaces {
            replaced.entry(event.uid.clone()).or_default().insert(occurrence);
        }
    }
    events.retain(|event| !event.is_cancelled);
    for event in events.iter_mut().filter(|event| event.replaces.is_none()) {
        if let Some(occurrences) = replaced.get(&event.uid) {
            event.without.extend(occurrences);
        }
    }
    events
}

/// The components of a file that count.
#[derive(Default)]
struct Components {
    events: Vec<Vec<Line>>,
    zones: Vec<(Line, Vec<Observance>)>,
}

impl Components {
    /// Finds them in the lines of a file.
    fn read(lines: &[Line]) -> Result<Self> {
        let mut found = Self::default();
        let mut open: Vec<String> = Vec::new();
        for line in lines {
            let value = line.value.trim_end().to_ascii_uppercase();
            match line.name.as_str() {
                "BEGIN" if open.len() < MAX_DEPTH => {
                    if open.is_empty() && value != "VCALENDAR" {
                        return Err(line.broken("it is outside of a VCALENDAR"));
                    }
                    open.push(value);
                    found.begin(&open, line);
                }
                "BEGIN" => return Err(line.broken("components are nested too deeply")),
                "END" => match open.pop() {
                    Some(begun) if begun == value => {}
                    _ => return Err(line.broken("it ends what has not begun")),
                },
                _ if open.is_empty() => return Err(line.broken("it is outside of a VCALENDAR")),
                _ => found.add(&open, line)?,
            }
        }
        match (lines.last(), open.is_empty()) {
            (Some(_), true) => Ok(found),
            (Some(last), false) => Err(last.broken("the file ends within a component")),
            (None, _) => Err(Error::corrupt("read the calendar").because("the calendar is empty")),
        }
    }

    fn begin(&mut self, open: &[String], line: &Line) {
        match open.iter().map(String::as_str).collect::<Vec<_>>()[..] {
            ["VCALENDAR", "VEVENT"] => self.events.push(vec![line.clone()]),
            ["VCALENDAR", "VTIMEZONE"] => self.zones.push((line.clone(), Vec::new())),
            ["VCALENDAR", "VTIMEZONE", "STANDARD" | "DAYLIGHT"] => {
                if let Some((_, observances)) = self.zones.last_mut() {
                    observances.push(vec![line.clone()]);
                }
            }
            _ => {}
        }
    }

    fn add(&mut self, open: &[String], line: &Line) -> Result<()> {
        match open.iter().map(String::as_str).collect::<Vec<_>>()[..] {
            ["VCALENDAR", "VEVENT"] => {
                self.events.last_mut().expect("one has begun").push(line.clone());
            }
            ["VCALENDAR", "VTIMEZONE"] if line.name == "TZID" => {
                self.zones.last_mut().expect("one has begun").0 = line.clone();
            }
            ["VCALENDAR", "VTIMEZONE", "STANDARD" | "DAYLIGHT"] => {
                let observances = &mut self.zones.last_mut().expect("one has begun").1;
                observances.last_mut().expect("one has begun").push(line.clone());
            }
            ["VCALENDAR"] if line.name == "CALSCALE" && line.value.trim() != "GREGORIAN" => {
                return Err(line.broken("only the Gregorian calendar is supported"));
            }
            _ => {}
        }
        Ok(())
    }
}
