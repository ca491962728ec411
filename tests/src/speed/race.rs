//! Running contestants in turn.

use std::fmt;
use std::time::{Duration, Instant};

use super::Result;

/// Rounds that warm caches and are not counted.
const WARM_UP: usize = 3;

/// A way to do the work, and how it went in each round.
pub(super) struct Contestant<'a> {
    name: String,
    target: Option<Target>,
    run: Box<dyn FnMut() -> Result<Duration> + 'a>,
}

impl<'a> Contestant<'a> {
    /// A contestant that times itself.
    pub(super) fn new(name: impl Into<String>, run: impl FnMut() -> Result<Duration> + 'a) -> Self {
        Self { name: name.into(), target: None, run: Box::new(run) }
    }

    /// A contestant whose calls are timed from outside, `calls` of them at once.
    pub(super) fn calls(
        name: impl Into<String>,
        calls: u32,
        mut call: impl FnMut() -> Result + 'a,
    ) -> Self {
        Self::new(name, move || {
            let start = Instant::now();
            for _ in 0..calls {
                call()?;
            }
            Ok(start.elapsed() / calls)
        })
    }

    /// The same contestant, which ought to take at most this many times as long as the first one.
    pub(super) fn within(mut self, target: f64) -> Self {
        self.target = Some(Target::Ratio(target));
        self
    }

    /// The same contestant, which ought to take at most so much longer than the first one.
    pub(super) fn adding(mut self, target: Duration) -> Self {
        self.target = Some(Target::Added(target));
        self
    }
}

/// The most that a contestant should take.
#[derive(Clone, Copy, Debug)]
pub enum Target {
    /// So many times as long as the first one.
    Ratio(f64),
    /// So much longer than the first one.
    Added(Duration),
}

/// Figures of things that ran in turn.
#[derive(Clone, Debug)]
pub struct Table {
    /// What was measured.
    pub title: String,
    /// One contestant each; ratios are to the first.
    pub lines: Vec<Line>,
    /// What else was seen.
    pub notes: Vec<String>,
}

/// One contestant's figures.
#[derive(Clone, Debug)]
pub struct Line {
    /// What it is.
    pub name: String,
    /// The median of its times.
    pub time: Duration,
    /// The median of the ratios, round by round, to the first contestant.
    pub ratio: f64,
    /// The median of what it took longer than the first contestant, round by round.
    pub added: Duration,
    /// The most that it should take.
    pub target: Option<Target>,
}

impl Line {
    /// Whether it took more than it should.
    fn is_beyond(&self) -> bool {
        match self.target {
            None => false,
            Some(Target::Ratio(most)) => self.ratio > most,
            Some(Target::Added(most)) => self.added > most,
        }
    }
}

impl Table {
    /// What took more than it should.
    pub(super) fn beyond(&self) -> impl Iterator<Item = String> {
        self.lines
            .iter()
            .filter(|line| line.is_beyond())
            .map(|it| format!("{}: {}", self.title, it.name))
    }

    pub(super) fn with_note(mut self, note: impl Into<String>) -> Self {
        self.notes.push(note.into());
        self
    }
}

/// Runs the contestants in turn, and holds each against the first.
pub(super) fn race(
    title: impl Into<String>,
    rounds: usize,
    mut contestants: Vec<Contestant<'_>>,
) -> Result<Table> {
    let mut times = vec![Vec::with_capacity(rounds); contestants.len()];
    for round in 0..WARM_UP + rounds {
        for (contestant, times) in contestants.iter_mut().zip(&mut times) {
            let time = (contestant.run)().map_err(|e| format!("{}: {e}", contestant.name))?;
            if round >= WARM_UP {
                times.push(time);
            }
        }
    }
    let first = times[0].clone();
    let lines = contestants.into_iter().zip(times).map(|(contestant, times)| {
        let ratios =
            times.iter().zip(&first).map(|(it, first)| it.as_secs_f64() / first.as_secs_f64());
        let added = times.iter().zip(&first).map(|(it, first)| it.saturating_sub(*first));
        Line {
            name: contestant.name,
            ratio: median(ratios.collect()),
            added: Duration::from_secs_f64(median(added.map(|it| it.as_secs_f64()).collect())),
            time: Duration::from_secs_f64(median(
                times.iter().map(Duration::as_secs_f64).collect(),
            )),
            target: contestant.target,
        }
    });
    Ok(Table { title: title.into(), lines: lines.collect(), notes: Vec::new() })
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// As Markdown.
impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "### {}\n\n| | median | ratio | at most |\n|---|---:|---:|---:|", self.title)?;
        for Line { name, time, ratio, added, target } in &self.lines {
            let target = match target {
                None => String::new(),
                Some(Target::Ratio(ratio)) => format!("{ratio}"),
                Some(Target::Added(most)) => format!("{} of {} more", shown(*added), shown(*most)),
            };
            // Rounded, a small ratio could hide that it is beyond its limit.
            let digits = if *ratio < 1.0 { 3 } else { 2 };
            writeln!(f, "| {name} | {} | {ratio:.digits$} | {target} |", shown(*time))?;
        }
        self.notes.iter().try_for_each(|note| writeln!(f, "\n{note}"))
    }
}

fn shown(time: Duration) -> String {
    let micros = time.as_secs_f64() * 1e6;
    match micros {
        ..100.0 => format!("{micros:.1} µs"),
        ..10_000.0 => format!("{micros:.0} µs"),
        _ => format!("{:.1} ms", micros / 1e3),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ratios_are_taken_round_by_round() {
        let mut round = 0;
        let slow = || {
            round += 1;
            Ok(Duration::from_millis(round))
        };
        let mut other = 0;
        let twice = || {
            other += 1;
            Ok(Duration::from_millis(2 * other))
        };
        let contestants = vec![Contestant::new("a", slow), Contestant::new("b", twice).within(3.0)];
        let table = race("t", 9, contestants).unwrap();
        assert_eq!((table.lines[0].ratio, table.lines[1].ratio), (1.0, 2.0));
        assert_eq!(table.lines[1].time, Duration::from_millis(16));
        assert_eq!(table.lines[1].added, Duration::from_millis(8));
        assert!(table.to_string().contains("| b | 16.0 ms | 2.00 | 3 |"), "{table}");
        assert_eq!(table.beyond().count(), 0);
    }

    #[test]
    fn what_is_beyond_its_limit_is_named() {
        let takes = |time| move || Ok(Duration::from_millis(time));
        let contestants = vec![
            Contestant::new("a", takes(2)),
            Contestant::new("twice", takes(4)).within(1.9),
            Contestant::new("two more", takes(4)).adding(Duration::from_millis(1)),
            Contestant::new("just so", takes(4)).within(2.0),
            Contestant::new("as slow as it likes", takes(9)),
        ];
        let beyond: Vec<_> = race("t", 3, contestants).unwrap().beyond().collect();
        assert_eq!(beyond, ["t: twice", "t: two more"]);
    }
}
