use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::process::Command;

use keyward_core::{Error, Host, Result};

/// Checks a program that an operator configures: an absolute path and its arguments, and the names of
/// the environment variables that it gets. `option` is the option that names these.
///
/// # Errors
/// [`Invalid`](keyward_core::ErrorKind::Invalid) if no such program could be started.
pub fn check_configured(argv: &[String], option: &str, variables: &[String]) -> Result<()> {
    let invalid = |why: &str| Err(Error::invalid("options", why));
    if !argv.first().is_some_and(|program| Path::new(program).is_absolute()) {
        return invalid("`argv` must begin with the absolute path of a program");
    }
    if argv.iter().any(|argument| argument.contains('\0')) {
        return invalid("`argv` contains a null character");
    }
    if variables.iter().any(|name| name.is_empty() || name.contains(['=', '\0'])) {
        return invalid(&format!("`{option}` contains a text that is not the name of a variable"));
    }
    Ok(())
}

/// Makes the command of a program that was [checked](check_configured). It runs in `/`, without a shell,
/// and only with those variables of the host that are named.
///
/// # Panics
/// If `argv` is empty.
pub fn configured(argv: &[String], variables: &[String], host: &dyn Host) -> Command {
    let variables = variables.iter().filter_map(|name| Some((name, host.variable(name)?)));
    let variables: Vec<_> = variables.collect();
    let mut command = Command::new(&argv[0]);
    command
        .args(&argv[1..])
        .env_clear()
        .envs(variables.iter().map(|(name, value)| (name, OsStr::from_bytes(value.expose()))))
        .current_dir("/");
    command
}
