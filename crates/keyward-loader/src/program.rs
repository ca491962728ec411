//! Programs that may be run as child processes.

use std::path::{Path, PathBuf};

use keyward_core::{Digest, Pin, Result};

use crate::errors::{refused, unreadable, unusable, with_path};
use crate::placement::{self, Placed};
use crate::sealed::Sealed;

/// Copies a file to where no process can change it, and examines the copy, which must have the
/// pinned content.
///
/// # Errors
/// - [`Refused`](keyward_core::ErrorKind::Refused) if the content is another one.
/// - Those of the examination, with the path before their message.
pub(crate) fn seal_pinned<T>(
    placed: &Placed,
    pin: &Pin,
    examine: impl FnOnce(&[u8]) -> Result<T>,
) -> Result<(Sealed, T)> {
    let sealed = Sealed::copy_of(placed)?;
    let content = sealed.content().map_err(|error| unreadable(&pin.path, error))?;
    check_digest(pin, &content)?;
    let found = examine(&content).map_err(with_path(&pin.path))?;
    drop(content);
    Ok((sealed, found))
}

/// Reads a script, which must have the pinned content.
fn check_script(placed: &Placed, pin: &Pin) -> Result<()> {
    check_digest(pin, &placed.read(&pin.path)?)
}

fn check_digest(pin: &Pin, content: &[u8]) -> Result<()> {
    let found = Digest::new(content);
    if found == pin.digest { Ok(()) } else { Err(changed(pin, found)) }
}

fn changed(pin: &Pin, found: Digest) -> keyward_core::Error {
    let path = pin.path.display();
    let pinned = pin.digest;
    refused(format_args!("{path} has changed: its SHA-256 is {found}, but {pinned} is pinned"))
        .hint(format!("If this is intended, run: keyward plugin trust '{path}'"))
}

/// A program that may be run: it was in a safe place, and its content was the pinned one.
#[derive(Debug)]
pub struct Program {
    path: PathBuf,
    /// The digest that the file must have; `None` if its place is enough.
    digest: Option<Digest>,
    /// The whole program, unless it is a script.
    sealed: Option<Sealed>,
}

impl Program {
    /// The path to execute.
    ///
    /// For an ELF program, the path leads to the verified bytes. So the descriptor behind the path
    /// must still be open when it is executed; it closes by itself then. The program cannot find
    /// itself, or files next to it, by this path.
    ///
    /// For a script it is the script's own path, since the interpreter must open it again. Its
    /// place ensures that only its owner and root can have changed it in the meantime. The
    /// interpreter, and every file that the script reads, are as safe as the system is.
    pub fn executable(&self) -> &Path {
        self.sealed.as_ref().map_or(&self.path, Sealed::path)
    }

    /// Verifies a script again, or a program that is trusted for its place, before it is executed
    /// again.
    ///
    /// # Errors
    /// Those with which it would not be verified now.
    pub(crate) fn verify_again(&self) -> Result<()> {
        if self.sealed.is_some() {
            return Ok(());
        }
        let placed = placement::open(&self.path)?;
        match self.digest {
            Some(digest) => check_script(&placed, &Pin { path: self.path.clone(), digest }),
            None => Ok(()),
        }
    }

    /// The SHA-256 that it was pinned with, if it was.
    pub(crate) fn digest(&self) -> Option<Digest> {
        self.digest
    }

    /// Makes a program that is trusted as the system is, only for its place: any file there may be
    /// run.
    ///
    /// # Errors
    /// Those of [`verify_program`], except those about its content, which is not read.
    pub fn in_place(path: &Path) -> Result<Self> {
        placement::open(path)?;
        Ok(Self { path: path.to_owned(), digest: None, sealed: None })
    }

    /// The path that it was read from.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

/// Verifies a program, without running its code.
///
/// # Errors
/// - [`Refused`](keyward_core::ErrorKind::Refused), for anything that is unsafe or not trusted: owner,
///   permissions or kind of the file or of a folder above it, a symbolic link, another content than
///   the pinned one, a process with more rights than the user who started it.
/// - [`Unavailable`](keyward_core::ErrorKind::Unavailable), for anything that cannot be used: a file
///   that does not exist, cannot be read or is too large; a file that is neither an ELF program nor a script with a `#!` line.
pub fn verify_program(pin: &Pin) -> Result<Program> {
    let placed = placement::open(&pin.path)?;
    let sealed = if placed.starts_with(SCRIPT, &pin.path)? {
        check_script(&placed, pin)?;
        None
    } else {
        let (sealed, ()) = seal_pinned(&placed, pin, check_program)?;
        Some(sealed)
    };
    Ok(Program { path: pin.path.clone(), digest: Some(pin.digest), sealed })
}

/// Checks that these bytes are an ELF program.
#[cfg(feature = "loaded")]
fn check_program(bytes: &[u8]) -> Result<()> {
    use crate::library::elf::{Elf, read};

    match read(bytes)? {
        Elf::Program => Ok(()),
        Elf::Library(_) => Err(unusable("is a shared library and not a program")),
    }
}

/// Checks that these bytes are an ELF file. The system refuses to run one that is not a program.
#[cfg(not(feature = "loaded"))]
fn check_program(bytes: &[u8]) -> Result<()> {
    match bytes {
        [] => Err(unusable("is empty")),
        [0x7f, b'E', b'L', b'F', ..] => Ok(()),
        _ => Err(unusable("is not an ELF file")),
    }
}

/// The first bytes of a file that names its interpreter.
pub(crate) const SCRIPT: &[u8] = b"#!";
