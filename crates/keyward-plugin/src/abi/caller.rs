//! Tables of a caller that may have another minor version.

use std::mem::MaybeUninit;

use keyward_core::{Error, Result};

use super::layout::Table;

/// Reads a table that the caller filled in. Fields that a shorter table lacks are zero, which means
/// none.
///
/// # Errors
/// [`Invalid`](crate::ErrorKind::Invalid) if it is shorter than in version 1.0.
///
/// # Safety
/// The table must be as long as its first field says.
pub(super) unsafe fn read<T: Table + Copy>(table: *const T) -> Result<T> {
    let size = *table.cast::<u32>() as usize;
    if size < T::LEAST {
        return Err(Error::invalid("plugin", "one of the host's tables is too short"));
    }
    let mut read = MaybeUninit::<T>::zeroed();
    let length = size.min(size_of::<T>());
    std::ptr::copy_nonoverlapping(table.cast::<u8>(), read.as_mut_ptr().cast(), length);
    Ok(read.assume_init())
}

/// Fills in a table of the caller, up to its end.
///
/// # Safety
/// The table must be as long as its first field says.
pub(super) unsafe fn fill<T: Table + Copy>(table: *mut T, with: T) {
    let length = size_of::<T>().min(*table.cast::<u32>() as usize);
    std::ptr::copy_nonoverlapping((&raw const with).cast::<u8>(), table.cast(), length);
    *table.cast() = length as u32;
}

#[cfg(test)]
mod tests {
    use super::super::data::PutOptions;
    use super::super::table::EncryptionAbilities;
    use super::*;

    const ABLE: EncryptionAbilities =
        EncryptionAbilities { size: 16, binds_context: 1, authenticates: 1, keys: 2 };

    /// Makes a caller's table and the memory after it, as numbers: all 7, except the size.
    fn filled(size: u32) -> [u32; 8] {
        let mut memory = [7; 8];
        memory[0] = size;
        // SAFETY: the memory is longer than all of these sizes.
        unsafe { fill(memory.as_mut_ptr().cast(), ABLE) };
        memory
    }

    #[test]
    fn a_table_is_filled_as_far_as_it_goes() {
        assert_eq!(filled(16), [16, 1, 1, 2, 7, 7, 7, 7]);
        assert_eq!(filled(12), [12, 1, 1, 7, 7, 7, 7, 7], "one of an earlier version");
        assert_eq!(filled(24), [16, 1, 1, 2, 7, 7, 7, 7], "one of a later version");
    }

    #[test]
    fn a_table_is_read_as_far_as_it_goes() {
        let size = size_of::<PutOptions>();
        let mut memory = [7_u64; 16];
        let mut read = |size: usize| {
            memory[0] = size as u64;
            // SAFETY: the memory is longer than the table, and any numbers are a valid table.
            unsafe { read(memory.as_ptr().cast::<PutOptions>()) }
        };
        for size in [size, size + 8] {
            assert_eq!(read(size).unwrap().expires, 7);
        }
        for size in [0, 4, size - 8] {
            let error = read(size).unwrap_err();
            assert_eq!(error.kind(), crate::ErrorKind::Invalid);
            assert_eq!(error.message(), "one of the host's tables is too short");
        }
    }
}
