//! nginx with TLS on ports of localhost.

use std::fs;

use crate::helpers::home::Home;
use crate::helpers::nginx::{self, Server};
use crate::helpers::tls;

/// Two sites with TLS.
pub(super) struct Secure {
    _nginx: Server,
    folder: Home,
    /// The URL of the site, without a slash at its end.
    pub(super) url: String,
    /// That of the other one.
    pub(super) other: String,
}

impl Secure {
    /// Starts them. `site` and `other` are the lines of each in nginx's configuration, in which `%DIR%`
    /// is the folder of the certificates.
    pub(super) fn start(site: &str, other: &str) -> Self {
        let folder = Home::in_memory();
        tls::make(folder.folder(), &["localhost"]);
        tls::make_client(folder.folder(), "ann");
        folder.write("files/data.csv", "secure,1\n");
        let dir = folder.folder().to_str().unwrap().to_owned();
        let server = |port: u16, lines: &str| {
            format!(
                "server {{ listen 127.0.0.1:{port} ssl; server_name localhost; root %DIR%/files; \
                 {lines} }}\n"
            )
        };
        let (nginx, [plain, one, two]) = nginx::start(folder.folder(), |[plain, one, two]| {
            include_str!("tls.conf")
                .replace("%PLAIN%", &plain.to_string())
                .replace("%SERVERS%", &(server(*one, site) + &server(*two, other)))
                .replace("%OTHER%", &two.to_string())
                .replace("%DIR%", &dir)
        });
        let _ = plain;
        let url = |port| format!("https://localhost:{port}");
        Self { _nginx: nginx, url: url(one), other: url(two), folder }
    }

    /// Returns a home that trusts the authority of the sites.
    pub(super) fn trusting(&self, home: Home) -> Home {
        home.with("KEYWARD_NETWORK_CA_FILE", self.path("ca.pem"))
    }

    /// Returns the path of a file of the sites.
    pub(super) fn path(&self, name: &str) -> std::path::PathBuf {
        self.folder.path(name)
    }

    /// Returns the requests so far, each as its port, its URL, its status, its header and the name in the
    /// certificate of the client.
    pub(super) fn heard(&self) -> Vec<String> {
        std::thread::sleep(std::time::Duration::from_millis(50));
        let heard = fs::read_to_string(self.path("heard")).unwrap();
        heard.lines().map(|line| line.trim().to_owned()).collect()
    }
}
