use keyward_resolver::{Explanation, Outcome as Found, Step};
use serde_json::json;

use super::Run;
use super::resolve::Wanted;
use crate::console::Console;
use crate::output::{Lines, escaped, print};
use crate::session::Session;
use crate::stop::Outcome;

/// Show where `resolve` looks for a credential, and what it finds there, without any value
#[derive(clap::Parser)]
#[command(
    after_help = "It never asks you, and its exit code is that of `resolve --no-input` with the same options.

Example:
  keyward explain mail
  keyward explain mail --kind token --json"
)]
pub(super) struct Arguments {
    #[command(flatten)]
    wanted: Wanted,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

impl Run for Arguments {
    fn run(self, session: &Session) -> Outcome {
        let Self { wanted, json } = self;
        // A store that needs a passphrase is locked then.
        let console = Console { forbidden_by: Some("`explain`"), ..session.console };
        let silent = Session { console, recipient: session.recipient.clone() };
        let (resolver, profile) = wanted.resolver(&silent)?;
        let explanation = resolver.explain(&wanted.query(&resolver, json)?);
        match json {
            true => print(&as_json(&wanted.name, profile.as_deref(), &explanation).to_string())?,
            false => show(profile.as_deref(), &explanation.steps)?,
        }
        explanation.result.map(drop).map_err(Into::into)
    }
}

/// Prints each source with its outcome, and below it where it looked and what it has.
fn show(profile: Option<&str>, steps: &[Step]) -> Outcome {
    let mut lines = Lines::new();
    if let Some(profile) = profile {
        lines.print(&format!("profile: {}", escaped(profile)))?;
    }
    for step in steps {
        lines.print(&format!("{}: {}", escaped(&step.source), step.outcome))?;
        for (what, names) in [("fields", &step.fields), ("missing", &step.missing)] {
            if !names.is_empty() {
                lines.print(&format!("  {what}: {}", escaped(&names.join(", "))))?;
            }
        }
        if let Some(why) = &step.why {
            lines.print(&format!("  because: {}", escaped(why)))?;
        }
        for place in &step.places {
            lines.print(&format!("  place: {}", escaped(place)))?;
        }
    }
    lines.end()
}

fn as_json(name: &str, profile: Option<&str>, explanation: &Explanation) -> serde_json::Value {
    let steps = explanation.steps.iter().map(|step| {
        json!({
            "source": step.source,
            "outcome": step.outcome.describe(),
            "places": step.places,
            "fields": step.fields,
            "missing": step.missing,
            "because": step.why,
        })
    });
    let outcome = match &explanation.result {
        Ok(_) => Found::Found,
        Err(error) => error.kind().into(),
    };
    let resolution = explanation.result.as_ref().ok();
    json!({
        "name": name,
        "profile": profile,
        "outcome": outcome.describe(),
        "kind": resolution.map(|resolution| &resolution.record.kind),
        "sources": resolution.map(|resolution| &resolution.sources),
        "steps": steps.collect::<Vec<_>>(),
    })
}
