//! One connection to the server.

use std::sync::Arc;
use std::time::{Duration, Instant};

use keyward_plugin::{Denial, Error, ErrorKind, Result};
use ldap3::{LdapConn, LdapConnSettings, LdapError, LdapResult, Scope, SearchEntry, SearchOptions};
use rustls::ClientConfig;

use crate::refusal::denial;
use crate::{Options, unavailable};

/// The entry of a user.
pub(crate) struct Found {
    pub(crate) name: String,
    pub(crate) identity: Option<String>,
}

pub(crate) struct Session {
    connection: LdapConn,
    end: Instant,
}

impl Session {
    /// Connects, with TLS if there is a configuration for it.
    pub(crate) fn connect(
        options: &Options,
        tls: Option<&Arc<ClientConfig>>,
        limit: Duration,
    ) -> Result<Self> {
        let end = Instant::now() + limit;
        let mut settings =
            LdapConnSettings::new().set_conn_timeout(limit).set_starttls(options.start_tls);
        if let Some(tls) = tls {
            settings = settings.set_config(tls.clone());
        }
        let connection = LdapConn::with_settings(settings, &options.url).map_err(failed)?;
        Ok(Self { connection, end })
    }

    /// The connection, for one operation in the time that is left.
    fn within(&mut self) -> Result<&mut LdapConn> {
        let left = self.end.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(unavailable("the server takes too long"));
        }
        Ok(self.connection.with_timeout(left))
    }

    /// Binds as the entry that searches.
    pub(crate) fn bind_to_search(&mut self, name: &str, password: &str) -> Result<()> {
        let result = self.within()?.simple_bind(name, password).map_err(failed)?;
        match result.rc {
            0 => Ok(()),
            49 => Err(Error::new(ErrorKind::Unauthorized, "bind")
                .because("the server refuses `bind_dn` and `bind_password`")),
            _ => Err(refused(&result)),
        }
    }

    /// Binds as the entry of a user. Returns why the user is not let in, if that is so.
    pub(crate) fn bind(&mut self, name: &str, password: &str) -> Result<Option<Denial>> {
        let result = self.within()?.simple_bind(name, password).map_err(failed)?;
        match result.rc {
            0 => Ok(None),
            _ => denial(&result).map(Some).ok_or_else(|| refused(&result)),
        }
    }

    /// Searches for the entry of a user. Several are an error.
    pub(crate) fn find(
        &mut self,
        base: &str,
        scope: Scope,
        filter: &str,
        attribute: &str,
    ) -> Result<Option<Found>> {
        let connection = self.within()?;
        connection.with_search_options(SearchOptions::new().sizelimit(2));
        let found = connection.search(base, scope, filter, [attribute]).map_err(failed)?;
        let (entries, result) = (found.0, found.1);
        // 4 means that there are more than two.
        if entries.len() > 1 || result.rc == 4 {
            return Err(unavailable("more than one entry matches the name of the user"));
        }
        if result.rc != 0 {
            return Err(refused(&result));
        }
        let Some(entry) = entries.into_iter().next().map(SearchEntry::construct) else {
            return Ok(None);
        };
        // A bind with an empty name succeeds without a password.
        if entry.dn.is_empty() {
            return Err(unavailable("the entry of the user has no name"));
        }
        // If there are several, always the same one.
        let mut all = entry.attrs.into_iter();
        let values = all.find(|(name, _)| name.eq_ignore_ascii_case(attribute));
        let identity = values.and_then(|(_, values)| values.into_iter().min());
        Ok(Some(Found { name: entry.dn, identity }))
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        // The server notices the end of the connection anyway.
        let _ = self.connection.unbind();
    }
}

/// Makes the error for an answer of the server that says nothing about the user.
fn refused(result: &LdapResult) -> Error {
    let why = match result.rc {
        8 | 13 => "the server requires TLS".to_owned(),
        10 => "the server refers to another one, which is not asked".to_owned(),
        32 => "the server has no entry `base`".to_owned(),
        code => format!("the server answers with the code {code}"),
    };
    Error::new(ErrorKind::Unavailable, "check").because(why)
}

/// Drops the text of an error that could contain what the server sent.
fn failed(error: LdapError) -> Error {
    let why = match &error {
        LdapError::Timeout { .. } => "the server takes too long",
        LdapError::Rustls { .. } | LdapError::DNSName { .. } => "TLS with the server failed",
        LdapError::Io { .. } => "the server cannot be reached, or its certificate is not trusted",
        LdapError::LdapResult { .. } => "the server refuses StartTLS",
        _ => "the connection to the server failed",
    };
    let failed = unavailable(why);
    match error {
        LdapError::Io { source } => failed.caused_by(source),
        _ => failed,
    }
}
