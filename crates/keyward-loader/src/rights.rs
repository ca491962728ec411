//! Whose rights this process has.

use std::ffi::c_ulong;

use keyward_core::Result;

use crate::fault::refused;

/// Refuses to go on where the process can do more than whoever started it.
///
/// The kernel says so of programs that are setuid, setgid or have file capabilities, and does not
/// take it back when they have made their user ids equal.
pub(crate) fn check() -> Result<()> {
    use rustix::process::{getegid, geteuid, getgid, getuid};
    if getuid() != geteuid() || getgid() != getegid() || getauxval(AT_SECURE) != 0 {
        return Err(refused(
            "this program runs with more rights than its caller has, and takes no plugin then",
        ));
    }
    Ok(())
}

/// From `elf.h`.
const AT_SECURE: c_ulong = 23;

// SAFETY: the signature is that of getauxval(3), which takes any number and touches no memory of
// ours. `/proc/self/auxv` says the same, but not to a process that has made itself undumpable.
#[expect(unsafe_code, reason = "the C library has no other door to AT_SECURE")]
unsafe extern "C" {
    safe fn getauxval(kind: c_ulong) -> c_ulong;
}
