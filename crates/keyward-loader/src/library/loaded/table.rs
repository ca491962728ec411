//! Reads tables up to the size that they contain.
#![expect(unsafe_code, reason = "tables are raw pointers")]

use std::mem::MaybeUninit;

use keyward_core::Result;
use keyward_plugin::abi::{self, FLAG_PANIC_ABORTS, MAGIC, MAJOR, Slice, Table};

use crate::errors::{refused, unusable};

/// The length of the longest text in a table, in bytes.
const LONGEST: usize = 4096;

/// More than the size of any table, in bytes. The size of a row says where the next one is, so it
/// needs a limit.
const LARGEST: usize = 4096;

/// More than the number of options of any backend.
const MOST_OPTIONS: usize = 256;

/// Reads the main table, after magic and version.
///
/// # Safety
/// The pointer must come from a plugin's entry.
pub(super) unsafe fn plugin(pointer: *const abi::Plugin) -> Result<abi::Plugin> {
    if pointer.is_null() {
        return Err(unusable("the plugin refuses to run"));
    }
    let pointer = valid_pointer(pointer)?;
    // SAFETY: the tables of all versions start with these four fields.
    let (magic, size, major, minor) =
        unsafe { ((*pointer).magic, (*pointer).size, (*pointer).major, (*pointer).minor) };
    if magic != MAGIC {
        return Err(unusable("the plugin's table does not start with the magic number"));
    }
    if major != MAJOR {
        return Err(unusable(format_args!(
            "the plugin is built for version {major}.{minor} of the interface, and this is {MAJOR}"
        )));
    }
    // SAFETY: the table is as long as it says.
    let plugin: abi::Plugin = unsafe { prefix(pointer, size)? };
    if plugin.flags & FLAG_PANIC_ABORTS != 0 {
        return Err(refused("the plugin is built so that a panic would end the program")
            .hint("Build it with panic = \"unwind\""));
    }
    Ok(plugin)
}

/// Reads a table that starts with its size.
///
/// # Safety
/// The pointer must be NULL or a plugin's.
pub(super) unsafe fn read<T: Table + Copy>(pointer: *const T) -> Result<T> {
    let pointer = valid_pointer(pointer)?;
    // SAFETY: the first field of such a table is its size.
    unsafe { prefix(pointer, *pointer.cast()) }
}

/// Returns a pointer from which something can be read.
fn valid_pointer<T>(pointer: *const T) -> Result<*const T> {
    if pointer.is_null() {
        return Err(unusable("the plugin's table lacks a pointer"));
    }
    if !pointer.is_aligned() {
        return Err(unusable("one of the plugin's tables is not aligned"));
    }
    Ok(pointer)
}

/// Reads a table as far as it goes. Fields that a shorter table lacks are zero, which means none.
unsafe fn prefix<T: Table + Copy>(pointer: *const T, size: u32) -> Result<T> {
    let size = size as usize;
    if size < T::LEAST {
        return Err(unusable("one of the plugin's tables is too short"));
    }
    if size > LARGEST || !size.is_multiple_of(align_of::<T>()) {
        return Err(unusable("one of the plugin's tables has a size that is not valid"));
    }
    let mut table = MaybeUninit::<T>::zeroed();
    // SAFETY: so many bytes exist, and all tables are plain data for which zeros are a value.
    unsafe {
        let length = size.min(size_of::<T>());
        std::ptr::copy_nonoverlapping(pointer.cast::<u8>(), table.as_mut_ptr().cast(), length);
        Ok(table.assume_init())
    }
}

/// Reads a list of pointers.
///
/// # Safety
/// There must be so many, unless the pointer is NULL or not aligned.
pub(super) unsafe fn list<'a, T>(pointer: *const T, count: usize) -> Result<&'a [T]> {
    match count {
        0 => Ok(&[]),
        // SAFETY: the caller guarantees it.
        _ => Ok(unsafe { std::slice::from_raw_parts(valid_pointer(pointer)?, count) }),
    }
}

/// Reads the rows of an options table. Each row says where the next one is.
///
/// # Safety
/// The table must come from a plugin.
pub(super) unsafe fn rows(
    first: *const abi::OptionRow,
    count: usize,
) -> Result<Vec<abi::OptionRow>> {
    if count > MOST_OPTIONS {
        return Err(unusable("the plugin's table has too many options"));
    }
    let (mut rows, mut at) = (Vec::new(), first);
    for _ in 0..count {
        // SAFETY: there are so many rows, one after the other.
        let row = unsafe { read(at)? };
        rows.push(row);
        // SAFETY: as above.
        at = unsafe { at.byte_add(row.size as usize) };
    }
    Ok(rows)
}

/// Reads the choices of an option.
///
/// # Safety
/// The array must come from a plugin.
pub(super) unsafe fn choices(first: *const Slice, count: usize) -> Result<Vec<String>> {
    if count == 0 {
        return Ok(Vec::new());
    }
    if count > MOST_OPTIONS || first.is_null() || !first.is_aligned() {
        return Err(unusable("the plugin's option has choices that are not valid"));
    }
    // SAFETY: there are so many, and they are never freed.
    let choices = unsafe { std::slice::from_raw_parts(first, count) };
    // SAFETY: the texts come from the same plugin.
    choices.iter().map(|choice| unsafe { text(*choice, "choice") }).collect()
}

/// Reads a text.
///
/// # Safety
/// The text must come from a plugin.
pub(super) unsafe fn text(text: Slice, what: &str) -> Result<String> {
    if text.length > LONGEST || (text.data.is_null() && text.length > 0) {
        return Err(unusable(format_args!("the plugin's {what} is not text")));
    }
    // SAFETY: it is valid, and not too long.
    let text = unsafe { text.text() };
    let text = text.map_err(|_| unusable(format_args!("the plugin's {what} is not text")))?;
    if text.chars().any(char::is_control) {
        return Err(unusable(format_args!("the plugin's {what} has control characters")));
    }
    Ok(text.to_owned())
}
