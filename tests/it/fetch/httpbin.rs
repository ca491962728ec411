//! httpbin, a server that asks for credentials in many ways, on a free port of loopback.

use std::net::TcpListener;

use crate::helpers::home::Home;
use crate::helpers::nginx::Server;

pub(super) struct Httpbin {
    _server: Server,
    _home: Home,
    /// The URL of the site, without a slash at its end.
    pub(super) url: String,
}

impl Httpbin {
    pub(super) fn start() -> Self {
        let home = Home::in_memory();
        for _ in 0..10 {
            let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
            let mut server = Server::start("/usr/bin/python3", home.folder(), |command| {
                command.args(["-m", "httpbin.core", "--host", "127.0.0.1", "--port"]);
                command.arg(port.to_string());
            });
            if server.listens(port) {
                let url = format!("http://127.0.0.1:{port}");
                return Self { _server: server, _home: home, url };
            }
        }
        panic!("httpbin does not start; is python3-httpbin installed?");
    }
}
