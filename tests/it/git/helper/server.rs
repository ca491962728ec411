//! The server of the repositories: nginx and git's own `http-backend`, on loopback.

use std::cell::Cell;
use std::fs;
use std::os::fd::OwnedFd;
use std::os::unix::fs::symlink;
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::process::Command;
use std::thread::sleep;
use std::time::{Duration, Instant};

use super::client::{AUTHOR, PROGRAMS};
use super::request::Request;
use crate::helpers::home::{Home, clean_environment};
use crate::helpers::invocation::Invocation;
use crate::helpers::nginx::{self, Server, knock};
use crate::helpers::tls;

/// The hosts. `nginx.conf` says which authentication each of them requires.
const HOSTS: [&str; 5] =
    ["git.example", "other.example", "open.example", "token.example", "stages.example"];

/// The number of users besides Alice and Bob: `user0`, `user1` and so on.
pub(super) const MANY: usize = 50;

/// The password of each of them.
pub(super) const PASSWORD: &str = "canary-many";

/// Hosts with repositories. They end and are removed when this is dropped or the test is killed.
pub(super) struct GitServer {
    _nginx: Server,
    _backends: [Server; 2],
    home: Home,
    ports: Ports,
    /// The length of the log that was returned so far, and how many times that happened.
    told: Cell<(usize, usize)>,
}

/// Where the hosts listen.
struct Ports {
    plain: u16,
    tls: u16,
    other: u16,
}

impl GitServer {
    pub(super) fn start() -> Self {
        let home = Home::in_memory();
        let folder = home.folder();
        repositories(folder);
        people(folder);
        tls::make(folder, &HOSTS);
        let backends = backends(folder);
        let (nginx, ports) = nginx(folder);
        Self { _nginx: nginx, _backends: backends, home, ports, told: Cell::default() }
    }

    /// Returns the `http` URL of a place such as `git.example/repo.git`.
    pub(super) fn http(&self, place: &str) -> String {
        address("http", place, self.ports.plain)
    }

    /// Returns the `https` URL of a place.
    pub(super) fn https(&self, place: &str) -> String {
        address("https", place, self.ports.tls)
    }

    /// Returns the URL of a path on another port of the same host.
    pub(super) fn next_door(&self, path: &str) -> String {
        address("http", &format!("git.example/{path}"), self.ports.other)
    }

    /// Returns the `http` URL with the port of `https`.
    pub(super) fn downgraded(&self, place: &str) -> String {
        address("http", place, self.ports.tls)
    }

    /// Returns the configuration with which git finds the hosts and trusts their certificates.
    pub(super) fn git_config(&self) -> String {
        let Ports { plain, tls, other } = self.ports;
        let ca = self.home.path("ca.pem");
        let mut config = format!("[http]\n\tsslCAInfo = {}\n", ca.display());
        for host in HOSTS {
            for port in [plain, tls, other] {
                config += &format!("\tcurloptResolve = {host}:{port}:127.0.0.1\n");
            }
        }
        config
    }

    /// Returns the values that differ each time, and the names that stand for them in a transcript.
    pub(super) fn names(&self) -> [(String, &'static str); 3] {
        let Ports { plain, tls, other } = self.ports;
        let named = [(plain, ":PORT"), (tls, ":TLS-PORT"), (other, ":OTHER-PORT")];
        named.map(|(port, name)| (format!(":{port}"), name))
    }

    /// Returns the requests since the last call, in order.
    pub(super) fn heard(&self) -> Vec<Request> {
        let (start, mark) = self.told.get();
        assert!(knock(self.ports.plain, mark), "nginx has gone");
        let end = format!(" /{mark} ");
        let deadline = Instant::now() + Duration::from_secs(10);
        loop {
            let log = fs::read_to_string(self.home.path("heard")).unwrap();
            let log = &log[start..];
            let complete = &log[..log.rfind('\n').map_or(0, |at| at + 1)];
            let mut requests: Vec<_> = complete.lines().collect();
            if requests.last().is_some_and(|last| last.contains(&end)) {
                requests.pop();
                self.told.set((start + complete.len(), mark + 1));
                return requests.into_iter().map(Request::read).collect();
            }
            assert!(Instant::now() < deadline, "nginx keeps no record: {log}");
            sleep(Duration::from_millis(2));
        }
    }
}

/// Starts the servers that run `http-backend` for nginx, about one for each processor.
fn backends(folder: &Path) -> [Server; 2] {
    let socket = UnixListener::bind(folder.join("fcgi")).unwrap();
    [(); 2].map(|()| {
        let socket = OwnedFd::from(socket.try_clone().unwrap());
        Server::start("fcgiwrap", folder, |command| {
            command.env("PATH", PROGRAMS).stdin(socket);
        })
    })
}

/// Starts nginx.
fn nginx(folder: &Path) -> (Server, Ports) {
    let ports = |[plain, tls, other]: [u16; 3]| Ports { plain, tls, other };
    let (server, found) = nginx::start(folder, |found| configuration(folder, &ports(*found)));
    fs::write(folder.join("heard"), "").unwrap();
    (server, ports(found))
}

fn configuration(folder: &Path, ports: &Ports) -> String {
    let folder = folder.to_str().unwrap();
    let exec_path = git(Path::new(folder), "--exec-path");
    include_str!("nginx.conf")
        .replace("%DIR%", folder)
        .replace("%BACKEND%", &format!("{}/git-http-backend", exec_path.trim()))
        .replace("%PLAIN%", &ports.plain.to_string())
        .replace("%TLS%", &ports.tls.to_string())
        .replace("%OTHER%", &ports.other.to_string())
}

/// Makes `repo.git` with one commit. Alice and Bob have the same repository under their own paths.
fn repositories(folder: &Path) {
    git(folder, "init --quiet --initial-branch main work");
    git(folder, "-C work commit --quiet --allow-empty --message first");
    git(folder, "clone --quiet --bare work repositories/repo.git");
    for name in ["alice", "bob"] {
        let own = folder.join("repositories").join(name);
        fs::create_dir(&own).unwrap();
        symlink("../repo.git", own.join("repo.git")).unwrap();
    }
}

/// Writes the users and their passwords, in the format of Apache's `htpasswd`.
fn people(folder: &Path) {
    let many: String = (0..MANY).map(|n| format!("user{n}:{{PLAIN}}{PASSWORD}\n")).collect();
    let (alice, bob) = ("alice:{PLAIN}canary-alice\n", "bob:{PLAIN}canary-bob\n");
    let people = folder.join("people");
    fs::create_dir(&people).unwrap();
    fs::write(people.join("everybody"), format!("{alice}{bob}{many}")).unwrap();
    fs::write(people.join("alice"), alice).unwrap();
    fs::write(people.join("bob"), bob).unwrap();
    fs::write(people.join("nobody"), "").unwrap();
}

fn git(folder: &Path, line: &str) -> String {
    let mut git = Command::new("git");
    clean_environment(&mut git, folder);
    git.env("PATH", PROGRAMS).env("GIT_CONFIG_NOSYSTEM", "1").envs(AUTHOR).current_dir(folder);
    Invocation::from(git).args(line.split(' ')).run().ends(0).into_text()
}

fn address(scheme: &str, place: &str, port: u16) -> String {
    let (host, path) = place.split_once('/').unwrap();
    format!("{scheme}://{host}:{port}/{path}")
}
