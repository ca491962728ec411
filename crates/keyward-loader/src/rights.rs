//! Checks the rights of this process.

use std::ffi::c_ulong;

use keyward_core::Result;

use crate::errors::refused;

/// Refuses to continue if the process has more rights than the user who started it.
///
/// The kernel reports that for programs that are setuid, setgid or have file capabilities. It still
/// reports it after the program has made its user ids equal.
pub(crate) fn check() -> Result<()> {
    use rustix::process::{getegid, geteuid, getgid, getuid};
    if getuid() != geteuid() || getgid() != getegid() || getauxval(AT_SECURE) != 0 {
        return Err(refused(
            "this program has more rights than the user who started it, so it uses no plugin",
        ));
    }
    Ok(())
}

/// From `elf.h`.
const AT_SECURE: c_ulong = 23;

// SAFETY: the signature is that of getauxval(3), which takes any number and does not touch memory
// of this program. `/proc/self/auxv` has the same value, but a process that made itself undumpable
// cannot read it.
#[expect(unsafe_code, reason = "the C library has no other function for AT_SECURE")]
unsafe extern "C" {
    safe fn getauxval(kind: c_ulong) -> c_ulong;
}
