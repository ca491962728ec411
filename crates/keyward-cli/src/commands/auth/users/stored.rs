//! What is stored for a password.

use keyward_core::{Error, ErrorKind, Secret};
use keyward_verifier::files::Format;
use keyward_verifier::ha1;
use keyward_verifier::hash::{self, Scheme};
use keyward_verifier::scram::{self, Scram};

use crate::stop::{Outcome, usage_error, usage_error_with_hint};

/// How the password is hashed.
#[derive(clap::Args)]
pub(super) struct SchemeArguments {
    /// How the password is hashed [default: bcrypt in files of htpasswd, argon2id in those of Dovecot
    /// and in stores, scram-sha-256 in those of SCRAM]
    #[arg(long, value_name = "SCHEME")]
    scheme: Option<String>,
    /// The cost: log2 of the rounds for bcrypt, KiB of memory for Argon2, log2 of N for scrypt and
    /// yescrypt, the number of rounds for the others
    #[arg(long, value_name = "N")]
    cost: Option<u32>,
    /// Accept a scheme from whose hashes passwords can be guessed
    #[arg(long)]
    legacy: bool,
}

impl SchemeArguments {
    /// Returns what makes the hash of a password in a store.
    pub(super) fn for_store(&self) -> Outcome<Maker<'static>> {
        let name = self.scheme.clone().or_else(|| Some("argon2id".into()));
        let arguments = Self { scheme: name, ..*self };
        match arguments.maker(&Format::Htpasswd, None)? {
            Maker::Hash { scheme, cost, .. } => Ok(Maker::Hash { scheme, cost, prefixed: false }),
            _ => Err(usage_error("use --scram and --realm for SCRAM and Digest")),
        }
    }
}

/// Makes what is stored.
pub(super) enum Maker<'a> {
    Hash { scheme: Scheme, cost: Option<u32>, prefixed: bool },
    Scram { algorithm: scram::Algorithm, iterations: u32, prefixed: bool },
    Digest { realm: &'a str },
}

impl SchemeArguments {
    /// Checks that the format can contain what the options say.
    pub(super) fn maker<'a>(&self, format: &Format, realm: Option<&'a str>) -> Outcome<Maker<'a>> {
        let prefixed = *format == Format::Dovecot;
        let name = match (format, self.scheme.as_deref(), realm) {
            (Format::Htdigest, None, Some(realm)) if self.cost.is_none() => {
                return Ok(Maker::Digest { realm });
            }
            (Format::Htdigest, None, None) => {
                return Err(usage_error("a file of htdigest needs --realm"));
            }
            (Format::Htdigest, ..) => {
                return Err(usage_error("a file of htdigest has no scheme and no cost"));
            }
            (_, _, Some(_)) => return Err(usage_error("--realm is for files of htdigest")),
            (_, Some(name), None) => name,
            (Format::Scram, None, None) => "scram-sha-256",
            (Format::Dovecot, None, None) => "argon2id",
            (_, None, None) => "bcrypt",
        };
        if let Some(algorithm) = scram::Algorithm::from_name(&name.to_ascii_uppercase()) {
            if *format == Format::Htpasswd {
                return Err(usage_error(format!("a file of htpasswd cannot contain {name}")));
            }
            let iterations = self.cost.unwrap_or(scram::ITERATIONS);
            return Ok(Maker::Scram { algorithm, iterations, prefixed });
        }
        let Some(scheme) = Scheme::from_name(name) else {
            let known = Scheme::ALL.iter().map(|scheme| scheme.name());
            let known = known.chain(["scram-sha-256", "scram-sha-1"]);
            return Err(usage_error_with_hint(format!("there is no scheme {name:?}"), name, known));
        };
        if *format == Format::Scram {
            return Err(usage_error(format!("a file of SCRAM verifiers cannot contain {name}")));
        }
        if prefixed && scheme.prefix().is_none() {
            return Err(usage_error(format!("Dovecot does not know {name}")));
        }
        if scheme.is_fast() && !self.legacy {
            let why = format!("passwords can be guessed from hashes of {name}");
            let error = Error::new(ErrorKind::Refused, "usage").because(why);
            return Err(error.hint("--legacy accepts it nevertheless").into());
        }
        Ok(Maker::Hash { scheme, cost: self.cost, prefixed })
    }
}

impl Maker<'_> {
    /// Returns what is stored for the password of this user.
    pub(super) fn make(&self, user: &str, password: &Secret) -> keyward_core::Result<Secret> {
        match self {
            Self::Hash { scheme, cost, prefixed } => {
                let hash = hash::make(*scheme, password, *cost)?;
                let prefix = scheme.prefix().unwrap_or_default();
                match *prefixed && !hash.expose().starts_with(b"{") {
                    true => Ok(Secret::from([prefix.as_bytes(), hash.expose()].concat())),
                    false => Ok(hash),
                }
            }
            Self::Scram { algorithm, iterations, prefixed } => {
                let scram = Scram::make(*algorithm, password, *iterations)?;
                Ok(if *prefixed { scram.write_prefixed() } else { scram.write() })
            }
            Self::Digest { realm } => {
                check_for_digest(password)?;
                Ok(ha1::compute(ha1::Algorithm::Md5, user, realm, password))
            }
        }
    }
}

fn check_for_digest(password: &Secret) -> keyward_core::Result<()> {
    match password.is_empty() {
        true => Err(Error::invalid("usage", "the password is empty")),
        false => Ok(()),
    }
}
