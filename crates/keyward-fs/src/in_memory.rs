//! Files in memory, without names.

use std::fs::File;

use keyward_core::{Error, Result, Secret};

/// Makes a file in memory, without a name, that a program inherits, and returns the path under which
/// the program can open it. No one can change the file.
///
/// # Errors
/// [`Unsupported`](keyward_core::ErrorKind::Unsupported) where there are no such files; those of the
/// system.
#[cfg(target_os = "linux")]
pub fn open_in_memory(secret: &Secret) -> Result<(File, String)> {
    use std::io::{self, Seek, Write};
    use std::os::fd::AsRawFd;

    use rustix::fs::{MemfdFlags, SealFlags, fcntl_add_seals, memfd_create};

    let made = || -> io::Result<File> {
        let mut file = File::from(memfd_create("secret", MemfdFlags::ALLOW_SEALING)?);
        file.write_all(secret.expose())?;
        file.rewind()?;
        fcntl_add_seals(&file, SealFlags::WRITE | SealFlags::SHRINK | SealFlags::GROW)?;
        Ok(file)
    };
    let file = made().map_err(|error| Error::io("open", error))?;
    let path = format!("/dev/fd/{}", file.as_raw_fd());
    Ok((file, path))
}

#[cfg(not(target_os = "linux"))]
#[expect(missing_docs, reason = "as on Linux")]
pub fn open_in_memory(_: &Secret) -> Result<(File, String)> {
    Err(Error::new(keyward_core::ErrorKind::Unsupported, "open")
        .because("a program can get a secret in an open file descriptor only on Linux"))
}
