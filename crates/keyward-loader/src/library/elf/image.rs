use elf::abi::{self, EI_CLASS, EI_DATA, EI_NIDENT, ELFMAGIC, PT_LOAD};
use elf::endian::NativeEndian;
use elf::file::{Class, FileHeader, parse_ident};
use elf::parse::{ParseAt, ParsingTable};
use elf::segment::ProgramHeader;
use elf::to_str::e_machine_to_human_str;

use keyward_core::{Error, Result};

use crate::errors::unusable;
use crate::library::machine::MACHINE;

/// The class of this program, and so of all libraries that it can load.
const CLASS: Class = if cfg!(target_pointer_width = "64") { Class::ELF64 } else { Class::ELF32 };

/// Memory is mapped in pages of at least this size.
const PAGE: u64 = 4096;

/// An ELF file for this machine, with the addresses that it will have in memory.
#[derive(Debug)]
pub(super) struct Image<'b> {
    bytes: &'b [u8],
    kind: u16,
    headers: Vec<ProgramHeader>,
}

/// A table of an ELF file.
pub(super) type Table<'b, T> = ParsingTable<'b, NativeEndian, T>;

impl<'b> Image<'b> {
    pub(super) fn read(bytes: &'b [u8]) -> Result<Self> {
        if bytes.is_empty() {
            return Err(unusable("is empty"));
        }
        if !bytes.starts_with(&ELFMAGIC) {
            return Err(unusable("is not an ELF file"));
        }
        let (ident, tail) = bytes.split_at_checked(EI_NIDENT).ok_or_else(damaged)?;
        check_class(ident)?;
        let ident = parse_ident::<NativeEndian>(ident).map_err(|_| damaged())?;
        let header = FileHeader::parse_tail(ident, tail).map_err(|_| damaged())?;
        if header.e_machine != MACHINE.number {
            let machine = |number| e_machine_to_human_str(number).unwrap_or("an unknown machine");
            let (its, ours) = (machine(header.e_machine), machine(MACHINE.number));
            return Err(unusable(format_args!("is built for {its}, this program for {ours}")));
        }
        let headers = program_headers(bytes, &header)?;
        let image = Self { bytes, kind: header.e_type, headers };
        image.overlaps_nowhere()?;
        Ok(image)
    }

    /// Whether it is a program, a library or something else.
    pub(super) fn kind(&self) -> u16 {
        self.kind
    }

    /// Returns the segments of a kind.
    pub(super) fn segments(&self, kind: u32) -> impl Iterator<Item = &ProgramHeader> {
        self.headers.iter().filter(move |header| header.p_type == kind)
    }

    /// Returns the bytes from this address on, as far as the file contains them.
    pub(super) fn from(&self, address: u64) -> Result<&'b [u8]> {
        let bytes = self.segments(PT_LOAD).find_map(|segment| {
            let inside = address.checked_sub(segment.p_vaddr)?;
            let size = segment.p_filesz.checked_sub(inside).filter(|size| *size > 0)?;
            let start = usize::try_from(segment.p_offset.checked_add(inside)?).ok()?;
            let end = start.checked_add(usize::try_from(size).ok()?)?;
            self.bytes.get(start..end)
        });
        bytes.ok_or_else(damaged)
    }

    /// A segment that is mapped later must not cover bytes that were read here.
    fn overlaps_nowhere(&self) -> Result<()> {
        let mut free = 0;
        for segment in self.segments(PT_LOAD) {
            let size = segment.p_memsz.max(segment.p_filesz);
            let end = segment.p_vaddr.checked_add(size).ok_or_else(damaged)?;
            if segment.p_vaddr / PAGE * PAGE < free {
                return Err(damaged());
            }
            free = end.checked_next_multiple_of(PAGE).ok_or_else(damaged)?;
        }
        Ok(())
    }
}

/// Returns these bytes as a table of the class and byte order of this program.
pub(super) fn table<T: ParseAt>(bytes: &[u8]) -> Table<'_, T> {
    ParsingTable::new(NativeEndian, CLASS, bytes)
}

/// Makes the error for a file that contradicts itself or ends too soon.
pub(super) fn damaged() -> Error {
    unusable("is damaged, or is not a valid ELF file")
}

fn check_class(ident: &[u8]) -> Result<()> {
    let (class, bits) = match CLASS {
        Class::ELF64 => (abi::ELFCLASS64, 64),
        Class::ELF32 => (abi::ELFCLASS32, 32),
    };
    if ident[EI_CLASS] != class {
        return Err(unusable(format_args!("is not built for {bits} bits, as this program is")));
    }
    let order = if cfg!(target_endian = "big") { abi::ELFDATA2MSB } else { abi::ELFDATA2LSB };
    if ident[EI_DATA] != order {
        return Err(unusable("is built for the other byte order"));
    }
    Ok(())
}

fn program_headers(bytes: &[u8], header: &FileHeader<NativeEndian>) -> Result<Vec<ProgramHeader>> {
    if header.e_phnum > 0 && usize::from(header.e_phentsize) != ProgramHeader::size_for(CLASS) {
        return Err(damaged());
    }
    let start = usize::try_from(header.e_phoff).map_err(|_| damaged())?;
    let headers = table(bytes.get(start..).ok_or_else(damaged)?);
    (0..usize::from(header.e_phnum)).map(|n| headers.get(n).map_err(|_| damaged())).collect()
}
