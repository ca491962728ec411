//! The keys that the user types, for a program on a new terminal.

use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::AsFd;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, poll};
use rustix::process::getpgrp;
use rustix::stdio::stdin;
use rustix::termios::{isatty, tcgetpgrp};
use zeroize::Zeroizing;

use crate::terminal;

/// How often a process in the background looks whether it is in the foreground again.
const BACKGROUND: Duration = Duration::from_millis(100);

/// The terminal on which the user types.
#[derive(Debug)]
pub(super) struct Keyboard(File);

impl Keyboard {
    /// Opens the terminal that controls this process, or standard input if that is another one.
    pub(super) fn open() -> Option<Arc<Self>> {
        let controls = File::options().read(true).write(true).open("/dev/tty").ok();
        let input = || isatty(stdin()).then(|| stdin().try_clone_to_owned().ok().map(File::from));
        controls.or_else(|| input().flatten()).map(|terminal| Arc::new(Self(terminal)))
    }

    /// Lets every key pass as it is: the new terminal interprets it. In the background, the terminal
    /// belongs to another program.
    pub(super) fn take(&self) {
        if is_in_foreground(&self.0) {
            // If the terminal is gone, there are no keys.
            let _ = terminal::pass_keys(&self.0);
        }
    }

    /// Copies what is typed, in a thread that ends with the process.
    pub(super) fn copy_to(self: &Arc<Self>, program: File) {
        let keyboard = Arc::clone(self);
        // When the program is gone or the terminal is, there is nothing left to do.
        thread::spawn(move || drop(copy(&keyboard.0, program)));
    }
}

fn copy(mut keyboard: &File, mut program: File) -> io::Result<()> {
    let mut keys = Zeroizing::new([0; 1024]);
    loop {
        match poll(&mut [PollFd::new(keyboard, PollFlags::IN)], None) {
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
        // A process that reads in the background is stopped.
        if !is_in_foreground(keyboard) {
            thread::sleep(BACKGROUND);
            continue;
        }
        match keyboard.read(&mut keys[..]) {
            Ok(0) => return Ok(()),
            Ok(read) => program.write_all(&keys[..read])?,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

/// Whether this process may use the terminal. One that does not control it always may.
fn is_in_foreground(terminal: impl AsFd) -> bool {
    tcgetpgrp(terminal).map_or(true, |group| group == getpgrp())
}
