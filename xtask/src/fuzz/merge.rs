//! `cargo xtask fuzz --merge`: reduces a corpus to files that each reach something the others do not.
//!
//! libFuzzer names the files that it finds by their digests. A file with another name stays.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::corpus;
use crate::shell::{self, Result, failed};

pub(super) fn run(name: &str, program: &Path) -> Result {
    let corpus = corpus(name);
    let merged = program.with_file_name("merged").join(name);
    if merged.exists() {
        fs::remove_dir_all(&merged).map_err(|e| failed("remove", &merged, &e))?;
    }
    fs::create_dir_all(&merged).map_err(|e| failed("make", &merged, &e))?;
    let (found, named): (Vec<_>, Vec<_>) =
        files(&corpus)?.into_iter().partition(|file| is_found(file));
    named.iter().try_for_each(|file| copy(file, &merged))?;
    // libFuzzer adds to the first folder what reaches more in the second.
    let mut merge = Command::new(program);
    merge.arg(format!("--target={name}")).args(["-merge=1", "-verbosity=0"]).args(super::LIMITS);
    shell::run(merge.arg(&merged).arg(&corpus))?;
    for file in &found {
        fs::remove_file(file).map_err(|e| failed("remove", file, &e))?;
    }
    files(&merged)?.iter().try_for_each(|file| copy(file, &corpus))?;
    println!("{name}: {} files, then {}", found.len() + named.len(), files(&corpus)?.len());
    Ok(())
}

fn copy(file: &Path, folder: &Path) -> Result {
    let to = folder.join(file.file_name().unwrap_or_default());
    fs::copy(file, &to).map(drop).map_err(|e| failed("write", &to, &e))
}

fn files(folder: &Path) -> Result<Vec<PathBuf>> {
    let entries = fs::read_dir(folder).map_err(|e| failed("read", folder, &e))?;
    Ok(entries.flatten().map(|entry| entry.path()).collect())
}

/// Whether libFuzzer named the file: by the SHA-1 of its content.
fn is_found(file: &Path) -> bool {
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    name.len() == 40 && name.bytes().all(|byte| byte.is_ascii_hexdigit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_digests_are_names_that_the_fuzzer_gave() {
        assert!(is_found(Path::new("a/da39a3ee5e6b4b0d3255bfef95601890afd80709")));
        for name in ["url", "crash-da39a3ee5e6b4b0d3255bfef95601890afd80709", "00-host"] {
            assert!(!is_found(Path::new(name)), "{name}");
        }
    }
}
