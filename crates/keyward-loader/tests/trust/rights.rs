use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::Path;

use keyward_core::ErrorKind::Refused;
use keyward_loader::verify_library;

use crate::built::{Bench, GOOD, expect, load, pin};
use crate::child;

const ANN: u32 = 12345;
const BOB: u32 = 12346;

/// Like a setuid program of another user, or a program with a file capability, which only the
/// kernel's `AT_SECURE` reports.
#[test]
fn a_process_with_more_rights_than_its_user_uses_no_plugin() {
    if let Some(plugin) = child::task() {
        let error = verify_library(&pin(Path::new(&plugin)), &[]).unwrap_err();
        return expect(&error, Refused, "has more rights than the user who started it");
    }
    if !rustix::process::geteuid().is_root() {
        return;
    }
    let test = "rights::a_process_with_more_rights_than_its_user_uses_no_plugin";
    let lend: [fn(&Path); 3] = [
        |program| fs::set_permissions(program, Permissions::from_mode(0o4755)).unwrap(),
        |program| fs::set_permissions(program, Permissions::from_mode(0o2755)).unwrap(),
        |program| {
            // Version 2, effective; CAP_NET_BIND_SERVICE is permitted.
            let mut capability = [0; 20];
            capability[..5].copy_from_slice(&[1, 0, 0, 2, 0]);
            capability[5] = 4;
            let none = rustix::fs::XattrFlags::empty();
            rustix::fs::setxattr(program, "security.capability", &capability, none).unwrap();
        },
    ];
    for lend in lend {
        let (bench, program) = of_everybody();
        let plugin = bench.plugin();
        lend(&program);
        let mut child = child::run(&program, test, &plugin);
        let ran = child.uid(BOB).gid(BOB).output().unwrap();
        assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
        assert!(String::from_utf8_lossy(&ran.stdout).contains("1 passed"));
        assert!(!bench.ran("plugin.so"));
    }
}

/// The program makes itself undumpable, which closes much of `/proc/self` to other users.
#[test]
fn an_undumpable_process_of_any_user_loads_plugins() {
    if let Some(plugin) = child::task() {
        use rustix::process::{DumpableBehavior, set_dumpable_behavior};
        set_dumpable_behavior(DumpableBehavior::NotDumpable).unwrap();
        load(&pin(Path::new(&plugin)), &[]).unwrap();
        return;
    }
    let test = "rights::an_undumpable_process_of_any_user_loads_plugins";
    let (bench, program) = of_everybody();
    let plugin = bench.build("plugin.so", GOOD, &["-lm"]);
    let mut child = child::run(&program, test, &plugin);
    if rustix::process::geteuid().is_root() {
        chown(bench.path(""), Some(BOB), Some(BOB)).unwrap();
        child.uid(BOB).gid(BOB);
    }
    let ran = child.output().unwrap();
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
    assert!(bench.ran("plugin.so"));
}

/// Makes a folder that all users can enter, with a copy of this program that belongs to Ann.
fn of_everybody() -> (Bench, std::path::PathBuf) {
    let bench = Bench::new();
    let program = bench.path("program");
    fs::copy(std::env::current_exe().unwrap(), &program).unwrap();
    if rustix::process::geteuid().is_root() {
        chown(&program, Some(ANN), Some(ANN)).unwrap();
    }
    for path in [bench.path(""), program.clone()] {
        fs::set_permissions(path, Permissions::from_mode(0o755)).unwrap();
    }
    (bench, program)
}
