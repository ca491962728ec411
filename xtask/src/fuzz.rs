//! `cargo xtask fuzz`: libFuzzer looks for bytes that break what a target in `tests/fuzz` promises.
//!
//! It works with the ordinary compiler: coverage comes from a pass of LLVM's. A sanitizer would take
//! another one, but no reader here has unsafe code for it to watch. libFuzzer itself is built from
//! source, by a C++ compiler.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::packages;
use crate::shell::{self, Result, cargo, output, root, stage, target};

const USAGE: &str = "usage: cargo xtask fuzz [TARGET|--all [SECONDS]]";

/// How long each target runs where nobody says.
const SECONDS: &str = "60";

/// What no run may take: a reader that takes it can be kept busy, or out of memory, from outside.
const LIMITS: [&str; 2] = ["-timeout=10", "-rss_limit_mb=512"];

/// Tells libFuzzer where a run has been, and with what it was compared there.
const COVERAGE: &str = "-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
    -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
    -Cllvm-args=-sanitizer-coverage-trace-compares";

/// Runs one target or all of them, and all to their end. What they find lands in their corpora,
/// where the ordinary test replays it from then on.
pub(crate) fn run(arguments: &[String]) -> Result {
    let all = targets()?;
    let words: Vec<_> = arguments.iter().map(String::as_str).collect();
    let (name, seconds) = match words[..] {
        [] => ("--all", SECONDS),
        [name] => (name, SECONDS),
        [name, seconds] if seconds.parse::<u32>().is_ok() => (name, seconds),
        _ => return Err(USAGE.into()),
    };
    let wanted: Vec<_> = all.iter().filter(|target| name == "--all" || *target == name).collect();
    if wanted.is_empty() {
        return Err(format!("no target is called `{name}`; there are {}", all.join(", ")));
    }
    let program = build()?;
    let failed =
        wanted.iter().filter_map(|name| stage(name, || fuzz(name, &program, seconds)).err());
    match failed.collect::<Vec<_>>() {
        failed if failed.is_empty() => Ok(()),
        failed => Err(failed.join("\n")),
    }
}

/// The program that runs a target under libFuzzer, freshly built.
fn build() -> Result<PathBuf> {
    stage("what fuzzing needs", || packages::ensure(packages::FUZZING))?;
    let folder = target()?.join("fuzz");
    let host = host()?;
    stage("build", || {
        let mut build = cargo(["build", "--package", "keyward-fuzz", "--features", "libfuzzer"]);
        // Named, the host's own platform gets the flags alone, and not the build scripts, too.
        build.args(["--profile", "fuzz", "--bins", "--target", &host]).arg("--target-dir");
        shell::run(build.arg(&folder).env("RUSTFLAGS", COVERAGE))
    })?;
    Ok(folder.join(&host).join("fuzz/fuzz"))
}

/// Goes on from what earlier runs met, which stays in the target folder, and from the corpus.
fn fuzz(name: &str, program: &Path, seconds: &str) -> Result {
    let met = program.with_file_name("met").join(name);
    fs::create_dir_all(&met).map_err(|e| format!("cannot make {}: {e}", met.display()))?;
    let mut fuzzer = Command::new(program);
    fuzzer.arg(format!("--target={name}")).args(["-verbosity=0", "-print_final_stats=1"]);
    fuzzer.args(LIMITS);
    fuzzer.arg(format!("-max_total_time={seconds}"));
    fuzzer.arg(format!("-artifact_prefix={}/", corpus(name).display()));
    shell::run(fuzzer.arg(met).arg(corpus(name)))
}

/// The targets, by their corpora.
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

/// The platform that the compiler runs on.
fn host() -> Result<String> {
    let version = output(Command::new("rustc").arg("-vV"))?;
    let host = version.lines().find_map(|line| line.strip_prefix("host: "));
    host.map(str::to_owned).ok_or_else(|| "rustc does not say what it runs on".into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_target_or_no_time_is_refused_at_once() {
        for arguments in [&["nothing"][..], &["--some", "9"], &["names", "soon"], &["a", "1", "b"]]
        {
            let arguments: Vec<_> = arguments.iter().copied().map(str::to_owned).collect();
            assert!(run(&arguments).is_err(), "{arguments:?}");
        }
    }
}
