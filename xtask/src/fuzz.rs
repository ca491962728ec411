//! `cargo xtask fuzz`: libFuzzer looks for bytes that break what a target in `tests/fuzz` promises.
//!
//! It works with the ordinary compiler: coverage comes from a pass of LLVM's. A sanitizer would take
//! another one, but no reader here has unsafe code for it to watch. libFuzzer itself is built from
//! source, by a C++ compiler.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::shell::{self, Result, cargo, output, root, stage, target};

const USAGE: &str = "usage: cargo xtask fuzz [TARGET [SECONDS]]";

/// How long each target runs where nobody says.
const SECONDS: &str = "60";

/// Tells libFuzzer where a run has been, and with what it was compared there.
const COVERAGE: &str = "-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
    -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
    -Cllvm-args=-sanitizer-coverage-trace-compares";

/// Runs one target or all of them. What it finds lands in the target's corpus, where the ordinary
/// test replays it from then on.
pub(crate) fn run(arguments: &[String]) -> Result {
    let all = targets()?;
    let (wanted, seconds) = match arguments {
        [] => (all.clone(), SECONDS),
        [name] => (vec![name.clone()], SECONDS),
        [name, seconds] if seconds.parse::<u32>().is_ok() => (vec![name.clone()], seconds.as_str()),
        _ => return Err(USAGE.into()),
    };
    if let Some(unknown) = wanted.iter().find(|name| !all.contains(name)) {
        return Err(format!("no target is called `{unknown}`; there are {}", all.join(", ")));
    }
    let programs = target()?.join("fuzz");
    let host = host()?;
    stage("build", || {
        let mut build = cargo(["build", "--package", "keyward-fuzz", "--features", "libfuzzer"]);
        // Named, the host's own platform gets the flags alone, and not the build scripts, too.
        build.args(["--profile", "fuzz", "--bins", "--target", &host]).arg("--target-dir");
        shell::run(build.arg(&programs).env("RUSTFLAGS", COVERAGE))
    })?;
    let programs = programs.join(&host).join("fuzz");
    wanted.iter().try_for_each(|name| stage(name, || fuzz(name, &programs, seconds)))
}

/// Goes on from what earlier runs met, which stays in the target folder, and from the corpus.
fn fuzz(name: &str, programs: &Path, seconds: &str) -> Result {
    let met = programs.join("met").join(name);
    fs::create_dir_all(&met).map_err(|e| format!("cannot make {}: {e}", met.display()))?;
    let mut fuzzer = Command::new(programs.join(name));
    fuzzer.args(["-verbosity=0", "-print_final_stats=1"]);
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
