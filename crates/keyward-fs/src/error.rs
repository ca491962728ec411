use std::path::Path;

use keyward_core::{Error, ErrorKind};
use rustix::io::Errno;

/// Returns the error for an operation that the operating system refused.
pub(crate) fn failed(operation: &'static str, error: Errno, path: &Path) -> Error {
    match error {
        // The path is a symbolic link, or leads out of the folder.
        Errno::LOOP | Errno::XDEV => Error::new(ErrorKind::Refused, operation)
            .because(format!("{} is a symbolic link or leads out of its folder", path.display())),
        Errno::NAMETOOLONG => Error::new(ErrorKind::Unsupported, operation)
            .because("the name is too long for this file system"),
        _ => {
            let cause = std::io::Error::from(error);
            let why = format!("{}: {cause}", path.display());
            let failed = Error::io(operation, cause).because(why);
            match error {
                Errno::ROFS => failed.hint("Mount the file system with write access"),
                Errno::ACCESS => {
                    failed.hint("Check the permissions of this file and of the folders above it")
                }
                _ => failed,
            }
        }
    }
}
