//! A pseudo-terminal, and the keys that a user types on it.

use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use rustix::fs::{Mode, OFlags};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{LocalModes, Winsize, tcgetattr, tcsetwinsize};

use crate::helpers::home::Home;

/// More time than any step here takes.
const PATIENCE: Duration = Duration::from_secs(10);

/// A pseudo-terminal. What it shows is kept.
pub(super) struct Terminal {
    keyboard: File,
    /// Open all the time, so that its settings outlive the programs on it.
    line: OwnedFd,
    shown: Arc<Mutex<Vec<u8>>>,
    /// The position up to which the output has been compared.
    seen: usize,
}

impl Terminal {
    pub(super) fn new() -> Self {
        let keyboard =
            openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC).unwrap();
        grantpt(&keyboard).unwrap();
        unlockpt(&keyboard).unwrap();
        let flags = OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC;
        let line = rustix::fs::open(ptsname(&keyboard, Vec::new()).unwrap(), flags, Mode::empty())
            .unwrap();
        let keyboard = File::from(keyboard);
        let shown = Arc::new(Mutex::new(Vec::new()));
        let (mut screen, show) = (keyboard.try_clone().unwrap(), Arc::clone(&shown));
        thread::spawn(move || {
            let mut bytes = [0; 4096];
            while let Ok(read @ 1..) = screen.read(&mut bytes) {
                show.lock().unwrap().extend_from_slice(&bytes[..read]);
            }
        });
        Self { keyboard, line, shown, seen: 0 }
    }

    /// The terminal as a standard stream.
    pub(super) fn stream(&self) -> Stdio {
        self.line.try_clone().unwrap().into()
    }

    /// Starts a program on this terminal. Its output goes elsewhere.
    pub(super) fn start(&self, home: &Home, words: &[&str]) -> Child {
        self.command(home, words).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    }

    /// Starts a program on this terminal, its output as well.
    pub(super) fn start_showing(&self, home: &Home, words: &[&str]) -> Child {
        self.command(home, words).stdout(self.stream()).stderr(self.stream()).spawn().unwrap()
    }

    /// A program that reads from this terminal, ready to start.
    pub(super) fn command(&self, home: &Home, words: &[&str]) -> Command {
        let mut command = home.command("setsid");
        // The process that runs the tests may ignore signals, and children inherit that.
        command.args(["--ctty", "env", "--default-signal"]).args(words);
        command.env("TERM", "xterm").stdin(self.stream());
        command
    }

    /// Waits until this is shown, after all that was waited for before.
    #[track_caller]
    pub(super) fn expect(&mut self, text: &str) {
        let started = Instant::now();
        loop {
            let shown = self.shown.lock().unwrap().clone();
            let rest = &shown[self.seen..];
            if let Some(at) = rest.windows(text.len()).position(|part| part == text.as_bytes()) {
                self.seen += at + text.len();
                return;
            }
            assert!(started.elapsed() < PATIENCE, "`{text}` is not in {}", rest.escape_ascii());
            thread::sleep(Duration::from_millis(5));
        }
    }

    pub(super) fn press(&mut self, keys: impl AsRef<[u8]>) {
        self.keyboard.write_all(keys.as_ref()).unwrap();
    }

    /// All that has been shown.
    pub(super) fn shown(&self) -> String {
        // A terminal shows output in order: when it has shown this, it has shown everything before
        // it.
        const END: &[u8] = b"\x1e";
        File::from(self.line.try_clone().unwrap()).write_all(END).unwrap();
        let started = Instant::now();
        loop {
            let mut shown = self.shown.lock().unwrap();
            if shown.ends_with(END) {
                shown.pop();
                return String::from_utf8_lossy(&shown).into_owned();
            }
            drop(shown);
            assert!(started.elapsed() < PATIENCE, "the terminal shows nothing any more");
            thread::sleep(Duration::from_millis(5));
        }
    }

    /// Gives the window another size.
    pub(super) fn resize(&self, ws_row: u16, ws_col: u16) {
        let size = Winsize { ws_row, ws_col, ws_xpixel: 0, ws_ypixel: 0 };
        tcsetwinsize(&self.keyboard, size).unwrap();
    }

    /// Whether it shows what is typed.
    pub(super) fn echoes(&self) -> bool {
        tcgetattr(self.line.as_fd()).unwrap().local_modes.contains(LocalModes::ECHO)
    }

    /// All its settings.
    pub(super) fn settings(&self) -> String {
        let output = Command::new("stty").arg("-g").stdin(self.stream()).output().unwrap();
        assert!(output.status.success());
        String::from_utf8(output.stdout).unwrap()
    }
}

/// Waits for a program's end: its exit code, or 128 and the signal; its output and its errors.
#[track_caller]
pub(super) fn end(mut child: Child) -> (i32, String, String) {
    use std::os::unix::process::ExitStatusExt;
    let started = Instant::now();
    while child.try_wait().unwrap().is_none() {
        if started.elapsed() > PATIENCE {
            child.kill().unwrap();
            panic!("it does not end");
        }
        thread::sleep(Duration::from_millis(5));
    }
    let output = child.wait_with_output().unwrap();
    let code = output.status.code().unwrap_or_else(|| 128 + output.status.signal().unwrap());
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (code, text(output.stdout), text(output.stderr))
}
