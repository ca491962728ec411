//! If the disk fails or the process is killed, the file has the old content or the new one.

use std::fs;

use super::{helper, setup};
use crate::helpers::home::Home;
use crate::helpers::invocation::Finished;
use crate::helpers::program::keyward;

/// The system calls on the file that will replace git's.
const CALLS: &[&str] = &["openat", "fchmod", "write", "fsync", "rename"];

const BEFORE: &str = "[user]\n\tname = Ann";

/// Runs `keyward setup git` with this fault in the system calls on the lock of the file.
fn injected(home: &Home, fault: &str) -> Finished {
    let strace = home.program("strace").args(["-qq", "-o", "/dev/null", "-P"]);
    let strace = strace.arg(home.path(".gitconfig.lock")).args(["-e", &format!("inject={fault}")]);
    strace.arg(keyward()).args(["setup", "git"]).env("GIT_CONFIG_NOSYSTEM", "1").run()
}

#[test]
fn a_disk_that_fails_leaves_the_old_file() {
    let home = Home::new();
    home.write(".gitconfig", BEFORE);
    for call in CALLS {
        for (error, code) in [("EIO", 7), ("ENOSPC", 7), ("EACCES", 4)] {
            let ran = injected(&home, &format!("{call}:error={error}")).ends(code);
            assert!(ran.err.contains(".gitconfig: "), "{call} {error}: {}", ran.err);
            assert_eq!(home.read(".gitconfig"), BEFORE, "{call} {error}");
            assert!(!home.path(".gitconfig.lock").exists(), "{call} {error}");
        }
    }
    setup(&home, "").run().ends(0);
    setup(&home, "--undo").run().ends(0);
    assert_eq!(home.read(".gitconfig"), BEFORE);
}

/// The file is in place then, so the message must not say that nothing was changed.
#[test]
fn a_disk_that_fails_after_the_change_is_reported() {
    let home = Home::new();
    home.keyward("init git --option key.from=file").run().ends(0);
    home.write(".gitconfig", BEFORE);
    let strace = home.program("strace").args(["-qq", "-o", "/dev/null", "-P"]);
    let strace = strace.arg(home.path("")).args(["-e", "inject=fsync:error=ENOSPC"]);
    let ran = strace.arg(keyward()).args(["setup", "git"]).env("GIT_CONFIG_NOSYSTEM", "1").run();
    ran.ends(7).says("is changed, but that may not survive a power cut");
    assert!(home.read(".gitconfig").contains(&helper("git")));
}

#[test]
fn an_end_in_the_middle_leaves_the_old_file_and_says_so_later() {
    let mut locked = 0;
    for call in CALLS {
        let home = Home::new();
        home.write(".gitconfig", BEFORE);
        let ran = injected(&home, &format!("{call}:signal=KILL"));
        assert_ne!(ran.code, 0, "{call}");
        let text = home.read(".gitconfig");
        assert!(text == BEFORE || text.contains(&helper("git")), "{call}: {text}");
        let lock = home.path(".gitconfig.lock");
        if lock.exists() {
            locked += 1;
            setup(&home, "").run().ends(5).says(&format!("remove {}", lock.display()));
            fs::remove_file(lock).unwrap();
        }
        setup(&home, "").run().ends(0);
        setup(&home, "--undo").run().ends(0);
        assert_eq!(home.read(".gitconfig"), BEFORE, "{call}");
    }
    assert!(locked > 1, "no end came while the file was locked");
}
