//! The servers: nginx with files that need a credential.

use std::fs;
use std::path::PathBuf;

use crate::helpers::home::Home;
use crate::helpers::nginx::{self, Server};

/// Two sites on loopback.
pub(crate) struct Site {
    _nginx: Server,
    home: Home,
    /// The URL of the site, without a slash at its end.
    pub(crate) url: String,
    /// That of the other one.
    pub(crate) other: String,
}

impl Site {
    pub(crate) fn start() -> Self {
        let home = Home::in_memory();
        for folder in ["", "private", "session", "token", "write"] {
            home.write(&format!("files/{folder}/data.csv"), format!("{folder},1\n"));
        }
        home.write("people", "ann:{PLAIN}canary-password\n");
        home.write("no-people", "");
        let folder = home.folder();
        let (nginx, [site, other]) = nginx::start(folder, |[site, other]| {
            include_str!("nginx.conf")
                .replace("%DIR%", folder.to_str().unwrap())
                .replace("%SITE%", &site.to_string())
                .replace("%OTHER%", &other.to_string())
        });
        let url = |port| format!("http://127.0.0.1:{port}");
        Self { _nginx: nginx, url: url(site), other: url(other), home }
    }

    /// Writes a file for the servers.
    pub(crate) fn write(&self, path: &str, content: &[u8]) {
        self.home.write(path, content);
    }

    /// The path of a file of the servers.
    pub(super) fn path(&self, path: &str) -> PathBuf {
        self.home.path(path)
    }

    /// Returns the requests so far, each as its port, its URL, its status and its header.
    pub(crate) fn heard(&self) -> Vec<String> {
        // nginx writes a line when a request has ended, which its client may know before.
        std::thread::sleep(std::time::Duration::from_millis(50));
        let heard = fs::read_to_string(self.home.path("heard")).unwrap();
        heard.lines().map(|line| line.trim().to_owned()).collect()
    }
}

/// A home with the store `s` and a provider for the site with these lines.
pub(crate) fn home(site: &Site, lines: &str) -> Home {
    home_for(&site.url, lines)
}

/// Returns the same for another site.
pub(crate) fn home_for(url: &str, lines: &str) -> Home {
    let home = Home::with_store("--option key.from=file");
    provider(&home, "site", url, lines);
    home
}

/// Writes the file of a provider.
pub(crate) fn provider(home: &Home, name: &str, origin: &str, lines: &str) {
    let text = format!("version = 1\norigins = ['{origin}']\n{lines}");
    home.write(&format!(".config/keyward/providers/{name}.toml"), text);
}

/// Stores a password for the site.
pub(crate) fn store_password(home: &Home, origin: &str, password: &str) {
    let line = format!("set s ann --name site --stdin --bind {origin}");
    home.keyward(&line).input(password).run().ends(0);
}
