//! How long each target was fuzzed in all: `tests/fuzz/spent.tsv`, which is kept with the code, since no
//! machine has the hours at once.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::PathBuf;

use crate::shell::{Result, failed, root};

/// Seconds, by target.
pub(super) type Spent = BTreeMap<String, u64>;

/// What was spent until now.
pub(super) fn read() -> Result<Spent> {
    let text = fs::read_to_string(path()).map_err(|e| failed("read", &path(), &e))?;
    parse(&text).ok_or_else(|| format!("{} is no list of targets and seconds", path().display()))
}

/// Adds what was spent on a target just now.
pub(super) fn add(target: &str, seconds: u64) -> Result {
    let mut spent = read()?;
    *spent.entry(target.to_owned()).or_default() += seconds;
    #[expect(
        clippy::disallowed_methods,
        reason = "what is lost is a count, and git has the last one"
    )]
    fs::write(path(), print(&spent)).map_err(|e| failed("write", &path(), &e))
}

fn parse(text: &str) -> Option<Spent> {
    let line = |line: &str| {
        let (target, seconds) = line.split_once('\t')?;
        Some((target.to_owned(), seconds.parse().ok()?))
    };
    text.lines().map(line).collect()
}

fn print(spent: &Spent) -> String {
    spent.iter().fold(String::new(), |mut text, (target, seconds)| {
        let _ = writeln!(text, "{target}\t{seconds}");
        text
    })
}

fn path() -> PathBuf {
    root().join("tests/fuzz/spent.tsv")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_printed_is_read() {
        let spent = Spent::from([("names".to_owned(), 60), ("envelope".to_owned(), 3600)]);
        assert_eq!(print(&spent), "envelope\t3600\nnames\t60\n");
        assert_eq!(parse(&print(&spent)), Some(spent));
        assert_eq!(parse("names 60"), None);
        assert_eq!(parse("names\tlong"), None);
    }

    #[test]
    fn the_list_is_one() {
        assert!(read().is_ok());
    }
}
