//! What an ELF file says of itself, read before anything of it runs.
//!
//! It is read as the dynamic linker reads it: from the program headers, through the addresses at
//! which the file will lie in memory. Section headers, which other tools go by, are not looked at;
//! they may say anything.

mod dynamic;
mod image;
mod symbols;

use std::fmt;

use elf::abi::{ET_DYN, ET_EXEC, PT_DYNAMIC, PT_INTERP};
use keyward_core::Result;
use keyward_plugin::abi::MAJOR;

use crate::fault::{refused, unusable};
use dynamic::Dynamic;
use image::Image;

/// What an ELF file is.
#[derive(Debug)]
pub enum Elf {
    /// A program: something that is run.
    Program,
    /// A shared library: something that is loaded.
    Library(Library),
}

/// What a shared library says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Library {
    /// The name by which others need it.
    pub soname: Option<String>,
    /// The names of the libraries that it needs.
    pub needed: Vec<String>,
    /// Where a program can enter it as a plugin.
    pub entries: Vec<Entry>,
}

/// A function through which a plugin is entered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The function's name, such as `keyward_plugin_v1__keyward_storage_file`.
    pub symbol: String,
    /// The major version of the plugin interface that it speaks.
    pub major: u32,
}

impl Entry {
    /// The crate that it belongs to, as Rust spells crates.
    pub fn package(&self) -> &str {
        self.symbol.split_once("__").map_or("", |(_, package)| package)
    }

    /// The entry that a symbol of this name is, if it is one.
    fn of(symbol: &str) -> Option<Self> {
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
    /// The one entry through which this program can enter it.
    ///
    /// # Errors
    /// [`Unavailable`](keyward_core::ErrorKind::Unavailable) if it is no plugin, one for another
    /// major version of the interface, or several in one.
    pub fn entry(&self) -> Result<&Entry> {
        let mut fitting = self.entries.iter().filter(|entry| entry.major == u32::from(MAJOR));
        match (fitting.next(), fitting.next(), self.entries.first()) {
            (Some(entry), None, _) => Ok(entry),
            (Some(one), Some(other), _) => {
                Err(unusable(format_args!("has more than one way in, {one} and {other}")))
            }
            (None, _, Some(other)) => Err(unusable(format_args!(
                "speaks version {} of the plugin interface, this program speaks version {MAJOR}",
                other.major
            ))
            .hint("Use builds of the plugin and of Keyward that belong together")),
            (None, _, None) => Err(unusable(format_args!(
                "is not a Keyward plugin, it has no function {}{MAJOR}__CRATE",
                symbols::PREFIX
            ))),
        }
    }
}

/// Reads the bytes of an ELF file, which may be anything at all.
///
/// # Errors
/// The messages say what is wrong with the file, without its name.
/// - [`Refused`](keyward_core::ErrorKind::Refused): it is a library that would have others loaded
///   from places of its own choice.
/// - [`Unavailable`](keyward_core::ErrorKind::Unavailable): it is no program or library, one for
///   other machines, or damaged.
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
    // Some libraries can be started to say their version, and old programs lack the flag.
    if dynamic.is_program || (starts && dynamic.soname.is_none()) {
        return Ok(Elf::Program);
    }
    if let Some(tag) = dynamic.unsafe_tag {
        return Err(refused(format_args!("has {tag}, so that others could be loaded in its name"))
            .hint("Build it without, or remove it with `patchelf --remove-rpath`"));
    }
    let entries = symbols::entries(&image, &dynamic)?;
    Ok(Elf::Library(Library { soname: dynamic.soname, needed: dynamic.needed, entries }))
}
