//! Connections to the server: made when they are needed, kept, and replaced if they are lost.

use std::collections::HashMap;
use std::fmt;
use std::fs;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use keyward_plugin::{Error, ErrorKind, Host, Persistence, Result, Secret, SecretRef};
use redis::{
    Client, Connection, ConnectionAddr, IntoConnectionInfo, RedisConnectionInfo, RedisResult,
    TlsCertificates,
};

use crate::Options;
use crate::error::failed;

/// How many connections are kept.
const KEPT: usize = 8;

/// A server, and the way to it.
pub(crate) struct Server {
    client: Client,
    database: i64,
    user: Option<String>,
    password: Option<SecretRef>,
    /// The password, once it was needed.
    known_password: Mutex<Option<Secret>>,
    persistence: Persistence,
    /// Whether the server keeps entries for as long as the options say.
    is_checked: AtomicBool,
    patience: Duration,
    host: Arc<dyn Host>,
    idle: Mutex<Vec<Connection>>,
}

impl Server {
    /// Prepares for a server. It does not connect.
    pub(crate) fn new(
        options: Options,
        persistence: Persistence,
        host: Arc<dyn Host>,
    ) -> Result<Self> {
        let client = client(&options)?;
        let info = client.get_connection_info().redis_settings().clone();
        // This storage sends the password itself: the client would keep it, and would report a server
        // that has too many clients as one that does not accept the password.
        let client_info = client
            .get_connection_info()
            .clone()
            .set_redis_settings(RedisConnectionInfo::default().set_skip_set_lib_name());
        Ok(Self {
            client: Client::open(client_info).map_err(|error| failed("options", &error))?,
            database: info.db(),
            user: options.user,
            password: options.password,
            known_password: Mutex::default(),
            persistence,
            is_checked: AtomicBool::new(false),
            patience: Duration::from_secs(options.timeout),
            host,
            idle: Mutex::default(),
        })
    }

    /// Does some work with a connection. If the connection breaks, it does the work once more with a
    /// new one: so the work must not do harm if it is done twice.
    pub(crate) fn run<T>(
        &self,
        operation: &'static str,
        work: impl Fn(&mut Connection) -> RedisResult<T>,
    ) -> Result<T> {
        let until = Instant::now() + self.time_left();
        let idle = self.idle.lock()?.pop();
        let mut connection = idle.map_or_else(|| self.connect(operation, until), Ok)?;
        let mut result = set_time(&connection, until).and_then(|()| work(&mut connection));
        if result.as_ref().is_err_and(|error| error.is_io_error() && !error.is_timeout()) {
            connection = self.connect(operation, until)?;
            result = set_time(&connection, until).and_then(|()| work(&mut connection));
        }
        // After any other error, too, an answer could still be on its way.
        if result.is_ok() {
            let mut idle = self.idle.lock()?;
            if idle.len() < KEPT {
                idle.push(connection);
            }
        }
        result.map_err(|error| failed(operation, &error))
    }

    /// How long the server may take.
    pub(crate) fn time_left(&self) -> Duration {
        self.host.remaining().map_or(self.patience, |left| left.min(self.patience))
    }

    fn connect(&self, operation: &'static str, until: Instant) -> Result<Connection> {
        let connect = || self.client.get_connection_with_timeout(rest(until));
        let mut connection = connect().map_err(|error| failed(operation, &error))?;
        match self.greet(operation, &mut connection, until) {
            // The password may have been changed since it was read.
            Err(error) if error.kind() == ErrorKind::Unauthorized && self.forget_password()? => {
                connection = connect().map_err(|error| failed(operation, &error))?;
                self.greet(operation, &mut connection, until)?;
            }
            result => result?,
        }
        Ok(connection)
    }

    /// Sends the password, selects the database and, the first time, checks the server, in one round
    /// trip.
    fn greet(
        &self,
        operation: &'static str,
        connection: &mut Connection,
        until: Instant,
    ) -> Result<()> {
        let mut greeting = redis::pipe();
        if let Some(password) = self.password(operation)? {
            greeting.cmd("AUTH").arg(self.user.as_deref()).arg(password.expose()).ignore();
        }
        if self.database != 0 {
            greeting.cmd("SELECT").arg(self.database).ignore();
        }
        let check = !self.is_checked.load(Ordering::Relaxed);
        if check {
            greeting.cmd("INFO").arg("memory");
            greeting.cmd("CONFIG").arg("GET").arg("append*");
        }
        set_time(connection, until).map_err(|error| failed(operation, &error))?;
        if check {
            let answers = greeting.query(connection);
            let (memory, disk) = answers.map_err(|error| failed(operation, &error))?;
            self.check(operation, memory, &disk)?;
            self.is_checked.store(true, Ordering::Relaxed);
            return Ok(());
        }
        greeting.exec(connection).map_err(|error| failed(operation, &error))
    }

    /// Checks that the server keeps entries as long as the option `persistence` says.
    fn check(
        &self,
        operation: &'static str,
        memory: String,
        disk: &HashMap<String, String>,
    ) -> Result<()> {
        let is = |line: &str| memory.lines().any(|found| found == line);
        let evicts = !is("maxmemory:0") && !is("maxmemory_policy:noeviction");
        let has = |name: &str, value: &str| disk.get(name).is_some_and(|found| found == value);
        // With `appendfsync everysec`, a server that is killed loses changes that it acknowledged. A key
        // may have been deleted because of one of them.
        let is_durable = has("appendonly", "yes") && has("appendfsync", "always");
        let (why, hint) = match self.persistence {
            Persistence::Cache => return Ok(()),
            _ if evicts => (
                "the server evicts entries when its memory is full",
                "Set the server's `maxmemory-policy` to `noeviction`, or the option `persistence` to `cache`",
            ),
            Persistence::Durable if !is_durable => (
                "the server acknowledges changes before they are on its disk",
                "Set the server's `appendonly` to `yes` and its `appendfsync` to `always`, or the option `persistence` to `session`",
            ),
            _ => return Ok(()),
        };
        Err(Error::new(ErrorKind::Refused, operation).because(why).hint(hint))
    }

    fn password(&self, operation: &'static str) -> Result<Option<Secret>> {
        let Some(reference) = &self.password else { return Ok(None) };
        let mut known = self.known_password.lock()?;
        if known.is_none() {
            let secret = self.host.secret(reference)?;
            if secret.expose().is_empty() {
                return Err(
                    Error::new(ErrorKind::NoKey, operation).because("the password is empty")
                );
            }
            *known = Some(Secret::from(secret.expose()));
        }
        Ok(known.clone())
    }

    /// Forgets the password. Returns whether there was one.
    fn forget_password(&self) -> Result<bool> {
        Ok(self.known_password.lock()?.take().is_some())
    }
}

/// Shows nothing of the server's address, which contains names of a network.
impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server").field("persistence", &self.persistence).finish_non_exhaustive()
    }
}

fn client(options: &Options) -> Result<Client> {
    let invalid = |why: &str| Error::invalid("options", why.to_owned());
    let url = options.url.as_str();
    let info =
        url.into_connection_info().map_err(|_| invalid("`url` is not the URL of a server"))?;
    let settings = info.redis_settings();
    if settings.username().is_some() || settings.password().is_some() {
        return Err(invalid("`url` contains a user or a password")
            .hint("Use the options `user` and `password`"));
    }
    match info.addr() {
        ConnectionAddr::TcpTls { insecure: true, .. } => {
            return Err(invalid("`url` says that TLS is not verified"));
        }
        ConnectionAddr::TcpTls { .. } => {}
        _ if options.ca_file.is_some() => {
            return Err(invalid("`ca_file` needs a URL with rediss://"));
        }
        _ => return Client::open(info).map_err(|error| failed("options", &error)),
    }
    // The cipher suites of this library. Another crate may have chosen them already.
    drop(rustls::crypto::ring::default_provider().install_default());
    let read = |path| fs::read(path).map_err(|error| Error::io("open", error));
    let root_cert = options.ca_file.as_ref().map(read).transpose()?;
    let client = Client::build_with_tls(info, TlsCertificates { client_tls: None, root_cert });
    client.map_err(|_| invalid("`ca_file` contains no valid certificate"))
}

/// Limits every wait on a connection to the time that is left.
fn set_time(connection: &Connection, until: Instant) -> RedisResult<()> {
    connection.set_read_timeout(Some(rest(until)))?;
    connection.set_write_timeout(Some(rest(until)))
}

/// The time that is left; never zero, which would mean no limit.
fn rest(until: Instant) -> Duration {
    until.saturating_duration_since(Instant::now()).max(Duration::from_millis(1))
}
