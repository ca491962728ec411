//! Connections to the server: made when they are needed, kept, and replaced if they are lost.

use std::collections::HashMap;
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use keyward_plugin::{Error, ErrorKind, Host, Loaded, Persistence, Result, Secret, SecretRef};
use redis::{
    Client, Connection, ConnectionAddr, ConnectionInfo, IntoConnectionInfo, RedisConnectionInfo,
    RedisResult, TlsCertificates,
};

use crate::Options;
use crate::error::failed;
use crate::tls;

/// How many connections are kept.
const KEPT: usize = 8;

/// A server, and the way to it.
pub(crate) struct Server {
    address: ConnectionInfo,
    database: i64,
    user: Option<String>,
    password: Option<SecretRef>,
    /// The password, once it was needed.
    known_password: Mutex<Option<Loaded>>,
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
        let address = address(&options.url)?;
        let database = address.redis_settings().db();
        // This storage sends the password itself: the client would keep it, and would report a server
        // that has too many clients as one that does not accept the password.
        let settings = RedisConnectionInfo::default().set_skip_set_lib_name();
        Ok(Self {
            address: address.set_redis_settings(settings),
            database,
            user: options.user,
            password: options.password,
            known_password: Mutex::default(),
            persistence,
            is_checked: AtomicBool::new(false),
            patience: options.timeout,
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
        let client = self.client(operation)?;
        let connect = || client.get_connection_with_timeout(rest(until));
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

    /// Returns a client that trusts what the host trusts now.
    fn client(&self, operation: &'static str) -> Result<Client> {
        let address = self.address.clone();
        let client = match address.addr() {
            ConnectionAddr::TcpTls { .. } => {
                let root_cert = Some(tls::roots(operation, &*self.host)?);
                Client::build_with_tls(address, TlsCertificates { client_tls: None, root_cert })
            }
            _ => Client::open(address),
        };
        client.map_err(|_| {
            Error::invalid(operation, "a certificate that TLS should trust is not valid")
        })
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
        let is_valid = |it: &Loaded| it.expires.is_none_or(|end| end > self.host.now());
        if !known.as_ref().is_some_and(is_valid) {
            let secret = self.host.secret(reference)?;
            if secret.expose().is_empty() {
                return Err(
                    Error::new(ErrorKind::NoKey, operation).because("the password is empty")
                );
            }
            *known = Some(secret);
        }
        Ok(known.as_ref().map(|it| it.secret.clone()))
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

fn address(url: &str) -> Result<ConnectionInfo> {
    let invalid = |why: &str| Error::invalid("options", why.to_owned());
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
        ConnectionAddr::TcpTls { .. } => tls::choose_provider(),
        _ => {}
    }
    Ok(info)
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
