use std::io::Write;
use std::path::{Path, PathBuf};

use keyward_core::{Error, ErrorKind};
use keyward_fetch::{Answer, Download, Fetcher, check_status, download, file_name};
use serde_json::json;

use super::Run;
use crate::exit::each;
use crate::output::{escaped, print};
use crate::session::Session;
use crate::stop::{Outcome, Stop, usage_error};

/// Download files with the credentials that their URLs need
#[derive(clap::Parser)]
#[command(after_help = "Example:
  keyward fetch https://data.example.org/a.csv
  keyward fetch https://data.example.org/a.csv --output - | head")]
pub(super) struct Arguments {
    /// The URLs
    #[arg(required = true, value_name = "URL")]
    urls: Vec<String>,
    /// Write into this file, or into this folder; - is standard output
    #[arg(short, long, value_name = "PATH")]
    output: Option<PathBuf>,
    /// Use this credential instead of the one that a provider names
    #[arg(long, value_name = "NAME")]
    credential: Option<String>,
    /// Replace files that exist
    #[arg(long)]
    force: bool,
    /// Print a JSON object for each URL
    #[arg(long)]
    json: bool,
}

impl Run for Arguments {
    fn run(self, session: &Session) -> Outcome {
        let keyward = session.keyward()?;
        let mut fetcher = Fetcher::new(&keyward)?.in_folder(Path::new("."))?;
        if let Some(name) = &self.credential {
            fetcher = fetcher.with_credential(name);
        }
        each(&self.urls, |url| self.fetch(&mut fetcher, url))
    }
}

impl Arguments {
    fn fetch(&self, fetcher: &mut Fetcher<'_>, url: &str) -> Outcome {
        let answer = fetcher.open(url)?;
        if self.output.as_deref() == Some(Path::new("-")) {
            return to_standard_output(answer);
        }
        let path = self.path(&answer)?;
        let (target, credential) = (answer.target.to_string(), answer.credential.clone());
        let Download { path, length } = download(answer, &path, self.force)?;
        let path = path.display().to_string();
        match self.json {
            true => print(
                &json!({ "url": target, "path": path, "bytes": length, "credential": credential })
                    .to_string(),
            ),
            false => print(&format!("{}: {length} bytes", escaped(&path))),
        }
    }

    /// Returns where the file goes.
    fn path(&self, answer: &Answer) -> Outcome<PathBuf> {
        let named = || {
            file_name(&answer.target)
                .ok_or_else(|| usage_error("the URL does not end with a name: use --output"))
        };
        match &self.output {
            Some(path) if path.is_dir() => Ok(path.join(named()?)),
            Some(path) if self.urls.len() == 1 => Ok(path.clone()),
            Some(_) => Err(usage_error("several files need a folder")),
            None => Ok(named()?.into()),
        }
    }
}

fn to_standard_output(mut answer: Answer) -> Outcome {
    check_status(&answer)?;
    let mut out = std::io::stdout().lock();
    let mut buffer = vec![0; 64 << 10];
    loop {
        let read = answer.body.read(&mut buffer)?;
        if read == 0 {
            break;
        }
        out.write_all(&buffer[..read]).map_err(failed)?;
    }
    out.flush().map_err(failed)
}

fn failed(error: std::io::Error) -> Stop {
    Error::new(ErrorKind::Other, "fetch").because(format!("standard output: {error}")).into()
}
