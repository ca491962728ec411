//! The configuration: one TOML file, or flags.

pub mod address;
pub mod section;

use std::path::{Path, PathBuf};
use std::time::Duration;

use keyward_config::TomlFile;
use keyward_core::{Error, Result};

use address::Address;
use section::Section;

use crate::bouncer::BouncerConfig;
use crate::forward::config::ForwardConfig;
use crate::listen::Service;
use crate::log::Format;
use crate::mail::config::MailConfig;
use crate::rpc::config::RpcConfig;

/// What the server does. Each service reads its own section.
#[derive(Debug, Default)]
pub struct Config {
    /// The bouncers, by which services decide about clients.
    pub bouncers: Vec<BouncerConfig>,
    /// The store in which keycards are kept, and all that copies of the server must know; `None` for
    /// this process.
    pub keycards: Option<String>,
    /// How lines of the log are written.
    pub log: Format,
    /// The file of the audit log.
    pub audit: Option<PathBuf>,
    /// Limits.
    pub limits: Limits,
    /// Forward-auth.
    pub forward: Option<ForwardConfig>,
    /// Mail servers.
    pub mail: MailConfig,
    /// Requesters of keycards.
    pub rpc: RpcConfig,
    /// Where the state of the server and its metrics are shown.
    pub status: Vec<Address>,
}

/// Limits of the server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The most connections at once, of all services.
    pub connections: usize,
    /// The threads for work that blocks.
    pub threads: usize,
    /// How long a decision may take.
    pub decision: Duration,
    /// How long a peer may take to send the head of a request, and how long a connection may be idle.
    pub idle: Duration,
    /// How long open requests may take when the server stops.
    pub stop: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 4096,
            threads: 16,
            decision: Duration::from_secs(30),
            idle: Duration::from_secs(75),
            stop: Duration::from_secs(10),
        }
    }
}

const TOP: &[&str] = &[
    "version", "keycards", "log", "audit", "limits", "status", "bouncer", "forward", "mail", "rpc",
];

const LIMITS: &[&str] = &["connections", "threads", "decision", "idle", "stop"];

impl Config {
    /// Reads a file.
    ///
    /// # Errors
    /// - [`Refused`](keyward_core::ErrorKind::Refused) if other users can write the file.
    /// - [`Invalid`](keyward_core::ErrorKind::Invalid), with the line, if it is wrong, or if there is
    ///   no such file.
    pub fn read(path: &Path) -> Result<Self> {
        match TomlFile::read(path)? {
            Some(file) => Self::parse(&file),
            None => Err(Error::invalid("config", format!("there is no file {}", path.display()))
                .hint("Name the configuration with --config")),
        }
    }

    /// Reads the text of a file.
    ///
    /// # Errors
    /// [`Invalid`](keyward_core::ErrorKind::Invalid), with the line.
    pub fn parse(file: &TomlFile) -> Result<Self> {
        let table = file.parse()?;
        file.check_version(&table)?;
        let top = Section::top(file, &table, TOP)?;
        let mut config = Self {
            bouncers: BouncerConfig::read_all(&top)?,
            keycards: top.text("keycards")?,
            forward: None,
            mail: MailConfig::default(),
            rpc: RpcConfig::read(&top)?,
            log: top.parsed("log", Format::parse)?.unwrap_or_default(),
            audit: top.text("audit")?.map(PathBuf::from),
            limits: limits(&top)?,
            status: top.all_parsed("status", Address::parse)?,
        };
        config.forward = ForwardConfig::read(&top, |section| config.bouncer_of(section))?;
        config.mail = MailConfig::read(&top, |section| config.bouncer_of(section))?;
        Ok(config)
    }

    /// Returns each place to listen, with the service there.
    pub fn listeners(&self) -> Vec<(Service, Address)> {
        let status = self.status.iter().map(|address| (Service::Status, address.clone()));
        let forward = self.forward.iter().flat_map(|forward| &forward.listen);
        let forward = forward.map(|address| (Service::Forward, address.clone()));
        let login = self.forward.iter().filter_map(|forward| forward.login.as_ref());
        let login = login.flat_map(|login| &login.listen).map(|it| (Service::Login, it.clone()));
        let rpc = self.rpc.listen.iter().map(|address| (Service::Rpc, address.clone()));
        status.chain(forward).chain(self.mail.listeners()).chain(rpc).chain(login).collect()
    }

    /// Checks that a section names a bouncer that there is.
    ///
    /// # Errors
    /// [`Invalid`](keyward_core::ErrorKind::Invalid), with the line.
    pub fn bouncer_of(&self, section: &Section<'_>) -> Result<String> {
        let name = section.required("bouncer")?;
        match self.bouncers.iter().any(|bouncer| bouncer.name == name) {
            true => Ok(name),
            false => {
                let known = self.bouncers.iter().map(|bouncer| bouncer.name.as_str());
                let error = section.wrong("bouncer", "there is no [[bouncer]] of this name");
                Err(match keyward_config::nearest(&name, known) {
                    Some(hint) => error.hint(hint),
                    None => error,
                })
            }
        }
    }
}

fn limits(top: &Section<'_>) -> Result<Limits> {
    let Some(section) = top.section("limits", "the limits", LIMITS)? else {
        return Ok(Limits::default());
    };
    let built_in = Limits::default();
    Ok(Limits {
        connections: section.number("connections", 1..=1_000_000)?.unwrap_or(built_in.connections),
        threads: section.number("threads", 1..=1024)?.unwrap_or(built_in.threads),
        decision: section.duration("decision")?.unwrap_or(built_in.decision),
        idle: section.duration("idle")?.unwrap_or(built_in.idle),
        stop: section.duration("stop")?.unwrap_or(built_in.stop),
    })
}

#[cfg(test)]
mod tests;
