use keyward_core::{Error, ErrorKind};
use keyward_origin::Target;
use keyward_provider::{Auth, Level, Provider, Providers};
use serde_json::{Value, json};

use super::Run;
use crate::exit::each;
use crate::output::{Lines, escape_if_terminal};
use crate::session::Session;
use crate::stop::{Outcome, Stop};

/// Show which credentials URLs need
#[derive(clap::Parser)]
#[command(after_help = "Example:
  keyward provider list
  keyward provider match https://data.example.org/a.csv")]
pub(super) enum Command {
    /// List all providers
    #[command(after_help = "Example:
  keyward provider list")]
    List {
        /// Print one JSON object per line
        #[arg(long)]
        json: bool,
    },
    /// Show a provider
    #[command(after_help = "Example:
  keyward provider show example")]
    Show {
        /// The provider
        name: String,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// List the providers of a URL; the first one counts
    #[command(after_help = "Example:
  keyward provider match https://data.example.org/a.csv")]
    Match {
        /// The URL
        url: String,
        /// Print one JSON object per line
        #[arg(long)]
        json: bool,
    },
    /// Check the files of all providers
    #[command(after_help = "Example:
  keyward provider check")]
    Check,
}

impl Run for Command {
    fn run(self, session: &Session) -> Outcome {
        let providers = session.keyward()?.providers()?;
        match self {
            Self::List { json } => {
                print_lines(providers.iter(), json, None)?;
                report_broken(providers)
            }
            Self::Show { name, json } => show(&providers, &name, json),
            Self::Match { url, json } => {
                let target = Target::parse(&url)?;
                let matching = providers.matching(&target);
                if matching.is_empty() {
                    let why = format!("no provider is for {}", target.origin());
                    return Err(Error::new(ErrorKind::NotFound, "provider").because(why).into());
                }
                print_lines(matching.into_iter(), json, Some(&target))
            }
            Self::Check => report_broken(providers),
        }
    }
}

fn report_broken(providers: Providers) -> Outcome {
    each(providers.into_broken(), |error| Err(Stop::Failed(error)))
}

fn print_lines<'a>(
    providers: impl Iterator<Item = (Level, &'a Provider)>,
    json: bool,
    target: Option<&Target>,
) -> Outcome {
    let mut lines = Lines::new();
    for (level, provider) in providers {
        if json {
            lines.print(&as_json(level, provider, target).to_string())?;
            continue;
        }
        let credentials = credentials(provider, target).join(", ");
        let (name, level) = (&provider.name, level.name());
        lines.print(&escape_if_terminal(&format!("{name}\t{level}\t{credentials}")))?;
    }
    lines.end()
}

fn show(providers: &Providers, name: &str, json: bool) -> Outcome {
    let found = providers.iter().find(|(_, provider)| provider.name == name);
    let (level, provider) = found.ok_or_else(|| {
        Error::new(ErrorKind::NotFound, "provider").because("there is no such provider")
    })?;
    let shown = as_json(level, provider, None);
    let mut lines = Lines::new();
    if json {
        lines.print(&shown.to_string())?;
        return lines.end();
    }
    for (key, value) in shown.as_object().into_iter().flatten() {
        let text = match value {
            Value::String(text) => text.clone(),
            Value::Array(items) => {
                let texts =
                    items.iter().map(|item| item.as_str().map_or(item.to_string(), str::to_owned));
                texts.collect::<Vec<_>>().join(", ")
            }
            Value::Null => continue,
            value => value.to_string(),
        };
        lines.print(&escape_if_terminal(&format!("{key}: {text}")))?;
    }
    lines.end()
}

fn credentials(provider: &Provider, target: Option<&Target>) -> Vec<String> {
    match target {
        Some(target) => provider.credentials_for(target),
        None => provider.credentials.clone(),
    }
}

fn as_json(level: Level, provider: &Provider, target: Option<&Target>) -> Value {
    json!({
        "name": provider.name,
        "level": level.name(),
        "help": provider.help,
        "origins": provider.origins.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "path": provider.path.as_ref().map(ToString::to_string),
        "auth": match provider.auth {
            Auth::Required => "required",
            Auth::Optional => "optional",
            Auth::Never => "never",
        },
        "credentials": credentials(provider, target),
        "authenticators": provider.authenticators.iter().map(|used| &used.name).collect::<Vec<_>>(),
    })
}
