//! What a program that is started inherits: nothing but the standard three.

use std::process::Command;

/// Leaves the program nothing open but the three standard descriptors, and lets it die with the thread
/// that starts it.
///
/// Otherwise a file that anything in this process opened without `O_CLOEXEC`, or was handed itself,
/// is open in every program that is started.
///
/// It takes Linux 5.11; on an older one the program does not start. Other systems get nothing of this: there the program notices that its input ends, and
/// whoever opens descriptors must close them.
///
/// # Examples
/// ```
/// use std::process::Command;
///
/// let mut program = Command::new("true");
/// keyward_plugin::process::confine(&mut program);
/// assert!(program.status().unwrap().success());
/// ```
#[cfg(target_os = "linux")]
pub fn confine(command: &mut Command) {
    use std::io;
    use std::os::unix::process::CommandExt;

    use rustix::io::Errno;
    use rustix::process::Signal;

    /// The first descriptor that is not one of the standard three.
    const FIRST: libc::c_uint = 3;

    let parent = rustix::process::getpid();
    let confine = move || {
        rustix::process::set_parent_process_death_signal(Some(Signal::KILL))?;
        // Of a parent that died before there is no signal any more.
        if rustix::process::getppid() != Some(parent) {
            return Err(Errno::SRCH.into());
        }
        // They are closed when the program starts: until then one of them reports that it cannot.
        let flags = libc::CLOSE_RANGE_CLOEXEC.cast_signed();
        #[expect(unsafe_code, reason = "rustix does not have this call")]
        // SAFETY: it takes numbers alone, and no descriptor is closed before the program starts.
        let closed = unsafe { libc::close_range(FIRST, libc::c_uint::MAX, flags) };
        if closed == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
    };
    #[expect(unsafe_code, reason = "between fork and exec there is no other way in")]
    // SAFETY: between fork and exec only what is safe in a signal handler may happen: three system calls
    // are made, no memory is taken and no lock.
    unsafe {
        command.pre_exec(confine);
    }
}

#[cfg(not(target_os = "linux"))]
#[expect(missing_docs, reason = "they stand above")]
pub fn confine(_: &mut Command) {}
