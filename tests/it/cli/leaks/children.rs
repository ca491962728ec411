//! Programs that Keyward starts get no secret in their arguments or environment.

use super::canary::Canary;
use crate::helpers::home::Home;
use crate::helpers::invocation::Invocation;
use crate::helpers::program::keyward;

/// The program under `strace`, which records every program that is started, with its arguments and
/// its environment.
pub(super) fn traced(home: &Home, line: &str) -> Invocation {
    home.program("strace")
        .args(["-f", "-v", "-s", "65536", "-e", "trace=execve", "-o", "trace"])
        .arg(keyward())
        .args(line.split_whitespace())
}

/// The starts of `program` in the last trace.
fn starts(home: &Home, program: &str) -> Vec<String> {
    let trace = home.read("trace");
    let of = |line: &&str| line.contains("execve(") && line.contains(program);
    trace.lines().filter(of).map(str::to_owned).collect()
}

#[test]
fn a_key_command_gets_neither_secrets_nor_the_environment() {
    let (canary, other) = (Canary::new(), Canary::new());
    let home = Home::new();
    let hex = "6b".repeat(32);
    let command = home.write("key-command", format!("#!/bin/sh\necho {hex}\n"));
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o700);
    std::fs::set_permissions(&command, mode).unwrap();
    let command = command.display();
    home.keyward(&format!("init s --option key.from=command --option key.argv={command}"))
        .run()
        .ends(0);
    for line in ["set s ann --stdin", "get s", "store verify s"] {
        let call = traced(&home, line).env("OTHER_SECRET", &other.text).input(&canary.text);
        call.run().ends(0);
        let starts = starts(&home, "key-command");
        assert!(!starts.is_empty(), "{line} did not ask for the key");
        for start in starts.iter().filter(|start| !start.contains("/keyward\", [")) {
            assert!(!start.contains("OTHER_SECRET"), "{start}");
            assert!(!other.is_in(start.as_bytes()), "{start}");
        }
        let trace = home.read("trace");
        assert!(!canary.is_in(trace.as_bytes()), "{trace}");
        assert!(!trace.contains(&hex), "{trace}");
    }
    home.keyward("get s -p").run().ends(0).prints(format!("{}\n", canary.text));
}

#[test]
fn editor_and_pager_get_no_secret() {
    let canary = Canary::new();
    let home = Home::with_store("--option key.from=file");
    home.keyward("set s ann --stdin").input(&canary.text).run().ends(0);
    let script = home.write("script", "cat >\"$HOME/input\" <&0; cat \"$@\" >\"$HOME/files\"");
    let script = format!("sh {}", script.display());
    traced(&home, "config edit").env("EDITOR", &script).run().ends(0);
    assert!(!starts(&home, "/script\"").is_empty());
    assert!(!canary.is_in(home.read("trace").as_bytes()));
    assert!(!canary.is_in(home.read("files").as_bytes()));
    let line = format!(
        "strace -f -v -s 65536 -e trace=execve -o trace {} help guide",
        keyward().display()
    );
    let pager = home.program("script").args(["-qec", &line, "/dev/null"]).env("PAGER", &script);
    pager.run().ends(0);
    assert!(!starts(&home, "/script\"").is_empty());
    assert!(!canary.is_in(home.read("trace").as_bytes()));
}

#[test]
fn git_gets_no_secret_but_through_pipes() {
    let canary = Canary::new();
    let home = Home::with_store("--option key.from=file");
    home.write(".gitconfig", "[credential]\n\thelper = store\n");
    let asked = format!("url=https://ann@x.example\npassword={}\n", canary.text);
    home.program("git").args(["credential", "approve"]).input(asked).run().ends(0);
    let file = home.read(".git-credentials");
    let line = "import git-helper https://x.example --store s";
    canary.is_kept_by(traced(&home, line)).ends(0);
    assert!(!starts(&home, "git\"").is_empty());
    assert!(!canary.is_in(home.read("trace").as_bytes()));
    let get = "get s --name https://ann@x.example -p";
    home.keyward(get).run().ends(0).prints(format!("{}\n", canary.text));
    let line = "import git-credentials .git-credentials --store s";
    canary
        .is_kept_by(home.keyward(line))
        .ends(0)
        .prints("0 credentials imported, 1 there already\n");
    let damaged = file.replace("https://", "https:/") + &file.replace("@", "\\@") + &canary.text;
    home.write(".git-credentials", damaged);
    for line in [line.to_owned(), format!("{line} --json")] {
        let ran = canary.is_kept_by(home.keyward(&line)).ends(6);
        assert!(ran.text().contains("line"), "{}", ran.text());
    }
    home.write(".git-credentials", "");
    assert_eq!(canary.files(&home.path("")), [] as [std::path::PathBuf; 0]);
}
