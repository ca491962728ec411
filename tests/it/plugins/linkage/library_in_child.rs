//! Libraries in a process of their own: what `keyward plugin trust --run` makes of them.

use keyward_core::Registration;
use keyward_loader::process::Command;

use super::backends::*;
use super::child_process::brought;
use super::{Backend, library, linked};
use crate::helpers::program::keyward;

/// The backend out of its crate's library, which `keyward plugin host` runs.
fn hosted(backend: Backend) -> Registration {
    let library = library(linked(backend).package);
    let host = Command::new(keyward()).argument("plugin").argument("host");
    brought(backend, &host.argument(library.to_str().unwrap()))
}

parity! {
    hosted,
    serializer_postcard: POSTCARD,
    encryption_age: AGE,
    key_env: ENV,
    storage_sqlite: SQLITE,
}
