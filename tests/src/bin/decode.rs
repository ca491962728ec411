//! Decodes a file with a serializer of a given name and says how that went: its exit status is
//! the number of the error's kind. A test runs it with little memory.

use std::process::ExitCode;
use std::sync::Arc;

use keyward::{Environment, Keyward, Silent};
use keyward_core::{ErrorKind, Host, Result, Role, Values};
use keyward_defaults as _;

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let (Some(serializer), Some(file)) = (arguments.next(), arguments.next()) else {
        return ExitCode::from(ErrorKind::Invalid.code());
    };
    match decode(&serializer, &file) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => ExitCode::from(error.kind().code()),
    }
}

fn decode(serializer: &str, file: &str) -> Result<()> {
    let keyward = Keyward::with(Environment::of([("HOME", "/nonexistent")]), Silent)?;
    keyward.registry().find(Role::Serializer, serializer)?;
    let host: Arc<dyn Host> = Arc::new(keyward_testkit::TestHost::new());
    let serializer = keyward.registry().serializer(serializer, &Values::new(), &host)?;
    let bytes = std::fs::read(file).map_err(|error| keyward_core::Error::io("read", error))?;
    serializer.decode(&bytes).map(drop)
}
