//! A Redis server of a test: on a free port of this machine, with a private folder, until it is
//! dropped or the test's process ends.
#![expect(clippy::disallowed_methods, reason = "these files need not survive a power cut")]

use std::fs;
use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// The user of the storage.
pub(crate) const USER: &str = "keyward";

/// The password of that user.
pub(crate) const PASSWORD: &str = "a made-up password of a server";

/// What the user may do.
pub(crate) const RIGHTS: &str =
    "~keyward:* -@all +@read +@write +@scripting +@connection +time +info +config|get";

/// What the configuration of a server with TLS contains.
const TLS: &str = "tls-port PORT";

/// A running server.
#[derive(Debug)]
pub(crate) struct Server {
    /// The shell that ends the server when its standard input ends.
    shell: Child,
    pid: String,
    pub(crate) port: u16,
    folder: PathBuf,
    /// What its configuration has besides the usual lines.
    lines: String,
}

impl Server {
    /// Starts a server in this folder, with these lines in its configuration after the usual ones.
    pub(crate) fn start(folder: &Path, lines: &str) -> Self {
        for _ in 0..10 {
            let port = free_port();
            if let Some(server) = Self::start_on(port, folder, lines) {
                return server;
            }
        }
        panic!("the server does not start: {}", log(folder));
    }

    /// Starts a server on this port; `None` if it ends again, because the port is taken.
    fn start_on(port: u16, folder: &Path, lines: &str) -> Option<Self> {
        fs::create_dir_all(folder).unwrap();
        let folder = folder.canonicalize().unwrap();
        let usual = format!(
            "bind 127.0.0.1\nport {}\ndir {}\nlogfile log\nsave \"\"\nappendonly yes\n\
             appendfsync always\n             user default off ~* &* +@all\nuser {USER} on \">{PASSWORD}\" {RIGHTS}\n\
             user admin on nopass ~* &* +@all\n",
            if lines.contains(TLS) { 0 } else { port },
            folder.display(),
        );
        let own = lines.replace("PORT", &port.to_string());
        fs::write(folder.join("redis.conf"), usual + &own).unwrap();
        let script =
            "redis-server \"$0\" & echo $!; cat >/dev/null; kill -9 $! 2>/dev/null; wait $!";
        let mut shell = Command::new("sh")
            .args(["-c", script])
            .arg(folder.join("redis.conf"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut pid = String::new();
        BufReader::new(shell.stdout.take().unwrap()).read_line(&mut pid).unwrap();
        let pid = pid.trim().to_owned();
        let mut server = Self { shell, pid, port, folder, lines: lines.to_owned() };
        server.is_ready().then_some(server)
    }

    /// The URL of the server.
    pub(crate) fn url(&self) -> String {
        let scheme = if self.lines.contains(TLS) { "rediss" } else { "redis" };
        format!("{scheme}://127.0.0.1:{}", self.port)
    }

    /// Runs a command as the administrator, and returns what redis-cli prints.
    pub(crate) fn admin(&self, arguments: &[&str]) -> String {
        let mut cli = Command::new("redis-cli");
        cli.args(["-p", &self.port.to_string(), "--user", "admin", "--pass", "any"]);
        cli.arg("--no-auth-warning");
        if self.lines.contains(TLS) {
            cli.arg("--tls").arg("--cacert").arg(self.folder.join("ca.pem"));
        }
        let output = cli.args(arguments).output().unwrap();
        String::from_utf8_lossy(&output.stdout).trim_end().to_owned()
    }

    /// Sends the server a signal: `STOP`, `CONT` or `KILL`.
    pub(crate) fn signal(&self, name: &str) {
        let kill = Command::new("kill").args([&format!("-{name}"), &self.pid]).status().unwrap();
        assert!(kill.success());
    }

    /// Kills the server, and starts it again on the same port with what is on its disk.
    pub(crate) fn start_again(self) -> Self {
        let (port, folder, lines) = (self.port, self.folder.clone(), self.lines.clone());
        drop(self);
        Self::start_on(port, &folder, &lines).unwrap_or_else(|| panic!("{}", log(&folder)))
    }

    /// Waits until the server answers; `false` if it ends.
    fn is_ready(&mut self) -> bool {
        let until = Instant::now() + Duration::from_secs(20);
        while Instant::now() < until {
            if self.admin(&["PING"]) == "PONG" {
                let ours = self.admin(&["INFO", "server"]);
                return ours.contains(&format!("process_id:{}\r", self.pid));
            }
            if log(&self.folder).contains("Address already in use") {
                return false;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        panic!("the server does not start: {}", log(&self.folder));
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.shell.stdin.take());
        drop(self.shell.wait());
    }
}

fn log(folder: &Path) -> String {
    fs::read_to_string(folder.join("log")).unwrap_or_default()
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// Makes a certificate authority `ca.pem`, and a certificate for this machine. Returns the lines of the
/// configuration with which a server uses them.
pub(crate) fn make_tls(folder: &Path) -> &'static str {
    fs::create_dir_all(folder).unwrap();
    fs::write(folder.join("openssl.cnf"), "[req]\ndistinguished_name = dn\n[dn]\n").unwrap();
    for arguments in [
        "-keyout ca.key -out ca.pem -subj /CN=Authority -addext basicConstraints=critical,CA:TRUE",
        "-keyout site.key -out site.pem -subj /CN=site -CA ca.pem -CAkey ca.key -addext subjectAltName=IP:127.0.0.1",
    ] {
        let always = "req -x509 -config openssl.cnf -days 2 -nodes -newkey ec -pkeyopt ec_paramgen_curve:P-256";
        let words = always.split(' ').chain(arguments.split(' '));
        let output = Command::new("openssl").args(words).current_dir(folder).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
    "tls-port PORT\ntls-cert-file site.pem\ntls-key-file site.key\ntls-ca-cert-file ca.pem\ntls-auth-clients no\n"
}
