//! `keyward setup git` with the real git: what it changes, what it leaves, and what git does then.

mod check;
mod disk;
mod race;
mod undo;

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use crate::helpers::home::Home;
use crate::helpers::invocation::{Finished, Invocation};
use crate::helpers::program::keyward;

/// `keyward setup git` with these arguments. Git reads only the home's configuration.
fn setup(home: &Home, words: &str) -> Invocation {
    home.keyward(&format!("setup git {words}")).env("GIT_CONFIG_NOSYSTEM", "1")
}

/// Git with these arguments, without prompts.
fn git(home: &Home, words: &str) -> Invocation {
    let call = home.program("git").args(words.split_whitespace());
    call.env("GIT_CONFIG_NOSYSTEM", "1").env("GIT_TERMINAL_PROMPT", "0")
}

/// Runs `keyward setup git` with these arguments where git is not installed.
fn without_git(home: &Home, words: &str) -> Finished {
    let call = home.program("env").arg("PATH=/nowhere").arg(keyward()).args(["setup", "git"]);
    call.args(words.split_whitespace()).run().ends(7)
}

/// The value by which git calls the program under test.
fn helper(store: &str) -> String {
    format!("!exec {} helper git --store {store}", keyward().display())
}

/// Returns the credential helpers in the file `name`.
fn helpers(home: &Home, name: &str) -> Vec<String> {
    let listed = git(home, "config --file").arg(name).args(["--get-all", "credential.helper"]);
    listed.run().text().lines().map(str::to_owned).collect()
}

/// Checks that git stores a password for a host and gets it again.
fn keeps_passwords(home: &Home, host: &str) {
    let about = format!("protocol=https\nhost={host}\nusername=ann\n");
    git(home, "credential approve").input(format!("{about}password=s3cret\n\n")).run().ends(0);
    let filled = git(home, "credential fill").input(format!("protocol=https\nhost={host}\n\n"));
    filled.run().ends(0).prints(format!("{about}password=s3cret\n"));
}

#[test]
fn one_command_is_enough() {
    let home = Home::new();
    let ran = setup(&home, "").run().ends(0).says_nothing();
    let shown = format!(
        "{}:\n+ credential.helper = {}\n",
        home.path(".gitconfig").display(),
        helper("git")
    );
    assert!(ran.text().starts_with("Store git: cbor + aes-gcm + file\n"), "{}", ran.text());
    assert!(ran.text().ends_with(&shown), "{}", ran.text());
    let expected = format!("[credential]\n\thelper = {}\n", helper("git"));
    assert_eq!(home.read(".gitconfig"), expected);
    keeps_passwords(&home, "git.example");
}

#[test]
fn a_second_run_changes_nothing() {
    let home = Home::new();
    for words in ["", "--only", "--store work", "--store work --only"] {
        setup(&home, words).run().ends(0);
        let before = home.files();
        let again = setup(&home, words).run().ends(0).says_nothing();
        let expected = format!("{} already calls Keyward.\n", home.path(".gitconfig").display());
        again.prints(expected);
        assert_eq!(home.files(), before, "{words}");
    }
}

#[test]
fn another_store_takes_the_place_of_the_first() {
    let home = Home::new();
    setup(&home, "").run().ends(0);
    let ran = setup(&home, "--store work --json").run().ends(0).says_nothing();
    let report = &ran.json()[0];
    assert_eq!(report["before"], serde_json::json!([helper("git")]));
    assert_eq!(report["after"], serde_json::json!([helper("work")]));
    assert_eq!((&report["made"], &report["changed"]), (&true.into(), &true.into()));
    assert_eq!(helpers(&home, ".gitconfig"), [helper("work")]);
}

#[test]
fn other_helpers_stay_and_are_asked_first() {
    let home = Home::new();
    let theirs =
        "[credential]\n\thelper = cache --timeout 9\n[credential]\n\thelper = store # mine\n";
    home.write(".gitconfig", theirs);
    let ran = setup(&home, "").run().ends(0);
    ran.says(
        "note: git asks these first: cache …, store\n  hint: --only makes git ask Keyward alone",
    );
    assert_eq!(home.read(".gitconfig"), format!("{theirs}\thelper = {}\n", helper("git")));
    setup(&home, "--only").run().ends(0).says_nothing();
    let after = ["cache --timeout 9".into(), "store".into(), String::new(), helper("git")];
    assert_eq!(helpers(&home, ".gitconfig"), after);
    keeps_passwords(&home, "git.example");
    assert!(!home.path(".git-credentials").exists(), "git still tells the helper `store`");
}

#[test]
fn keyward_is_found_in_whatever_form_it_is_there() {
    let home = Home::new();
    setup(&home, "").run().ends(0);
    let program = keyward();
    for value in
        [format!("!'{}' helper git --store=git --unbound", program.display()), "keyward".into()]
    {
        git(&home, "config --global credential.helper").arg(&value).run().ends(0);
        let before = home.files();
        setup(&home, "").run().ends(0);
        assert_eq!(home.files(), before);
        setup(&home, "--store work").run().ends(0);
        assert_eq!(helpers(&home, ".gitconfig"), [helper("work")], "{value}");
    }
    git(&home, "config --global credential.helper")
        .arg("/gone/keyward helper git --store git")
        .run();
    setup(&home, "").run().ends(0);
    assert_eq!(helpers(&home, ".gitconfig"), [helper("git")]);
}

#[test]
fn a_program_can_be_anywhere() {
    let home = Home::new();
    for folder in ["two  words", "it's", "a \"quote\" and a \\ and `id`", "$HOME;#", "käse"] {
        let program = home.write(&format!("{folder}/keyward"), "");
        fs::remove_file(&program).unwrap();
        fs::hard_link(keyward(), &program)
            .or_else(|_| fs::copy(keyward(), &program).map(drop))
            .unwrap();
        let run = |words: &[&str]| {
            let call = home.program(program.to_str().unwrap()).args(["setup", "git"]).args(words);
            call.env("GIT_CONFIG_NOSYSTEM", "1").run().ends(0).says_nothing()
        };
        run(&[]);
        keeps_passwords(&home, "git.example");
        let before = home.files();
        run(&[]);
        assert_eq!(home.files(), before, "{folder}");
        run(&["--check"]);
        run(&["--undo"]);
        assert!(!home.path(".gitconfig").exists());
    }
}

#[test]
fn a_store_can_have_any_name() {
    let home = Home::new();
    for name in ["two words", "it's", "-x", "--help", "$HOME", "käse"] {
        let call = || setup(&home, "").arg(format!("--store={name}"));
        call().run().ends(0).says_nothing();
        keeps_passwords(&home, "git.example");
        setup(&home, "--check").run().ends(0).says_nothing();
    }
}

#[test]
fn the_link_through_which_the_program_was_called_is_what_git_calls() {
    let home = Home::new();
    fs::create_dir(home.path("bin")).unwrap();
    let link = home.path("bin/keyward");
    symlink(keyward(), &link).unwrap();
    let path = format!("{}:/usr/local/bin:/usr/bin:/bin", home.path("bin").display());
    home.program("keyward").args(["setup", "git"]).env("PATH", path).run().ends(0);
    let expected = format!("!exec {} helper git --store git", link.display());
    assert_eq!(helpers(&home, ".gitconfig"), [expected]);
    // It is the same program.
    setup(&home, "")
        .run()
        .ends(0)
        .prints(format!("{} already calls Keyward.\n", home.path(".gitconfig").display()));
}

#[test]
fn one_repository_can_have_it_for_itself() {
    let home = Home::new();
    let says = "error: the current folder is not in a git repository";
    setup(&home, "--local").run().ends(2).says(says);
    assert!(!home.path(".local/share/keyward").exists(), "a store was made all the same");
    git(&home, "init --quiet repo").run().ends(0);
    let before = home.read("repo/.git/config");
    fs::create_dir(home.path("repo/deep")).unwrap();
    let inside = |words: &str| setup(&home, words).current_dir(&home.path("repo/deep")).run();
    inside("--local").ends(0).says_nothing();
    assert_eq!(helpers(&home, "repo/.git/config"), [helper("git")]);
    assert!(!home.path(".gitconfig").exists());
    inside("--check").ends(0);
    setup(&home, "--check").run().ends(3);
    inside("--local --undo").ends(0);
    assert_eq!(home.read("repo/.git/config"), before);
}

#[test]
fn the_file_is_the_one_that_git_writes() {
    for (there, variables, expected) in [
        (&[".config/git/config"][..], &[][..], ".config/git/config"),
        (&[".config/git/config", ".gitconfig"], &[], ".gitconfig"),
        (&["x/git/config"], &[("XDG_CONFIG_HOME", "x")], "x/git/config"),
        (&[".config/git/config"], &[("XDG_CONFIG_HOME", "x")], ".gitconfig"),
        (&[".gitconfig", "other"], &[("GIT_CONFIG_GLOBAL", "other")], "other"),
    ] {
        let home = Home::new();
        for file in there {
            home.write(file, "# here\n");
        }
        let with = |call: Invocation| {
            variables.iter().fold(call, |call, (name, value)| call.env(name, home.path(value)))
        };
        with(git(&home, "config --global some.key value")).run().ends(0);
        with(setup(&home, "")).run().ends(0);
        let text = home.read(expected);
        assert!(
            text.contains("some") && text.contains("helper git --store git"),
            "{expected}: {text}"
        );
        for other in there.iter().filter(|file| **file != expected) {
            assert_eq!(home.read(other), "# here\n");
        }
        with(setup(&home, "--check")).run().ends(0);
    }
}

#[test]
fn what_cannot_be_changed_says_so() {
    let home = Home::with_store("");
    let broken = "[user]\n\tname = canary\n[oops\n";
    home.write("broken", broken);
    home.write("locked", "");
    home.write("locked.lock", "");
    symlink("loop", home.path("loop")).unwrap();
    for (file, code, says) in [
        ("broken", 2, "git does not understand line 3 of its configuration"),
        ("loop", 4, "leads through too many symbolic links"),
        ("run", 4, "is not a regular file"),
        ("locked", 5, "locked is locked by another program\n  hint: If no git is running"),
        ("missing/config", 7, "No such file or directory"),
    ] {
        let before = home.read("broken");
        let ran = setup(&home, "").env("GIT_CONFIG_GLOBAL", home.path(file)).run();
        let ran = ran.ends(code).says(says);
        // If git cannot read its configuration, no store is made.
        let made = home.keyward("list git").run().code == 0;
        assert_eq!(made, ["locked", "missing/config"].contains(&file), "{file}");
        assert!(!ran.err.contains("canary"), "{}", ran.err);
        assert_eq!(home.read("broken"), before);
        assert_eq!(home.read("locked"), "");
    }
    setup(&home, "")
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .run()
        .ends(4)
        .says("is not a regular file");
    setup(&home, "").env("GIT_CONFIG_GLOBAL", "").run().ends(2).says("GIT_CONFIG_GLOBAL is empty");
    without_git(&home, "").says("git is not installed");
}

#[test]
fn a_config_that_others_own_is_not_taken_from_them() {
    let home = Home::new();
    let target = Path::new("/etc/passwd");
    if rustix::process::geteuid().is_root() {
        let file = home.write(".gitconfig", "# theirs\n");
        std::os::unix::fs::chown(&file, Some(1), None).unwrap();
    } else {
        symlink(target, home.path(".gitconfig")).unwrap();
    }
    setup(&home, "").run().ends(4).says("belongs to user id");
}
