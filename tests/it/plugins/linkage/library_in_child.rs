//! Libraries in a child process, as after `keyward plugin trust --run`.

use keyward_core::Registration;
use keyward_loader::process::Command;

use super::backends::*;
use super::child_process::run_backend;
use super::{Backend, library, linked};
use crate::helpers::program::keyward;

/// Returns the backend from its crate's library, which `keyward plugin host` serves.
fn hosted(backend: Backend) -> Registration {
    let library = library(linked(backend).package);
    let host = Command::new(keyward()).argument("plugin").argument("host");
    run_backend(backend, &host.argument(library.to_str().unwrap()))
}

parity! {
    hosted,
    serializer_postcard: POSTCARD,
    encryption_age: AGE,
    key_env: ENV,
    storage_sqlite: SQLITE,
}
