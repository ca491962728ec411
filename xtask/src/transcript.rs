//! The README's ```` ```console ```` blocks: commands, and their expected output.

use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// One command of a transcript and its expected output.
#[derive(Debug, PartialEq, Eq)]
pub struct Step {
    /// The text after `$ `, which a shell runs.
    pub command: String,
    /// The lines below it. A `…` matches any text within its line.
    pub expected: String,
}

/// Reads the steps of all `console` blocks of a Markdown text, in order.
pub fn steps(markdown: &str) -> Vec<Step> {
    let mut steps: Vec<Step> = Vec::new();
    let mut inside = false;
    for line in markdown.lines() {
        if line.starts_with("```") {
            inside = line == "```console";
        } else if !inside {
        } else if let Some(command) = line.strip_prefix("$ ") {
            steps.push(Step { command: command.into(), expected: String::new() });
        } else if let Some(step) = steps.last_mut() {
            step.expected += line;
            step.expected.push('\n');
        }
    }
    steps
}

impl Step {
    /// Whether this is the expected output of the command.
    pub fn agrees(&self, printed: &str) -> bool {
        let (mut expected, mut printed) = (self.expected.lines(), printed.lines());
        loop {
            match (expected.next(), printed.next()) {
                (None, None) => return true,
                (Some(expected), Some(printed)) if line_agrees(expected, printed) => {}
                _ => return false,
            }
        }
    }
}

fn line_agrees(expected: &str, printed: &str) -> bool {
    let Some((start, rest)) = expected.split_once('…') else {
        return expected == printed;
    };
    let Some(mut printed) = printed.strip_prefix(start) else {
        return false;
    };
    let mut parts: Vec<_> = rest.split('…').collect();
    let end = parts.pop().unwrap_or_default();
    for part in parts {
        let Some((_, after)) = printed.split_once(part) else {
            return false;
        };
        printed = after;
    }
    printed.ends_with(end)
}

/// An empty home in which steps run, separate from the user's account. It is removed when it is
/// dropped.
#[derive(Debug)]
pub struct Home {
    path: PathBuf,
    programs: PathBuf,
}

impl Home {
    /// Makes a home for a `keyward` in the folder `programs`.
    ///
    /// # Errors
    /// Those of the file system; a folder that exists already is not changed.
    pub fn new(path: &Path, programs: &Path) -> io::Result<Self> {
        DirBuilder::new().mode(0o700).create(path)?;
        let home = Self { path: path.into(), programs: programs.into() };
        DirBuilder::new().mode(0o700).create(home.path.join("run"))?;
        Ok(home)
    }

    /// Runs a step and returns its output, errors included.
    ///
    /// # Errors
    /// If there is no shell to run it.
    pub fn run(&self, step: &Step) -> io::Result<String> {
        let path = format!("{}:/usr/local/bin:/usr/bin:/bin", self.programs.display());
        let output = Command::new("sh")
            .args(["-c", &format!("exec 2>&1\n{}", step.command)])
            .env_clear()
            .env("PATH", path)
            .env("HOME", &self.path)
            .env("XDG_RUNTIME_DIR", self.path.join("run"))
            .current_dir(&self.path)
            .stdin(Stdio::null())
            .output()?;
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.path);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn step(command: &str, expected: &str) -> Step {
        Step { command: command.into(), expected: expected.into() }
    }

    #[test]
    fn only_console_blocks_are_read() {
        let text = "a\n```sh\n$ no\n```\n```console\n$ one\nout\n\nmore\n$ two\n```\n$ no\n```console\n$ three\n```\n";
        assert_eq!(steps(text), [step("one", "out\n\nmore\n"), step("two", ""), step("three", "")]);
    }

    #[test]
    fn an_ellipsis_matches_any_text_within_its_line() {
        for (expected, printed, agrees) in [
            ("a\n", "a\n", true),
            ("a\n", "a\nb\n", false),
            ("a\nb\n", "a\n", false),
            ("key in …/keys/….\n", "key in /x/keys/1.\n", true),
            ("key in …/keys/….\n", "key in /x/locks/1.\n", false),
            ("…b\n", "ab\n", true),
            ("a…a\n", "a\n", false),
            ("…\n", "a\nb\n", false),
        ] {
            assert_eq!(step("", expected).agrees(printed), agrees, "{expected:?} {printed:?}");
        }
    }

    #[test]
    fn a_step_runs_in_a_separate_home() {
        let place =
            crate::shell::target().unwrap().join(format!("transcript-{}", std::process::id()));
        let home = Home::new(&place, Path::new("/nowhere")).unwrap();
        let printed = home.run(&step("cd; pwd; echo oops >&2; env | grep -c DBUS", "")).unwrap();
        assert_eq!(printed, format!("{}\noops\n0\n", place.display()));
        drop(home);
        assert!(!place.exists());
    }
}
