mod add;
mod ask;
mod change;
mod import;

use std::path::Path;

use keyward_config::Layer;
use keyward_core::{Error, ErrorKind};
use keyward_origin::Target;
use keyward_provider::{Level, Provider, Providers};
use serde_json::{Value, json};

use super::Run;
use crate::exit::each;
use crate::output::{Lines, escape_if_terminal};
use crate::session::Session;
use crate::stop::{Outcome, Stop};

/// Show and change which credentials URLs need
#[derive(clap::Parser)]
#[command(after_help = "Example:
  keyward provider add example --url https://data.example.org/private/ --credential example
  keyward provider match https://data.example.org/private/a.csv")]
pub(super) enum Command {
    Add(Box<add::Arguments>),
    Edit(change::Edit),
    Remove(change::Remove),
    Rename(change::Rename),
    Copy(change::Copy),
    Import(import::Arguments),
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
        let keyward = session.keyward()?;
        let providers = || keyward.providers_in(Path::new("."));
        match self {
            Self::Add(arguments) => match arguments.complete_name() {
                Some(name) => {
                    add::write(&keyward, &arguments.provider(&keyward, name)?, arguments.level)
                }
                None => ask::run(session, &keyward, &arguments),
            },
            Self::Edit(arguments) => change::edit(&keyward, &arguments),
            Self::Remove(arguments) => change::remove(&keyward, &arguments),
            Self::Rename(arguments) => change::rename(&keyward, &arguments),
            Self::Copy(arguments) => change::copy(&keyward, &arguments),
            Self::Import(arguments) => import::run(&keyward, &arguments),
            Self::List { json } => {
                let providers = providers()?;
                print_lines(providers.iter(), json, None)?;
                report_broken(providers)
            }
            Self::Show { name, json } => show(&providers()?, &name, json),
            Self::Match { url, json } => {
                let target = Target::parse(&url)?;
                let providers = providers()?;
                let matching = providers.matching(&target);
                if matching.is_empty() {
                    let why = format!("no provider is for {}", target.origin());
                    return Err(Error::new(ErrorKind::NotFound, "provider").because(why).into());
                }
                print_lines(matching.into_iter(), json, Some(&target))
            }
            Self::Check => report_broken(providers()?),
        }
    }
}

/// Where a command writes the file of a provider.
#[derive(Clone, Copy, Default, clap::ValueEnum)]
enum Where {
    /// Your own configuration.
    #[default]
    User,
    /// The configuration of the system.
    System,
}

impl Where {
    const fn layer(self) -> Layer {
        match self {
            Self::User => Layer::User,
            Self::System => Layer::System,
        }
    }

    const fn level(self) -> Level {
        match self {
            Self::User => Level::User,
            Self::System => Level::System,
        }
    }
}

fn missing() -> Error {
    Error::new(ErrorKind::NotFound, "provider").because("there is no such provider")
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
    let (level, provider) = providers.get(name).ok_or_else(missing)?;
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
        "auth": provider.auth.name(),
        "credentials": credentials(provider, target),
        "authenticators": provider.authenticators.iter().map(|used| &used.name).collect::<Vec<_>>(),
    })
}
