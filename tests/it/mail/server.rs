//! `keyward serve` with the configuration of the page, and its user ann.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;
use std::path::Path;

use crate::helpers::home::Home;
use crate::helpers::nginx::Server;
use crate::helpers::waiting::wait_until;
use crate::helpers::{page_blocks, serve};

const PAGE: &str = include_str!("../../../docs/mail-servers.md");

pub(super) const USER: &str = "ann";
pub(super) const PASSWORD: &str = "open \"sesame\" 100%";

/// The sockets in the page.
const SOCKETS: [&str; 4] =
    ["dovecot.sock", "dovecot-master.sock", "saslauthd/mux", "auth-http.sock"];

/// A folder that all users of the system can enter, in which `keyward serve` runs.
pub(super) struct Mail {
    pub(super) home: Home,
    _server: Server,
}

impl Mail {
    /// Starts the server. `configure` changes the configuration of the page.
    pub(super) fn start(configure: impl FnOnce(String) -> String) -> Self {
        let home = Home::new();
        for folder in ["run", "run/saslauthd", "srv"] {
            fs::create_dir_all(home.path(folder)).unwrap();
            open_to_all(&home.path(folder), 0o755);
        }
        open_to_all(home.folder(), 0o755);
        let password = home.write("password", PASSWORD);
        let line = format!("auth add {USER} --file users --format scram --password-file");
        home.keyward(&line).arg(&password).run().ends(0);
        home.write("plain", format!("{USER}|{PASSWORD}\n"));
        open_to_all(&home.path("plain"), 0o600);
        let text = configure(block(&home, "serve.toml"));
        home.write("serve.toml", text);
        let server = serve::start(&home, "serve.toml", "serve.log");
        for socket in SOCKETS.map(|name| home.path("run").join(name)) {
            let log = home.path("serve.log");
            let what = format!("{} (see {})", socket.display(), log.display());
            wait_until(&what, || UnixStream::connect(&socket).is_ok());
            // An operator gives it a group.
            open_to_all(&socket, 0o666);
        }
        Self { home, _server: server }
    }

    pub(super) fn folder(&self) -> &Path {
        self.home.folder()
    }
}

/// Returns a configuration of the page, for this home.
pub(super) fn block(home: &Home, name: &str) -> String {
    let text = page_blocks::block(PAGE, name);
    let folder = home.folder().display();
    text.replace("/run/keyward/", &format!("{folder}/run/"))
        .replace("/etc/keyward/", &format!("{folder}/"))
        .replace("/var/log/keyward/", &format!("{folder}/"))
        .replace("/srv/mail/", &format!("{folder}/srv/"))
}

pub(super) fn open_to_all(path: &Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}
