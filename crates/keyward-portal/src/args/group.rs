use std::sync::Arc;

use keyward_core::{Error, Host, PresentedKind, Registry, Result};

use super::{AuthSpec, UsageError, help, type_help};
use crate::{Chain, Expression};

/// Arguments for the command line of a server that lets its operator choose the checkers.
///
/// A server flattens it into its own arguments, prints [`help`](Self::help) if there is any, and
/// exits with [`UsageError::EXIT_CODE`] after an error.
///
/// # Examples
/// ```
/// use clap::Parser;
/// use keyward_portal::AuthArgs;
///
/// #[derive(Parser)]
/// struct Arguments {
///     #[command(flatten)]
///     auth: AuthArgs,
/// }
///
/// let arguments = Arguments::parse_from(["server", "--auth", "htpasswd:/etc/users"]);
/// assert!(arguments.auth.is_given());
/// ```
#[derive(Clone, Debug, Default, clap::Args)]
#[command(about = None, long_about = None)]
#[non_exhaustive]
pub struct AuthArgs {
    /// Check users with this checker; may be given several times, and the order counts
    #[arg(long = "auth", value_name = "TYPE[:ARGS]")]
    pub auth: Vec<String>,
    /// Let a login need a combination, such as "(password and totp) or sshkey"
    #[arg(long = "auth-policy", value_name = "POLICY")]
    pub policy: Option<String>,
    /// Allow mechanisms that are only for old clients: CRAM-MD5, APOP and Perspective Broker
    #[arg(long = "auth-legacy")]
    pub legacy: bool,
    /// Ask the next checker if one is unavailable
    #[arg(long = "auth-skip-unavailable")]
    pub skip_unavailable: bool,
    /// List the checkers
    #[arg(long = "help-auth")]
    pub help_auth: bool,
    /// Describe one checker
    #[arg(long = "help-auth-type", value_name = "TYPE")]
    pub help_auth_type: Option<String>,
}

impl AuthArgs {
    /// Whether a checker is given. A server without one uses those that it chose itself.
    pub fn is_given(&self) -> bool {
        !self.auth.is_empty()
    }

    /// Returns the help that was asked for.
    ///
    /// # Errors
    /// [`UsageError::NotRecognized`].
    pub fn help(
        &self,
        registry: &Registry,
        supported: &[PresentedKind],
    ) -> Result<Option<String>, UsageError> {
        if let Some(name) = &self.help_auth_type {
            return type_help(registry, name, supported).map(Some);
        }
        Ok(self.help_auth.then(|| help(registry, supported)))
    }

    /// Opens the checkers, in the order in which they were given.
    ///
    /// `supported` are the kinds of credentials that the server can ask for.
    ///
    /// # Errors
    /// [`UsageError`].
    pub fn chain(
        &self,
        registry: &Registry,
        host: &Arc<dyn Host>,
        supported: &[PresentedKind],
    ) -> Result<Chain, UsageError> {
        let unexpected = |name: &str| {
            let name = name.to_owned();
            move |error| UsageError::Unexpected { name, error }
        };
        let mut chain = Chain::new();
        for text in &self.auth {
            let spec = AuthSpec::parse(text).map_err(unexpected("checker"))?;
            let checker = spec.open(registry, host, supported)?;
            chain = chain.with(spec.name(), checker);
        }
        if let Some(policy) = &self.policy {
            let policy = Expression::parse(policy).map_err(unexpected("policy"))?;
            chain = chain.with_policy(policy);
        }
        if self.legacy {
            chain = chain.with_legacy();
        }
        if self.skip_unavailable {
            chain = chain.skipping_unavailable();
        }
        chain.check(&[]).map_err(unexpected("policy"))?;
        if self.policy.is_some() && !chain.suffices(supported) {
            let why = "this server cannot ask for everything that the policy needs";
            return Err(unexpected("policy")(Error::invalid("auth", why)));
        }
        Ok(chain)
    }
}
