//! Key source `env`: what an environment variable holds.
//!
//! For a store's keyset that must be 32 bytes in base64 or hexadecimal; as a secret that an
//! option refers to, it is taken as it stands. Nothing is ever made or removed here.
//!
//! # Security
//! A variable is inherited by every child of the program and can be read by whatever runs as
//! the same user.

use std::sync::Arc;

use keyward_plugin::{
    Backend, Created, Error, ErrorKind, Host, Info, Key, KeyId, Result, Secret, create_supplied,
    load_supplied, options,
};

keyward_plugin::register!(key: EnvKey);

options! {
    /// Which variable it is.
    pub struct Options {
        /// The name of the variable.
        pub name: String,
    }
}

/// The key source `env`.
#[derive(Debug)]
pub struct EnvKey {
    name: String,
    host: Arc<dyn Host>,
}

impl Backend for EnvKey {
    const INFO: Info =
        Info::new("env", "What an environment variable holds, supplied from outside");
    type Options = Options;

    fn open(options: Options, host: &Arc<dyn Host>) -> Result<Self> {
        if options.name.is_empty() || options.name.contains(['=', '\0']) {
            return Err(Error::invalid("options", "`name` is not the name of a variable"));
        }
        Ok(Self { name: options.name, host: Arc::clone(host) })
    }
}

impl Key for EnvKey {
    fn create(&self, _: &KeyId) -> Result<Created> {
        create_supplied(&self.value("create")?)
    }

    fn load(&self, _: &KeyId, parameters: &[u8]) -> Result<Secret> {
        load_supplied(self.value("load")?, parameters)
    }

    fn delete(&self, _: &KeyId, _: &[u8]) -> Result<()> {
        Ok(())
    }
}

impl EnvKey {
    /// The variable's value. An empty one is as good as none: it is never meant as a secret.
    fn value(&self, operation: &'static str) -> Result<Secret> {
        let value = self.host.variable(&self.name).filter(|value| !value.is_empty());
        value.ok_or_else(|| {
            let name = self.name.escape_debug();
            let error = Error::new(ErrorKind::NoKey, operation)
                .because(format!("the environment variable {name} is not set, or is empty"));
            match operation {
                "create" => error.hint(format!(
                    "Make a key with: export {name}=\"$(head -c 32 /dev/urandom | base64)\""
                )),
                // Of what was sealed already, a new key would open nothing.
                _ => error,
            }
        })
    }
}

#[cfg(test)]
mod tests;
