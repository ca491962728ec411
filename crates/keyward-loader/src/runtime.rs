//! The C runtime: the libraries that every plugin may need without their being pinned.

use std::path::{Path, PathBuf};

use keyward_core::Result;

use crate::fault::{refused, unusable};
use crate::machine::MACHINE;
use crate::placement;

/// Those that are part of every process that can load a library.
const PRESENT: [&str; 2] = ["libc.so.6", MACHINE.linker];

/// Those that may not be part of the process yet.
const SEPARATE: [&str; 5] =
    ["libm.so.6", "libgcc_s.so.1", "libpthread.so.0", "libdl.so.2", "librt.so.1"];

/// How a needed library comes to be there.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Part {
    /// It is part of every process.
    Present,
    /// It is the system's and has to be loaded from there first.
    Separate(&'static str),
    /// It is no part of the C runtime.
    Foreign,
}

/// Which part of the C runtime a needed library is.
pub(crate) fn part(name: &str) -> Part {
    if PRESENT.contains(&name) {
        return Part::Present;
    }
    SEPARATE.into_iter().find(|separate| *separate == name).map_or(Part::Foreign, Part::Separate)
}

/// Where the system keeps a library of the C runtime.
///
/// A plugin's needed libraries are looked for in `LD_LIBRARY_PATH` first, unless a library of that
/// name is loaded already. So whatever [`Verified::runtime`](crate::Verified::runtime) names is
/// loaded from here before the plugin, where the process does not have it yet.
///
/// A system's own links are followed, as from `libm.so.6` to `libm-2.31.so`; what they lead to
/// must stand as safely as a plugin.
///
/// # Errors
/// - [`Refused`](keyward_core::ErrorKind::Refused): others can write it, or a folder above it; or
///   this is no name of a library of the C runtime.
/// - [`Unavailable`](keyward_core::ErrorKind::Unavailable): it is in none of the places that are
///   listed then.
pub fn find_runtime(name: &str) -> Result<PathBuf> {
    if !SEPARATE.contains(&name) {
        return Err(refused(format_args!("{name} is not part of the C runtime")));
    }
    // Debian has a folder for each kind of machine, others do without.
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
    Err(unusable(format_args!("the system's {name} is not there; tried {}", tried.join(", "))))
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
    fn what_others_can_write_is_not_taken() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("libm.so.6");
        let made = std::fs::File::create(&file).unwrap();
        made.set_permissions(PermissionsExt::from_mode(0o666)).unwrap();
        let error = find_in([folder.path().to_owned()], "libm.so.6").unwrap_err();
        assert_eq!(error.kind(), keyward_core::ErrorKind::Refused);
    }

    #[test]
    fn a_name_that_only_looks_like_the_runtimes_is_foreign() {
        assert_eq!(part("libc.so.6"), Part::Present);
        assert_eq!(part(MACHINE.linker), Part::Present);
        assert_eq!(part("libm.so.6"), Part::Separate("libm.so.6"));
        for name in ["libc.so.60", "libm.so", "./libm.so.6", "ld-linux/../x", "libssl.so.3", ""] {
            assert_eq!(part(name), Part::Foreign, "{name}");
            assert!(find_runtime(name).is_err(), "{name}");
        }
    }
}
