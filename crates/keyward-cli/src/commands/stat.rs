use keyward_core::Timestamp;
use keyward_fetch::Stat;
use serde_json::json;

use super::Run;
use super::fetch::fetcher;
use crate::exit::each;
use crate::json::rfc3339;
use crate::output::{escaped, print};
use crate::session::Session;
use crate::stop::Outcome;

/// Print the length, the time and the type of files at URLs
#[derive(clap::Parser)]
#[command(after_help = "Example:
  keyward stat https://data.example.org/a.csv
  keyward stat https://data.example.org/a.csv --json")]
pub(super) struct Arguments {
    /// The URLs
    #[arg(required = true, value_name = "URL")]
    urls: Vec<String>,
    /// Use this credential instead of the one that a provider names
    #[arg(long, value_name = "NAME")]
    credential: Option<String>,
    /// Print a JSON object for each URL
    #[arg(long)]
    json: bool,
}

impl Run for Arguments {
    fn run(self, session: &Session) -> Outcome {
        let keyward = session.keyward()?;
        let mut fetcher = fetcher(&keyward, self.credential.as_deref())?;
        each(&self.urls, |url| {
            let stat = fetcher.stat(url)?;
            if self.json { print_json(&stat) } else { print_lines(&stat) }
        })
    }
}

pub(super) fn print_json(stat: &Stat) -> Outcome {
    let shown = json!({
        "url": stat.url,
        "bytes": stat.length,
        "modified": modified(stat),
        "type": stat.media_type,
        "tag": stat.tag,
        "version": stat.version,
        "credential": stat.credential,
    });
    print(&shown.to_string())
}

fn print_lines(stat: &Stat) -> Outcome {
    let lines = [
        ("bytes", stat.length.map(|length| length.to_string())),
        ("modified", modified(stat)),
        ("type", stat.media_type.clone()),
        ("tag", stat.tag.clone()),
        ("version", stat.version.clone()),
    ];
    print(&format!("url: {}", escaped(&stat.url)))?;
    let mut known = lines.into_iter().filter_map(|(name, value)| Some((name, value?)));
    known.try_for_each(|(name, value)| print(&format!("{name}: {}", escaped(&value))))
}

fn modified(stat: &Stat) -> Option<String> {
    rfc3339(Timestamp::from_unix(stat.modified?))
}
