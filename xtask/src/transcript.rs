//! The README's ```` ```console ```` blocks: commands, and their expected output.

use std::fs::DirBuilder;
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;
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
    /// Runs the command in this home directory, with `programs` first in its search path, and returns
    /// its output, errors included.
    ///
    /// # Errors
    /// If the home cannot be written, or there is no shell.
    pub fn run(&self, home: &Path, programs: &Path) -> io::Result<String> {
        let runtime = home.join("run");
        DirBuilder::new().recursive(true).mode(0o700).create(&runtime)?;
        let output = Command::new("sh")
            .args(["-c", &format!("exec 2>&1\n{}", self.command)])
            .env_clear()
            .env("PATH", format!("{}:/usr/local/bin:/usr/bin:/bin", programs.display()))
            .env("HOME", home)
            .env("LC_ALL", "C.UTF-8")
            .env("XDG_RUNTIME_DIR", runtime)
            .current_dir(home)
            .stdin(Stdio::null())
            .output()?;
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }

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
        let name = format!("transcript-{}", std::process::id());
        let home = crate::shell::target().unwrap().join(name);
        let step = step("cd; pwd; echo oops >&2; env | grep -c DBUS", "");
        let printed = step.run(&home, Path::new("/nowhere")).unwrap();
        assert_eq!(printed, format!("{}\noops\n0\n", home.display()));
        std::fs::remove_dir_all(home).unwrap();
    }
}
