//! A secret that is dropped is nowhere in the memory of its process.
#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, reason = "a test that fails panics")]

use std::fs::{self, File};
use std::io::Write;
use std::os::unix::fs::FileExt;

use keyward_core::{Secret, SecretWriter};

/// Makes bytes of which no part is in the program file.
fn canary(seed: u8) -> Vec<u8> {
    (0..200_u8).map(|i| i.wrapping_mul(37) ^ seed).collect()
}

/// Whether the middle of a canary is anywhere in memory that this process can write, except in the
/// buffer that this function reads memory into.
fn is_left(seed: u8) -> bool {
    let memory = File::open("/proc/self/mem").unwrap();
    let maps = fs::read_to_string("/proc/self/maps").unwrap();
    let mut page = [0; 4096];
    maps.lines().filter(|line| line.contains(" rw")).any(|line| {
        let (start, end) = line.split(' ').next().unwrap().split_once('-').unwrap();
        let address = |digits| u64::from_str_radix(digits, 16).unwrap();
        let mut run = 64;
        (address(start)..address(end)).step_by(page.len()).any(|place| {
            // Memory that cannot be read is skipped, and so is this function's buffer.
            let is_own = (page.as_ptr() as u64).abs_diff(place) < 2 * 4096;
            if is_own || memory.read_exact_at(&mut page, place).is_err() {
                return false;
            }
            page.iter().any(|byte| {
                let expected = (run as u8).wrapping_mul(37) ^ seed;
                run = if *byte == expected { run + 1 } else { 64 };
                run == 128
            })
        })
    })
}

#[test]
fn memory_that_is_not_wiped_is_found() {
    let bytes = canary(1);
    assert!(is_left(1));
    drop(bytes);
    assert!(is_left(1), "the tests below would pass without wiping");
}

#[test]
fn a_dropped_secret_is_gone() {
    let secret = Secret::new(canary(2));
    assert!(is_left(2));
    drop(secret);
    assert!(!is_left(2));
}

#[test]
fn a_writer_that_grew_leaves_nothing_behind() {
    let secret = Secret::new(canary(3));
    let mut writer = SecretWriter::new();
    writer.write_all(secret.expose()).unwrap();
    drop(secret);
    assert!(is_left(3));
    writer.write_all(&[0; 10_000]).unwrap();
    drop(writer.finish());
    assert!(!is_left(3));
}

#[test]
fn what_was_cut_off_is_gone() {
    let mut secret = Secret::new(canary(4));
    assert!(is_left(4));
    secret.truncate(8);
    assert!(!is_left(4));
}
