//! Reading tables as far as their makers say they go.
#![expect(unsafe_code, reason = "tables are raw pointers")]

use std::mem::MaybeUninit;

use keyward_core::Result;
use keyward_plugin::abi::{self, FLAG_PANIC_ABORTS, MAGIC, MAJOR, Slice, Table};

use crate::fault::{refused, unusable};

/// The longest text in a table, in bytes.
const LONGEST: usize = 4096;

/// More than any table is long, in bytes. A row's size says where the next one is, so it must not be anything.
const LARGEST: usize = 4096;

/// More than any backend can be told.
const MOST_OPTIONS: usize = 256;

/// The root of all, after magic and version.
///
/// # Safety
/// The pointer came from a plugin's entry.
pub(super) unsafe fn plugin(pointer: *const abi::Plugin) -> Result<abi::Plugin> {
    if pointer.is_null() {
        return Err(unusable("the plugin does not want to run here"));
    }
    let pointer = sound(pointer)?;
    // SAFETY: every version starts with these four.
    let (magic, size, major, minor) =
        unsafe { ((*pointer).magic, (*pointer).size, (*pointer).major, (*pointer).minor) };
    if magic != MAGIC {
        return Err(unusable("the plugin's table does not start as one"));
    }
    if major != MAJOR {
        return Err(unusable(format_args!(
            "the plugin is built for version {major}.{minor} of the interface, and this is {MAJOR}"
        )));
    }
    // SAFETY: the table goes as far as it says.
    let plugin: abi::Plugin = unsafe { prefix(pointer, size)? };
    if plugin.flags & FLAG_PANIC_ABORTS != 0 {
        return Err(refused("the plugin is built so that a panic would end the program")
            .hint("Build it with panic = \"unwind\""));
    }
    Ok(plugin)
}

/// A table that starts with its size.
///
/// # Safety
/// The pointer is NULL or a plugin's.
pub(super) unsafe fn read<T: Table + Copy>(pointer: *const T) -> Result<T> {
    let pointer = sound(pointer)?;
    // SAFETY: the first field of such a table is its size.
    unsafe { prefix(pointer, *pointer.cast()) }
}

/// A pointer through which something can be read at all.
fn sound<T>(pointer: *const T) -> Result<*const T> {
    if pointer.is_null() {
        return Err(unusable("the plugin's table has a hole"));
    }
    if !pointer.is_aligned() {
        return Err(unusable("one of the plugin's tables is not aligned"));
    }
    Ok(pointer)
}

/// As much of a table as there is; what a shorter one lacks is zero, which is none.
unsafe fn prefix<T: Table + Copy>(pointer: *const T, size: u32) -> Result<T> {
    let size = size as usize;
    if size < T::LEAST {
        return Err(unusable("one of the plugin's tables is too short"));
    }
    if size > LARGEST || !size.is_multiple_of(align_of::<T>()) {
        return Err(unusable("one of the plugin's tables has a size that none can have"));
    }
    let mut table = MaybeUninit::<T>::zeroed();
    // SAFETY: so many bytes are there, and all tables are plain data for which zeros are a value.
    unsafe {
        let length = size.min(size_of::<T>());
        std::ptr::copy_nonoverlapping(pointer.cast::<u8>(), table.as_mut_ptr().cast(), length);
        Ok(table.assume_init())
    }
}

/// A list of pointers.
///
/// # Safety
/// So many are there, unless the pointer is NULL or not aligned.
pub(super) unsafe fn list<'a, T>(pointer: *const T, count: usize) -> Result<&'a [T]> {
    match count {
        0 => Ok(&[]),
        // SAFETY: as this function's own contract has it.
        _ => Ok(unsafe { std::slice::from_raw_parts(sound(pointer)?, count) }),
    }
}

/// The rows of an options table, which follow one another as far as each says.
///
/// # Safety
/// The table is a plugin's.
pub(super) unsafe fn rows(
    first: *const abi::OptionRow,
    count: usize,
) -> Result<Vec<abi::OptionRow>> {
    if count > MOST_OPTIONS {
        return Err(unusable("the plugin's table has too many options"));
    }
    let (mut rows, mut at) = (Vec::new(), first);
    for _ in 0..count {
        // SAFETY: so many rows are there, one behind the other.
        let row = unsafe { read(at)? };
        rows.push(row);
        // SAFETY: as above.
        at = unsafe { at.byte_add(row.size as usize) };
    }
    Ok(rows)
}

/// A text.
///
/// # Safety
/// The text is a plugin's.
pub(super) unsafe fn text(text: Slice, what: &str) -> Result<String> {
    if text.length > LONGEST || (text.data.is_null() && text.length > 0) {
        return Err(unusable(format_args!("the plugin's {what} is no text")));
    }
    // SAFETY: it is there, and not too long to be.
    let text = unsafe { text.text() };
    let text = text.map_err(|_| unusable(format_args!("the plugin's {what} is no text")))?;
    if text.chars().any(char::is_control) {
        return Err(unusable(format_args!("the plugin's {what} has control characters")));
    }
    Ok(text.to_owned())
}
