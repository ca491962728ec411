//! A new terminal (a pseudo-terminal) for the program.

use std::fs::File;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::process::CommandExt;
use std::process::Command;

use rustix::fs::{Mode, OFlags};
use rustix::io::{FdFlags, fcntl_setfd};
use rustix::process::{ioctl_tiocsctty, setsid};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::stdio::stdout;
use rustix::termios::{OptionalActions, OutputModes, tcgetattr, tcsetattr};

/// Makes a terminal with the settings of another one. Returns this process's side and the program's.
pub(super) fn open(like: impl AsFd) -> io::Result<(File, OwnedFd)> {
    let ours = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY)?;
    fcntl_setfd(&ours, FdFlags::CLOEXEC)?;
    grantpt(&ours)?;
    unlockpt(&ours)?;
    let flags = OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC;
    let theirs = rustix::fs::open(ptsname(&ours, Vec::new())?, flags, Mode::empty())?;
    tcsetattr(&theirs, OptionalActions::Now, &tcgetattr(like)?)?;
    Ok((ours.into(), theirs))
}

/// Lets a terminal pass its output on as it is.
pub(super) fn pass_output(terminal: impl AsFd) -> io::Result<()> {
    let mut settings = tcgetattr(&terminal)?;
    settings.output_modes &= !OutputModes::OPOST;
    Ok(tcsetattr(terminal, OptionalActions::Now, &settings)?)
}

/// Makes the program the leader of a new session, which its standard output, a terminal, controls.
/// Without that, no key would be a signal, and `/dev/tty` would be the terminal without the mask.
pub(super) fn lead_session(command: &mut Command) {
    let lead = || {
        setsid()?;
        ioctl_tiocsctty(stdout())?;
        Ok(())
    };
    #[expect(unsafe_code, reason = "only this runs between fork and exec")]
    // SAFETY: between fork and exec, only what is safe in a signal handler is allowed. This makes
    // two system calls, allocates no memory and takes no lock.
    unsafe {
        command.pre_exec(lead);
    }
}
