//! `keyward curl`: runs curl with the credential that its URL needs.

mod config;
mod words;

use std::ffi::OsString;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

use keyward::{Bound, Keyward};
use keyward_core::{Error, ErrorKind, Origin, Result};
use keyward_fs::open_in_memory;
use keyward_origin::Target;
use keyward_provider::{Auth, Provider, Providers};

use super::Run;
use crate::harden;
use crate::output::print_message;
use crate::session::Session;
use crate::stop::{Outcome, usage_error};
use words::Words;

/// Run curl with the credential that its URL needs
#[derive(clap::Parser)]
#[command(
    after_help = "The credential is the one that a provider names, and it goes to curl through an open file descriptor.
curl does not read ~/.curlrc.

Example:
  keyward curl -- https://api.example.org/items
  keyward curl -- -fsS -X POST --json '{}' https://api.example.org/items"
)]
pub(super) struct Arguments {
    /// Use this credential instead of the one that a provider names
    #[arg(long, value_name = "NAME")]
    credential: Option<String>,
    /// The arguments of curl, with one or more URLs of the same server
    #[arg(required = true, last = true, value_name = "ARGS")]
    arguments: Vec<OsString>,
}

impl Run for Arguments {
    fn run(self, session: &Session) -> Outcome {
        let words = Words::parse(&self.arguments)?;
        let targets = words.urls.iter().map(|url| Target::parse(url));
        let targets: Vec<_> = targets.collect::<Result<_>>()?;
        let origin = one_origin(&targets)?;
        let session = session.giving_to("curl".into());
        let keyward = session.keyward()?;
        let providers = keyward.providers_in(Path::new("."))?;
        let mut curl = Command::new("curl");
        // A configuration of curl could send the credential elsewhere. A pattern of URLs would be more
        // URLs than those that have a provider. A proxy gets no credential of the server.
        curl.args(["--disable", "--globoff", "--path-as-is", "--proxytunnel"]);
        if let [file] = keyward.config().network()?.root_files.as_slice() {
            curl.args(["--cacert", file]);
        }
        let found = find(&keyward, &providers, &targets, self.credential.as_deref())?;
        // The file must be open when curl starts.
        let mut file = None;
        if let Some((provider, bound)) = found {
            let config = config::lines(&keyward, &provider, &bound.record, &targets[0], &words)?;
            bound.give_out()?;
            let (open, path) = open_in_memory(&config)?;
            curl.arg("--config").arg(path);
            file = Some(open);
        }
        if origin.is_loopback() {
            curl.args(["--noproxy", "*"]);
        }
        harden::restore_core_limit();
        let error = curl.args(&self.arguments).exec();
        drop(file);
        Err(Error::new(ErrorKind::Unavailable, "curl")
            .because(format!("curl does not start: {error}"))
            .hint("Is it installed?")
            .into())
    }
}

/// Returns the origin of all targets.
fn one_origin(targets: &[Target]) -> Outcome<&Origin> {
    let first = targets.first().ok_or_else(|| {
        usage_error("there is no URL among the arguments of curl: write it with its scheme")
    })?;
    match targets.iter().find(|target| target.origin() != first.origin()) {
        None => Ok(first.origin()),
        Some(other) => Err(usage_error(format!(
            "{} and {} are different servers: run curl for each of them",
            first.origin(),
            other.origin()
        ))),
    }
}

/// Returns the credential for all targets, and how to use it; `None` if they need none.
fn find(
    keyward: &Keyward,
    providers: &Providers,
    targets: &[Target],
    name: Option<&str>,
) -> Outcome<Option<(Provider, Bound)>> {
    let mut found: Option<(Option<Provider>, Option<Bound>)> = None;
    for target in targets {
        let matching = providers.matching(target);
        let provider = matching.first().map(|(_, provider)| (*provider).clone());
        let bound = match name {
            _ if provider.as_ref().is_some_and(|it| it.auth == Auth::Never) => None,
            Some(name) => Some(keyward.bound(target, name)?),
            None => match keyward.provided(providers, target) {
                Err(error) if error.kind() == ErrorKind::NotFound => {
                    print_message(&format!("warning: curl gets no credential: {error}"));
                    None
                }
                found => found?,
            },
        };
        let next = (provider, bound);
        let names = |(provider, bound): &(Option<Provider>, Option<Bound>)| {
            let bound = bound.as_ref().map(|bound| bound.name.clone());
            (provider.as_ref().map(|provider| provider.name.clone()), bound)
        };
        if found.as_ref().is_some_and(|first| names(first) != names(&next)) {
            return Err(usage_error(
                "the URLs need different credentials: run curl for each of them",
            ));
        }
        found = Some(next);
    }
    let Some((provider, Some(bound))) = found else { return Ok(None) };
    let provider = provider.unwrap_or_else(|| Provider::for_origin(targets[0].origin()));
    Ok(Some((provider, bound)))
}
