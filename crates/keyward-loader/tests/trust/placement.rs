use std::fs::{self, File, Permissions};
use std::os::unix::fs::{PermissionsExt, chown, symlink};
use std::path::Path;

use keyward_core::ErrorKind::{Refused, Unavailable};
use keyward_loader::{Digest, Pin, inspect, verify_library};

use crate::built::{Bench, GOOD, enter, expect, load, pin};

const SOMEBODY: u32 = 12345;

fn chmod(path: &Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

#[test]
fn a_library_in_a_safe_place_is_loaded() {
    let bench = Bench::new();
    let plugin = bench.plugin();
    let verified = verify_library(&pin(&plugin), &[]).unwrap();
    assert!(!bench.ran("plugin.so"));
    assert_eq!(verified.entry().symbol, "keyward_plugin_v1__good");
    enter(verified);
    assert!(bench.ran("plugin.so"));
}

#[test]
fn a_file_that_others_can_write_is_refused() {
    for (place, mode) in [
        ("one/two/plugin.so", 0o775),
        ("one/two/plugin.so", 0o757),
        ("one/two", 0o770),
        ("one/two", 0o707),
        ("one", 0o770),
        ("one", 0o707),
    ] {
        let bench = Bench::new();
        let plugin = bench.build("one/two/plugin.so", GOOD, &[]);
        chmod(&bench.path(place), mode);
        let why = format!("{} can be written by other users", bench.path(place).display());
        let error = bench.turned_away(&pin(&plugin), &[], Refused, &why);
        let hint = format!("chmod go-w '{}'", bench.path(place).display());
        assert_eq!(error.advice(), Some(hint.as_str()));
        expect(&inspect(&plugin).unwrap_err(), Refused, &why);
    }
}

#[test]
fn all_users_may_write_to_a_sticky_folder_but_not_to_a_file() {
    let bench = Bench::new();
    let plugin = bench.build("open/plugin.so", GOOD, &[]);
    chmod(&bench.path("open"), 0o1777);
    load(&pin(&plugin), &[]).unwrap();
    let bench = Bench::new();
    let plugin = bench.plugin();
    chmod(&plugin, 0o1777);
    bench.turned_away(&pin(&plugin), &[], Refused, "can be written");
}

#[test]
fn a_file_of_another_user_is_refused() {
    if !rustix::process::geteuid().is_root() {
        return;
    }
    for place in ["one/two/plugin.so", "one/two", "one"] {
        let bench = Bench::new();
        let plugin = bench.build("one/two/plugin.so", GOOD, &[]);
        chown(bench.path(place), Some(SOMEBODY), None).unwrap();
        let why = format!("{} belongs to user id {SOMEBODY}", bench.path(place).display());
        bench.turned_away(&pin(&plugin), &[], Refused, &why);
    }
}

#[test]
fn a_symbolic_link_is_refused_wherever_it_is() {
    let bench = Bench::new();
    let plugin = bench.build("real/plugin.so", GOOD, &[]);
    symlink(&plugin, bench.path("link.so")).unwrap();
    symlink(bench.path("real"), bench.path("folder")).unwrap();
    for (path, link) in [("link.so", "link.so"), ("folder/plugin.so", "folder")] {
        let why = format!("{} is a symbolic link", bench.path(link).display());
        let error = bench.turned_away(&pin(&bench.path(path)), &[], Refused, &why);
        let hint = format!("Name the file itself: {}", plugin.display());
        assert_eq!(error.advice(), Some(hint.as_str()));
    }
    symlink("/nowhere", bench.path("lost.so")).unwrap();
    bench.turned_away(&pin(&bench.path("lost.so")), &[], Refused, "is a symbolic link");
}

#[test]
fn a_path_that_is_not_plain_is_refused() {
    let bench = Bench::new();
    let plugin = bench.plugin();
    let (folder, name) = (plugin.parent().unwrap().display(), "plugin.so");
    for path in [
        name.to_owned(),
        format!("./{name}"),
        format!("{folder}/../{name}"),
        format!("{folder}/./{name}"),
        format!("{folder}//{name}"),
        format!("{folder}/{name}/"),
        format!("{folder}/{name}/."),
        format!("{folder}/two\nlines/{name}"),
        "/".to_owned(),
        String::new(),
    ] {
        let digest = Digest::new(&fs::read(&plugin).unwrap());
        let bad = Pin { path: path.into(), digest };
        bench.turned_away(&bad, &[], Refused, "is not a plain absolute path");
    }
}

#[test]
fn other_kinds_of_files_are_refused() {
    let bench = Bench::new();
    let fifo = bench.path("fifo");
    rustix::fs::mkfifoat(rustix::fs::CWD, &fifo, rustix::fs::Mode::RWXU).unwrap();
    fs::create_dir(bench.path("folder")).unwrap();
    let _socket = std::os::unix::net::UnixListener::bind(bench.path("socket")).unwrap();
    for name in ["fifo", "folder", "socket"] {
        let pin = Pin { path: bench.path(name), digest: Digest::new(b"") };
        bench.turned_away(&pin, &[], Refused, "is not a regular file");
    }
    let device = Pin { path: "/dev/zero".into(), digest: Digest::new(b"") };
    bench.turned_away(&device, &[], Refused, "/dev/zero is not a regular file");
}

#[test]
fn a_missing_file_is_reported() {
    let bench = Bench::new();
    let plugin = bench.plugin();
    let missing = bench.path("missing");
    let why = format!("{} does not exist", missing.display());
    bench.turned_away(&pin(&missing), &[], Unavailable, &why);
    bench.turned_away(&pin(&missing.join("x.so")), &[], Unavailable, &why);
    let why = format!("{} is not a folder", plugin.display());
    bench.turned_away(&pin(&plugin.join("x.so")), &[], Refused, &why);
}

#[test]
fn a_file_that_is_too_large_is_not_read() {
    let bench = Bench::new();
    let large = bench.file("large.so", b"\x7fELF");
    File::options().write(true).open(&large).unwrap().set_len(1 << 30).unwrap();
    let large = Pin { path: large, digest: Digest::new(b"") };
    bench.turned_away(&large, &[], Unavailable, "is larger than 256 MiB");
}

#[test]
fn other_content_than_the_pinned_is_refused() {
    let bench = Bench::new();
    let pinned = pin(&bench.plugin());
    fs::remove_file(&pinned.path).unwrap();
    let changed = bench.build("plugin.so", "void keyward_plugin_v1__other(void) {}", &[]);
    let error = bench.turned_away(&pinned, &[], Refused, "has changed: its SHA-256 is ");
    assert!(error.message().contains(&pinned.digest.to_string()));
    assert!(error.message().contains(&pin(&changed).digest.to_string()));
    assert!(error.advice().unwrap().contains("keyward plugin trust"));
}

/// If a file is replaced after it was verified, the new one is not loaded.
#[test]
fn a_file_that_is_replaced_after_verification_is_not_loaded() {
    for in_place in [false, true] {
        let bench = Bench::new();
        let plugin = bench.plugin();
        let other = bench.build("other.so", GOOD, &[]);
        let verified = verify_library(&pin(&plugin), &[]).unwrap();
        if in_place {
            fs::write(&plugin, fs::read(&other).unwrap()).unwrap();
        } else {
            fs::rename(&other, &plugin).unwrap();
        }
        enter(verified);
        assert!(bench.ran("plugin.so"));
        assert!(!bench.ran("other.so"));
    }
}
