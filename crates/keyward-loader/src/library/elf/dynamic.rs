use elf::abi::{
    DF_1_PIE, DT_AUDIT, DT_CONFIG, DT_DEPAUDIT, DT_FLAGS_1, DT_GNU_HASH, DT_HASH, DT_NEEDED,
    DT_NULL, DT_RPATH, DT_RUNPATH, DT_SONAME, DT_STRTAB, DT_SYMTAB,
};
use elf::dynamic::Dyn;
use elf::segment::ProgramHeader;

use keyward_core::Result;

use super::image::{Image, Table, damaged, table};
use crate::errors::unusable;

/// The length of the longest name of a library or of an entry.
const MAX_NAME: usize = 255;

/// The greatest number of libraries that one may need.
const MAX_NEEDED: usize = 256;

/// The dynamic section: the instructions of a file for the dynamic linker.
#[derive(Debug, Default)]
pub(super) struct Dynamic<'b> {
    pub(super) soname: Option<String>,
    pub(super) needed: Vec<String>,
    /// A tag that makes the linker load other libraries than the needed ones, or search for these
    /// in places that the file chooses.
    pub(super) unsafe_tag: Option<&'static str>,
    pub(super) is_program: bool,
    pub(super) strings: &'b [u8],
    pub(super) symbols: Option<u64>,
    pub(super) hash: Option<u64>,
    pub(super) gnu_hash: Option<u64>,
}

impl<'b> Dynamic<'b> {
    pub(super) fn read(image: &Image<'b>, segment: &ProgramHeader) -> Result<Self> {
        let mut dynamic = Self::default();
        let (mut soname, mut strings, mut needed) = (None, None, Vec::new());
        // The linker too reads until the end mark, and ignores the size of the segment.
        let entries: Table<'_, Dyn> = table(image.from(segment.p_vaddr)?);
        for index in 0.. {
            let entry = entries.get(index).map_err(|_| damaged())?;
            let value = entry.d_val();
            match entry.d_tag {
                DT_NULL => break,
                DT_NEEDED if needed.len() < MAX_NEEDED => needed.push(value),
                DT_NEEDED => {
                    return Err(unusable(format_args!("needs more than {MAX_NEEDED} libraries")));
                }
                DT_SONAME => soname = Some(value),
                DT_STRTAB => strings = Some(value),
                DT_SYMTAB => dynamic.symbols = Some(value),
                DT_HASH => dynamic.hash = Some(value),
                DT_GNU_HASH => dynamic.gnu_hash = Some(value),
                DT_FLAGS_1 => dynamic.is_program = value & DF_1_PIE as u64 != 0,
                tag => dynamic.unsafe_tag = dynamic.unsafe_tag.or(name_of_unsafe(tag)),
            }
        }
        dynamic.strings = image.from(strings.ok_or_else(damaged)?)?;
        dynamic.soname = soname.map(|at| dynamic.name(at)).transpose()?;
        dynamic.needed = needed.into_iter().map(|at| dynamic.name(at)).collect::<Result<_>>()?;
        Ok(dynamic)
    }

    /// Returns the name that starts here in the string table.
    pub(super) fn name(&self, at: u64) -> Result<String> {
        let name = self.string(at).and_then(|bytes| {
            let end = bytes.iter().take(MAX_NAME + 1).position(|byte| *byte == 0)?;
            str::from_utf8(&bytes[..end]).ok()
        });
        let name = name.filter(|name| name.bytes().all(|byte| byte.is_ascii_graphic()));
        name.map(str::to_owned).ok_or_else(damaged)
    }

    /// Returns the string table from here on.
    pub(super) fn string(&self, at: u64) -> Option<&'b [u8]> {
        self.strings.get(usize::try_from(at).ok()?..)
    }
}

fn name_of_unsafe(tag: i64) -> Option<&'static str> {
    /// These two come from Solaris; the GNU linker knows them too.
    const DT_AUXILIARY: i64 = 0x7fff_fffd;
    const DT_FILTER: i64 = 0x7fff_ffff;
    Some(match tag {
        DT_RPATH => "an RPATH",
        DT_RUNPATH => "a RUNPATH",
        DT_CONFIG => "a CONFIG entry",
        DT_AUDIT => "an AUDIT entry",
        DT_DEPAUDIT => "a DEPAUDIT entry",
        DT_AUXILIARY => "an AUXILIARY entry",
        DT_FILTER => "a FILTER entry",
        _ => return None,
    })
}
