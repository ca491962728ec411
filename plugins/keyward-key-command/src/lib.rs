//! Key source `command`: what a program prints.
//!
//! For a store's keyset that must be 32 bytes in base64 or hexadecimal; as a secret that an
//! option refers to, it is taken as it is, without one line end behind it. Nothing is ever
//! made or removed here.
//!
//! # Security
//! The program is started without a shell, in `/`, with no input, no error output and no
//! environment but the variables that `allow` names. It cannot ask on the terminal: it stands
//! in a process group of its own, so that nothing of it is left running when its time is over, and
//! of what is open in this process it has nothing.

mod run;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use keyward_plugin::{
    Backend, Created, Error, Host, Info, Key, KeyId, Result, Secret, create_supplied,
    load_supplied, options,
};

keyward_plugin::register!(key: CommandKey);

/// The longest a command may take, in seconds.
const MAX_TIMEOUT: u64 = 3600;

options! {
    /// What to run.
    pub struct Options {
        /// The program's absolute path and its arguments.
        pub argv: Vec<String>,
        /// The environment variables that the program may see.
        pub allow: Vec<String>,
        /// How many seconds it may take.
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
    const INFO: Info = Info::new(
        "command",
        "What a program prints, supplied from outside and never deleted with a store",
    );
    type Options = Options;

    fn open(options: Options, host: &Arc<dyn Host>) -> Result<Self> {
        let invalid = |why: &str| Err(Error::invalid("options", why));
        if !options.argv.first().is_some_and(|program| Path::new(program).is_absolute()) {
            return invalid("`argv` must begin with the absolute path of a program");
        }
        if options.argv.iter().any(|argument| argument.contains('\0')) {
            return invalid("`argv` holds a null character");
        }
        if options.allow.iter().any(|name| name.is_empty() || name.contains(['=', '\0'])) {
            return invalid("`allow` holds what is not the name of a variable");
        }
        if !(1..=MAX_TIMEOUT).contains(&options.timeout) {
            return invalid(&format!("`timeout` must be from 1 to {MAX_TIMEOUT} seconds"));
        }
        Ok(Self { options, host: Arc::clone(host) })
    }
}

impl Key for CommandKey {
    fn create(&self, _: &KeyId) -> Result<Created> {
        create_supplied(&self.output()?)
    }

    fn load(&self, _: &KeyId, parameters: &[u8]) -> Result<Secret> {
        load_supplied(self.output()?, parameters)
    }

    fn delete(&self, _: &KeyId, _: &[u8]) -> Result<()> {
        Ok(())
    }
}

impl CommandKey {
    fn output(&self) -> Result<Secret> {
        let variables: Vec<_> = self
            .options
            .allow
            .iter()
            .filter_map(|name| Some((name.as_str(), self.host.variable(name)?)))
            .collect();
        let timeout = Duration::from_secs(self.options.timeout);
        let wait = self.host.remaining().map_or(timeout, |remaining| remaining.min(timeout));
        run::output(&self.options.argv, &variables, wait)
    }
}

#[cfg(test)]
mod tests;
