//! `--undo`: byte for byte if the file has not changed since, and otherwise line by line.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

use super::{git, helper, helpers, setup};
use crate::helpers::home::Home;

/// Unusual configurations.
const ODD: &[&str] = &[
    "",
    "\n",
    "# only a comment",
    "[user]\n\tname = Ann\n",
    "[user]\r\n\tname = Ann\r\n[credential]\r\n\thelper = store\r\n",
    "[user]\n\tname = Ann",
    "\u{feff}[user]\n\tname = Ann\n",
    "[credential]\n",
    "[credential] # of mine\n\t; nothing yet\n",
    "[credential]\n\thelper = cache\n\n\n[user]\nname=\"Ann\"   ; me\n[credential]\nhelper=store # why\n# end",
    "[CREDENTIAL]\n\tHELPER = store\n",
    "[credential]\n\thelper =\n\thelper = store\n",
    "[credential \"https://git.example\"]\n\thelper =\n\thelper = !gh auth git-credential\n",
    "[include]\n\tpath = more\n[credential]\n\tuseHttpPath = true\n[includeIf \"gitdir:~/x/\"]\n\tpath = \"y z\"\n",
    "[http]\n\textraHeader = \"Authorization: canary\" \\\n\t\tmore\n[alias]\n\tx = \"!f() { \\\"$@\\\"; }; f\"\n",
    "[user] name = Ann\n[credential] helper = store\n",
];

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o7777
}

#[test]
fn what_was_there_comes_back_to_the_byte() {
    let home = Home::new();
    let path = home.path(".gitconfig");
    let ways: [(u32, &[&str]); 3] =
        [(0o600, &["", "--store work"]), (0o644, &["--only"]), (0o640, &["", "--only"])];
    for (text, (bits, steps)) in ODD.iter().zip(ways.iter().cycle()) {
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, Permissions::from_mode(*bits)).unwrap();
        for step in *steps {
            setup(&home, step).run().ends(0);
            assert_ne!(
                fs::read(&path).unwrap(),
                text.as_bytes(),
                "{step} changed nothing: {text:?}"
            );
            assert_eq!(mode(&path), *bits, "{text:?}");
        }
        setup(&home, "--undo").run().ends(0).says_nothing();
        assert_eq!(fs::read(&path).unwrap(), text.as_bytes(), "{text:?} {steps:?}");
        assert_eq!(mode(&path), *bits, "{text:?}");
        let again = format!("There is nothing to undo in {}.\n", path.display());
        setup(&home, "--undo").run().ends(0).prints(again);
        assert_eq!(fs::read(&path).unwrap(), text.as_bytes(), "{text:?} {steps:?}");
    }
}

#[test]
fn where_there_was_no_file_there_is_none() {
    let home = Home::new();
    setup(&home, "--undo").run().ends(0).says_nothing();
    setup(&home, "").run().ends(0);
    let ran = setup(&home, "--undo --json").run().ends(0).says_nothing();
    let report = &ran.json()[0];
    assert_eq!((&report["changed"], &report["restored"]), (&true.into(), &true.into()));
    assert!(!home.path(".gitconfig").exists());
    home.keyward("list").run().ends(0).prints("git\n");
}

#[test]
fn a_link_into_other_folders_stays_one() {
    for (there, target) in [(true, "dotfiles/gitconfig"), (false, "dotfiles/gitconfig")] {
        let home = Home::new();
        let text = "[user]\n\tname = Ann";
        let file = home.write("dotfiles/gitconfig", text);
        if !there {
            fs::remove_file(&file).unwrap();
        }
        symlink(target, home.path(".gitconfig")).unwrap();
        setup(&home, "").run().ends(0);
        assert!(file.exists());
        assert_eq!(fs::read_link(home.path(".gitconfig")).unwrap(), Path::new(target));
        setup(&home, "--undo").run().ends(0);
        assert_eq!(fs::read_to_string(&file).ok().as_deref(), there.then_some(text));
        assert_eq!(fs::read_link(home.path(".gitconfig")).unwrap(), Path::new(target));
    }
}

#[test]
fn what_was_changed_since_stays() {
    for (words, before) in [
        ("", "[credential]\n\thelper = cache # old\n"),
        ("--only", "[credential]\n\thelper = cache # old\n"),
        ("--only", "[credential]\n\thelper =\n\thelper = cache\n"),
    ] {
        let home = Home::new();
        home.write(".gitconfig", before);
        setup(&home, words).run().ends(0);
        let theirs = home.read(".gitconfig") + "# new\n[http]\n\textraHeader = canary\n";
        home.write(".gitconfig", theirs);
        let ran = setup(&home, "--undo").run().ends(0).says_nothing();
        assert!(
            ran.text().ends_with("The file was changed after the setup: the other changes stay.\n")
        );
        let mut expected = before.to_owned();
        if before.contains("helper =\n") {
            // Of two empty values, it is unknown which one Keyward wrote.
            expected += "\thelper = \n";
        }
        expected += "# new\n[http]\n\textraHeader = canary\n";
        assert_eq!(home.read(".gitconfig"), expected, "{words}");
    }
}

#[test]
fn an_empty_line_of_their_own_stays() {
    let home = Home::new();
    home.write(".gitconfig", "[credential]\n\thelper =\n");
    setup(&home, "").run().ends(0);
    git(&home, "config --global user.name Ann").run().ends(0);
    setup(&home, "--undo").run().ends(0);
    assert_eq!(home.read(".gitconfig"), "[credential]\n\thelper =\n[user]\n\tname = Ann\n");
}

#[test]
fn a_line_before_an_empty_value_is_added_again_after_it() {
    let home = Home::new();
    setup(&home, "").run().ends(0);
    git(&home, "config --global --add credential.helper").arg("").run().ends(0);
    setup(&home, "").run().ends(0);
    assert_eq!(helpers(&home, ".gitconfig"), [String::new(), helper("git")]);
}

#[test]
fn what_was_changed_between_two_setups_stays() {
    let home = Home::new();
    home.write(".gitconfig", "[core]\n\tbare = false\n");
    setup(&home, "").run().ends(0);
    git(&home, "config --global user.name Ann").run().ends(0);
    setup(&home, "--store work").run().ends(0);
    setup(&home, "--undo").run().ends(0);
    assert_eq!(helpers(&home, ".gitconfig"), [""; 0]);
    assert_eq!(home.read(".gitconfig"), "[core]\n\tbare = false\n[user]\n\tname = Ann\n");
}

#[test]
fn undo_removes_every_line_that_calls_keyward() {
    let home = Home::new();
    let ours = "\thelper = keyward --store a\n\thelper = /x/keyward helper git --unbound\n";
    home.write(".gitconfig", format!("[credential]\n{ours}\thelper = store\n{ours}"));
    setup(&home, "--undo").run().ends(0).says_nothing();
    assert_eq!(home.read(".gitconfig"), "[credential]\n\thelper = store\n");
}

#[test]
fn undo_restores_a_line_that_was_written_by_hand() {
    let home = Home::new();
    let by_hand = "[credential]\n\thelper = keyward --store mine # by hand\n\thelper = store\n";
    home.write(".gitconfig", by_hand);
    setup(&home, "").run().ends(0);
    assert_eq!(helpers(&home, ".gitconfig"), ["store".to_owned(), helper("git")]);
    setup(&home, "--store work").run().ends(0);
    setup(&home, "--undo").run().ends(0);
    assert_eq!(home.read(".gitconfig"), by_hand);
}

#[test]
fn what_was_kept_and_is_damaged_is_not_put_back() {
    let home = Home::new();
    home.write(".gitconfig", "[user]\n\tname = canary\n");
    setup(&home, "").run().ends(0);
    let set_up = home.read(".gitconfig");
    let kept = canaries(&home).into_iter().find(|path| !path.ends_with(".gitconfig")).unwrap();
    for damaged in ["", "x", &"0".repeat(70)] {
        fs::write(&kept, damaged).unwrap();
        setup(&home, "--undo").run().ends(6).says("the copy that --undo restores is damaged");
        assert_eq!(home.read(".gitconfig"), set_up);
    }
    fs::remove_file(kept).unwrap();
    setup(&home, "--undo").run().ends(0);
    assert_eq!(home.read(".gitconfig"), "[user]\n\tname = canary\n");
}

#[test]
fn what_a_person_took_out_is_not_missed() {
    let home = Home::new();
    setup(&home, "").run().ends(0);
    home.write(".gitconfig", "# mine\n");
    setup(&home, "--undo").run().ends(0);
    assert_eq!(home.read(".gitconfig"), "# mine\n");
    setup(&home, "").run().ends(0);
    fs::remove_file(home.path(".gitconfig")).unwrap();
    setup(&home, "--undo").run().ends(0);
    assert!(!home.path(".gitconfig").exists());
}

#[test]
fn what_is_kept_is_private_and_goes_in_the_end() {
    let home = Home::new();
    let text = "[http]\n\textraHeader = canary\n[credential]\n\thelper = \"!f() { echo password=canary; }; f\"\n";
    home.write(".gitconfig", text);
    let mut said = String::new();
    let mut run = |words: &str| {
        let ran = setup(&home, &format!("{words} -vv")).run();
        said += &format!("{}{}", String::from_utf8_lossy(&ran.out), ran.err);
    };
    run("");
    run("--json --only");
    run("--check");
    run("--check --json");
    let kept: Vec<_> = canaries(&home);
    assert_eq!(kept.len(), 2, "{kept:?}");
    for path in &kept {
        assert!(path.ends_with(".gitconfig") || mode(path) == 0o600, "{}", path.display());
    }
    run("--undo");
    run("--undo --json");
    assert!(!said.contains("canary"), "{said}");
    assert_eq!(canaries(&home), [home.path(".gitconfig")]);
    assert_eq!(home.read(".gitconfig"), text);
}

/// Returns the files that contain the canary.
fn canaries(home: &Home) -> Vec<std::path::PathBuf> {
    let holds = |content: &[u8]| content.windows(6).any(|part| part == b"canary");
    home.files().into_iter().filter(|(_, content)| holds(content)).map(|(path, _)| path).collect()
}
