mod order;

use std::path::{Path, PathBuf};

use keyward_core::{Error, Result};

use crate::elf::{self, Elf, Entry, Library};
use crate::fault::{at, refused, unusable};
use crate::pin::{Digest, Pin};
use crate::placement;
use crate::runtime::{Part, part};
use crate::sealed::Sealed;
use order::Order;

/// A shared library that may be loaded: it stood in a safe place, its content is the pinned one,
/// and it needs nothing that is not verified as well.
///
/// What is loaded is this, and not the file, which may have changed since.
///
/// To load it, in this order and keeping everything open for life:
///
/// 1. each library of the C runtime that it names ([`runtime`](Self::runtime)), where the process
///    has no library of that name yet, from where [`find_runtime`](crate::find_runtime) finds it;
/// 2. the pinned libraries that it needs ([`needed`](Self::needed)), in their order;
/// 3. the library itself.
///
/// Then the dynamic linker has a library of each needed name already, and searches nowhere.
#[derive(Debug)]
pub struct Verified {
    entry: Entry,
    runtime: Vec<&'static str>,
    needed: Vec<Needed>,
    library: Sealed,
}

/// A pinned library that a plugin needs.
///
/// The dynamic linker knows it by its name alone. Of two plugins that pin different libraries of
/// one name, the second would get the first one's: whoever loads them compares the digests.
#[derive(Debug)]
pub struct Needed {
    /// The name by which it is needed.
    pub name: String,
    /// The SHA-256 of its content.
    pub digest: Digest,
    /// Its content.
    pub library: Sealed,
}

impl Verified {
    /// The function through which the plugin is entered.
    pub fn entry(&self) -> &Entry {
        &self.entry
    }

    /// The libraries of the C runtime that a process may not have loaded yet, and has to before
    /// it loads this one.
    pub fn runtime(&self) -> &[&'static str] {
        &self.runtime
    }

    /// The pinned libraries that it needs, each behind those that it needs itself.
    pub fn needed(&self) -> &[Needed] {
        &self.needed
    }

    /// The library itself.
    pub fn library(&self) -> &Sealed {
        &self.library
    }
}

/// Verifies a plugin that is a shared library, and the further libraries pinned for it, without
/// running a line of them.
///
/// Each is read once, from a descriptor that was judged after it was opened; what is hashed,
/// examined and later loaded are the bytes that were read. Pinned libraries are found by the name
/// in them (`SONAME`); those that nothing needs are left alone.
///
/// # Errors
/// - [`Refused`](keyward_core::ErrorKind::Refused), for what is unsafe or not trusted: owner,
///   permissions or kind of a file or of a folder above it, a symbolic link, another content than
///   the pinned one, an `RPATH` or the like, a needed library that is not pinned or is a path, a process with
///   borrowed rights.
/// - [`Unavailable`](keyward_core::ErrorKind::Unavailable), for what cannot be used: a file that
///   is not there, cannot be read, is too large, is no plugin, is damaged, or is built for another
///   machine or another version of the plugin interface.
pub fn verify_library(pin: &Pin, needs: &[Pin]) -> Result<Verified> {
    let plugin = Read::library(pin)?;
    let entry = plugin.library.entry().map_err(at(&pin.path))?.clone();
    plugin.check_name()?;
    let pinned = needs.iter().map(Read::library).collect::<Result<Vec<_>>>()?;
    let mut order = Order::default();
    order.add(&plugin, &pinned)?;
    let needed = order.needed.iter().map(|index| pinned[*index].needed());
    Ok(Verified {
        entry,
        needed: needed.collect::<Result<_>>()?,
        runtime: order.runtime,
        library: Sealed::new(&plugin.bytes)?,
    })
}

/// A shared library whose bytes are the pinned ones.
#[derive(Debug)]
struct Read<'p> {
    pin: &'p Pin,
    bytes: Vec<u8>,
    library: Library,
}

impl<'p> Read<'p> {
    fn library(pin: &'p Pin) -> Result<Self> {
        let bytes = read(pin)?;
        match elf::read(&bytes).map_err(at(&pin.path))? {
            Elf::Library(library) => Ok(Self { pin, bytes, library }),
            Elf::Program => Err(at(&pin.path)(unusable("is a program and not a shared library"))),
        }
    }

    /// Whatever is loaded later and needs a part of the C runtime would get a plugin of its name.
    fn check_name(&self) -> Result<()> {
        match self.library.soname.as_deref() {
            Some(name) if part(name) != Part::Foreign => Err(at(&self.pin.path)(refused(
                format_args!("calls itself {name}, which is a part of the C runtime"),
            ))),
            _ => Ok(()),
        }
    }

    fn needed(&self) -> Result<Needed> {
        let name = self.library.soname.clone().expect("found by its name");
        Ok(Needed { name, digest: self.pin.digest, library: Sealed::new(&self.bytes)? })
    }
}

/// The pinned bytes.
fn read(pin: &Pin) -> Result<Vec<u8>> {
    let bytes = placement::open(&pin.path)?.read(&pin.path)?;
    let found = Digest::of(&bytes);
    if found == pin.digest { Ok(bytes) } else { Err(changed(pin, found)) }
}

fn changed(pin: &Pin, found: Digest) -> Error {
    let path = pin.path.display();
    let pinned = pin.digest;
    refused(format_args!("{path} has changed, its SHA-256 is {found} where {pinned} is pinned"))
        .hint(format!("If that is as it should be: keyward plugin trust '{path}'"))
}

/// A program that may be run: it stood in a safe place, and its content was the pinned one.
#[derive(Debug)]
pub struct Program {
    path: PathBuf,
    /// What has to be in the file, unless its place says enough.
    digest: Option<Digest>,
    /// All of it, unless it is a script.
    sealed: Option<Sealed>,
}

impl Program {
    /// What to execute.
    ///
    /// Of an ELF program these are the verified bytes themselves, so the descriptor behind the
    /// path must still be open when they are executed; it closes by itself then. The program does
    /// not find itself by its path, and so no files beside it.
    ///
    /// Of a script it is its own path, since the kernel has the interpreter open it again. Nobody
    /// but its owner and root can have changed it meanwhile; that is what its place is for. The
    /// interpreter, and all that the script reads, are as safe as the system is.
    pub fn executable(&self) -> &Path {
        self.sealed.as_ref().map_or(&self.path, Sealed::path)
    }

    /// Looks again at what is not kept, before it is executed once more.
    ///
    /// # Errors
    /// Those with which it would not have been verified now.
    pub(crate) fn verify_again(&self) -> Result<()> {
        match (&self.sealed, self.digest) {
            (Some(_), _) => Ok(()),
            (None, Some(digest)) => read(&Pin { path: self.path.clone(), digest }).map(drop),
            (None, None) => placement::open(&self.path).map(drop),
        }
    }

    /// The SHA-256 that it was pinned with, if it was.
    pub(crate) fn digest(&self) -> Option<Digest> {
        self.digest
    }

    /// A program that is as trusted as the system is, for its place alone: whatever stands there
    /// may be run.
    ///
    /// # Errors
    /// As [`verify_program`], but for its content, which is not looked at.
    pub fn in_place(path: &Path) -> Result<Self> {
        placement::open(path)?;
        Ok(Self { path: path.to_owned(), digest: None, sealed: None })
    }

    /// Where it was read from.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

/// Verifies a program, without running a line of it.
///
/// # Errors
/// As [`verify_library`]; a file that is neither an ELF program nor a script with a `#!` line is
/// [`Unavailable`](keyward_core::ErrorKind::Unavailable).
pub fn verify_program(pin: &Pin) -> Result<Program> {
    let bytes = read(pin)?;
    let (path, digest) = (pin.path.clone(), Some(pin.digest));
    if bytes.starts_with(SCRIPT) {
        return Ok(Program { path, digest, sealed: None });
    }
    match elf::read(&bytes).map_err(at(&path))? {
        Elf::Program => Ok(Program { path, digest, sealed: Some(Sealed::new(&bytes)?) }),
        Elf::Library(_) => Err(at(&path)(unusable("is a shared library and not a program"))),
    }
}

/// How a file starts that names its interpreter.
pub(crate) const SCRIPT: &[u8] = b"#!";
