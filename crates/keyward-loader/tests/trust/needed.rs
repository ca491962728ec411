use std::path::{Path, PathBuf};

use keyward_core::ErrorKind::{Refused, Unavailable};
use keyward_loader::{Pin, verify_library};
use libloading::os::unix::{Library, RTLD_LOCAL, RTLD_NOW, Symbol};

use crate::built::{Bench, GOOD, enter, load, pin};
use crate::child;

/// From `dlfcn.h`: opens only what is loaded already.
const RTLD_NOLOAD: i32 = 4;

/// Returns the number that its helper returns.
const ANSWERS: &str = "int helper(void); int answer(void) { return helper(); }";

/// Builds a library of this name that needs others and returns a number.
fn library(bench: &Bench, name: &str, code: &str, needs: &[&Path]) -> PathBuf {
    let soname = format!("-Wl,-soname,{name}.1");
    let needs = needs.iter().map(|path| path.to_str().unwrap());
    let flags: Vec<_> = [soname.as_str(), "-Wl,--no-as-needed"].into_iter().chain(needs).collect();
    bench.build(name, code, &flags)
}

fn plugin(bench: &Bench, needs: &[&Path]) -> Pin {
    pin(&library(bench, "plugin.so", &format!("{ANSWERS} {GOOD}"), needs))
}

#[test]
fn a_needed_library_must_be_pinned() {
    let bench = Bench::new();
    let helper = library(&bench, "libhelper.so", "int helper(void) { return 1; }", &[]);
    let other = library(&bench, "libother.so", "", &[]);
    let plugin = plugin(&bench, &[&helper]);
    for needs in [&[][..], &[pin(&other)]] {
        let why = "plugin.so needs libhelper.so.1, which is not pinned";
        bench.turned_away(&plugin, needs, Refused, why);
    }
    let why = "plugin.so needs libhelper.so.1, which is pinned twice";
    bench.turned_away(&plugin, &[pin(&helper), pin(&helper)], Refused, why);
}

#[test]
fn a_pinned_library_is_loaded_first() {
    let bench = Bench::new();
    let lowest = library(&bench, "liblowest.so", "int lowest(void) { return 23; }", &[]);
    let code = "int lowest(void); int helper(void) { return lowest(); }";
    let helper = library(&bench, "libhelper.so", code, &[&lowest]);
    let other = library(&bench, "libother.so", "", &[]);
    let pinned = plugin(&bench, &[&helper, &lowest]);
    let needs = [pin(&helper), pin(&other), pin(&lowest)];
    let verified = verify_library(&pinned, &needs).unwrap();
    let names: Vec<_> = verified.needed().iter().map(|needed| needed.name.as_str()).collect();
    assert_eq!(names, ["liblowest.so.1", "libhelper.so.1"]);
    // They can be found only where they were put for loading.
    for path in [&lowest, &helper, &pinned.path] {
        std::fs::remove_file(path).unwrap();
    }
    enter(verified);
    assert_eq!(answer(), 23);
    assert!(bench.ran("liblowest.so") && bench.ran("libhelper.so"));
    assert!(!bench.ran("libother.so"), "what nothing needs is left alone");
}

#[test]
fn needed_libraries_follow_the_same_rules() {
    let bench = Bench::new();
    let code = "int helper(void) { return 1; }";
    let helper = library(&bench, "libhelper.so", code, &[]);
    let pinned = pin(&helper);
    let plugin = plugin(&bench, &[&helper]);

    library(&bench, "libhelper.so", "int helper(void) { return 2; }", &[]);
    bench.turned_away(&plugin, std::slice::from_ref(&pinned), Refused, "libhelper.so has changed");

    bench.build("libhelper.so", code, &["-Wl,-soname,libhelper.so.1", "-Wl,-rpath,/opt"]);
    bench.turned_away(&plugin, &[pin(&helper)], Refused, "libhelper.so has a RUNPATH");

    let lowest = library(&bench, "liblowest.so", "", &[]);
    library(&bench, "libhelper.so", code, &[&lowest]);
    let why = "libhelper.so needs liblowest.so.1, which is not pinned";
    bench.turned_away(&plugin, &[pin(&helper)], Refused, why);

    library(&bench, "liblowest.so", "", &[&helper]);
    let why = "libhelper.so needs itself through the libraries that it needs";
    bench.turned_away(&plugin, &[pin(&helper), pin(&lowest)], Unavailable, why);

    std::fs::remove_file(&helper).unwrap();
    bench.turned_away(&plugin, &[pinned], Unavailable, "libhelper.so does not exist");
}

/// A library without a name in it is needed by its path.
#[test]
fn a_library_needed_by_path_is_refused() {
    let bench = Bench::new();
    let helper = bench.build("libhelper.so", "int helper(void) { return 1; }", &[]);
    let plugin = plugin(&bench, &[&helper]);
    let why = format!("needs {}, which is a path", helper.display());
    bench.turned_away(&plugin, &[pin(&helper)], Refused, &why);
}

/// The linker expands `$LIB` before it compares names. Then no loaded library has the name, and it
/// loads the file at that path.
#[test]
fn a_needed_name_that_the_linker_would_change_is_refused() {
    let bench = Bench::new();
    let name = format!("{}/$LIB/libhelper.so", bench.path("swapped").display());
    let code = "int helper(void) { return 1; }";
    let helper = bench.build("libhelper.so", code, &[&format!("-Wl,-soname,{name}")]);
    let plugin = plugin(&bench, &[&helper]);
    bench.build("swapped/lib/x86_64-linux-gnu/libhelper.so", code, &[]);
    bench.turned_away(&plugin, &[pin(&helper)], Refused, "$LIB/libhelper.so, which is a path");
}

/// A library that is loaded later and needs this part would get the plugin.
#[test]
fn a_plugin_with_a_name_of_the_runtime_is_refused() {
    let bench = Bench::new();
    for part in ["libm.so.6", "libc.so.6"] {
        let plugin = bench.build("plugin.so", GOOD, &[&format!("-Wl,-soname,{part}")]);
        let why = format!("plugin.so has the name {part}, which belongs to the C runtime");
        bench.turned_away(&pin(&plugin), &[], Refused, &why);
    }
}

/// `LD_LIBRARY_PATH` leads to a hostile `libm.so.6` and a hostile helper; neither is ever loaded.
#[test]
fn ld_library_path_does_not_change_the_libraries() {
    if let Some(task) = child::task() {
        return in_the_child(&task);
    }
    for (task, runs) in [("verified", false), ("plainly", true)] {
        let bench = Bench::new();
        let helper = library(&bench, "libhelper.so", "int helper(void) { return 23; }", &[]);
        library(&bench, "hostile/libhelper.so", "int helper(void) { return 42; }", &[]);
        std::fs::rename(bench.path("hostile/libhelper.so"), bench.path("hostile/libhelper.so.1"))
            .unwrap();
        let versions = bench.file("versions", b"GLIBC_2.2.5 { *; }; GLIBC_2.17 { } GLIBC_2.2.5;");
        let script = format!("-Wl,--version-script={}", versions.display());
        let code = "double cos(double x) { return 42; }";
        let flags = [script.as_str(), "-Wl,-soname,libm.so.6", "-fno-builtin"];
        bench.build("hostile/libm.so.6", code, &flags);
        let code = "double cos(double); double angle(double x) { return cos(x); }";
        let code = format!("{code} {ANSWERS} {GOOD}");
        let named = "-Wl,-soname,plugin.so.1,--no-as-needed";
        let flags = [named, "-fno-builtin", helper.to_str().unwrap(), "-lm"];
        bench.build("plugin.so", &code, &flags);
        let mut child = child::start(
            "needed::ld_library_path_does_not_change_the_libraries",
            &bench.path(task),
        );
        let status = child.env("LD_LIBRARY_PATH", bench.path("hostile")).status().unwrap();
        assert!(status.success());
        assert!(bench.ran("plugin.so"), "{task}");
        assert_eq!(bench.ran("hostile/libm.so.6"), runs, "{task}");
        assert_eq!(bench.ran("hostile/libhelper.so"), runs, "{task}");
    }
}

fn in_the_child(task: &str) {
    let (folder, task) = task.rsplit_once('/').unwrap();
    let plugin = Path::new(folder).join("plugin.so");
    let expected = if task == "verified" {
        let helper = pin(&Path::new(folder).join("libhelper.so"));
        load(&pin(&plugin), &[helper]).unwrap();
        23
    } else {
        std::mem::forget(dlopen(&plugin, 0));
        42
    };
    assert_eq!(answer(), expected);
}

/// Returns the number that the loaded plugin returns.
fn answer() -> i32 {
    let plugin = dlopen("plugin.so.1".as_ref(), RTLD_NOLOAD);
    #[expect(unsafe_code, reason = "the plugin is asked what its helper says")]
    // SAFETY: the function takes nothing and returns an `int`, see `ANSWERS`.
    unsafe {
        let answer: Symbol<extern "C" fn() -> i32> = plugin.get(b"answer").unwrap();
        answer()
    }
}

fn dlopen(path: &Path, flags: i32) -> Library {
    #[expect(unsafe_code, reason = "to load a library is to run it")]
    // SAFETY: the test built these libraries.
    let library = unsafe { Library::open(Some(path), RTLD_NOW | RTLD_LOCAL | flags) };
    library.unwrap()
}
