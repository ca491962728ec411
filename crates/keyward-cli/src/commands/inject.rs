use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use keyward_core::{Error, Field, Secret, printable};
use keyward_resolver::Reference;
use keyward_resolver::template::{self, Template};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};

use super::Run;
use crate::arguments::Profile;
use crate::exit;
use crate::input::standard_input;
use crate::output::print_secret;
use crate::session::Session;
use crate::stop::{Outcome, usage_error};

/// Print a template with values in place of its references
#[derive(clap::Parser)]
#[command(after_help = "Write each reference between two pairs of braces:

  password = \"{{ keyward://work/database }}\"

Example:
  keyward inject app.toml.template --out app.toml")]
pub(super) struct Arguments {
    /// The template; `-` reads standard input
    template: PathBuf,
    /// Write to this file, which only you can read, instead of standard output
    #[arg(short, long, value_name = "FILE")]
    out: Option<PathBuf>,
    #[command(flatten)]
    profile: Profile,
}

impl Run for Arguments {
    fn run(self, session: &Session) -> Outcome {
        let place = self.template.display().to_string();
        let text =
            read(&self.template).map_err(|error| usage_error(format!("{place}: {error}")))?;
        let template = Template::parse(&place, text.expose())?;
        let fields = fields(session, &self.profile, template.references())?;
        let values: Vec<_> = fields.into_iter().map(|field| field.value).collect();
        let filled = template.fill(&values)?;
        match &self.out {
            Some(path) => write(path, &filled),
            None => print_secret(&filled, false),
        }
    }
}

/// Returns the fields that all references name, or reports each that there is not.
pub(super) fn fields(
    session: &Session,
    profile: &Profile,
    references: &[Reference],
) -> Outcome<Vec<Field>> {
    if references.is_empty() {
        return Ok(Vec::new());
    }
    let mut fields = Vec::new();
    exit::each(profile.open(session)?.fields(references)?, |field| {
        fields.push(field?);
        Ok(())
    })?;
    Ok(fields)
}

/// Reads a template, which may contain secrets too.
fn read(path: &Path) -> io::Result<Secret> {
    let file = if path == Path::new("-") { standard_input()? } else { File::open(path)? };
    Secret::read_from(file, template::MAX + 1)
}

/// Writes a file that only its owner can read, atomically and durably.
fn write(path: &Path, text: &Secret) -> Outcome {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    let folder = folder.unwrap_or(Path::new("."));
    let shown = printable(&path.display().to_string()).to_string();
    if fs::symlink_metadata(path).is_ok_and(|found| !found.is_file()) {
        let why = format!("--out: {shown} exists, and is not a regular file");
        return Err(usage_error(why));
    }
    // A signal must not leave the temporary file: it would be in a project, with the secrets.
    for signal in [SIGHUP, SIGINT, SIGTERM] {
        signal_hook::flag::register(signal, Arc::default())
            .map_err(|error| Error::io("write the file", error))?;
    }
    let written = || {
        let mut file = tempfile::Builder::new().prefix(".keyward-").tempfile_in(folder)?;
        file.write_all(text.expose())?;
        file.as_file().sync_all()?;
        file.persist(path).map_err(|refused| refused.error)?;
        File::open(folder)?.sync_all()
    };
    written().map_err(|error| match error.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => {
            usage_error(format!("--out: {shown}: {error}"))
        }
        _ => Error::io("write the file", error).into(),
    })
}
