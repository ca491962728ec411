//! Plugins on the command line: trusted, used, attacked, broken and forgotten.

mod author;
mod bad_descriptions;
mod cost;
mod duplicate_names;
mod lifecycle;
pub(crate) mod linkage;
mod options;
mod redis;
mod refused_files;
mod system;
mod unsafe_places;

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use keyward_loader::Digest;

use crate::helpers::home::Home;
use crate::helpers::plugin_fixtures::library;

/// Where the user's plugins are described.
const FOLDER: &str = ".config/keyward/plugins";

/// The crate in `tests/fixtures/plugins/drawer`, built as a library.
fn drawer() -> &'static Path {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    BUILT.get_or_init(|| library("drawer", &[]))
}

/// A home with the drawer's library in it, and a store `plain` that needs no plugin.
fn home() -> (Home, String) {
    let home = Home::new();
    home.keyward("init plain --option key.from=file").run().ends(0);
    home.keyward("set plain ann --stdin").input("plain").run().ends(0);
    let library = put(&home, "lib/libdrawer.so", &fs::read(drawer()).unwrap(), 0o644);
    (home, library)
}

/// Writes a file into a folder of the home that may contain plugins, and returns its path.
fn put(home: &Home, name: &str, content: &[u8], mode: u32) -> String {
    let path = home.write(name, content);
    chmod(path.parent().unwrap(), 0o755);
    chmod(&path, mode);
    path.canonicalize().unwrap().to_str().unwrap().to_owned()
}

fn chmod(path: &Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

/// Changes the content of a plugin, which still works: bytes after the end of an ELF file or a
/// script have no meaning.
fn change(path: &str) {
    let mut content = fs::read(path).unwrap();
    content.extend_from_slice(b"\n# changed\n");
    fs::write(path, content).unwrap();
}

fn sha256(path: &str) -> String {
    Digest::new(&fs::read(path).unwrap()).to_string()
}

/// Writes a plugin's file, as a user may do by hand.
fn describe(home: &Home, name: &str, text: &str) -> PathBuf {
    let path = home.write(&format!("{FOLDER}/{name}.toml"), text);
    chmod(path.parent().unwrap(), 0o700);
    chmod(&path, 0o600);
    path
}

/// Writes a program that leaves a trace when it runs, and its plugin file.
fn tracer(home: &Home) -> String {
    let script = format!("#!/bin/sh\nenv >'{}'\n", home.path("trace").display());
    let path = put(home, "bin/deep/tracer.sh", script.as_bytes(), 0o755);
    describe(home, "tracer", &tracer_text(&path, &path));
    path
}

fn tracer_text(path: &str, content: &str) -> String {
    let digest = sha256(content);
    format!(
        "version = 1\ndoor = \"run\"\npath = \"{path}\"\nsha256 = \"{digest}\"\nenvironment = [\"SEEN\", \"ABSENT\"]\nbackends = [\"storage tracer\"]\n"
    )
}

/// Checks that commands that need no plugin work, whatever is wrong with one.
#[track_caller]
fn others_work(home: &Home) {
    home.keyward("get plain -p").run().ends(0).prints("plain\n").says_nothing();
    assert!(home.keyward("list").run().ends(0).text().contains("plain"));
    home.keyward("backend show storage file").run().ends(0).says_nothing();
}
