//! Key source `passphrase`: a key derived with Argon2id from a passphrase that the user types.
//!
//! It keeps no secret: the parameters are the salt and the costs, and deleting such a key deletes
//! nothing. The passphrase is used as the bytes that were typed.
//!
//! # Security
//! The costs in the parameters of a store are checked against both bounds before memory is
//! allocated. With costs that are too low, a user who can write the store makes the passphrase
//! cheap to guess. With costs that are too high, opening the store exhausts the machine.

mod kdf;

use std::sync::Arc;

use keyward_plugin::{
    Backend, Created, Error, Host, Info, Key, KeyId, Loaded, Prompt, Result, SecretRef, options,
    random,
};

use crate::kdf::{Costs, Parameters};

keyward_plugin::register!(key: PassphraseKey);

/// A longer passphrase is not safer, and costs time.
const MAX_PASSPHRASE: usize = 4096;

options! {
    /// Where the passphrase comes from, and what guessing it costs.
    pub struct Options {
        /// Where to get the passphrase; without it, Keyward prompts on the terminal.
        pub passphrase: Option<SecretRef>,
        /// The memory that the derivation of a new key needs, in KiB.
        pub memory_kib: u64 = 65536,
        /// The number of passes over that memory.
        pub iterations: u64 = 3,
        /// The number of lanes of that memory.
        pub lanes: u64 = 1,
    }
}

/// The key source `passphrase`.
#[derive(Debug)]
pub struct PassphraseKey {
    passphrase: Option<SecretRef>,
    costs: Costs,
    host: Arc<dyn Host>,
}

impl Backend for PassphraseKey {
    const INFO: Info = Info::new(
        "passphrase",
        "A passphrase, hashed with Argon2id: typed each time, unless a reference supplies it",
    );
    type Options = Options;

    fn open(options: Options, host: &Arc<dyn Host>) -> Result<Self> {
        let costs = Costs::new(options.memory_kib, options.iterations, options.lanes)
            .map_err(|why| Error::invalid("options", why))?;
        Ok(Self { passphrase: options.passphrase, costs, host: Arc::clone(host) })
    }
}

impl Key for PassphraseKey {
    fn create(&self, _: &KeyId) -> Result<Created> {
        let parameters = Parameters { costs: self.costs, salt: random()? };
        let key = kdf::derive(&self.ask("New passphrase", true)?.secret, &parameters)?;
        Ok(Created::kept(key, parameters.to_bytes()))
    }

    fn load(&self, _: &KeyId, parameters: &[u8]) -> Result<Loaded> {
        if parameters.is_empty() {
            return self.ask("Passphrase", false);
        }
        // Checked first, so that the user does not type the passphrase in vain.
        let parameters = Parameters::parse(parameters)?;
        Ok(kdf::derive(&self.ask("Passphrase", false)?.secret, &parameters)?.into())
    }

    fn delete(&self, _: &KeyId, _: &[u8]) -> Result<()> {
        Ok(())
    }
}

impl PassphraseKey {
    fn ask(&self, text: &str, confirm: bool) -> Result<Loaded> {
        let passphrase = match &self.passphrase {
            Some(reference) => self.host.secret(reference)?,
            None => self.host.prompt(&Prompt::new(text).with_confirm(confirm))?.into(),
        };
        match passphrase.len() {
            0 => Err(Error::invalid("passphrase", "the passphrase is empty")),
            1..=MAX_PASSPHRASE => Ok(passphrase),
            _ => {
                let message = format!("the passphrase is longer than {MAX_PASSPHRASE} bytes");
                Err(Error::invalid("passphrase", message))
            }
        }
    }
}

#[cfg(test)]
mod tests;
