//! Argon2id (RFC 9106, version 1.3), and the encoding of its parameters.

use std::ops::RangeInclusive;

use argon2::{Algorithm, Argon2, Block, Params, Version};
use keyward_plugin::{Error, ErrorKind, KEY_LENGTH, Result, Secret};
use zeroize::Zeroizing;

const MEMORY_KIB: RangeInclusive<u64> = 8 << 10..=1 << 20;
const ITERATIONS: RangeInclusive<u64> = 1..=16;
const LANES: RangeInclusive<u64> = 1..=8;

/// The costs of a derivation; always within bounds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Costs {
    memory_kib: u32,
    iterations: u32,
    lanes: u32,
}

impl Costs {
    /// Makes these costs; the error says which one is out of bounds.
    pub(crate) fn new(memory_kib: u64, iterations: u64, lanes: u64) -> Result<Self, String> {
        Ok(Self {
            memory_kib: bounded("memory_kib", memory_kib, &MEMORY_KIB)?,
            iterations: bounded("iterations", iterations, &ITERATIONS)?,
            lanes: bounded("lanes", lanes, &LANES)?,
        })
    }
}

fn bounded(name: &str, value: u64, bounds: &RangeInclusive<u64>) -> Result<u32, String> {
    match u32::try_from(value) {
        Ok(fits) if bounds.contains(&value) => Ok(fits),
        _ => Err(format!("`{name}` must be from {} to {}", bounds.start(), bounds.end())),
    }
}

/// The values that are kept to derive the same key again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Parameters {
    pub(crate) costs: Costs,
    pub(crate) salt: [u8; 16],
}

impl Parameters {
    const VERSION: u8 = 1;
    const LENGTH: usize = 1 + 3 * 4 + 16;

    /// Encodes version, memory, iterations and lanes as big-endian `u32`, and the salt.
    pub(crate) fn to_bytes(self) -> Vec<u8> {
        let Costs { memory_kib, iterations, lanes } = self.costs;
        let mut bytes = Vec::with_capacity(Self::LENGTH);
        bytes.push(Self::VERSION);
        for cost in [memory_kib, iterations, lanes] {
            bytes.extend_from_slice(&cost.to_be_bytes());
        }
        bytes.extend_from_slice(&self.salt);
        bytes
    }

    /// Reads what [`to_bytes`](Self::to_bytes) wrote.
    ///
    /// # Errors
    /// - [`Corrupt`](ErrorKind::Corrupt): other bytes.
    /// - [`Refused`](ErrorKind::Refused): costs out of bounds.
    pub(crate) fn parse(bytes: &[u8]) -> Result<Self> {
        let corrupt =
            || Error::corrupt("load").because("these are not the parameters of a passphrase");
        let bytes: &[u8; Self::LENGTH] = bytes.try_into().map_err(|_| corrupt())?;
        let [Self::VERSION, m0, m1, m2, m3, t0, t1, t2, t3, p0, p1, p2, p3, salt @ ..] = *bytes
        else {
            return Err(corrupt());
        };
        let number = |bytes| u32::from_be_bytes(bytes).into();
        let costs = Costs::new(
            number([m0, m1, m2, m3]),
            number([t0, t1, t2, t3]),
            number([p0, p1, p2, p3]),
        )
        .map_err(|why| {
            let why = format!("the store requests an unsafe key derivation: {why}");
            Error::new(ErrorKind::Refused, "load").because(why)
        })?;
        Ok(Self { costs, salt })
    }
}

/// Derives the key of this passphrase in memory that is wiped.
pub(crate) fn derive(passphrase: &Secret, parameters: &Parameters) -> Result<Secret> {
    argon2id(passphrase.expose(), &parameters.salt, parameters.costs)
}

fn argon2id(passphrase: &[u8], salt: &[u8], costs: Costs) -> Result<Secret> {
    let Costs { memory_kib, iterations, lanes } = costs;
    let params = Params::new(memory_kib, iterations, lanes, Some(KEY_LENGTH)).map_err(failed)?;
    let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);

    let mut memory = Zeroizing::new(Vec::new());
    memory.try_reserve_exact(argon2.params().block_count()).map_err(|_| {
        Error::new(ErrorKind::Unavailable, "derive")
            .because(format!("{} MiB of memory are needed and not available", memory_kib >> 10))
    })?;
    memory.resize(argon2.params().block_count(), Block::default());

    let mut key = Zeroizing::new([0; KEY_LENGTH]);
    argon2
        .hash_password_into_with_memory(passphrase, salt, &mut key[..], memory.as_mut_slice())
        .map_err(failed)?;
    Ok(Secret::from(&key[..]))
}

/// The messages of this crate contain only lengths and costs.
fn failed(error: argon2::Error) -> Error {
    Error::invalid("derive", error.to_string())
}

#[cfg(test)]
mod tests;
