//! Reads the description that an ELF file contains, before any of its code runs.
//!
//! It is read as the dynamic linker reads it: from the program headers, at the addresses that the
//! file will have in memory. Section headers, which other tools use, are ignored; they may contain
//! anything.

mod dynamic;
mod image;
mod symbols;

use std::fmt;

use elf::abi::{ET_DYN, ET_EXEC, PT_DYNAMIC, PT_INTERP};
use keyward_core::Result;
use keyward_plugin::abi::MAJOR;

use crate::errors::{refused, unusable};
use dynamic::Dynamic;
use image::Image;

/// The kind of an ELF file.
#[derive(Debug)]
pub enum Elf {
    /// A program, which can be run.
    Program,
    /// A shared library, which can be loaded.
    Library(Library),
}

/// The description that a shared library contains.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Library {
    /// The name by which other libraries need it.
    pub soname: Option<String>,
    /// The names of the libraries that it needs.
    pub needed: Vec<String>,
    /// The functions by which a program can call it as a plugin.
    pub entries: Vec<Entry>,
}

/// The function by which a program calls a plugin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The function's name, such as `keyward_plugin_v1__keyward_storage_file`.
    pub symbol: String,
    /// The major version of the plugin interface.
    pub major: u32,
}

impl Entry {
    /// Returns the crate that it belongs to, as Rust spells crates.
    pub fn package(&self) -> &str {
        self.symbol.split_once("__").map_or("", |(_, package)| package)
    }

    /// Returns the entry that a symbol of this name is, if it is one.
    fn parse(symbol: &str) -> Option<Self> {
        let (digits, package) = symbol.strip_prefix(symbols::PREFIX)?.split_once("__")?;
        let major: u32 = digits.parse().ok()?;
        let rust = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
        // `v01` is not another way to write `v1`.
        if major.to_string() != digits || package.is_empty() || !package.bytes().all(rust) {
            return None;
        }
        Some(Self { symbol: symbol.to_owned(), major })
    }
}

impl fmt::Display for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.symbol)
    }
}

impl Library {
    /// Returns the one entry that this program can call.
    ///
    /// # Errors
    /// [`Unavailable`](keyward_core::ErrorKind::Unavailable) if it is not a plugin, is one for
    /// another major version of the interface, or has several entries.
    pub fn entry(&self) -> Result<&Entry> {
        let mut fitting = self.entries.iter().filter(|entry| entry.major == u32::from(MAJOR));
        match (fitting.next(), fitting.next(), self.entries.first()) {
            (Some(entry), None, _) => Ok(entry),
            (Some(one), Some(other), _) => {
                Err(unusable(format_args!("has more than one entry: {one} and {other}")))
            }
            (None, _, Some(other)) => Err(unusable(format_args!(
                "is built for version {} of the plugin interface, and this program for version {MAJOR}",
                other.major
            ))
            .hint("Use a build of the plugin for this version of Keyward")),
            (None, _, None) => Err(unusable(format_args!(
                "is not a Keyward plugin, it has no function {}{MAJOR}__CRATE",
                symbols::PREFIX
            ))),
        }
    }
}

/// Reads the bytes of an ELF file. They need not be one.
///
/// # Errors
/// The messages say what is wrong with the file, without its name.
/// - [`Refused`](keyward_core::ErrorKind::Refused): it is a library that would make the linker load
///   other libraries, or load them from places that it chooses.
/// - [`Unavailable`](keyward_core::ErrorKind::Unavailable): it is not a program or library, is
///   built for another machine, or is damaged.
pub fn read(bytes: &[u8]) -> Result<Elf> {
    let image = Image::read(bytes)?;
    if image.kind() == ET_EXEC {
        return Ok(Elf::Program);
    }
    if image.kind() != ET_DYN {
        return Err(unusable("is neither a program nor a shared library"));
    }
    let starts = image.segments(PT_INTERP).next().is_some();
    let Some(table) = image.segments(PT_DYNAMIC).last() else {
        return Err(unusable("is not a shared library, it has no dynamic section"));
    };
    let dynamic = Dynamic::read(&image, table)?;
    // Some libraries can be started to print their version, and old programs lack the flag.
    if dynamic.is_program || (starts && dynamic.soname.is_none()) {
        return Ok(Elf::Program);
    }
    if let Some(tag) = dynamic.unsafe_tag {
        return Err(refused(format_args!("has {tag}, which lets the linker load other libraries"))
            .hint("Build it without that, or remove it with `patchelf --remove-rpath`"));
    }
    let entries = symbols::entries(&image, &dynamic)?;
    Ok(Elf::Library(Library { soname: dynamic.soname, needed: dynamic.needed, entries }))
}
