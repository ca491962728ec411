//! `keyward netrc`: prints a credential in the form of a netrc file.

use std::path::Path;

use keyward::Bound;
use keyward_core::{Error, ErrorKind, Record, Result, Secret, printable};
use keyward_kinds::{fields, names};
use keyward_origin::Target;

use super::Run;
use crate::output::print_secret;
use crate::session::Session;
use crate::stop::Outcome;

/// Print the credential that a URL needs in the form of a netrc file
#[derive(clap::Parser)]
#[command(
    after_help = "A netrc file says for which host a credential is, but not for which scheme and port. So the URL
must have the standard port of https or of another scheme.

Example:
  curl --netrc-file <(keyward netrc https://example.org) https://example.org/data"
)]
pub(super) struct Arguments {
    /// The URL
    url: String,
    /// Use this credential instead of the one that a provider names
    #[arg(long, value_name = "NAME")]
    credential: Option<String>,
}

impl Run for Arguments {
    fn run(self, session: &Session) -> Outcome {
        let target = Target::parse(&self.url)?;
        let keyward = session.keyward()?;
        let found = match &self.credential {
            Some(name) => Some(keyward.bound(&target, name)?),
            None => keyward.provided(&keyward.providers_in(Path::new("."))?, &target)?,
        };
        let bound = found.ok_or_else(|| {
            Error::not_found("netrc")
                .because(format!("no provider names a credential for {}", target.origin()))
        })?;
        let line = line(&bound, &target)?;
        bound.give_out()?;
        print_secret(&line, true)
    }
}

/// Returns the line for one host.
fn line(bound: &Bound, target: &Target) -> Result<Secret> {
    let origin = target.origin();
    let text = origin.to_string();
    let (_, host) = text.split_once("://").expect("an origin is written with `://`");
    if host != origin.host {
        return Err(refused(format!("a netrc file cannot say that the credential is for {host}")));
    }
    let record = &bound.record;
    if record.kind != names::USER_PASSWORD {
        let kind = printable(&record.kind);
        return Err(refused(format!("a netrc file contains passwords, and this is a `{kind}`")));
    }
    let (username, password) = (value(record, fields::USERNAME)?, value(record, fields::PASSWORD)?);
    Ok(Secret::from(
        [b"machine ", host.as_bytes(), b" login ", username, b" password ", password].concat(),
    ))
}

/// Returns a value that all readers of netrc files read alike. They disagree about quotes, escapes and
/// comments.
fn value<'a>(record: &'a Record, name: &str) -> Result<&'a [u8]> {
    let field = record.field(name).ok_or_else(|| refused(format!("the record has no {name}")))?;
    let value = field.value.expose();
    let is_plain =
        |byte: &u8| byte.is_ascii_graphic() && !matches!(byte, b'"' | b'\'' | b'\\' | b'#');
    if value.is_empty() || !value.iter().all(is_plain) {
        return Err(refused(format!(
            "the {name} contains a character that readers of netrc files read differently"
        )));
    }
    Ok(value)
}

fn refused(why: String) -> Error {
    Error::new(ErrorKind::Unsupported, "netrc")
        .because(why)
        .hint("Use `keyward curl` or `keyward fetch`")
}
