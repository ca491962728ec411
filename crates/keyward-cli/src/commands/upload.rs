use std::path::PathBuf;

use super::Run;
use super::fetch::{Bar, fetcher};
use super::stat::print_json;
use crate::output::{escaped, print};
use crate::session::Session;
use crate::stop::Outcome;

/// Send a file to a URL, where it replaces what is there
#[derive(clap::Parser)]
#[command(after_help = "Example:
  keyward upload a.csv https://data.example.org/a.csv")]
pub(super) struct Arguments {
    /// The file
    file: PathBuf,
    /// The URL that it gets
    url: String,
    /// Use this credential instead of the one that a provider names
    #[arg(long, value_name = "NAME")]
    credential: Option<String>,
    /// Show no progress
    #[arg(short, long)]
    quiet: bool,
    /// Print a JSON object
    #[arg(long)]
    json: bool,
}

impl Run for Arguments {
    fn run(self, session: &Session) -> Outcome {
        let keyward = session.keyward()?;
        let mut fetcher = fetcher(&keyward, self.credential.as_deref())?;
        let mut bar = Bar::new(self.quiet || self.json);
        let sent = fetcher.upload(&self.file, &self.url, &mut |done, total| bar.show(done, total));
        bar.clear();
        let sent = sent?;
        if self.json {
            return print_json(&sent);
        }
        print(&format!("{}: {} bytes", escaped(&sent.url), sent.length.unwrap_or_default()))
    }
}
