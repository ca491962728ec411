//! Storage `redis`: the entries of a store on a Redis or Valkey server.
//!
//! The key of an entry is the prefix, `entry:`, the user, a zero byte and the name. Its value is a
//! magic number, the revision and the blob. A sorted set, `index`, has all entries in the order of
//! their bytes. All changes are made by scripts, which a server runs one at a time.
//!
//! The user on the server needs these rights, the last two to check that the server keeps entries as
//! long as the option `persistence` says:
//!
//! ```text
//! user keyward on >PASSWORD ~keyward:* -@all +@read +@write +@scripting +@connection +time +info +config|get
//! user default off ~* &* +@all
//! ```
//!
//! The second line switches off the user without a name, but leaves it its rights: with those, servers
//! read their append-only file again after a restart. Without them, servers before the fix of
//! redis/redis#14541 and valkey-io/valkey#3983 drop what a script wrote, without an error.

mod apply;
mod connection;
mod error;
mod list;
mod locks;
mod script;
mod storage;
mod tls;

use std::sync::Arc;
use std::time::Duration;

use keyward_plugin::{Backend, Host, Info, Persistence, Result, SecretRef, options};

use connection::Server;
pub use storage::Redis;

keyward_plugin::register!(storage: Redis);

options! {
    /// Where the server is.
    pub struct Options {
        /// The server: `redis://HOST:PORT/DATABASE`, `rediss://…` for TLS, or `unix:///PATH`.
        pub url: String = "redis://127.0.0.1:6379",
        /// The user, if the server has an access control list.
        pub user: Option<String>,
        /// The password.
        pub password: Option<SecretRef>,
        /// What all keys of the store start with. A cluster keeps keys with the same braces together.
        pub prefix: String = "keyward:{%id%}:",
        /// How long the server keeps entries: for good, until it restarts, or for any time.
        #[choices("durable", "session", "cache")]
        pub persistence: String = "durable",
        /// How long to wait for the server.
        pub timeout: Duration = "10s",
    }
}

impl Backend for Redis {
    const INFO: Info = Info::new("redis", "A Redis or Valkey server");
    type Options = Options;

    fn open(options: Options, host: &Arc<dyn Host>) -> Result<Self> {
        let persistence = match &*options.persistence {
            "session" => Persistence::Session,
            "cache" => Persistence::Cache,
            _ => Persistence::Durable,
        };
        let prefix = options.prefix.clone();
        let server = Server::new(options, persistence, Arc::clone(host))?;
        Ok(Self::new(server, prefix, persistence))
    }
}
