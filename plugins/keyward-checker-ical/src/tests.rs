mod recurrence;

use std::time::Instant;

use keyward_plugin::{Options as _, Value, Values};
use keyward_testkit::{Scratch, TestHost};

use super::*;

/// An event that never ends in the life of the tests.
const ALWAYS: &str = "DTSTART:20000101T000000Z\nDTEND:21000101T000000Z";

keyward_testkit::checker_suite!(
    Ical,
    |scratch| {
        let calendar = super::calendar(&[super::ALWAYS]);
        Values::new().with("file", Value::Text(scratch.file("open.ics", calendar.as_bytes())))
    },
    host = |_| TestHost::new()
        .client(Client::new(Presented::new(keyward_plugin::PresentedKind::CIRCUMSTANCES))),
);

/// A calendar with these events.
fn calendar(events: &[&str]) -> String {
    let events = events.iter().map(|event| format!("BEGIN:VEVENT\n{event}\nEND:VEVENT\n"));
    let events: String = events.collect();
    format!("BEGIN:VCALENDAR\nVERSION:2.0\n{events}END:VCALENDAR\n").replace('\n', "\r\n")
}

/// Seconds since 1970 of a time in UTC.
fn utc(time: &str) -> u64 {
    time.parse::<jiff::Timestamp>().unwrap().as_second().try_into().unwrap()
}

/// A checker with a file that can change, and a clock.
struct Subject {
    scratch: Scratch,
    host: Arc<TestHost>,
    checker: Ical,
}

impl Subject {
    fn new(calendar: &str) -> Self {
        Self::open(calendar, Some("Europe/Berlin"), TestHost::new()).unwrap()
    }

    fn open(calendar: &str, zone: Option<&str>, host: TestHost) -> Result<Self> {
        let scratch = Scratch::new();
        let file = scratch.file("calendar.ics", calendar.as_bytes());
        host.set_now(Timestamp::from_unix(utc("2026-01-01T00:00:00Z")));
        let host = Arc::new(host);
        let dynamic: Arc<dyn Host> = host.clone();
        let options = Options { file: file.into(), zone: zone.map(str::to_owned) };
        let checker = Ical::open(options, &dynamic)?;
        Ok(Self { scratch, host, checker })
    }

    /// What it says at a time in UTC.
    fn says(&self, time: &str) -> Result<Option<u64>> {
        self.host.set_now(Timestamp::from_unix(utc(time)));
        let attempt = Attempt::default();
        match self.checker.check(&Presented::circumstances(&attempt), &attempt)? {
            Round::Accepted { identity: None, last: None, until } => {
                Ok(Some(until.unwrap().as_unix()))
            }
            Round::Wrong { why: Denial::Restricted, .. } => Ok(None),
            round => panic!("it answers {round:?}"),
        }
    }

    /// Checks that the condition begins to hold at a time, and holds until another one.
    #[track_caller]
    fn holds(&self, from: &str, until: &str) {
        let (begin, end) = (utc(from), utc(until));
        let text = |seconds: u64| {
            jiff::Timestamp::from_second(seconds.try_into().unwrap()).unwrap().to_string()
        };
        let ends = Some(text(end));
        let says = |seconds| self.says(&text(seconds)).unwrap().map(text);
        assert_eq!(says(begin - 1), None, "it holds before {from}");
        assert_eq!(says(begin), ends, "it does not hold from {from}");
        assert_eq!(says(end - 1), ends, "it does not hold until {until}");
        assert_eq!(says(end), None, "it holds at {until}");
    }
}

/// Checks that a calendar is refused when it is opened, and that the error contains `says`.
#[track_caller]
fn refused(calendar: &str, says: &str) {
    let error = Subject::open(calendar, Some("UTC"), TestHost::new()).err().expect("it opens");
    assert_eq!(error.kind(), ErrorKind::Invalid, "{error}");
    assert!(error.to_string().contains(says), "{error} does not say {says:?}");
}

#[test]
fn fl_33_a_calendar_that_is_missing_or_malformed_does_not_open() {
    assert!(Values::new().complete(Options::TABLE).is_err());
    let host: Arc<dyn Host> = Arc::new(TestHost::new());
    let missing = Options { file: "/nonexistent/calendar.ics".into(), zone: Some("UTC".into()) };
    let error = Ical::open(missing, &host).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid);
    assert!(error.to_string().contains("does not exist"), "{error}");
    for (text, says) in [
        ("", "empty"),
        ("\n\n", "empty"),
        ("hello", "line 1"),
        ("BEGIN:VEVENT\nEND:VEVENT\n", "outside of a VCALENDAR"),
        ("BEGIN:VCALENDAR\nBEGIN:VEVENT\n", "ends within"),
        ("BEGIN:VCALENDAR\nEND:VEVENT\n", "has not begun"),
        ("BEGIN:VCALENDAR\nEND:VCALENDAR\nX:1\n", "outside of a VCALENDAR"),
        ("BEGIN:VCALENDAR\n\0\nEND:VCALENDAR\n", "line 2"),
        ("BEGIN:VCALENDAR\nCALSCALE:HEBREW\nEND:VCALENDAR\n", "Gregorian"),
    ] {
        refused(text, says);
    }
    for (event, says) in [
        ("SUMMARY:x", "lacks DTSTART"),
        ("DTSTART:yesterday", "has no time"),
        ("DTSTART:20260132T000000Z", "has no time"),
        ("DTSTART:20260101T250000Z", "has no time"),
        ("DTSTART:2026-01-01", "has no time"),
        ("DTSTART:20260101T000000Z\nDTEND:x", "has no time"),
        ("DTSTART:20260101T000000Z\nDTEND:20260102", "both be days"),
        ("DTSTART:20260101T000000Z\nDURATION:1 hour ago", "length"),
        ("DTSTART:20260101T000000Z\nDURATION:P1M", "no months"),
        ("DTSTART:20260101T000000Z\nDURATION:P1D\nDTEND:20260102T000000Z", "DTEND and DURATION"),
        ("DTSTART:20260101T000000Z\nRRULE:FREQ=SOMETIMES", "not a rule"),
        ("DTSTART:20260101T000000Z\nRRULE:x", "not a rule"),
        ("DTSTART:20260101T000000Z\nEXRULE:FREQ=DAILY", "EXRULE"),
        ("DTSTART:20260101T000000Z\nRECURRENCE-ID;RANGE=THISANDFUTURE:20260101T000000Z", "RANGE"),
    ] {
        refused(&calendar(&[event]), says);
    }
    let not_text = Scratch::new();
    let file = not_text.file("calendar.ics", b"BEGIN:VCALENDAR\nX:\xff\nEND:VCALENDAR\n");
    let error = Ical::open(Options { file: file.into(), zone: None }, &host).unwrap_err();
    assert!(error.to_string().contains("not UTF-8"), "{error}");
}

#[test]
fn fl_34_times_in_utc() {
    let subject = Subject::new(&calendar(&["DTSTART:20260301T100000Z\nDTEND:20260301T113000Z"]));
    subject.holds("2026-03-01T10:00:00Z", "2026-03-01T11:30:00Z");
    let subject = Subject::new(&calendar(&["DTSTART:20260301T233000Z\nDURATION:PT1H"]));
    subject.holds("2026-03-01T23:30:00Z", "2026-03-02T00:30:00Z");
    // It has no length, so it is never active.
    let subject = Subject::new(&calendar(&["DTSTART:20260301T100000Z"]));
    assert_eq!(subject.says("2026-03-01T10:00:00Z").unwrap(), None);
    let cancelled = "DTSTART:20260301T100000Z\nDTEND:20260301T113000Z\nSTATUS:CANCELLED";
    assert_eq!(Subject::new(&calendar(&[cancelled])).says("2026-03-01T10:30:00Z").unwrap(), None);
}

#[test]
fn fl_35_times_in_zones() {
    let event = "DTSTART;TZID=America/New_York:20260701T100000\nDTEND;TZID=America/New_York:20260701T110000";
    Subject::new(&calendar(&[event])).holds("2026-07-01T14:00:00Z", "2026-07-01T15:00:00Z");
    let event = "DTSTART;TZID=Europe/Berlin:20260101T100000\nDTEND;TZID=\"America/New_York\":20260101T100000";
    Subject::new(&calendar(&[event])).holds("2026-01-01T09:00:00Z", "2026-01-01T15:00:00Z");
    // The same digits, but it ends before it starts.
    let event =
        "DTSTART;TZID=America/New_York:20260101T100000\nDTEND;TZID=Europe/Berlin:20260101T100000";
    refused(&calendar(&[event]), "ends before it starts");
    refused(
        &calendar(&["DTSTART:20260101T100000Z\nDTEND:20260101T095959Z"]),
        "ends before it starts",
    );
    refused(&calendar(&["DTSTART:20260101T100000Z\nDURATION:-PT1H"]), "ends before it starts");
    for zone in ["Atlantis/Capital", "../../etc/passwd", "", &"x".repeat(100_000)] {
        refused(&calendar(&[&format!("DTSTART;TZID={zone}:20260101T100000")]), "knows the zone");
    }
}

/// The clock of this zone is put forward at 2 on the last Sunday of March, and back at 3 on that of
/// October.
const ZONE: &str = "BEGIN:VTIMEZONE\nTZID:Office\nBEGIN:DAYLIGHT\nDTSTART:19810329T020000\n\
    TZOFFSETFROM:+0100\nTZOFFSETTO:+0200\nRRULE:FREQ=YEARLY;BYMONTH=3;BYDAY=-1SU\nEND:DAYLIGHT\n\
    BEGIN:STANDARD\nDTSTART:19961027T030000\nTZOFFSETFROM:+0200\nTZOFFSETTO:+0100\n\
    RRULE:FREQ=YEARLY;BYMONTH=10;BYDAY=-1SU\nEND:STANDARD\nEND:VTIMEZONE\n";

/// A calendar with that zone. The file's own zone counts, and not one that the system knows by its name.
fn with_zone(events: &[&str]) -> String {
    let text = calendar(events).replace("\r\n", "\n");
    text.replacen("VERSION:2.0\n", &format!("VERSION:2.0\n{ZONE}"), 1)
}

#[test]
fn fl_35_times_in_a_zone_of_the_file() {
    for (local, unix) in [
        ("20260115T120000", "2026-01-15T11:00:00Z"),
        ("20260715T120000", "2026-07-15T10:00:00Z"),
        ("20260329T015959", "2026-03-29T00:59:59Z"),
        // This time does not exist, and the next one does.
        ("20260329T023000", "2026-03-29T01:30:00Z"),
        ("20260329T030000", "2026-03-29T01:00:00Z"),
        // This time exists twice.
        ("20261025T023000", "2026-10-25T00:30:00Z"),
        ("20261025T030000", "2026-10-25T02:00:00Z"),
        ("19750101T000000", "1974-12-31T23:00:00Z"),
        ("20991231T000000", "2099-12-30T23:00:00Z"),
    ] {
        for zone in ["Office", "Europe/Berlin"] {
            let start = format!("DTSTART;TZID={zone}:{local}\nDURATION:PT1M");
            let subject = Subject::new(&with_zone(&[&start]));
            let end = unix.parse::<jiff::Timestamp>().unwrap() + jiff::SignedDuration::from_mins(1);
            subject.holds(unix, &end.to_string());
        }
    }
    // Outlook's zones begin in 1601.
    let text = with_zone(&["DTSTART;TZID=Office:20260715T120000\nDURATION:PT1M"]);
    let text = text.replace("19810329", "16010325").replace("19961027", "16011028");
    Subject::new(&text).holds("2026-07-15T10:00:00Z", "2026-07-15T10:01:00Z");
    for (from, to) in [("+0100", "+2500"), ("+0100", "1"), ("0100", "+0100"), ("+01", "+02:0")] {
        let zone = ZONE.replace("FROM:+0100", &format!("FROM:{from}"));
        let zone = zone.replace("TO:+0200", &format!("TO:{to}"));
        refused(&with_zone(&[ALWAYS]).replace(ZONE, &zone), "offset");
    }
    let nameless = with_zone(&[ALWAYS]).replace("TZID:Office\n", "");
    refused(&nameless, "lacks TZID");
}

#[test]
fn fl_36_the_end_is_that_of_the_event() {
    let subject = Subject::new(&calendar(&["DTSTART:20260301T100000Z\nDTEND:20260301T110000Z"]));
    let until = subject.says("2026-03-01T10:59:00Z").unwrap().unwrap();
    assert_eq!(until - utc("2026-03-01T10:59:00Z"), 60);
}

#[test]
fn fl_37_times_without_a_zone_are_local() {
    let event = calendar(&["DTSTART:20260301T100000\nDTEND:20260301T110000"]);
    let in_berlin = ("2026-03-01T09:00:00Z", "2026-03-01T10:00:00Z");
    let open = |zone, variable: Option<&str>| {
        let host = variable.map_or(TestHost::new(), |it| TestHost::new().variable("TZ", it));
        Subject::open(&event, zone, host)
    };
    for variable in ["Europe/Berlin", ":Europe/Berlin", "CET-1CEST,M3.5.0,M10.5.0/3"] {
        open(None, Some(variable)).unwrap().holds(in_berlin.0, in_berlin.1);
    }
    open(Some("Europe/Berlin"), Some("America/New_York")).unwrap().holds(in_berlin.0, in_berlin.1);
    open(None, Some("")).unwrap().holds("2026-03-01T10:00:00Z", "2026-03-01T11:00:00Z");
    for (zone, variable) in [(None, Some("Atlantis")), (Some("Atlantis"), None), (Some(""), None)] {
        assert_eq!(open(zone, variable).err().unwrap().kind(), ErrorKind::Invalid);
    }
    // Days are local, too, and one of them has 23 hours.
    let day = Subject::new(&calendar(&["DTSTART;VALUE=DATE:20260329"]));
    day.holds("2026-03-28T23:00:00Z", "2026-03-29T22:00:00Z");
    let days = "DTSTART;VALUE=DATE:20260328\nDTEND;VALUE=DATE:20260330";
    Subject::new(&calendar(&[days])).holds("2026-03-27T23:00:00Z", "2026-03-29T22:00:00Z");
}

#[test]
fn fl_38_events_that_follow_each_other_are_one_window() {
    let event = |start: &str, end: &str| format!("DTSTART:202603{start}00Z\nDTEND:202603{end}00Z");
    let of = |events: &[(&str, &str)]| {
        let events: Vec<_> = events.iter().map(|(start, end)| event(start, end)).collect();
        Subject::new(&calendar(&events.iter().map(String::as_str).collect::<Vec<_>>()))
    };
    // They overlap, one is in another, and the next one begins when it ends.
    let chain = of(&[
        ("01T1000", "01T1100"),
        ("01T1030", "01T1200"),
        ("01T1200", "01T1300"),
        ("01T1130", "01T1145"),
    ]);
    chain.holds("2026-03-01T10:00:00Z", "2026-03-01T13:00:00Z");
    let together = of(&[("01T1000", "01T1200"), ("01T1100", "01T1200")]);
    together.holds("2026-03-01T10:00:00Z", "2026-03-01T12:00:00Z");
    let gap = of(&[("01T1000", "01T1100"), ("01T1101", "01T1200")]);
    gap.holds("2026-03-01T10:00:00Z", "2026-03-01T11:00:00Z");
    gap.holds("2026-03-01T11:01:00Z", "2026-03-01T12:00:00Z");
    // One event counts with its whole length, and an endless chain for a month at least.
    let long = of(&[("01T1000", "31T1000")]);
    long.holds("2026-03-01T10:00:00Z", "2026-03-31T10:00:00Z");
    let endless =
        Subject::new(&calendar(&["DTSTART:20260301T000000Z\nDURATION:P1D\nRRULE:FREQ=DAILY"]));
    let until = endless.says("2026-05-01T12:00:00Z").unwrap().unwrap();
    let days = (until - utc("2026-05-01T12:00:00Z")) / (24 * 60 * 60);
    assert!((31..40).contains(&days), "{days}");
}

#[test]
fn fl_39_a_new_calendar_counts_at_once() {
    let now = "2026-03-01T10:30:00Z";
    let subject = Subject::new(&calendar(&["DTSTART:20260301T100000Z\nDTEND:20260301T110000Z"]));
    assert_eq!(subject.says(now).unwrap(), Some(utc("2026-03-01T11:00:00Z")));
    let replace = |text: &str| {
        std::fs::remove_file(subject.scratch.path("calendar.ics")).unwrap();
        subject.scratch.file("calendar.ics", text.as_bytes());
    };
    replace(&calendar(&["SUMMARY:longer\nDTSTART:20260301T100000Z\nDTEND:20260301T120000Z"]));
    assert_eq!(subject.says(now).unwrap(), Some(utc("2026-03-01T12:00:00Z")));
    replace(&calendar(&["SUMMARY:not yet\nDTSTART:20260301T110000Z\nDTEND:20260301T120000Z"]));
    assert_eq!(subject.says(now).unwrap(), None);
    // A broken file is an outage, until it is repaired.
    for broken in ["BEGIN:VCALENDAR", "", &calendar(&["DTSTART:x"])] {
        replace(broken);
        let error = subject.says(now).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
        assert!(!error.is_miss());
    }
    std::fs::remove_file(subject.scratch.path("calendar.ics")).unwrap();
    let error = subject.says(now).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
    subject.scratch.file("calendar.ics", calendar(&[ALWAYS]).as_bytes());
    assert!(subject.says(now).unwrap().is_some());
}

/// Whatever is in the file, it is read or refused within seconds.
#[test]
fn a_hostile_calendar_is_bounded() {
    let in_rule =
        |rule: &str| calendar(&[&format!("DTSTART:19700101T000000Z\nDURATION:PT1H\nRRULE:{rule}")]);
    let megabyte = 1 << 20;
    let each = (0..60).map(|number| number.to_string()).collect::<Vec<_>>().join(",");
    let many = |text: &str| text.repeat((megabyte - 1000) / text.len());
    let many_rules = many(
        "BEGIN:VEVENT\nDTSTART:19700101\nRRULE:FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30\nEND:VEVENT\n",
    );
    let hourly = many("BEGIN:VEVENT\nDTSTART:19700101\nRRULE:FREQ=HOURLY\nEND:VEVENT\n");
    let inside = |text: &str| format!("BEGIN:VCALENDAR\n{text}END:VCALENDAR\n");
    for (what, text) in [
        ("too large", calendar(&[&"X".repeat(megabyte)])),
        ("every second", in_rule("FREQ=SECONDLY")),
        ("every minute", in_rule("FREQ=MINUTELY")),
        ("a long rule", in_rule(&format!("FREQ=DAILY;BYHOUR={}9", "9,".repeat(1000)))),
        ("many times a day", in_rule(&format!("FREQ=YEARLY;BYMINUTE={each};BYSECOND={each}"))),
        ("nested components", many("BEGIN:VCALENDAR\n")),
        ("many rules without occurrences", inside(&many_rules)),
        ("never", in_rule("FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30")),
        ("many hourly events", inside(&hourly)),
        ("one line", inside(&format!("X:{}\n", "x".repeat(megabyte)))),
        ("parameters without an end", inside(&format!("X{}\n", many(";A=\"")))),
    ] {
        let started = Instant::now();
        let opened = Subject::open(&text, Some("UTC"), TestHost::new());
        assert!(started.elapsed().as_secs() < 60, "{what}: {:?}", started.elapsed());
        let error = opened.err().unwrap_or_else(|| panic!("{what} is accepted"));
        assert_eq!(error.kind(), ErrorKind::Invalid, "{what}: {error}");
        assert!(error.to_string().len() < 500, "{what}");
    }
    let folded = inside(&format!("X:1\n{}", many(" \n")));
    let events = inside(&many("BEGIN:VEVENT\nDTSTART:20260101\nEND:VEVENT\n"));
    for (what, text) in [("folded", folded), ("many events", events)] {
        let started = Instant::now();
        Subject::open(&text, Some("UTC"), TestHost::new()).unwrap();
        assert!(started.elapsed().as_secs() < 60, "{what}: {:?}", started.elapsed());
    }
}
