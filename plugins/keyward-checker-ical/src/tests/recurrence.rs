//! Events that recur.

use super::{Subject, calendar, refused};

const NINE: &str =
    "DTSTART;TZID=Europe/Berlin:20260105T090000\nDTEND;TZID=Europe/Berlin:20260105T170000";

fn with(lines: &str) -> Subject {
    Subject::new(&calendar(&[&format!("UID:1\n{NINE}\n{lines}")]))
}

/// The hour of work on a day, in UTC.
#[track_caller]
fn works(subject: &Subject, day: &str, hours: [u8; 2]) {
    let [from, until] = hours.map(|hour| format!("{day}T{hour:02}:00:00Z"));
    subject.holds(&from, &until);
}

#[track_caller]
fn is_off(subject: &Subject, day: &str) {
    for hour in 0..24 {
        assert_eq!(subject.says(&format!("{day}T{hour:02}:30:00Z")).unwrap(), None, "{day} {hour}");
    }
}

#[test]
fn working_days_follow_the_clock_of_the_zone() {
    let subject = with("RRULE:FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR");
    works(&subject, "2026-01-05", [8, 16]);
    works(&subject, "2026-07-01", [7, 15]);
    works(&subject, "2036-12-01", [8, 16]);
    is_off(&subject, "2026-07-04");
    is_off(&subject, "2025-12-29");
}

#[test]
fn count_and_until_end_it() {
    let subject = with("RRULE:FREQ=DAILY;COUNT=3");
    works(&subject, "2026-01-07", [8, 16]);
    is_off(&subject, "2026-01-08");
    for until in ["20260107T080000Z", "20260107T090000", "20260107", "20260108T075959Z"] {
        let subject = with(&format!("RRULE:FREQ=DAILY;UNTIL={until}"));
        works(&subject, "2026-01-07", [8, 16]);
        is_off(&subject, "2026-01-08");
    }
    is_off(&with("RRULE:FREQ=DAILY;UNTIL=20260107T075959Z"), "2026-01-07");
    is_off(&with("RRULE:FREQ=DAILY;UNTIL=20250101"), "2026-01-05");
    refused(&calendar(&[&format!("{NINE}\nRRULE:FREQ=DAILY;UNTIL=tomorrow")]), "UNTIL");
}

#[test]
fn occurrences_are_added_and_excluded() {
    let subject = with(
        "RRULE:FREQ=DAILY;COUNT=5\nEXDATE;TZID=Europe/Berlin:20260106T090000\n\
         EXDATE:20260107T080000Z\nEXDATE;VALUE=DATE:20260108\n\
         RDATE;TZID=Europe/Berlin:20260201T090000,20260202T100000\n\
         RDATE;VALUE=PERIOD:20260203T100000Z/20260203T110000Z,20260204T100000Z/PT2H",
    );
    works(&subject, "2026-01-05", [8, 16]);
    for day in ["2026-01-06", "2026-01-07", "2026-01-08"] {
        is_off(&subject, day);
    }
    works(&subject, "2026-01-09", [8, 16]);
    works(&subject, "2026-02-01", [8, 16]);
    works(&subject, "2026-02-02", [9, 17]);
    works(&subject, "2026-02-03", [10, 11]);
    works(&subject, "2026-02-04", [10, 12]);
}

#[test]
fn an_occurrence_is_moved_or_cancelled() {
    let master = format!("UID:1\n{NINE}\nRRULE:FREQ=DAILY;COUNT=5");
    let moved = "UID:1\nRECURRENCE-ID;TZID=Europe/Berlin:20260106T090000\nDTSTART:20260110T100000Z\nDTEND:20260110T110000Z";
    let cancelled =
        "UID:1\nRECURRENCE-ID:20260107T080000Z\nSTATUS:CANCELLED\nDTSTART:20260107T080000Z";
    let of_another =
        "UID:2\nRECURRENCE-ID:20260108T080000Z\nDTSTART:20260111T100000Z\nDURATION:PT1H";
    // The order of the events does not matter.
    for events in
        [[&master[..], moved, cancelled, of_another], [cancelled, moved, of_another, &master[..]]]
    {
        let subject = Subject::new(&calendar(&events));
        works(&subject, "2026-01-05", [8, 16]);
        is_off(&subject, "2026-01-06");
        is_off(&subject, "2026-01-07");
        works(&subject, "2026-01-08", [8, 16]);
        works(&subject, "2026-01-10", [10, 11]);
        works(&subject, "2026-01-11", [10, 11]);
    }
}

#[test]
fn days_recur() {
    let subject =
        Subject::new(&calendar(&["DTSTART;VALUE=DATE:20260301\nRRULE:FREQ=MONTHLY;BYDAY=-1SU"]));
    subject.holds("2026-03-28T23:00:00Z", "2026-03-29T22:00:00Z");
    subject.holds("2026-04-25T22:00:00Z", "2026-04-26T22:00:00Z");
}

/// An end is exact, and a length in days ends at the same time of the day (RFC 5545, section 3.8.5.3).
#[test]
fn the_clock_is_put_forward_within_an_occurrence() {
    let by_end = "DTSTART;TZID=Europe/Berlin:20260321T120000\nDTEND;TZID=Europe/Berlin:20260322T120000\nRRULE:FREQ=WEEKLY";
    Subject::new(&calendar(&[by_end])).holds("2026-03-28T11:00:00Z", "2026-03-29T11:00:00Z");
    let by_length = "DTSTART;TZID=Europe/Berlin:20260321T120000\nDURATION:P1D\nRRULE:FREQ=WEEKLY";
    Subject::new(&calendar(&[by_length])).holds("2026-03-28T11:00:00Z", "2026-03-29T10:00:00Z");
}

#[test]
fn an_old_rule_and_a_clock_that_is_set_back() {
    let hourly = "DTSTART:20180101T000000Z\nDURATION:PT10M\nRRULE:FREQ=HOURLY";
    let subject = Subject::new(&calendar(&[hourly]));
    subject.holds("2020-06-01T10:00:00Z", "2020-06-01T10:10:00Z");
    subject.holds("2019-06-01T10:00:00Z", "2019-06-01T10:10:00Z");
    subject.holds("2020-06-01T10:00:00Z", "2020-06-01T10:10:00Z");
}
