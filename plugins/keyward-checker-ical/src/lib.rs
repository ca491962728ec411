//! Checker `ical`: a condition about the time, from an iCalendar file (RFC 5545).
//!
//! The condition holds while an event of the file is active, until the last of the events that follow
//! each other without a gap has ended. It reads times in UTC, in a zone (one of the file, or one that the
//! system knows) and without a zone, days, lengths, rules of recurrence, additional and excluded dates,
//! and changed occurrences. Cancelled events count as none. What it does not read and could change the
//! answer, such as `EXRULE`, is an error.
//!
//! # Security
//! One who can write the file decides who is let in when; as the files of users, it must belong to this
//! process's user or to root. It has at most a megabyte, an event recurs at most every hour, and all
//! recurrences together are limited in number and in time. A file that is missing or broken when the
//! checker is opened is an error; later it is an outage: no client that needs the condition is let in.

mod calendar;
mod event;
mod line;
mod occurrences;
mod time;
mod zone;

use std::path::PathBuf;
use std::sync::Arc;

use jiff::tz::TimeZone;
use keyward_plugin::{
    Attempt, Backend, Checker, Denial, Error, ErrorKind, Host, Info, Presented, PresentedKind,
    Result, Round, Timestamp, options,
};
use keyward_verifier::files::LiveFile;

use calendar::Calendar;

keyward_plugin::register!(checker: Ical);

options! {
    /// Where the calendar is.
    pub struct Options {
        /// The iCalendar file; only its owner can write it.
        pub file: PathBuf,
        /// The zone of times without a zone, as `Europe/Berlin`; without it, that of the system.
        pub zone: Option<String>,
    }
}

/// The checker `ical`.
#[derive(Debug)]
pub struct Ical {
    file: LiveFile<Calendar>,
    host: Arc<dyn Host>,
}

impl Backend for Ical {
    const INFO: Info = Info::new("ical", "A condition about the time, from an iCalendar file");
    type Options = Options;

    fn open(options: Options, host: &Arc<dyn Host>) -> Result<Self> {
        let local = local_zone(options.zone.as_deref(), &**host)?;
        let file = LiveFile::new(options.file, move |content| Calendar::parse(content, &local));
        let checker = Self { file, host: Arc::clone(host) };
        // What would be an outage later is a mistake in the configuration now.
        checker.active_until(host.now()).map_err(|error| match error.kind() {
            ErrorKind::Refused => error,
            _ => Error::invalid("read the calendar", error.message()),
        })?;
        Ok(checker)
    }
}

impl Checker for Ical {
    fn accepts(&self) -> &[PresentedKind] {
        &[PresentedKind::CIRCUMSTANCES]
    }

    fn check(&self, presented: &Presented, _: &Attempt) -> Result<Round> {
        if !presented.is(&PresentedKind::CIRCUMSTANCES) {
            return Err(presented.unsupported());
        }
        Ok(match self.active_until(self.host.now())? {
            Some(until) => Round::Accepted { identity: None, last: None, until: Some(until) },
            None => Round::wrong(Denial::Restricted),
        })
    }
}

impl Ical {
    /// Until when events are active without a gap; `None` if none is active.
    fn active_until(&self, now: Timestamp) -> Result<Option<Timestamp>> {
        let outage = |error: Error| match error.kind() {
            ErrorKind::Refused => error,
            _ => {
                let why = error.message().to_owned();
                Error::new(ErrorKind::Unavailable, "read the calendar").because(why)
            }
        };
        self.file.get(now).and_then(|calendar| calendar.active_until(now)).map_err(outage)
    }
}

/// The zone of times without a zone.
fn local_zone(name: Option<&str>, host: &dyn Host) -> Result<TimeZone> {
    let unknown = |name: &str| Error::invalid("options", format!("`{name}` is not a known zone"));
    if let Some(name) = name {
        return zone::known(name).ok_or_else(|| unknown(name));
    }
    if let Some(variable) = host.variable("TZ") {
        let name = variable.expose_str().unwrap_or_default();
        let name = name.strip_prefix(':').unwrap_or(name);
        return match name.is_empty() {
            true => Ok(TimeZone::UTC),
            false => zone::known(name)
                .or_else(|| TimeZone::posix(name).ok())
                .ok_or_else(|| unknown(name).hint("Correct the variable TZ, or set `zone`")),
        };
    }
    TimeZone::try_system().map_err(|_| {
        Error::invalid("options", "the zone of the system is not known").hint("Set `zone`")
    })
}

#[cfg(test)]
mod tests;
