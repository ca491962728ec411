use std::fs;

use keyward_core::Error;
use keyward_core::ErrorKind::{Refused, Unavailable};
use keyward_loader::{Content, Elf, inspect, read_elf};

use crate::built::{Bench, GOOD, expect, load, pin};

/// The positions of class, byte order and machine in the header.
const CLASS: usize = 4;
const ORDER: usize = 5;
const MACHINE: usize = 18;

#[test]
fn a_file_that_is_not_a_library_is_refused() {
    let bench = Bench::new();
    for (content, why) in [
        (&b""[..], "is empty"),
        (b"\n", "is not an ELF file"),
        (b"#!/bin/sh\n", "is not an ELF file"),
        (b"\x7fELF", "is damaged"),
        (&[0x7f; 4096], "is not an ELF file"),
    ] {
        let path = bench.file("plugin.so", content);
        bench.turned_away(&pin(&path), &[], Unavailable, why);
    }
    let object = bench.compile("object.o", GOOD, &["-c"]);
    bench.turned_away(&pin(&object), &[], Unavailable, "neither a program nor a shared library");
}

#[test]
fn a_library_for_another_machine_is_refused() {
    let bench = Bench::new();
    let good = fs::read(bench.plugin()).unwrap();
    let other = if cfg!(target_arch = "aarch64") { 62 } else { 183 };
    for (at, value, why) in [
        (CLASS, 1, "is not built for 64 bits"),
        (ORDER, 2, "is built for the other byte order"),
        (MACHINE, other, "is built for "),
        (MACHINE + 1, 0xee, "is built for an unknown machine"),
    ] {
        let mut bytes = good.clone();
        bytes[at] = value;
        let path = bench.file("plugin.so", &bytes);
        bench.turned_away(&pin(&path), &[], Unavailable, why);
    }
}

#[test]
fn a_truncated_library_is_refused() {
    let bench = Bench::new();
    let path = bench.plugin();
    let good = fs::read(&path).unwrap();
    let whole = library(&good).unwrap();
    let mut enough = 0;
    for length in 0..good.len() {
        match library(&good[..length]) {
            // The end of the file, with debugging data and section headers, is not needed.
            Ok(library) => assert_eq!(library, whole),
            Err(error) => {
                expect(&error, Unavailable, "is ");
                enough = length + 1;
            }
        }
    }
    assert!(enough > 4096, "{enough}");
    for length in [1, 15, 16, 63, 64, 100, 1000, 4096, enough - 1] {
        let path = bench.file("plugin.so", &good[..length]);
        bench.turned_away(&pin(&path), &[], Unavailable, "plugin.so is ");
    }
}

/// Any altered byte gives a result or an error. Zeros far after the headers are padding.
#[test]
fn no_altered_byte_makes_the_reader_panic() {
    let bench = Bench::new();
    for style in ["gnu", "sysv"] {
        let path = bench.build("plugin.so", GOOD, &["-s", &format!("-Wl,--hash-style={style}")]);
        let mut bytes = fs::read(path).unwrap();
        for at in 0..bytes.len() {
            let before = bytes[at];
            if before == 0 && at > 1024 {
                continue;
            }
            for value in [0, 0x7f, 0xff, before ^ 1] {
                bytes[at] = value;
                let _ = read_elf(&bytes);
            }
            bytes[at] = before;
        }
    }
}

#[test]
fn a_library_is_read_without_its_section_headers() {
    for style in ["gnu", "sysv", "both"] {
        let bench = Bench::new();
        let path = bench.build("plugin.so", GOOD, &[&format!("-Wl,--hash-style={style}")]);
        let mut bytes = fs::read(&path).unwrap();
        bytes[0x28..0x30].fill(0xff);
        bytes[0x3c..0x40].fill(0);
        let path = bench.file("plugin.so", &bytes);
        load(&pin(&path), &[]).unwrap();
        assert!(bench.ran("plugin.so"));
    }
}

/// Otherwise, bytes that were read in one segment could be covered by another when it is loaded.
#[test]
fn a_library_whose_segments_overlap_is_refused() {
    let bench = Bench::new();
    let mut bytes = fs::read(bench.plugin()).unwrap();
    let address_of_second = 64 + 56 + 16;
    bytes[address_of_second..][..8].fill(0);
    let path = bench.file("plugin.so", &bytes);
    bench.turned_away(&pin(&path), &[], Unavailable, "is damaged");
}

#[test]
fn a_library_that_redirects_the_linker_is_refused() {
    for (flags, why) in [
        (&["-Wl,-rpath,/opt/lib", "-Wl,--disable-new-dtags"][..], "has an RPATH"),
        (&["-Wl,-rpath,$ORIGIN", "-Wl,--enable-new-dtags"], "has a RUNPATH"),
        (&["-Wl,--audit,/opt/lib/audit.so"], "has an AUDIT entry"),
        (&["-Wl,--depaudit,/opt/lib/audit.so"], "has a DEPAUDIT entry"),
        (&["-Wl,--auxiliary,/opt/lib/other.so"], "has an AUXILIARY entry"),
        (&["-Wl,--filter,/opt/lib/other.so"], "has a FILTER entry"),
    ] {
        let bench = Bench::new();
        let path = bench.build("plugin.so", GOOD, flags);
        bench.turned_away(&pin(&path), &[], Refused, why);
        expect(&inspect(&path).unwrap_err(), Refused, why);
    }
}

#[test]
fn a_library_has_one_entry() {
    for (code, why) in [
        ("void keyward_plugin(void) {}", "is not a Keyward plugin, it has no function"),
        ("void keyward_plugin_v1(void) {}", "is not a Keyward plugin"),
        ("void keyward_plugin_v1__(void) {}", "is not a Keyward plugin"),
        ("void keyward_plugin_vx__a(void) {}", "is not a Keyward plugin"),
        ("static void keyward_plugin_v1__a(void) {}", "is not a Keyward plugin"),
        (
            "__attribute__((visibility(\"hidden\"))) void keyward_plugin_v1__a(void) {}",
            "is not a Keyward plugin",
        ),
        (
            "void keyward_plugin_v1__a(void); void f(void) { keyward_plugin_v1__a(); }",
            "is not a Keyward plugin",
        ),
        ("int keyward_plugin_v1__a = 1;", "has a keyward_plugin_v1__a that is not a function"),
        (
            "void keyward_plugin_v1__a(void) {} void keyward_plugin_v1__b(void) {}",
            "has more than one entry: keyward_plugin_v1__",
        ),
        (
            "void keyward_plugin_v2__a(void) {}",
            "is built for version 2 of the plugin interface, and this program for version 1",
        ),
    ] {
        let bench = Bench::new();
        let path = bench.build("plugin.so", code, &[]);
        bench.turned_away(&pin(&path), &[], Unavailable, why);
    }
}

#[test]
fn an_entry_of_a_later_version_is_allowed_too() {
    let bench = Bench::new();
    let code = format!("void keyward_plugin_v2__a(void) {{}} {GOOD}");
    load(&pin(&bench.build("plugin.so", &code, &[])), &[]).unwrap();
}

#[test]
fn inspect_shows_the_file_to_trust() {
    let bench = Bench::new();
    let helper = bench.build("libhelper.so", "", &["-Wl,-soname,libhelper.so.1"]);
    let flags = ["-Wl,--no-as-needed", helper.to_str().unwrap(), "-lm"];
    let path = bench.build("plugin.so", GOOD, &flags);
    let shown = inspect(&path).unwrap();
    assert_eq!(shown.pin(), pin(&path));
    assert_eq!(shown.owner, rustix::process::geteuid().as_raw());
    assert_eq!(shown.mode, 0o755);
    assert_eq!(shown.size, fs::metadata(&path).unwrap().len());
    let Content::Library(library) = shown.content else { panic!("{shown:?}") };
    let entry = library.entry().unwrap();
    assert_eq!((entry.major, entry.package()), (1, "good"));
    assert_eq!(library.soname, None);
    assert_eq!(library.needed, ["libhelper.so.1", "libm.so.6", "libc.so.6"]);
    assert_eq!(library.foreign().collect::<Vec<_>>(), ["libhelper.so.1"]);
    assert!(!bench.ran("plugin.so") && !bench.ran("libhelper.so"));
    let Content::Library(helper) = inspect(&helper).unwrap().content else { panic!("no library") };
    assert_eq!(helper.soname.as_deref(), Some("libhelper.so.1"));
    expect(&helper.entry().unwrap_err(), Unavailable, "is not a Keyward plugin");
}

fn library(bytes: &[u8]) -> Result<keyward_loader::Library, Error> {
    match read_elf(bytes)? {
        Elf::Library(library) => Ok(library),
        Elf::Program => panic!("taken for a program"),
    }
}
