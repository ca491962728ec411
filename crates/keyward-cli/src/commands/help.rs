mod html;

use std::fs;
use std::io::{IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::process::Stdio;

use clap_complete::engine::{ArgValueCandidates, CompletionCandidate};
use keyward_config::Environment;
use keyward_core::{Error, Result, printable};

use super::{COMMANDS, Run, program};
use crate::browser;
use crate::output::print;
use crate::session::Session;
use crate::shell;
use crate::stop::{Outcome, Stop, usage_error_with_hint};

/// Show the user guide, another topic, or the help of a command
#[derive(clap::Parser)]
#[command(after_help = "Example:
  keyward help
  keyward help exit-codes
  keyward help set
  keyward help --html")]
pub(super) struct Arguments {
    /// A topic of the guide, or a command
    #[arg(default_value = "guide", hide_default_value = true, add = ArgValueCandidates::new(candidates))]
    topic: String,
    /// Open the topic in a browser, or print the path of its page if no browser can be started
    #[arg(long)]
    html: bool,
    /// Write all topics as HTML into this folder
    #[arg(long, value_name = "FOLDER", conflicts_with_all = ["topic", "html"])]
    write_html: Option<PathBuf>,
    /// Print where the package installed the guide
    #[arg(long, conflicts_with_all = ["topic", "html", "write_html"])]
    print_path: bool,
}

impl Run for Arguments {
    fn run(self, _: &Session) -> Outcome {
        match &self.write_html {
            Some(folder) => write_html(folder),
            None if self.print_path => print(&check_installed()?.display().to_string()),
            None if self.html => open_topic(&self.topic),
            None => show_topic(&self.topic),
        }
    }
}

/// The folder into which a package installs the guide.
const INSTALLED: &str = "/usr/share/doc/keyward";

/// The guide, as it was when the program was built.
const TOPICS: &[(&str, &str)] = &[
    ("guide", include_str!("../../../../docs/guide.md")),
    ("kinds", include_str!("../../../../docs/kinds.md")),
    ("resolver", include_str!("../../../../docs/resolver.md")),
    ("git", include_str!("../../../../docs/clients/git.md")),
    ("mail", include_str!("../../../../docs/clients/mail.md")),
    ("importing", include_str!("../../../../docs/importing.md")),
    ("references", include_str!("../../../../docs/references.md")),
    ("project", include_str!("../../../../docs/project.md")),
    ("oauth", include_str!("../../../../docs/oauth.md")),
    ("providers", include_str!("../../../../docs/providers.md")),
    ("authenticators", include_str!("../../../../docs/authenticators.md")),
    ("fetch", include_str!("../../../../docs/fetch.md")),
    ("datalad", include_str!("../../../../docs/datalad.md")),
    ("checkers", include_str!("../../../../docs/checkers.md")),
    ("user-files", include_str!("../../../../docs/user-files.md")),
    ("serve", include_str!("../../../../docs/serve.md")),
    ("mail-servers", include_str!("../../../../docs/mail-servers.md")),
    ("keycards", include_str!("../../../../docs/keycards.md")),
    ("serve-rpc", include_str!("../../../../docs/serve-rpc.md")),
    ("portal", include_str!("../../../../docs/portal.md")),
    ("twisted", include_str!("../../../../docs/twisted.md")),
    ("flumotion", include_str!("../../../../docs/flumotion.md")),
    ("trust", include_str!("../../../../docs/trust.md")),
    ("configuration", include_str!("../../../../docs/configuration.md")),
    ("exit-codes", include_str!("../../../../docs/exit-codes.md")),
    ("threat-model", include_str!("../../../../docs/threat-model.md")),
    ("envelope", include_str!("../../../../docs/envelope.md")),
    ("writing-a-backend", include_str!("../../../../docs/writing-a-backend.md")),
    ("plugin-abi", include_str!("../../../../docs/plugin-abi.md")),
    ("plugin-protocol", include_str!("../../../../docs/plugin-protocol.md")),
];

/// Returns the folder into which a package installed the guide.
fn check_installed() -> Result<&'static Path> {
    let folder = Path::new(INSTALLED);
    match folder.is_dir() {
        true => Ok(folder),
        false => Err(Error::invalid("usage", "no package has installed the guide")
            .hint("`keyward help` shows it, and `keyward help --write-html FOLDER` writes it")),
    }
}

/// Opens the page that a package installed.
fn open_topic(topic: &str) -> Outcome {
    if !TOPICS.iter().any(|(name, _)| *name == topic) {
        return Err(unknown_topic(topic));
    }
    let page = check_installed()?.join(format!("{topic}.html"));
    match browser::open(&Environment::current(), page.as_os_str()) {
        true => Ok(()),
        false => print(&page.display().to_string()),
    }
}

#[expect(clippy::disallowed_methods, reason = "the pages can be written again")]
fn write_html(folder: &Path) -> Outcome {
    let topics: Vec<_> = TOPICS.iter().map(|(name, _)| *name).collect();
    let failed = |error| Error::io("write", error);
    fs::create_dir_all(folder).map_err(failed)?;
    for (name, page) in TOPICS {
        let page = html::render(&without_comments(page), &topics);
        fs::write(folder.join(format!("{name}.html")), page).map_err(failed)?;
    }
    Ok(())
}

fn show_topic(topic: &str) -> Outcome {
    if let Some((_, page)) = TOPICS.iter().find(|(name, _)| *name == topic) {
        return show(&without_comments(page));
    }
    let mut program = program();
    program.build();
    match program.find_subcommand_mut(topic) {
        Some(command) => show(&command.render_long_help().to_string()),
        None => Err(unknown_topic(topic)),
    }
}

/// Returns what completion offers: all topics and commands.
fn candidates() -> Vec<CompletionCandidate> {
    let topics = TOPICS.iter().map(|(name, _)| name);
    topics
        .chain(COMMANDS.iter().map(|command| &command.name))
        .map(CompletionCandidate::new)
        .collect()
}

fn unknown_topic(topic: &str) -> Stop {
    let topics: Vec<_> = TOPICS.iter().map(|(name, _)| *name).collect();
    let commands = COMMANDS.iter().map(|command| command.name);
    let why = format!("there is no topic `{}`; there are: {}", printable(topic), topics.join(", "));
    usage_error_with_hint(why, topic, topics.iter().copied().chain(commands))
}

/// Returns a page without the comments that mark its generated parts.
fn without_comments(page: &str) -> String {
    let lines = page.lines().filter(|line| !line.starts_with("<!--"));
    lines.flat_map(|line| [line, "\n"]).collect()
}

/// Prints a page; on a terminal it shows the page in the pager.
fn show(page: &str) -> Outcome {
    if !std::io::stdout().is_terminal() {
        return print(page.trim_end());
    }
    let line = shell::command_line(&Environment::current(), &["PAGER"], "less");
    let started = shell::command(&line).stdin(Stdio::piped()).spawn();
    let Ok(mut pager) = started else { return print(page.trim_end()) };
    if let Some(mut input) = pager.stdin.take() {
        // A pager that the user leaves early closes the pipe.
        drop(input.write_all(page.as_bytes()));
    }
    let status = pager.wait().map_err(|error| Error::io("pager", error))?;
    match shell::is_missing(status) {
        true => print(page.trim_end()),
        false => Ok(()),
    }
}
