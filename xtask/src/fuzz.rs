//! `cargo xtask fuzz`: libFuzzer searches for bytes for which a target in `tests/fuzz` does not
//! hold.
//!
//! It uses the stable compiler: a pass of LLVM adds the coverage. A sanitizer would require the
//! nightly compiler, but no parser here has unsafe code that it could check. libFuzzer itself is
//! built from source, by a C++ compiler.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::packages;
use crate::shell::{self, Result, cargo, host, root, stage, target};

mod merge;

const USAGE: &str = "usage: cargo xtask fuzz [TARGET|--all [SECONDS]] | --merge [TARGET]";

/// How long each target runs by default.
const SECONDS: u64 = 60;

/// The limits of each run: a parser that exceeds them can be kept busy, or run out of memory, from
/// outside.
const LIMITS: [&str; 2] = ["-timeout=10", "-rss_limit_mb=512"];

/// Instruments the code for libFuzzer: which code runs, and which values it compares.
const COVERAGE: &str = "-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
    -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
    -Cllvm-args=-sanitizer-coverage-trace-compares";

/// Runs one target or all of them, or reduces their corpora. A crash is saved in the target's corpus,
/// which an ordinary test replays.
pub(crate) fn run(arguments: &[String]) -> Result {
    if let [flag, rest @ ..] = arguments
        && flag == "--merge"
    {
        let wanted = wanted(rest, targets()?)?;
        let program = build()?;
        let merge = |(name, _): &(String, u64)| stage(name, || merge::run(name, &program));
        return wanted.iter().try_for_each(merge);
    }
    let wanted = wanted(arguments, targets()?)?;
    let program = build()?;
    let failed = wanted
        .iter()
        .filter_map(|(name, seconds)| stage(name, || fuzz(name, &program, *seconds)).err());
    match failed.collect::<Vec<_>>() {
        failed if failed.is_empty() => Ok(()),
        failed => Err(failed.join("\n")),
    }
}

/// Returns the targets to run, each with its seconds.
fn wanted(arguments: &[String], targets: Vec<String>) -> Result<Vec<(String, u64)>> {
    let words: Vec<_> = arguments.iter().map(String::as_str).collect();
    let (name, seconds) = match words[..] {
        [] => ("--all", SECONDS),
        [name] => (name, SECONDS),
        [name, seconds] => (name, seconds.parse().ok().filter(|most| *most > 0).ok_or(USAGE)?),
        _ => return Err(USAGE.into()),
    };
    if name != "--all" && !targets.iter().any(|target| target == name) {
        return Err(format!("no target is called `{name}`; there are {}", targets.join(", ")));
    }
    let is_wanted = |target: &String| name == "--all" || target == name;
    Ok(targets.into_iter().filter(is_wanted).map(|target| (target, seconds)).collect())
}

/// Builds the program that runs a target under libFuzzer.
fn build() -> Result<PathBuf> {
    stage("programs for fuzzing", || packages::ensure(packages::FUZZING))?;
    let folder = target()?.join("fuzz");
    let host = host()?;
    stage("build", || {
        let mut build = cargo(["build", "--package", "keyward-fuzz", "--features", "libfuzzer"]);
        // With `--target`, only the program gets the flags, and not the build scripts.
        build.args(["--profile", "fuzz", "--bins", "--target", &host]).arg("--target-dir");
        shell::run(build.arg(&folder).env("RUSTFLAGS", COVERAGE))
    })?;
    Ok(folder.join(&host).join("fuzz/fuzz"))
}

/// Starts from the inputs of earlier runs, which are kept in the target folder, and from the
/// corpus.
fn fuzz(name: &str, program: &Path, seconds: u64) -> Result {
    let met = program.with_file_name("met").join(name);
    fs::create_dir_all(&met).map_err(|e| format!("cannot make {}: {e}", met.display()))?;
    let mut fuzzer = Command::new(program);
    fuzzer.arg(format!("--target={name}")).args(["-verbosity=0", "-print_final_stats=1"]);
    fuzzer.args(LIMITS);
    fuzzer.arg(format!("-max_total_time={seconds}"));
    fuzzer.arg(format!("-artifact_prefix={}/", corpus(name).display()));
    shell::run(fuzzer.arg(met).arg(corpus(name)))
}

/// Returns the targets, by their corpora.
fn targets() -> Result<Vec<String>> {
    let folders = fs::read_dir(corpus("")).map_err(|e| format!("cannot read the corpora: {e}"))?;
    let names = folders.flatten().map(|folder| folder.file_name().to_string_lossy().into_owned());
    let mut names: Vec<_> = names.collect();
    names.sort();
    Ok(names)
}

fn corpus(name: &str) -> PathBuf {
    root().join("tests/fuzz/corpus").join(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn runs(arguments: &[&str]) -> Result<Vec<(String, u64)>> {
        let arguments: Vec<_> = arguments.iter().copied().map(str::to_owned).collect();
        wanted(&arguments, ["a", "b", "c"].map(str::to_owned).to_vec())
    }

    #[test]
    fn each_target_runs_for_the_requested_time() {
        let named = |runs: &[(&str, u64)]| {
            Ok(runs.iter().map(|(name, seconds)| ((*name).to_owned(), *seconds)).collect())
        };
        assert_eq!(runs(&[]), named(&[("a", 60), ("b", 60), ("c", 60)]));
        assert_eq!(runs(&["b"]), named(&[("b", 60)]));
        assert_eq!(runs(&["--all", "5"]), named(&[("a", 5), ("b", 5), ("c", 5)]));
    }

    #[test]
    fn an_unknown_target_or_time_is_refused() {
        for arguments in [
            &["nothing"][..],
            &["--some", "9"],
            &["--up-to", "9"],
            &["a", "soon"],
            &["a", "0"],
            &["a", "1", "b"],
        ] {
            assert!(runs(arguments).is_err(), "{arguments:?}");
        }
    }
}
