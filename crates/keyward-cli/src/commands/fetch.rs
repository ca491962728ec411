mod bar;

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};

use keyward::Keyward;
use keyward_core::{Error, ErrorKind};
use keyward_fetch::{Answer, Download, Fetcher, Options, WantedHash, check_status, file_name};
use serde_json::{Map, Value, json};

use super::Run;
use crate::exit::each;
use crate::input::standard_input;
use crate::output::{escaped, print, print_message};
use crate::session::Session;
use crate::stop::{Outcome, Stop, usage_error};
pub(super) use bar::Bar;

/// Download files with the credentials that their URLs need
#[derive(clap::Parser)]
#[command(after_help = "Example:
  keyward fetch https://data.example.org/a.csv
  keyward fetch https://data.example.org/a.csv --output - | head
  keyward fetch https://data.example.org/a.csv --hash sha256
  keyward fetch --batch urls --output data --json")]
pub(super) struct Arguments {
    /// The URLs
    #[arg(required_unless_present = "batch", value_name = "URL")]
    urls: Vec<String>,
    /// Read more URLs from a file, one in each line; - is standard input
    #[arg(long, value_name = "FILE")]
    batch: Option<PathBuf>,
    /// Write into this file, or into this folder; - is standard output
    #[arg(short, long, value_name = "PATH")]
    output: Option<PathBuf>,
    /// Use this credential instead of the one that a provider names
    #[arg(long, value_name = "NAME")]
    credential: Option<String>,
    /// Print this hash of each file: sha256, sha512 or sha1; with =HEX, refuse a file with another one
    #[arg(long = "hash", value_name = "HASH[=HEX]")]
    hashes: Vec<WantedHash>,
    /// Try again this often if a server fails or a connection ends
    #[arg(long, value_name = "N", default_value_t = 5)]
    retries: u32,
    /// Replace files that exist
    #[arg(long)]
    force: bool,
    /// Show no progress
    #[arg(short, long)]
    quiet: bool,
    /// Print a JSON object for each URL
    #[arg(long)]
    json: bool,
}

impl Run for Arguments {
    fn run(self, session: &Session) -> Outcome {
        let keyward = session.keyward()?;
        let mut fetcher = fetcher(&keyward, self.credential.as_deref())?;
        let mut urls = self.urls.clone();
        if let Some(path) = &self.batch {
            urls.extend(read_batch(path)?);
        }
        if self.output.as_deref() == Some(Path::new("-")) && !self.hashes.is_empty() {
            let why = "--hash needs a file: what went to standard output cannot be taken back";
            return Err(usage_error(why));
        }
        let is_alone = urls.len() == 1;
        each(&urls, |url| self.fetch(&mut fetcher, url, is_alone))
    }
}

/// Returns what sends requests in this folder, with this credential if one is given.
pub(super) fn fetcher<'a>(
    keyward: &'a Keyward,
    credential: Option<&str>,
) -> keyward_core::Result<Fetcher<'a>> {
    let fetcher = Fetcher::new(keyward)?.in_folder(Path::new("."))?;
    for error in fetcher.broken() {
        print_message(&format!("warning: {error}"));
    }
    Ok(match credential {
        Some(name) => fetcher.with_credential(name),
        None => fetcher,
    })
}

impl Arguments {
    fn fetch(&self, fetcher: &mut Fetcher<'_>, url: &str, is_alone: bool) -> Outcome {
        if self.output.as_deref() == Some(Path::new("-")) {
            return to_standard_output(fetcher.open(url)?);
        }
        let options =
            Options { overwrites: self.force, hashes: self.hashes.clone(), retries: self.retries };
        let path = self.path(url, is_alone)?;
        let mut bar = Bar::new(self.quiet || self.json);
        let downloaded =
            fetcher.download(url, &path, &options, &mut |done, total| bar.show(done, total));
        bar.clear();
        self.report(&downloaded?)
    }

    /// Returns where the file goes.
    fn path(&self, url: &str, is_alone: bool) -> keyward_core::Result<PathBuf> {
        let named = || {
            file_name(url)?.ok_or_else(|| {
                let why = "the URL does not end with a name that a file can have";
                Error::invalid("usage", why).hint("Name the file with --output")
            })
        };
        match &self.output {
            Some(path) if path.is_dir() => Ok(path.join(named()?)),
            Some(path) if is_alone && !is_folder_name(path) => Ok(path.clone()),
            Some(path) => {
                let why = format!("{} is not a folder that exists", path.display());
                let why = if is_alone { why } else { format!("several files: {why}") };
                Err(Error::invalid("usage", why).hint("Make the folder first"))
            }
            None => Ok(named()?.into()),
        }
    }

    fn report(&self, download: &Download) -> Outcome {
        let path = download.path.display().to_string();
        if self.json {
            let hashes = download.hashes.iter();
            let hashes = hashes.map(|(name, hash)| (name.name().to_owned(), json!(hash)));
            let shown = json!({
                "url": download.url,
                "path": path,
                "bytes": download.length,
                "resumed": download.resumed,
                "credential": download.credential,
                "hashes": Value::Object(hashes.collect::<Map<_, _>>()),
            });
            return print(&shown.to_string());
        }
        print(&format!("{}: {} bytes", escaped(&path), download.length))?;
        download
            .hashes
            .iter()
            .try_for_each(|(name, hash)| print(&format!("{}: {hash}", name.name())))
    }
}

/// Whether a path can only be that of a folder.
fn is_folder_name(path: &Path) -> bool {
    path.as_os_str().as_encoded_bytes().ends_with(b"/")
}

/// Reads the lines of a file that are neither empty nor comments.
fn read_batch(path: &Path) -> Outcome<Vec<String>> {
    let opened = match path == Path::new("-") {
        true => standard_input(),
        false => std::fs::File::open(path),
    };
    let failed = |error| usage_error(format!("{}: {error}", path.display()));
    let mut urls = Vec::new();
    for line in BufReader::new(opened.map_err(failed)?).lines() {
        let line = line.map_err(failed)?;
        let line = line.trim();
        if !line.is_empty() && !line.starts_with('#') {
            urls.push(line.to_owned());
        }
    }
    Ok(urls)
}

fn to_standard_output(mut answer: Answer) -> Outcome {
    check_status(&answer)?;
    let mut out = std::io::stdout().lock();
    let mut buffer = vec![0; 256 << 10];
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
