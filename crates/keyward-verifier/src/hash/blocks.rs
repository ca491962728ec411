//! The memory of Argon2, which is used again.
//!
//! An allocator keeps what a thread frees for that thread, so that a server with many threads would
//! keep the memory of many hashes, though few are computed at the same time.

use std::sync::{Mutex, PoisonError};

use argon2::Block;

/// How many pieces of memory are kept. More threads than these do not compute faster.
const MOST: usize = 4;

/// The largest piece that is kept, in blocks of 1 KiB. The allocator returns larger ones to the system.
const LARGEST: usize = 32 << 10;

static KEPT: Mutex<Vec<Vec<Block>>> = Mutex::new(Vec::new());

/// Lends memory for some work, and clears it afterwards.
pub(super) fn with_blocks<T>(count: usize, work: impl FnOnce(&mut [Block]) -> T) -> T {
    let mut blocks = kept().pop().unwrap_or_default();
    if blocks.len() < count {
        blocks.resize(count, Block::new());
    }
    let result = work(&mut blocks[..count]);
    blocks[..count].fill(Block::new());
    std::hint::black_box(&blocks);
    let mut kept = kept();
    if kept.len() < MOST && blocks.len() <= LARGEST {
        kept.push(blocks);
    }
    result
}

fn kept() -> std::sync::MutexGuard<'static, Vec<Vec<Block>>> {
    KEPT.lock().unwrap_or_else(PoisonError::into_inner)
}
