use std::fs;
use std::process::Command;

use keyward_core::ErrorKind::{Refused, Unavailable};
use keyward_loader::{Content, inspect, verify_program};

use crate::built::{Bench, expect, pin};

const MAIN: &str = "int main(void) { return 7; }";

#[test]
fn a_program_runs_from_the_bytes_that_were_verified() {
    for flags in [&["-pie"][..], &["-no-pie"], &["-static"], &["-static-pie"]] {
        let bench = Bench::new();
        let path = bench.compile("program", MAIN, flags);
        assert_eq!(inspect(&path).unwrap().content, Content::Program);
        let program = verify_program(&pin(&path)).unwrap();
        assert!(!bench.ran("program"));
        fs::remove_file(&path).unwrap();
        let ran = Command::new(program.executable()).current_dir("/").env_clear().status().unwrap();
        assert_eq!(ran.code(), Some(7), "{flags:?}");
        assert!(bench.ran("program"));
    }
}

#[test]
fn a_script_runs_by_its_path() {
    let bench = Bench::new();
    let path = bench.file("script", b"#!/bin/sh\nexit 7\n");
    assert_eq!(inspect(&path).unwrap().content, Content::Script);
    let program = verify_program(&pin(&path)).unwrap();
    assert_eq!(program.executable(), path);
    assert_eq!(Command::new(program.executable()).status().unwrap().code(), Some(7));
}

#[test]
fn a_file_that_cannot_be_run_is_refused() {
    let bench = Bench::new();
    for (path, why) in [
        (bench.plugin(), "is a shared library and not a program"),
        (bench.file("text", b"exit 7\n"), "is not an ELF file"),
        (bench.file("empty", b""), "is empty"),
    ] {
        expect(&verify_program(&pin(&path)).unwrap_err(), Unavailable, why);
    }
    let path = bench.compile("program", MAIN, &[]);
    let pinned = pin(&path);
    bench.file("program", b"#!/bin/sh\n");
    expect(&verify_program(&pinned).unwrap_err(), Refused, "has changed");
    assert!(!bench.ran("program"));
}

#[test]
fn a_program_is_not_loaded() {
    let bench = Bench::new();
    for flags in [&["-pie"][..], &["-no-pie"], &["-static"], &["-static-pie"]] {
        let path = bench.compile("program", MAIN, flags);
        let why = "is a program and not a shared library";
        bench.turned_away(&pin(&path), &[], Unavailable, why);
    }
}
