//! Limits what a started program inherits to the three standard descriptors.

use std::process::Command;

/// Closes all descriptors of the program but the three standard ones, and kills it when the thread
/// that started it ends.
///
/// Otherwise, a file that any code of this process opened without `O_CLOEXEC`, or that this process
/// inherited, is open in every program that it starts.
///
/// It requires Linux 5.11; on an older kernel the program does not start. On other systems it does
/// nothing: there the program must notice that its input ends, and code that opens descriptors must
/// close them.
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
        // If the parent died before that call, there is no signal.
        if rustix::process::getppid() != Some(parent) {
            return Err(Errno::SRCH.into());
        }
        // They are closed when the program starts. Until then, one of them is needed to report that
        // it cannot start.
        let flags = libc::CLOSE_RANGE_CLOEXEC.cast_signed();
        #[expect(unsafe_code, reason = "rustix does not have this call")]
        // SAFETY: it takes only numbers, and no descriptor is closed before the program starts.
        let closed = unsafe { libc::close_range(FIRST, libc::c_uint::MAX, flags) };
        if closed == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
    };
    #[expect(unsafe_code, reason = "only this runs between fork and exec")]
    // SAFETY: between fork and exec, only what is safe in a signal handler is allowed. This makes
    // three system calls, allocates no memory and takes no lock.
    unsafe {
        command.pre_exec(confine);
    }
}

#[cfg(not(target_os = "linux"))]
#[expect(missing_docs, reason = "they are above")]
pub fn confine(_: &mut Command) {}
