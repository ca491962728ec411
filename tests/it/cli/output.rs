//! Output that cannot be written is an error, in every command.

use crate::helpers::home::Home;
use crate::helpers::invocation::Finished;
use crate::helpers::program::keyward;

/// Every way to print something, in a home with a store `s` and an entry of user `b` in it.
const PRINTING: &[&str] = &[
    "--version",
    "--help",
    "set --help",
    "help",
    "help set",
    "man",
    "man set",
    "completions bash",
    "completions fish",
    "init new",
    "get s -u b -p",
    "get s -u b -n",
    "get s -u b --raw",
    "get s -u b --json",
    "list",
    "list --json",
    "list s",
    "list s --json",
    "info s",
    "info s --json",
    "info s --format raw --users",
    "store verify s",
    "store rotate s",
    "store rotate s --retire",
    "account list s -u b",
    "import git-credentials git-credentials",
    "import git-credentials git-credentials --json",
    "import pycred .pycred --dry-run",
    "helper git capability --store s",
    "helper git get --store s --user b",
    "setup git --check",
    "kind list",
    "kind list --json",
    "kind show aws",
    "kind show aws --json",
    "backend list",
    "backend list --json",
    "backend show storage file",
    "backend show storage file --json",
    "config show",
    "config show --json",
    "config explain defaults.storage",
    "config get defaults.storage",
    "config validate",
    "config path",
    "config path --json",
    "doctor",
    "doctor --json",
];

fn home() -> Home {
    let home = Home::with_store("--option key.from=file");
    for (line, input) in [
        ("set s ann -u b --stdin", "s3cret"),
        ("set s ann -u b --origin https://host.example --stdin", "s3cret"),
    ] {
        home.keyward(line).input(input).run().ends(0);
    }
    home.write("git-credentials", "https://ann:s3cret@host.example\n");
    let tar = xtask::root().join("tests/fixtures/pycred/home.tar");
    home.program("tar").args(["--no-same-owner", "-xpf"]).arg(tar).run().ends(0);
    chmod(&home, "git-credentials", 0o600);
    home
}

fn chmod(home: &Home, path: &str, mode: u32) {
    let mode = std::os::unix::fs::PermissionsExt::from_mode(mode);
    std::fs::set_permissions(home.path(path), mode).unwrap();
}

/// Runs the program with its standard output as the shell's `redirection` says.
fn run(home: &Home, line: &str, redirection: &str) -> Finished {
    let script = format!("exec \"$@\" {redirection}");
    let shell = home.program("sh").args(["-c", &script, "sh"]).arg(keyward());
    shell.args(line.split_whitespace()).input("protocol=https\nhost=host.example\n\n").run()
}

#[test]
fn a_failed_write_to_the_output_is_reported_once() {
    for redirection in [">/dev/full", ">&-"] {
        let home = home();
        for line in PRINTING {
            let ran = run(&home, line, redirection);
            let errors = ran.err.lines().filter(|line| line.starts_with("error:")).count();
            assert_eq!((ran.code, errors), (1, 1), "{line} {redirection}\n{}", ran.err);
            ran.says("error: standard output cannot be written\n  because: ");
        }
    }
}

#[test]
fn what_prints_nothing_needs_no_output() {
    let home = home();
    for line in
        ["get s -u b", "config set user ann", "helper git erase --store s --user b", "unset s -u b"]
    {
        run(&home, line, ">&-").ends(0).says_nothing();
    }
}
