use std::time::{Duration, Instant};

use super::*;

fn costs(memory_kib: u64, iterations: u64, lanes: u64) -> Costs {
    Costs::new(memory_kib, iterations, lanes).unwrap()
}

fn hex(key: &Secret) -> String {
    keyward_plugin::hex::encode(key.expose())
}

/// Encodes costs that may be out of bounds.
fn written(memory_kib: u32, iterations: u32, lanes: u32) -> Vec<u8> {
    Parameters { costs: Costs { memory_kib, iterations, lanes }, salt: *b"saltsaltsaltsalt" }
        .to_bytes()
}

/// From the test suite of the reference implementation (phc-winner-argon2).
#[test]
fn the_reference_vector_holds() {
    let key = argon2id(b"password", b"somesalt", costs(65536, 2, 1)).unwrap();
    assert_eq!(hex(&key), "09316115d5cf24ed5a15a31a3ba326e5cf32edc24702987c02b6566f61913cf7");
}

/// Keys that were derived once must be derived for ever. The keys are those of the reference
/// program:
/// `printf 'correct horse' | argon2 saltsaltsaltsalt -id -t 3 -k 65536 -p 1 -l 32 -r`.
#[test]
fn parameters_and_keys_never_change() {
    for (memory, iterations, lanes, key) in [
        (*b"\0\x01\0\0", 3, 1, "332541e4192860aa42935c10c48d64793839c579a782b7c5baeff2d7c197d1f4"),
        (*b"\0\0\x40\0", 2, 4, "10d21a56d339436e48f4aba0a3bdd6a24fba726b9ae2f5cf07b82cf74aeec462"),
    ] {
        let costs = [0, 0, 0, iterations, 0, 0, 0, lanes];
        let bytes = [&[1][..], &memory, &costs, b"saltsaltsaltsalt"].concat();
        let parameters = Parameters::parse(&bytes).unwrap();
        assert_eq!(parameters.to_bytes(), bytes);
        assert_eq!(hex(&derive(&Secret::from("correct horse"), &parameters).unwrap()), key);
    }
}

/// The first three are those of `argon2id` in the list of hostile costs; the last ones are
/// downgrades.
#[test]
fn costs_out_of_bounds_are_refused_before_any_work() {
    for (memory_kib, iterations, lanes) in [
        (u32::MAX, 1, 1),
        (8, u32::MAX, 1),
        (65536, 3, 0x00ff_ffff),
        ((1 << 20) + 1, 3, 1),
        (65536, 17, 1),
        (65536, 3, 9),
        ((8 << 10) - 1, 3, 1),
        (65536, 0, 1),
        (65536, 3, 0),
    ] {
        let started = Instant::now();
        let error = Parameters::parse(&written(memory_kib, iterations, lanes)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Refused, "{memory_kib} {iterations} {lanes}");
        assert!(started.elapsed() < Duration::from_millis(50));
    }
}

#[test]
fn bounds_themselves_are_allowed() {
    for (memory_kib, iterations, lanes) in [(8 << 10, 1, 1), (1 << 20, 16, 8)] {
        Parameters::parse(&written(memory_kib, iterations, lanes)).unwrap();
    }
}

#[test]
fn other_bytes_are_corrupt() {
    let good = written(65536, 3, 1);
    let later = [&[2], &good[1..]].concat();
    for bad in [&good[1..], &good[..28], &[&good[..], b"\0"].concat(), &later, b"supplied"] {
        assert_eq!(Parameters::parse(bad).unwrap_err().kind(), ErrorKind::Corrupt, "{bad:x?}");
    }
}
