//! Opens a page in the user's browser.

use std::ffi::OsStr;

use keyward_config::Environment;

use crate::shell;

/// Opens a file or a URL with the first command of `$BROWSER` that succeeds, by default with `xdg-open`.
/// Returns whether one succeeded.
pub(crate) fn open(environment: &Environment, page: &OsStr) -> bool {
    let line = shell::command_line(environment, &["BROWSER"], "xdg-open");
    let line = line.to_string_lossy();
    let mut commands = line.split(':').filter(|command| !command.trim().is_empty());
    commands.any(|command| {
        let status = shell::command(command.as_ref()).arg(page).status();
        status.is_ok_and(|status| status.success())
    })
}
