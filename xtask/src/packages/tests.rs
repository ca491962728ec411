//! The lists of packages against the programs that the code starts.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use super::*;
use crate::shell::root;

/// Programs that every Debian has (packages marked as essential), and those of the Rust toolchain,
/// which needs a C compiler `cc`.
const BASE: &[&str] = &[
    "bash", "cargo", "cat", "cc", "cp", "date", "dpkg", "dpkg-deb", "env", "gzip", "id", "md5sum",
    "mkfifo", "nsenter", "prlimit", "rm", "rustc", "script", "setpriv", "setsid", "sh", "stty",
    "tar", "timeout", "true", "unshare",
];

/// Programs of this workspace, and `sudo`, without which only root can install packages.
const OWN: &[&str] = &["keyward", "sudo"];

/// How code names a program that it starts.
const STARTS: &[&str] =
    &["Command::new(\"", ".program(\"", ".command(\"", ".other(\"", "Program::find(\""];

#[test]
fn a_program_is_found_and_a_missing_one_is_not() {
    assert!(found("sh"));
    assert!(!found("no-program-has-this-name"));
}

#[test]
fn a_program_is_named_once() {
    for list in [TESTS, MEASURING, PACKING, FUZZING] {
        assert!(list.is_sorted_by(|(one, _), (next, _)| one < next));
    }
}

#[test]
fn a_started_program_is_read_from_the_code() {
    let code = "use std::process::Command;\n    // Command::new(\"comment\")\n\
                Command::new(\"one\").arg(\"x\"); home.program(\"two\");\nCommand::new(\"/a/path\")";
    assert_eq!(started(code), BTreeSet::from(["one", "two"].map(str::to_owned)));
    assert!(started("use clap::Command; Command::new(\"list\")").is_empty());
}

#[test]
fn every_program_that_the_code_starts_is_in_a_list() {
    let everything = ["crates", "plugins", "tests", "xtask/src"];
    let measuring = ["tests/src/speed", "xtask/src/bench.rs"];
    let packing = ["xtask/src/dist", "xtask/src/dist.rs"];
    let fuzzing = ["xtask/src/fuzz.rs"];
    let not_tests = [&measuring[..], &packing, &fuzzing].concat();
    is_listed(TESTS, &everything, &not_tests);
    is_listed(MEASURING, &measuring, &[]);
    is_listed(PACKING, &packing, &[]);
    is_listed(FUZZING, &fuzzing, &[]);
}

/// The measurements build git's helper from the source that a package has.
#[test]
fn every_file_that_is_measured_with_is_in_a_list() {
    for_each_source(Path::new("tests/src/speed"), &[], &mut |path, code| {
        for file in code.split("\"/usr/share/").skip(1).filter_map(|rest| rest.split('"').next()) {
            let file = format!("/usr/share/{file}");
            let is_listed = MEASURING.iter().any(|(listed, _)| listed.starts_with(&file));
            assert!(is_listed, "{}: {file} is in no list of packages", path.display());
        }
    });
}

/// Checks that all programs started below these places, but not below `without`, are in the list.
#[track_caller]
fn is_listed(list: &[Needed], places: &[&str], without: &[&str]) {
    let mut missing = Vec::new();
    for place in places {
        for_each_source(Path::new(place), without, &mut |path, code| {
            for program in started(code) {
                let is_listed = list.iter().any(|(listed, _)| *listed == program);
                if !is_listed && !BASE.contains(&&*program) && !OWN.contains(&&*program) {
                    missing.push(format!("{}: {program}", path.display()));
                }
            }
        });
    }
    assert!(missing.is_empty(), "in no list of packages:\n{}", missing.join("\n"));
}

/// The programs that Rust code starts by name.
fn started(code: &str) -> BTreeSet<String> {
    // clap has a `Command` too.
    let starts_processes = ["std::process", "crate::sandbox", "super::program", "speed"];
    if !starts_processes.iter().any(|part| code.contains(part)) {
        return BTreeSet::new();
    }
    let lines = code.lines().filter(|line| !line.trim_start().starts_with("//"));
    let names = lines.flat_map(|line| {
        STARTS.iter().flat_map(|start| line.split(start).skip(1)).filter_map(|rest| {
            let name = rest.split('"').next()?;
            let is_name = !name.is_empty() && !name.contains(['/', '.', ' ', '{']);
            is_name.then(|| name.to_owned())
        })
    });
    names.collect()
}

fn for_each_source(place: &Path, without: &[&str], work: &mut impl FnMut(&Path, &str)) {
    let path = root().join(place);
    if without.iter().any(|left_out| Path::new(left_out) == place) {
        return;
    }
    if path.is_dir() {
        for entry in fs::read_dir(path).unwrap().map(std::result::Result::unwrap) {
            for_each_source(&place.join(entry.file_name()), without, work);
        }
    } else if place.extension().is_some_and(|ending| ending == "rs") {
        work(place, &fs::read_to_string(path).unwrap());
    }
}
