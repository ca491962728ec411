mod order;

use keyward_core::Result;

use crate::errors::{refused, unusable, with_path};
use crate::library::elf::{self, Elf, Entry, Library};
use crate::library::runtime::{Part, part};
use crate::placement;
use crate::program::seal_pinned;
use crate::sealed::Sealed;
use keyward_core::{Digest, Pin};
use order::Order;

/// A shared library that may be loaded: it was in a safe place, its content is the pinned one, and
/// every library that it needs is verified as well.
///
/// The bytes in this value are loaded, and not the file, which may have changed since.
///
/// Load them in this order, and keep everything open for ever:
///
/// 1. each library of the C runtime that it names ([`runtime`](Self::runtime)), if the process has
///    no library of that name yet, from where [`find_runtime`](crate::find_runtime) finds it;
/// 2. the pinned libraries that it needs ([`needed`](Self::needed)), in their order;
/// 3. the library itself.
///
/// Then the dynamic linker has a library of each needed name already, and does not search.
#[derive(Debug)]
pub struct Verified {
    entry: Entry,
    runtime: Vec<&'static str>,
    needed: Vec<Needed>,
    library: Sealed,
}

/// A pinned library that a plugin needs.
///
/// The dynamic linker identifies it only by its name. If two plugins pin different libraries of one
/// name, the second would get the library of the first. So code that loads them must compare the
/// digests.
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
    /// The function by which the plugin is called.
    pub fn entry(&self) -> &Entry {
        &self.entry
    }

    /// The libraries of the C runtime that a process may not have loaded yet, and must load before
    /// this one.
    pub fn runtime(&self) -> &[&'static str] {
        &self.runtime
    }

    /// The pinned libraries that it needs, each after the libraries that it needs itself.
    pub fn needed(&self) -> &[Needed] {
        &self.needed
    }

    /// The library itself.
    pub fn library(&self) -> &Sealed {
        &self.library
    }
}

/// Verifies a plugin that is a shared library, and the other libraries that are pinned for it,
/// without running their code.
///
/// Each file is copied once, from a descriptor that was checked after it was opened, to where no
/// process can change the copy. The copy is hashed, examined and later loaded. Pinned libraries are found by
/// the name in them (`SONAME`); those that are not needed are ignored.
///
/// # Errors
/// - [`Refused`](keyward_core::ErrorKind::Refused), for anything that is unsafe or not trusted:
///   owner, permissions or kind of a file or of a folder above it, a symbolic link, another content
///   than the pinned one, an `RPATH` or a similar entry, a needed library that is not pinned or is
///   a path, a process with more rights than the user who started it.
/// - [`Unavailable`](keyward_core::ErrorKind::Unavailable), for anything that cannot be used: a
///   file that does not exist, cannot be read, is too large, is not a plugin, is damaged, or is
///   built for another machine or another version of the plugin interface.
pub fn verify_library(pin: &Pin, needs: &[Pin]) -> Result<Verified> {
    let plugin = Copied::new(pin)?;
    let entry = plugin.library.entry().map_err(with_path(&pin.path))?.clone();
    plugin.check_name()?;
    let pinned = needs.iter().map(Copied::new).collect::<Result<Vec<_>>>()?;
    let mut order = Order::default();
    order.add(&plugin, &pinned)?;
    let mut pinned: Vec<_> = pinned.into_iter().map(Some).collect();
    let needed = order.needed.iter().filter_map(|index| pinned[*index].take());
    Ok(Verified {
        entry,
        needed: needed.map(Copied::into_needed).collect(),
        runtime: order.runtime,
        library: plugin.sealed,
    })
}

/// A copy of a shared library with the pinned content.
#[derive(Debug)]
struct Copied<'p> {
    pin: &'p Pin,
    sealed: Sealed,
    library: Library,
}

impl<'p> Copied<'p> {
    fn new(pin: &'p Pin) -> Result<Self> {
        let placed = placement::open(&pin.path)?;
        let (sealed, library) = seal_pinned(&placed, pin, |content| match elf::read(content)? {
            Elf::Library(library) => Ok(library),
            Elf::Program => Err(unusable("is a program and not a shared library")),
        })?;
        Ok(Self { pin, sealed, library })
    }

    /// A library that is loaded later and needs a part of the C runtime would get a plugin of its
    /// name.
    fn check_name(&self) -> Result<()> {
        match self.library.soname.as_deref() {
            Some(name) if part(name) != Part::Foreign => Err(with_path(&self.pin.path)(refused(
                format_args!("has the name {name}, which belongs to the C runtime"),
            ))),
            _ => Ok(()),
        }
    }

    fn into_needed(self) -> Needed {
        let name = self.library.soname.expect("found by its name");
        Needed { name, digest: self.pin.digest, library: self.sealed }
    }
}
