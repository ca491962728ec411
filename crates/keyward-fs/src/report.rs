//! Says what stays, and who has no place.

use std::path::Path;

use keyward_core::{Error, ErrorKind, Host, Level};

/// Logs a warning that a folder was not removed, and why.
pub fn report_folder_stays(host: &dyn Host, folder: &Path) {
    if report_link_stays(host, folder) {
        return;
    }
    let is_empty = std::fs::read_dir(folder).is_ok_and(|mut entries| entries.next().is_none());
    let why = if is_empty {
        "cannot be removed; it stays, empty"
    } else {
        "contains files that are not the store's; they stay"
    };
    host.log(Level::Warning, format_args!("{} {why}", folder.display()));
}

/// Logs a warning that a symbolic link stays, with its target. If there is no symbolic link at this
/// path, it logs nothing and returns `false`.
pub fn report_link_stays(host: &dyn Host, path: &Path) -> bool {
    let Ok(target) = std::fs::read_link(path) else { return false };
    let target = path.parent().unwrap_or(path).join(target);
    host.log(
        Level::Warning,
        format_args!(
            "{} is a symbolic link: it stays, and so does {}",
            path.display(),
            target.display()
        ),
    );
    true
}

/// Returns the error for a user without a place in a system store.
pub fn not_enrolled(owner: u32) -> Error {
    Error::new(ErrorKind::Refused, "open")
        .because(format!("user id {owner} is not enrolled in this store"))
        .hint("An administrator enrolls users with `keyward store enroll STORE USER`")
}
