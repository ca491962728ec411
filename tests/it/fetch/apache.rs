//! Apache httpd on a free port of loopback.

use std::fs::{self, Permissions};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::thread::sleep;
use std::time::Duration;

use tempfile::TempDir;

use crate::helpers::nginx::Server;

pub(super) struct Apache {
    _server: Server,
    folder: TempDir,
    /// The URL of the site, without a slash at its end.
    pub(super) url: String,
}

impl Apache {
    /// Starts it with these files and these lines of configuration.
    pub(super) fn start(files: &[(&str, &str)], lines: &str) -> Self {
        // It may run as another user, who must be able to read the files.
        let folder = TempDir::new().unwrap();
        fs::set_permissions(folder.path(), Permissions::from_mode(0o755)).unwrap();
        for (name, text) in files {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        for _ in 0..10 {
            let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
            let text = include_str!("apache.conf")
                .replace("%DIR%", folder.path().to_str().unwrap())
                .replace("%PORT%", &port.to_string());
            let configuration = folder.path().join("apache.conf");
            fs::write(&configuration, format!("{text}\n{lines}")).unwrap();
            let mut server = Server::start("apache2", folder.path(), |command| {
                // One process, which ends when it is told to.
                command.args(["-X", "-f"]).arg(&configuration);
            });
            if server.listens(port) {
                let url = format!("http://127.0.0.1:{port}");
                return Self { _server: server, folder, url };
            }
        }
        let complaints = fs::read_to_string(folder.path().join("error.log")).unwrap_or_default();
        panic!("apache2 does not start: {complaints}");
    }

    /// Returns the lines of the log so far: the status, the URL, and the header of each request.
    pub(super) fn heard(&self) -> Vec<String> {
        sleep(Duration::from_millis(50));
        let heard = fs::read_to_string(self.path("heard")).unwrap();
        heard.lines().map(str::to_owned).collect()
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }
}
