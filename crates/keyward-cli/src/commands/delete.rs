use keyward_core::{Error, ErrorKind};
use keyward_fetch::Fetcher;

use super::Run;
use super::fetch::fetcher;
use super::stat::print_json;
use crate::console::Console;
use crate::exit::each;
use crate::output::{escaped, print};
use crate::session::Session;
use crate::stop::Outcome;

/// Delete files at URLs
#[derive(clap::Parser)]
#[command(after_help = "Example:
  keyward delete https://data.example.org/a.csv")]
pub(super) struct Arguments {
    /// The URLs
    #[arg(required = true, value_name = "URL")]
    urls: Vec<String>,
    /// Use this credential instead of the one that a provider names
    #[arg(long, value_name = "NAME")]
    credential: Option<String>,
    /// Do not ask
    #[arg(long)]
    yes: bool,
    /// Print a JSON object for each URL
    #[arg(long)]
    json: bool,
}

impl Run for Arguments {
    fn run(self, session: &Session) -> Outcome {
        let keyward = session.keyward()?;
        let mut fetcher = fetcher(&keyward, self.credential.as_deref())?;
        if !self.yes {
            confirm(&session.console, &self.urls)?;
        }
        each(&self.urls, |url| self.delete(&mut fetcher, url))
    }
}

impl Arguments {
    fn delete(&self, fetcher: &mut Fetcher<'_>, url: &str) -> Outcome {
        let deleted = fetcher.delete(url)?;
        match self.json {
            true => print_json(&deleted),
            false => print(&format!("{}: deleted", escaped(&deleted.url))),
        }
    }
}

/// Prints what will be deleted, and asks.
fn confirm(console: &Console, urls: &[String]) -> Outcome {
    let terminal = console.terminal();
    let mut terminal =
        terminal.map_err(|error| error.hint("Use --yes to delete without a question"))?;
    let listed: Vec<_> = urls.iter().map(|url| format!("  {}\n", escaped(url))).collect();
    let question = format!("This deletes for everyone:\n{}Delete? [y/N] ", listed.concat());
    match terminal.agrees(&question)? {
        true => Ok(()),
        false => Err(Error::new(ErrorKind::Other, "usage").because("nothing was deleted").into()),
    }
}
