//! Cloned projects that attack the user who works in them: nothing runs, nothing leaks, and one line
//! says what was ignored and how to trust it.

use std::fs;
use std::os::unix::fs::{chown, symlink};
use std::path::Path;
use std::process::Command;

use super::{app, home};
use crate::helpers::home::{Home, me};
use crate::helpers::invocation::Finished;
use crate::helpers::program::keyward;

/// A user id without an account.
const STRANGER: u32 = 2_012_345;

/// The command was refused with one line, without a control character, that says what to do.
#[track_caller]
fn ignored(finished: Finished, why: &str) {
    let finished = finished.ends(4).says(why).says("is ignored: ").says("keyward trust");
    let line = finished.err.strip_suffix('\n').unwrap();
    assert!(!line.contains(char::is_control), "{line:?}");
    assert!(finished.out.is_empty() || finished.text().contains(r#""trusted":false"#));
}

/// `keyward` in this folder of the home.
fn keyward_in(home: &Home, folder: &str, line: &str) -> Finished {
    home.keyward(line).current_dir(&home.path(folder)).run()
}

#[test]
fn an_untrusted_project_runs_nothing_and_connects_to_nothing() {
    let home = home();
    home.write("app/.keyward/hook", "#!/bin/sh\ntouch ran\n");
    let lines = ["check", "check --json", "trust", "run --project touch ran"];
    for line in lines.into_iter().chain(["get s", "resolve api", "list", "doctor"]) {
        let trace = home.program("strace").args(["-f", "-qq", "-o"]).arg(home.path("trace"));
        let trace = trace.args(["-e", "trace=execve,connect,openat,openat2"]).arg(keyward());
        let trace = trace.args(line.split_whitespace()).current_dir(&home.path("app"));
        drop(trace.run());
        let traced = home.read("trace");
        let count = |call: &str| traced.lines().filter(|line| line.contains(call)).count();
        assert_eq!((count("execve("), count("connect(")), (1, 0), "{line}\n{traced}");
        let reads = count(".keyward.toml\"") > 0;
        assert_eq!(reads, lines.contains(&line), "{line}\n{traced}");
    }
    assert!(!home.path("app/ran").exists());
    assert!(!home.path(".local/state/keyward/projects").exists());
}

/// Makes something hostile in the project's folder.
type Attack = fn(&Path);

#[test]
fn files_that_are_no_files_are_ignored_at_once() {
    let attacks: [(&str, Attack); 6] = [
        ("larger than", |app| {
            fs::File::create(app.join(".keyward.toml")).unwrap().set_len(10 << 20).unwrap();
        }),
        ("a symbolic link", |app| symlink("../secret", app.join(".keyward.toml")).unwrap()),
        ("not a regular file", |app| make(app, "mkfifo .keyward.toml")),
        ("a symbolic link", |app| make(app, "touch .keyward.toml; ln -s / .keyward")),
        ("not a regular file", |app| {
            make(app, "touch .keyward.toml; mkdir .keyward; mkfifo .keyward/f");
        }),
        ("a symbolic link", |app| {
            make(app, "touch .keyward.toml; mkdir .keyward; ln -s ../../secret .keyward/f");
        }),
    ];
    for (why, attack) in attacks {
        let home = home();
        home.write("secret", "version = 1\n[secrets.mine]\n");
        let path = home.path("app");
        fs::remove_file(path.join(".keyward.toml")).unwrap();
        attack(&path);
        for line in ["check", "check --json", "run --project touch ran"] {
            ignored(app(&home, line), why);
        }
        let refused = app(&home, "trust --yes").ends(4).prints("").says(why);
        refused.says("Nothing was trusted");
        assert!(!path.join("ran").exists());
    }
}

#[test]
fn a_device_is_ignored() {
    if me() != "root" {
        return;
    }
    let home = home();
    make(&home.path("app"), "rm .keyward.toml; mknod .keyward.toml c 1 5");
    ignored(app(&home, "check"), "not a regular file");
}

/// Runs a script in a folder.
fn make(folder: &Path, script: &str) {
    let status = Command::new("sh").args(["-ec", script]).current_dir(folder).status();
    assert!(status.unwrap().success(), "{script}");
}

#[test]
fn names_cannot_forge_lines_or_control_the_terminal() {
    let home = home();
    let folder = "x\n\u{1b}[2Jerror: all is well";
    home.write(&format!("{folder}/.keyward.toml"), "version = 1\n");
    ignored(keyward_in(&home, folder, "check"), r"x\n\u{1b}[2Jerror: all is well/.keyward.toml");
    let trusted = keyward_in(&home, folder, "trust --yes").ends(0).says_nothing();
    assert!(!trusted.text().contains('\u{1b}'), "{}", trusted.text());
    let list = home.run(&["trust", "--list"]).ends(0);
    assert!(list.text().ends_with("[2Jerror: all is well\n"), "{}", list.text());
    assert_eq!(list.text().lines().count(), 1);

    home.write("app/.keyward/a\n\u{1b}[2J", "");
    ignored(app(&home, "check"), r".keyward/a\n\u{1b}[2J has a name that cannot be shown");
    home.write("b/.keyward.toml", "version = 1\n[secrets.a]\ndescription = \"\\u001b[2J\"\n");
    keyward_in(&home, "b", "trust --yes").ends(2).prints("").says(":3: `description` must be");
    home.write("b/.keyward.toml", "version = 1\n[secrets.\"a\u{202e}b\"]\n");
    let shown = keyward_in(&home, "b", "trust --yes").ends(0);
    assert!(shown.text().contains(r"  secret     a\u{202e}b (any kind, required)"));
    let check = keyward_in(&home, "b", "check").ends(3).says(r"missing: a\u{202e}b");
    check.prints("absent: a\\u{202e}b (any kind, required)\n");
}

#[test]
fn what_belongs_to_another_user_is_ignored() {
    if me() != "root" {
        return;
    }
    let home = home();
    home.write("app/sub/file", "");
    home.write("app/.keyward/file", "");
    app(&home, "trust --yes").ends(0);
    app(&home, "check").ends(3);
    for path in ["app/.keyward.toml", "app/.keyward/file", "app/.keyward", "app"] {
        chown(home.path(path), Some(STRANGER), None).unwrap();
        ignored(app(&home, "check"), &format!("belongs to user id {STRANGER}"));
        ignored(keyward_in(&home, "app/sub", "check"), "belongs to user id");
        chown(home.path(path), Some(0), None).unwrap();
    }
    // The search does not go on above a folder of another user.
    chown(home.path("app/sub"), Some(STRANGER), None).unwrap();
    keyward_in(&home, "app/sub", "check").ends(2).says("there is no `.keyward.toml`");
}

/// Runs git in this folder of the home.
#[track_caller]
fn git(home: &Home, folder: &str, line: &str) {
    let identity =
        ["-c", "user.name=a", "-c", "user.email=a@b", "-c", "protocol.file.allow=always"];
    let git = home.program("git").args(identity).args(line.split_whitespace());
    git.env("GIT_CONFIG_NOSYSTEM", "1").current_dir(&home.path(folder)).run().ends(0);
}

#[test]
fn clones_worktrees_and_submodules_are_trusted_separately() {
    let home = home();
    git(&home, "app", "init -q");
    git(&home, "app", "add .");
    git(&home, "app", "commit -qm a");
    app(&home, "trust --yes").ends(0);
    git(&home, "app", "worktree add -q ../worktree");
    git(&home, "", "clone -q app clone");
    git(&home, "app", "submodule --quiet add ../clone module");
    for folder in ["worktree", "clone", "app/module"] {
        ignored(keyward_in(&home, folder, "check"), "it is not trusted");
        // Without a file there, the search does not go on to the one outside.
        fs::rename(home.path(folder).join(".keyward.toml"), home.path("kept")).unwrap();
        home.write(".keyward.toml", "version = 1\n");
        keyward_in(&home, folder, "check").ends(2).says("there is no `.keyward.toml`");
        fs::rename(home.path("kept"), home.path(folder).join(".keyward.toml")).unwrap();
        keyward_in(&home, folder, "trust --yes").ends(0);
        keyward_in(&home, folder, "check").ends(3);
    }
    // git changes nothing that counts: its own folder is not part of the project.
    git(&home, "app", "commit -qm b");
    app(&home, "check").ends(3);
}

/// Another process exchanges the file for as long as `check` runs. What is used was trusted.
#[test]
fn an_exchanged_file_is_never_used() {
    let home = home();
    home.write("app/.keyward.toml", "version = 1\n[secrets.shown]\nrequired = false\n");
    app(&home, "trust --yes").ends(0);
    home.write("evil", "version = 1\n[secrets.evil]\nrequired = false\n");
    let exchange = "while :; do cp evil new; mv new app/.keyward.toml; cp good new; mv new app/.keyward.toml; done";
    fs::copy(home.path("app/.keyward.toml"), home.path("good")).unwrap();
    let mut attacker = home.command("sh").args(["-c", exchange]).spawn().unwrap();
    let finished: Vec<_> = (0..40).map(|_| app(&home, "check")).collect();
    attacker.kill().unwrap();
    attacker.wait().unwrap();
    for check in finished {
        match check.code {
            0 => drop(check.prints("absent: shown (any kind, optional)\n")),
            _ => ignored(check, ".keyward.toml was changed"),
        }
    }
}
