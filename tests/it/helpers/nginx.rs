//! nginx on free ports of loopback, and other servers that end with the test.

use std::fs;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use super::home::clean_environment;
use super::waiting::poll;

/// A server that ends when it is dropped, or when the process that started it ends.
pub(crate) struct Server(Child);

impl Server {
    pub(crate) fn start(program: &str, home: &Path, set_up: impl FnOnce(&mut Command)) -> Self {
        let mut command = Command::new("setpriv");
        clean_environment(&mut command, home);
        command.args(["--pdeathsig", "TERM", program]).stdin(Stdio::null());
        command.stdout(Stdio::null()).stderr(Stdio::null());
        set_up(&mut command);
        Self(command.spawn().expect("setpriv is installed (util-linux)"))
    }

    pub(crate) fn has_ended(&mut self) -> bool {
        self.0.try_wait().unwrap().is_some()
    }

    /// Asks the server to end, so that it also ends its own processes, and kills it if it does not.
    fn end(&mut self) {
        let id = rustix::process::Pid::from_child(&self.0);
        let _ = rustix::process::kill_process(id, rustix::process::Signal::TERM);
        for _ in 0..50 {
            if self.has_ended() {
                return;
            }
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
        self.kill();
    }

    /// Kills the server, also in the middle of its work.
    pub(crate) fn kill(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }

    /// Asks the server until it gives a value; `None` if it ended or is silent for a minute.
    pub(crate) fn answer<T>(&mut self, mut ask: impl FnMut() -> Option<T>) -> Option<T> {
        poll(|| match ask() {
            None if self.has_ended() => Some(None),
            None => None,
            answer => Some(answer),
        })
        .flatten()
    }

    /// Whether the server accepts connections to this port of loopback; it may have to start first.
    pub(crate) fn listens(&mut self, port: u16) -> bool {
        self.answer(|| TcpStream::connect(("127.0.0.1", port)).ok()).is_some()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.end();
    }
}

/// Starts nginx with the configuration that `configure` writes for some ports. If another process
/// took them meanwhile, it tries others.
pub(crate) fn start<const N: usize>(
    folder: &Path,
    configure: impl Fn(&[u16; N]) -> String,
) -> (Server, [u16; N]) {
    for _ in 0..10 {
        let ports = free_ports();
        fs::write(folder.join("nginx.conf"), configure(&ports)).unwrap();
        let mut server = Server::start("nginx", folder, |command| {
            command.args(["-p", ".", "-c", "nginx.conf"]).current_dir(folder);
        });
        if server.answer(|| knock(ports[0], usize::MAX).then_some(())).is_some() {
            return (server, ports);
        }
    }
    let complaints = fs::read_to_string(folder.join("error.log")).unwrap_or_default();
    panic!("nginx does not start; is nginx-light installed? {complaints}");
}

pub(crate) fn free_ports<const N: usize>() -> [u16; N] {
    let listeners = [(); N].map(|()| TcpListener::bind("127.0.0.1:0").unwrap());
    listeners.map(|listener| listener.local_addr().unwrap().port())
}

/// Writes a mark into the log of requests. Returns whether this test's nginx listens on the port: it
/// must answer 204 for the host `mark.example`.
pub(crate) fn knock(port: u16, mark: usize) -> bool {
    let Ok(mut stream) = TcpStream::connect(("127.0.0.1", port)) else { return false };
    let request = format!("GET /{mark} HTTP/1.0\r\nHost: mark.example\r\n\r\n");
    let mut answer = String::new();
    stream.write_all(request.as_bytes()).is_ok()
        && stream.read_to_string(&mut answer).is_ok()
        && answer.starts_with("HTTP/1.1 204")
}
