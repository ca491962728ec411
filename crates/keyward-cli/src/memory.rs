//! Files in memory, without names.

use std::fs::File;

use keyward_core::{Error, Result, Secret};

/// Makes a file without a name that the program inherits, and returns the path that opens it.
#[cfg(target_os = "linux")]
pub(crate) fn open_in_memory(secret: &Secret) -> Result<(File, String)> {
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
pub(crate) fn open_in_memory(_: &Secret) -> Result<(File, String)> {
    Err(Error::new(keyward_core::ErrorKind::Unsupported, "open")
        .because("a program can get a secret in an open file descriptor only on Linux"))
}
