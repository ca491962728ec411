//! The C runtime: the libraries that every plugin may need without a pin.

use std::path::{Path, PathBuf};

use keyward_core::Result;

use crate::errors::{refused, unusable};
use crate::library::machine::MACHINE;
use crate::placement;

/// The libraries that are part of every process that can load a library.
const PRESENT: [&str; 2] = ["libc.so.6", MACHINE.linker];

/// The libraries that may not be part of the process yet.
const SEPARATE: [&str; 5] =
    ["libm.so.6", "libgcc_s.so.1", "libpthread.so.0", "libdl.so.2", "librt.so.1"];

/// Where a needed library comes from.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Part {
    /// It is part of every process.
    Present,
    /// It belongs to the system and must be loaded from there first.
    Separate(&'static str),
    /// It is not part of the C runtime.
    Foreign,
}

/// Returns the part of the C runtime that a needed library is.
pub(crate) fn part(name: &str) -> Part {
    if PRESENT.contains(&name) {
        return Part::Present;
    }
    SEPARATE.into_iter().find(|separate| *separate == name).map_or(Part::Foreign, Part::Separate)
}

/// Finds where the system keeps a library of the C runtime.
///
/// The dynamic linker searches for a plugin's needed libraries in `LD_LIBRARY_PATH` first, unless a
/// library of that name is loaded already. So each library that
/// [`Verified::runtime`](crate::Verified::runtime) names is loaded from here before the plugin, if
/// the process does not have it yet.
///
/// The system's links are followed, as from `libm.so.6` to `libm-2.31.so`. Their targets must be in
/// a place as safe as a plugin's.
///
/// # Errors
/// - [`Refused`](keyward_core::ErrorKind::Refused): other users can write to it or to a folder
///   above it; or this is not the name of a library of the C runtime.
/// - [`Unavailable`](keyward_core::ErrorKind::Unavailable): it is in none of the places, which the
///   message lists.
pub fn find_runtime(name: &str) -> Result<PathBuf> {
    if !SEPARATE.contains(&name) {
        return Err(refused(format_args!("{name} is not part of the C runtime")));
    }
    // Debian has a folder for each kind of machine, other systems do not.
    let debian = ["/usr/lib", "/lib"].map(|folder| Path::new(folder).join(MACHINE.multiarch));
    let others = ["/usr/lib64", "/lib64", "/usr/lib", "/lib"].map(PathBuf::from);
    find_in(debian.into_iter().chain(others), name)
}

fn find_in(folders: impl IntoIterator<Item = PathBuf>, name: &str) -> Result<PathBuf> {
    let mut tried = Vec::new();
    for folder in folders {
        let place = folder.join(name);
        if let Ok(real) = std::fs::canonicalize(&place) {
            placement::open(&real)?;
            return Ok(real);
        }
        tried.push(place.display().to_string());
    }
    Err(unusable(format_args!("the system's {name} does not exist; tried {}", tried.join(", "))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_systems_libraries_are_found() {
        for name in SEPARATE {
            let found = find_runtime(name).unwrap();
            assert!(found.starts_with("/usr/lib") || found.starts_with("/lib"), "{found:?}");
        }
    }

    #[test]
    fn every_place_tried_is_named() {
        let error = find_in(["/no".into(), "/proc".into()], "libm.so.6").unwrap_err();
        assert!(error.message().ends_with("tried /no/libm.so.6, /proc/libm.so.6"), "{error}");
    }

    #[test]
    fn a_library_that_others_can_write_is_refused() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("libm.so.6");
        let made = std::fs::File::create(&file).unwrap();
        made.set_permissions(PermissionsExt::from_mode(0o666)).unwrap();
        let error = find_in([folder.path().to_owned()], "libm.so.6").unwrap_err();
        assert_eq!(error.kind(), keyward_core::ErrorKind::Refused);
    }

    #[test]
    fn a_similar_name_is_not_part_of_the_runtime() {
        assert_eq!(part("libc.so.6"), Part::Present);
        assert_eq!(part(MACHINE.linker), Part::Present);
        assert_eq!(part("libm.so.6"), Part::Separate("libm.so.6"));
        for name in ["libc.so.60", "libm.so", "./libm.so.6", "ld-linux/../x", "libssl.so.3", ""] {
            assert_eq!(part(name), Part::Foreign, "{name}");
            assert!(find_runtime(name).is_err(), "{name}");
        }
    }
}
