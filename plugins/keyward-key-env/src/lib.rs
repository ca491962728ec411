//! Key source `env`: the value of an environment variable.
//!
//! For a store's keyset, the value must be 32 bytes in base64 or hexadecimal. As a secret that an
//! option refers to, it is used as it is. This source never makes or removes a key.
//!
//! # Security
//! Every child process of the program inherits the variable, and every process of the same user can
//! read it.

use std::sync::Arc;

use keyward_plugin::{
    Backend, Created, Error, ErrorKind, Host, Info, Key, KeyId, Loaded, Result, Secret,
    create_supplied, load_supplied, options, printable,
};

keyward_plugin::register!(key: EnvKey);

options! {
    /// The variable.
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
    const INFO: Info = Info::new(
        "env",
        "The value of an environment variable; Keyward does not make or delete it",
    );
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

    fn load(&self, _: &KeyId, parameters: &[u8]) -> Result<Loaded> {
        load_supplied(self.value("load")?, parameters)
    }

    fn delete(&self, _: &KeyId, _: &[u8]) -> Result<()> {
        Ok(())
    }
}

impl EnvKey {
    /// Returns the variable's value. An empty one counts as not set, because it is never a secret.
    fn value(&self, operation: &'static str) -> Result<Secret> {
        let value = self.host.variable(&self.name).filter(|value| !value.is_empty());
        value.ok_or_else(|| {
            let name = printable(&self.name);
            let error = Error::new(ErrorKind::NoKey, operation)
                .because(format!("the environment variable {name} is not set, or is empty"));
            match operation {
                "create" => error.hint(format!(
                    "Make a key with: export {name}=\"$(head -c 32 /dev/urandom | base64)\""
                )),
                // A new key would not open what was sealed already.
                _ => error,
            }
        })
    }
}

#[cfg(test)]
mod tests;
