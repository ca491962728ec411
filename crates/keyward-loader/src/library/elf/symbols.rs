use std::ops::Range;

use elf::abi::{STB_GLOBAL, STB_WEAK, STT_FUNC, STV_DEFAULT, STV_PROTECTED};
use elf::symbol::Symbol;

use keyward_core::Result;

use super::Entry;
use super::dynamic::Dynamic;
use super::image::{Image, Table, damaged, table};
use crate::errors::unusable;

/// The start of the names of all entries, before the major version.
pub(super) const PREFIX: &str = "keyward_plugin_v";

/// Returns the entries among the functions that a library exports.
pub(super) fn entries(image: &Image<'_>, dynamic: &Dynamic<'_>) -> Result<Vec<Entry>> {
    let symbols: Table<'_, Symbol> = table(image.from(dynamic.symbols.ok_or_else(damaged)?)?);
    let mut entries = Vec::new();
    for index in exported(image, dynamic)? {
        let symbol = symbols.get(index).map_err(|_| damaged())?;
        let name = u64::from(symbol.st_name);
        // In a hostile table, all names may be the same long one. So only the start is compared.
        let promising = dynamic.string(name).is_some_and(|at| at.starts_with(PREFIX.as_bytes()));
        if !promising || !is_exported(&symbol) {
            continue;
        }
        let Some(entry) = Entry::parse(&dynamic.name(name)?) else { continue };
        if symbol.st_symtype() != STT_FUNC {
            return Err(unusable(format_args!("has a {entry} that is not a function")));
        }
        entries.push(entry);
    }
    Ok(entries)
}

fn is_exported(symbol: &Symbol) -> bool {
    !symbol.is_undefined()
        && [STB_GLOBAL, STB_WEAK].contains(&symbol.st_bind())
        && [STV_DEFAULT, STV_PROTECTED].contains(&symbol.st_vis())
}

/// Returns the range of symbols that can be found by name. Only the hash tables contain their
/// number. If there are both, the linker uses the GNU one.
fn exported(image: &Image<'_>, dynamic: &Dynamic<'_>) -> Result<Range<usize>> {
    match (dynamic.gnu_hash, dynamic.hash) {
        (Some(at), _) => in_gnu_hash(image.from(at)?).ok_or_else(damaged),
        (None, Some(at)) => in_hash(image.from(at)?).ok_or_else(damaged),
        (None, None) => Ok(0..0),
    }
}

/// The header contains the numbers of buckets and chains; each symbol has a chain.
fn in_hash(bytes: &[u8]) -> Option<Range<usize>> {
    Some(0..word(bytes, 1)?)
}

/// The header contains the number of buckets, the first symbol that is hashed, the size of the
/// filter, and a shift. A bucket contains the first symbol of its chain, and the lowest bit ends a
/// chain.
fn in_gnu_hash(bytes: &[u8]) -> Option<Range<usize>> {
    let (buckets, first, filter) = (word(bytes, 0)?, word(bytes, 1)?, word(bytes, 2)?);
    let filter = filter.checked_mul(size_of::<usize>())?;
    let rest = bytes.get(16_usize.checked_add(filter)?..)?;
    let mut last = 0;
    for bucket in 0..buckets {
        last = last.max(word(rest, bucket)?);
    }
    if last < first {
        return Some(0..0);
    }
    let chain = |symbol: usize| word(rest, buckets.checked_add(symbol - first)?);
    while chain(last)? & 1 == 0 {
        last = last.checked_add(1)?;
    }
    Some(first..last.checked_add(1)?)
}

fn word(bytes: &[u8], index: usize) -> Option<usize> {
    let words: Table<'_, u32> = table(bytes);
    words.get(index).ok()?.try_into().ok()
}
