use keyward_kinds::{FieldSpec, Kind};
use serde_json::{Value, json};

use super::Run;
use crate::candidates;
use crate::exit::each;
use crate::output::{Lines, escape_if_terminal, print};
use crate::session::Session;
use crate::stop::{Outcome, Stop};

/// Show the kinds that credentials can have
#[derive(clap::Parser)]
#[command(after_help = "Example:
  keyward kind list
  keyward kind show aws")]
pub(super) enum Command {
    /// List all kinds
    #[command(after_help = "Example:
  keyward kind list")]
    List {
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Show which fields a kind has
    #[command(after_help = "Example:
  keyward kind show aws")]
    Show {
        /// The kind
        #[arg(value_name = "NAME", add = candidates::kinds())]
        kind: String,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
}

impl Run for Command {
    fn run(self, session: &Session) -> Outcome {
        let kinds = session.keyward()?.config().kinds();
        match self {
            Self::List { json } => {
                let mut lines = Lines::new();
                kinds.iter().try_for_each(|kind| lines.print(&line(kind, json)))?;
                lines.end()?;
                each(kinds.faults(), |fault| Err(Stop::Failed(fault)))
            }
            Self::Show { kind, json: true } => print(&as_json(kinds.find(&kind)?).to_string()),
            Self::Show { kind, json: false } => show(kinds.find(&kind)?),
        }
    }
}

fn line(kind: &Kind, json: bool) -> String {
    match json {
        true => as_json(kind).to_string(),
        false => escape_if_terminal(&format!("{:<18} {}", kind.name, kind.help)),
    }
}

fn show(kind: &Kind) -> Outcome {
    print(&escape_if_terminal(&format!("{} ({})", kind.name, kind.from)))?;
    print(&escape_if_terminal(&format!("  {}", kind.help)))?;
    if let Some(url) = &kind.url {
        print(&escape_if_terminal(&format!("  Get one at {url}")))?;
    }
    for spec in &kind.fields {
        print("")?;
        let marks = marks(kind, spec);
        print(&escape_if_terminal(&format!("  {} ({})", spec.name, marks.join(", "))))?;
        if !spec.help.is_empty() {
            print(&escape_if_terminal(&format!("      {}", spec.help)))?;
        }
        for (what, texts) in [("choices", &spec.choices), ("environment", &spec.environment)] {
            if !texts.is_empty() {
                print(&escape_if_terminal(&format!("      {what}: {}", texts.join(", "))))?;
            }
        }
        for (what, text) in [("pattern", &spec.pattern), ("default", &spec.default)] {
            if let Some(text) = text {
                print(&escape_if_terminal(&format!("      {what}: {text}")))?;
            }
        }
    }
    if kind.any_fields {
        print("\n  Any other fields")?;
    }
    Ok(())
}

/// Returns which values a field takes, and its attributes.
fn marks(kind: &Kind, spec: &FieldSpec) -> Vec<&'static str> {
    let value = spec.format.map_or(spec.shape.name(), |format| format.name());
    let more = [
        (spec.secret, "secret"),
        (spec.required, "required"),
        (kind.main.as_ref() == Some(&spec.name), "main"),
    ];
    let more = more.into_iter().filter_map(|(is_so, mark)| is_so.then_some(mark));
    [value].into_iter().chain(more).collect()
}

fn as_json(kind: &Kind) -> Value {
    let field = |spec: &FieldSpec| {
        json!({
            "name": spec.name,
            "help": spec.help,
            "secret": spec.secret,
            "required": spec.required,
            "prompt": spec.prompt(),
            "twice": spec.twice,
            "shape": spec.shape.name(),
            "max": spec.max,
            "choices": spec.choices,
            "pattern": spec.pattern,
            "format": spec.format.map(|format| format.name()),
            "default": spec.default,
            "environment": spec.environment,
        })
    };
    json!({
        "name": kind.name,
        "help": kind.help,
        "url": kind.url,
        "from": kind.from,
        "main": kind.main,
        "any_fields": kind.any_fields,
        "expires_early": kind.expires_early.as_secs(),
        "fields": kind.fields.iter().map(field).collect::<Vec<_>>(),
    })
}
