//! Key source `command`: the output of a program.
//!
//! For a store's keyset, the output must be 32 bytes in base64 or hexadecimal. As a secret that an
//! option refers to, it is used as it is, without one line end at its end. This source never makes
//! or removes a key.
//!
//! # Security
//! The program is started without a shell, in `/`, without input and error output, and only with
//! the environment variables that `allow` names. It cannot prompt on the terminal. It runs in a
//! separate process group, so that all its processes are killed when its time is over. It inherits
//! no open file of this process.

mod run;

use std::sync::Arc;
use std::time::Duration;

use keyward_plugin::{
    Backend, Created, Error, Host, Info, Key, KeyId, Loaded, Result, Secret, create_supplied,
    load_supplied, options, process,
};

keyward_plugin::register!(key: CommandKey);

/// The greatest value of `timeout`, in seconds.
const MAX_TIMEOUT: u64 = 3600;

options! {
    /// The program and how it runs.
    pub struct Options {
        /// The program's absolute path and its arguments.
        pub argv: Vec<String>,
        /// The environment variables that the program gets.
        pub allow: Vec<String>,
        /// The greatest run time of the program, in seconds.
        pub timeout: u64 = 30,
    }
}

/// The key source `command`.
#[derive(Debug)]
pub struct CommandKey {
    options: Options,
    host: Arc<dyn Host>,
}

impl Backend for CommandKey {
    const INFO: Info =
        Info::new("command", "The output of a program; Keyward does not make or delete the key");
    type Options = Options;

    fn open(options: Options, host: &Arc<dyn Host>) -> Result<Self> {
        process::check_configured(&options.argv, "allow", &options.allow)?;
        if !(1..=MAX_TIMEOUT).contains(&options.timeout) {
            let why = format!("`timeout` must be from 1 to {MAX_TIMEOUT} seconds");
            return Err(Error::invalid("options", why));
        }
        Ok(Self { options, host: Arc::clone(host) })
    }
}

impl Key for CommandKey {
    fn create(&self, _: &KeyId) -> Result<Created> {
        create_supplied(&self.output()?)
    }

    fn load(&self, _: &KeyId, parameters: &[u8]) -> Result<Loaded> {
        load_supplied(self.output()?, parameters)
    }

    fn delete(&self, _: &KeyId, _: &[u8]) -> Result<()> {
        Ok(())
    }
}

impl CommandKey {
    fn output(&self) -> Result<Secret> {
        let Options { argv, allow, timeout } = &self.options;
        let mut command = process::configured(argv, allow, &*self.host);
        let timeout = Duration::from_secs(*timeout);
        let wait = self.host.remaining().map_or(timeout, |remaining| remaining.min(timeout));
        run::output(&mut command, &argv[0], wait)
    }
}

#[cfg(test)]
mod tests;
