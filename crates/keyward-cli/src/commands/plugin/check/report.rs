//! The report of a check, which the user can publish.

use std::path::Path;
use std::time::{Duration, Instant};

use keyward_core::Role;
use keyward_plugin_cli::check::{Finding, Plan};
use serde_json::{Value, json};

use crate::output::{escaped, print};
use crate::stop::{Outcome, Stop};

/// A report: lines that are printed as the results arrive, or one object of JSON at the end.
pub(super) struct Report {
    is_json: bool,
    begun: Instant,
    facts: Vec<(&'static str, String)>,
    backends: Vec<Value>,
    counts: [usize; 3],
}

impl Report {
    pub(super) fn new(plan: &Plan, is_json: bool) -> Self {
        let file = Path::new(&plan.file.path).file_name().unwrap_or_default();
        let facts = vec![
            ("keyward", env!("CARGO_PKG_VERSION").to_owned()),
            ("file", file.to_string_lossy().into_owned()),
            ("sha256", plan.file.sha256.clone()),
            ("door", plan.door().name().to_owned()),
        ];
        Self { is_json, begun: Instant::now(), facts, backends: Vec::new(), counts: [0; 3] }
    }

    /// Prints the facts about the file and its package.
    pub(super) fn begin(&mut self, package: &str, version: &str) -> Outcome {
        self.facts.push(("package", package.to_owned()));
        self.facts.push(("version", version.to_owned()));
        let facts = self.facts.iter();
        let lines: Vec<_> = facts.map(|(name, fact)| format!("{name:<8} {fact}")).collect();
        self.print(&lines.join("\n"))
    }

    /// Starts the part of the report about this backend.
    pub(super) fn backend(&mut self, role: Role, name: &str) -> Outcome {
        self.backends.push(json!({ "role": role.name(), "name": name, "cases": [] }));
        self.print(&format!("\n{role} {name}"))
    }

    pub(super) fn case(&mut self, case: &str, finding: Finding, took: Duration) -> Outcome {
        let (at, result, why) = match finding {
            Finding::Passed => (0, "passed", None),
            Finding::Failed(why) => (1, "failed", Some(why)),
            Finding::NotApplicable(why) => (2, "not applicable", Some(why)),
        };
        self.counts[at] += 1;
        self.print(&line(case, result, why.as_deref()))?;
        let entry = json!({
            "case": case,
            "result": result,
            "why": why,
            "milliseconds": milliseconds(took),
        });
        let backend = self.backends.last_mut().and_then(|it| it["cases"].as_array_mut());
        backend.into_iter().for_each(|cases| cases.push(entry.clone()));
        Ok(())
    }

    /// Prints the totals, and returns an error if a case failed.
    pub(super) fn end(self) -> Outcome {
        let [passed, failed, not_applicable] = self.counts;
        let all = passed + failed + not_applicable;
        let took = self.begun.elapsed();
        self.print(&format!(
            "\n{all} cases in {:.1} s: {passed} passed, {failed} failed, {not_applicable} not applicable",
            took.as_secs_f64()
        ))?;
        if self.is_json {
            let mut report: Value =
                self.facts.into_iter().map(|(name, fact)| (name.to_owned(), json!(fact))).collect();
            report["backends"] = json!(self.backends);
            report["passed"] = json!(passed);
            report["failed"] = json!(failed);
            report["not_applicable"] = json!(not_applicable);
            report["milliseconds"] = json!(milliseconds(took));
            print(&report.to_string())?;
        }
        match failed {
            0 => Ok(()),
            _ => Err(Stop::Code(1, format!("error: {failed} of {all} promises are not kept"))),
        }
    }

    /// Prints lines, unless the report is JSON.
    fn print(&self, text: &str) -> Outcome {
        if self.is_json {
            return Ok(());
        }
        text.split('\n').try_for_each(|line| print(&escaped(line)))
    }
}

fn line(case: &str, result: &str, why: Option<&str>) -> String {
    let result = if result == "failed" { "FAILED" } else { result };
    let mut line = format!("  {result:<14} {case}");
    for why in why.into_iter().flat_map(str::lines) {
        line += &format!("\n                 {why}");
    }
    line
}

fn milliseconds(took: Duration) -> u64 {
    u64::try_from(took.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_message_of_a_check_names_what_failed() {
        assert_eq!(line("a", "passed", None), "  passed         a");
        let failed = "  FAILED         a\n                 one\n                 two";
        assert_eq!(line("a", "failed", Some("one\ntwo")), failed);
    }
}
