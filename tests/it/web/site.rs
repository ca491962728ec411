//! A site: a web server, `keyward serve`, and the server behind, configured as the page says.

use std::fs::{self, Permissions};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt;

use keyward_verifier::fingerprint;

use super::backend::Backend;
use super::client::{Answer, ask};
use crate::helpers::home::Home;
use crate::helpers::nginx::{Server, free_ports};
use crate::helpers::waiting::wait_until;
use crate::helpers::{page_blocks, serve};

pub(super) const PAGE: &str = include_str!("../../../docs/serve.md");

/// The password of ann is `open sesame`. The hash is a cheap one.
const ANN: &str = "ann:$2y$04$kZK35d7d/8sQAOqobUN1Gem55yXbcu0tp1hjex/YxWyrTE2a4CIaW\n";

/// The token of the robot.
pub(super) const TOKEN: &str = "0123456789abcdef0123456789abcdef";

/// The last rules of the tests, after those of the page.
const MORE: &str = "
[[forward.rule]]
path = '/read/'
methods = ['GET', 'HEAD']
bouncer = 'office'
schemes = ['basic']
[[forward.rule]]
path = '/digest/'
bouncer = 'plain'
schemes = ['digest']
[[forward.rule]]
path = '/htdigest/'
bouncer = 'staff'
schemes = ['digest']
[[forward.rule]]
path = '/robots/'
bouncer = 'robots'
schemes = ['bearer']
[[bouncer]]
name = 'staff'
realm = 'Staff'
digest = ['MD5']
auth = ['htdigest:/etc/keyward/htdigest:realm=Staff']
[[bouncer]]
name = 'robots'
auth = ['store:people']
[[bouncer]]
name = 'plain'
auth = ['file:/etc/keyward/plain:delim=|']
legacy = true
";

/// A web server that asks `keyward serve`.
pub(super) struct Proxy {
    /// Its name, which is that of its dialect.
    pub(super) name: &'static str,
    /// Writes its configuration, for the port where it listens, and starts it.
    pub(super) start: fn(&Home, Ports) -> Server,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Ports {
    pub(super) proxy: u16,
    pub(super) serve: u16,
    pub(super) backend: u16,
}

pub(super) struct Site {
    pub(super) home: Home,
    pub(super) ports: Ports,
    pub(super) backend: Backend,
    serve: Option<Server>,
    _proxy: Server,
}

impl Site {
    pub(super) fn start(proxy: &Proxy) -> Self {
        let home = Home::new();
        // nginx's workers are another user, and keep long bodies in it.
        fs::set_permissions(home.folder(), Permissions::from_mode(0o755)).unwrap();
        let backend = Backend::start();
        let [port, serve] = free_ports();
        let ports = Ports { proxy: port, serve, backend: backend.port };
        home.write("plain", "ann|open sesame\n");
        let text = block(&home, "serve.toml", ports) + &of_home(&home, MORE);
        let dialect = format!("dialect = \"{}\"", proxy.name);
        home.write("serve.toml", text.replace("dialect = \"nginx\"", &dialect));
        home.write("users", ANN);
        let add = "auth add ann --file htdigest --format htdigest --realm Staff --stdin";
        home.keyward(add).input("open sesame").run().ends(0);
        add_robot(&home);
        home.keyward("serve --config serve.toml --check").run().ends(0);
        let mut site =
            Self { ports, backend, serve: None, _proxy: (proxy.start)(&home, ports), home };
        site.start_serve();
        let log = site.home.path("proxy.log");
        let what = format!("{} listens (see {})", proxy.name, log.display());
        wait_until(&what, || TcpStream::connect(("127.0.0.1", port)).is_ok());
        wait_until(&what, || site.get("/public/x", &[]).status == 200);
        site
    }

    fn start_serve(&mut self) {
        let home = &self.home;
        self.serve = Some(serve::start(home, "serve.toml", "serve.log"));
        let what = format!("keyward serve listens (see {})", home.path("serve.log").display());
        wait_until(&what, || TcpStream::connect(("127.0.0.1", self.ports.serve)).is_ok());
    }

    pub(super) fn stop_serve(&mut self) {
        self.serve = None;
    }

    /// Enables or disables ann.
    pub(super) fn set_user(&self, enabled: bool) {
        let line = if enabled { ANN.to_owned() } else { ANN.replace(":$", ":!$") };
        let new = self.home.write("users.new", line);
        fs::rename(new, self.home.path("users")).unwrap();
    }

    pub(super) fn get(&self, target: &str, headers: &[&str]) -> Answer {
        ask(self.ports.proxy, "GET", target, headers, "")
    }
}

/// Makes a store with the token of a robot.
fn add_robot(home: &Home) {
    home.init("people", "file", "aes-gcm");
    let mark = fingerprint(TOKEN.as_bytes());
    let mark = mark.expose_str().unwrap();
    let record = serde_json::json!({
        "kind": "verifiers",
        "fields": {"tokens": mark, "username": "robot"},
    });
    let set = home.keyward("set people --json --user").arg(mark);
    set.input(record.to_string()).run().ends(0);
}

/// Returns a configuration of the page, for this home and these ports.
pub(super) fn block(home: &Home, name: &str, ports: Ports) -> String {
    let mut text = of_home(home, page_blocks::block(PAGE, name));
    for (old, new) in [
        ("127.0.0.1:9080", format!("127.0.0.1:{}", ports.serve)),
        ("127.0.0.1:8080", format!("127.0.0.1:{}", ports.backend)),
        ("bind :80\n", format!("bind 127.0.0.1:{}\n", ports.proxy)),
        ("listen 80;", format!("listen 127.0.0.1:{};", ports.proxy)),
        // All hosts, so that the rules of serve.toml decide about them.
        ("www.example.org {", format!("http://:{} {{", ports.proxy)),
        ("Host(`www.example.org`)", "PathPrefix(`/`)".to_owned()),
    ] {
        text = text.replace(old, &new);
    }
    text
}

fn of_home(home: &Home, text: &str) -> String {
    let folder = home.folder().display().to_string();
    text.replace("/etc/keyward", &folder).replace("/var/log/keyward", &folder)
}
