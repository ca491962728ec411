//! Decodes a file with a serializer of a given name, or as a `message` of a plugin, and says how that went: its
//! exit status is the number of the error's kind. A test runs it with little memory.

use std::process::ExitCode;
use std::sync::Arc;

use keyward::{Environment, Keyward, Silent};
use keyward_core::{Error, ErrorKind, Host, Result, Role, Serializer, Values};
use keyward_defaults as _;

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let (Some(serializer), Some(file)) = (arguments.next(), arguments.next()) else {
        return ExitCode::from(ErrorKind::Invalid.code());
    };
    let decode = if serializer == "message" { message(&file) } else { decode(&serializer, &file) };
    match decode {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => ExitCode::from(error.kind().code()),
    }
}

/// Reads it as all that it could be.
fn message(file: &str) -> Result<()> {
    keyward_wire::message::read_any_message(&read(file)?);
    Ok(())
}

fn read(file: &str) -> Result<Vec<u8>> {
    std::fs::read(file).map_err(|error| Error::io("read", error))
}

fn decode(serializer: &str, file: &str) -> Result<()> {
    let keyward = Keyward::with(Environment::new([("HOME", "/nonexistent")]), Silent)?;
    keyward.registry().find(Role::Serializer, serializer)?;
    let host: Arc<dyn Host> = Arc::new(keyward_testkit::TestHost::new());
    let serializer =
        keyward.registry().open::<dyn Serializer>(serializer, &Values::new(), &host)?;
    serializer.decode(&read(file)?).map(drop)
}
