//! OAuth tokens that are good when they are handed out.

use std::sync::Arc;
use std::time::Duration;

use keyward_config::now;
use keyward_core::{EntryId, Error, Record, Result, printable};
use keyward_http::{Client, Limits};
use keyward_kinds::{fields, names};
use keyward_oauth2::{Provider, Tokens, Wanted};

use crate::facade::Keyward;
use crate::open_store::OpenStore;

/// How long a server may take to answer. To give up early could cost a token: the server may have
/// replaced the refresh token already.
const PATIENCE: Duration = Duration::from_secs(130);

impl Keyward {
    /// Returns what asks OAuth servers for tokens. It trusts the certificates and uses the proxies
    /// of the configuration.
    ///
    /// # Errors
    /// Those of [`Config::network`](keyward_config::Config::network).
    pub fn tokens(&self) -> Result<Tokens> {
        let limits = Limits { total: PATIENCE, ..Limits::default() };
        Ok(Tokens::new(Arc::new(Client::new(self.config.network()?).with_limits(limits)), now))
    }

    /// Returns the settings of an OAuth server: those in the file `oauth/NAME.toml` of the
    /// configuration, else the bundled ones.
    ///
    /// # Errors
    /// [`Invalid`](keyward_core::ErrorKind::Invalid) if there are none of this name, or the file is
    /// wrong; [`Refused`](keyward_core::ErrorKind::Refused) for a file that other users can write.
    pub fn oauth_provider(&self, name: &str) -> Result<Provider> {
        if let Some(table) = self.config.table("oauth", name)? {
            return Provider::parse(&table.text, &table.from);
        }
        Provider::bundled(name).ok_or_else(|| {
            let known: Vec<_> = Provider::bundled_names().collect();
            Error::invalid("login", format!("there is no OAuth provider `{}`", printable(name)))
                .hint(format!("Keyward knows {}; --issuer takes any other", known.join(", ")))
        })
    }

    /// Returns the record of an entry, and refreshes its OAuth token first if that is due.
    ///
    /// # Errors
    /// Those of the store, and of [`Tokens::get`].
    pub fn fresh(&self, store: &OpenStore, id: &EntryId, record: Record) -> Result<Record> {
        let has = |name| record.field(name).is_some();
        let is_client = record.kind == names::OAUTH2
            && (has(fields::TOKEN_URL) || has(fields::DEVELOPER_TOKEN_URL));
        if !is_client || Tokens::is_good(&record, store.now()) {
            return Ok(record);
        }
        self.tokens()?.get(&**store, id, Wanted::Good)
    }
}
