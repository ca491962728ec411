//! Rules of recurrence (RFC 5545, section 3.3.10).

use std::time::{Duration, Instant};

use jiff::civil::DateTime;
use jiff::tz::Offset;
use keyward_plugin::Result;
use rrule::{Frequency, RRule, RRuleSet};

use crate::line::Line;
use crate::time::{read_time, seconds};

/// The longest rule, in bytes.
const MAX_RULE: usize = 1000;

/// How often a day an occurrence may begin: once in each minute.
const MOST_A_DAY: usize = 24 * 60;

/// How many occurrences of all rules are looked at. An event that begins every hour has 438,000 in 50
/// years.
const MOST: usize = 2_000_000;

/// What the calculation of all rules may cost.
pub(crate) struct Limits {
    deadline: Instant,
    left: usize,
}

impl Limits {
    /// The limits of a calculation that begins now.
    pub(crate) fn new(time: Duration) -> Self {
        Self { deadline: Instant::now() + time, left: MOST }
    }

    /// Counts one occurrence.
    fn count(&mut self, line: &Line) -> Result<()> {
        match self.left.checked_sub(1) {
            Some(left) if Instant::now() < self.deadline => {
                self.left = left;
                Ok(())
            }
            _ => Err(line.broken("the events of the calendar recur too often")),
        }
    }
}

/// A rule, and when it ends.
#[derive(Clone, Debug)]
pub(crate) struct Rule {
    set: RRuleSet,
    /// How many occurrences there are, if the rule says so.
    count: Option<u32>,
    until: Until,
}

#[derive(Clone, Copy, Debug)]
enum Until {
    Never,
    /// The last second, in local time.
    Local(DateTime),
    /// The last second since 1970.
    Unix(i64),
}

impl Rule {
    /// Reads the rule of a line. It is calculated in local time, which all zones can convert, and so its
    /// `UNTIL` is judged here.
    ///
    /// # Errors
    /// `Corrupt` if it cannot be read, or occurrences may begin more than once in an hour.
    pub(crate) fn parse(line: &Line, start: DateTime) -> Result<Self> {
        if line.value.len() > MAX_RULE {
            return Err(line.broken("the rule is too long"));
        }
        let mut until = Until::Never;
        let mut parts = Vec::new();
        for part in line.value.trim().split(';').filter(|part| !part.is_empty()) {
            match part.split_once('=') {
                Some((name, time)) if name.eq_ignore_ascii_case("UNTIL") => {
                    until = Until::read(time).ok_or_else(|| line.broken("UNTIL is not a time"))?;
                }
                Some(_) => parts.push(part),
                None => return Err(line.broken("it is not a rule")),
            }
        }
        let text =
            format!("DTSTART:{}Z\nRRULE:{}", start.strftime("%Y%m%dT%H%M%S"), parts.join(";"));
        let set: RRuleSet = text.parse().map_err(|_| line.broken("it is not a rule"))?;
        for rule in set.get_rrule() {
            if matches!(rule.get_freq(), Frequency::Minutely | Frequency::Secondly) {
                return Err(line.broken("an event may recur at most every hour"));
            }
            let times = [rule.get_by_hour(), rule.get_by_minute(), rule.get_by_second()];
            if times.iter().map(|list| list.len().max(1)).product::<usize>() > MOST_A_DAY {
                return Err(line.broken("an event may recur at most every minute of a day"));
            }
        }
        let count = set.get_rrule().first().and_then(RRule::get_count);
        Ok(Self { set: set.limit(), count, until })
    }

    /// Calls `each` with the occurrences in local time, in order, until it returns `false`.
    ///
    /// # Errors
    /// `Corrupt` if there are too many, or if the next one is so far away that it is not found; and those
    /// of `each`.
    pub(crate) fn each(
        &self,
        line: &Line,
        limits: &mut Limits,
        mut each: impl FnMut(DateTime) -> Result<bool>,
    ) -> Result<()> {
        let mut found = 0;
        for occurrence in &self.set {
            limits.count(line)?;
            let Ok(time) = jiff::Timestamp::from_second(occurrence.timestamp()) else {
                return Ok(());
            };
            if !each(Offset::UTC.to_datetime(time))? {
                return Ok(());
            }
            found += 1;
        }
        // The crate ends a rule silently if it finds nothing for long. `not` would let clients in then.
        if self.count == Some(found) {
            return limits.count(line);
        }
        Err(line.broken("the next occurrence of the rule is too far away to be found"))
    }

    /// Whether the rule has ended before this occurrence, in local time and in seconds since 1970.
    pub(crate) fn is_over(&self, local: DateTime, unix: i64) -> bool {
        match self.until {
            Until::Never => false,
            Until::Local(last) => local > last,
            Until::Unix(last) => unix > last,
        }
    }
}

impl Until {
    fn read(text: &str) -> Option<Self> {
        let (local, is_day, is_utc) = read_time(text)?;
        Some(match (is_day, is_utc) {
            (true, _) => Self::Local(local.date().at(23, 59, 59, 0)),
            (false, true) => Self::Unix(seconds(local)),
            (false, false) => Self::Local(local),
        })
    }
}
