//! `--check`: whether git asks, and whether Keyward answers.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;

use super::{git, helper, setup, without_git};
use crate::helpers::home::Home;
use crate::helpers::invocation::Finished;

/// What the check found about something, as `finding: text`.
fn found(ran: &Finished, about: &str) -> Vec<String> {
    let findings = ran.json().into_iter().filter(|finding| finding["about"] == about);
    findings
        .map(|it| format!("{}: {}", it["finding"].as_str().unwrap(), it["text"].as_str().unwrap()))
        .collect()
}

#[test]
fn a_good_setup_is_good_and_nothing_is_written() {
    let home = Home::new();
    setup(&home, "").run().ends(0);
    let before = home.files();
    let ran = setup(&home, "--check --json").run().ends(0).says_nothing();
    let place = home.path(".gitconfig");
    let asks = format!("good: git asks {} ({})", helper("git"), place.display());
    assert_eq!(found(&ran, "helpers"), [asks]);
    assert_eq!(found(&ran, "keyward"), ["good: git calls this program"]);
    assert_eq!(
        found(&ran, "store git"),
        ["good: its storage can be read and its key is available"]
    );
    assert_eq!(
        found(&ran, "answer"),
        ["good: git gets no credential for a host that does not exist, which is correct"]
    );
    assert_eq!(home.files(), before);
}

#[test]
fn without_a_setup_there_is_nothing() {
    let home = Home::new();
    let before = home.files();
    let ran = setup(&home, "--check --json").run().ends(3);
    assert_eq!(found(&ran, "helpers"), ["note: git asks no helper"]);
    assert_eq!(home.files(), before);
    without_git(&home, "--check").says("git is not installed");
}

#[test]
fn check_lists_the_helpers_of_each_url() {
    let home = Home::new();
    let config = format!(
        "[credential]\n\thelper = cache\n[credential \"https://one.example\"]\n\thelper = store --file x\n\
         [credential \"https://two.example\"]\n\thelper =\n\thelper = \"!f() {{ echo password=canary; }}; f\"\n\
         [credential]\n\thelper = {}\n[credential \"https://u:canary@three.example/p\"]\n\thelper =\n",
        helper("git")
    );
    let place = home.write(".gitconfig", config);
    let place = format!("({})", place.display());
    home.keyward("init git").run().ends(0);
    let ran = setup(&home, "--check --json").run().ends(0);
    let ours = format!("{} {place}", helper("git"));
    assert_eq!(
        found(&ran, "helpers"),
        [
            format!("good: git asks cache {place}, then {ours}"),
            format!(
                "good: for https://one.example, git asks cache {place}, then store … {place}, then {ours}"
            ),
            format!("good: for https://two.example, git asks a shell snippet {place}, then {ours}"),
            "note: for https://…@three.example/p, git asks no helper".to_owned(),
        ]
    );
    // And that is what git does.
    let filled = git(&home, "credential fill").input("url=https://two.example\nusername=u\n\n");
    filled.run().ends(0).prints("protocol=https\nhost=two.example\nusername=u\npassword=canary\n");
}

/// Breaks a working setup.
type Spoil = fn(&Home);

#[test]
fn what_is_wrong_decides_the_exit_code() {
    let broken: [(&str, i32, Spoil); 5] = [
        ("store git", 2, |home| drop(home.keyward("rm git --yes").run().ends(0))),
        ("store git", 6, |home| {
            fs::remove_dir_all(home.path(".local/state/keyward/keys")).unwrap()
        }),
        ("store git", 4, |home| {
            let key = fs::read_dir(home.path(".local/state/keyward/keys")).unwrap();
            let key = key.map(|entry| entry.unwrap().path()).find(|path| path.is_file()).unwrap();
            fs::set_permissions(key, Permissions::from_mode(0o644)).unwrap();
        }),
        ("keyward", 2, |home| {
            let gone = "/gone/keyward helper git --store git";
            git(home, "config --global credential.helper").arg(gone).run().ends(0);
        }),
        ("keyward", 3, |home| {
            git(home, "config --global --add credential.helper").arg("").run().ends(0);
        }),
    ];
    for (about, code, spoil) in broken {
        let home = Home::new();
        setup(&home, "").run().ends(0);
        spoil(&home);
        let ran = setup(&home, "--check --json").run().ends(code);
        let found = found(&ran, about);
        assert!(found.iter().any(|found| found.starts_with("bad: ")), "{about} {code}: {found:?}");
    }
}

#[test]
fn a_program_that_does_not_run_is_found_out() {
    let home = Home::new();
    setup(&home, "").run().ends(0);
    let other = home.write("bin/keyward", "not a program\n");
    for (bits, code) in [(0o644, 126), (0o755, 127)] {
        fs::set_permissions(&other, Permissions::from_mode(bits)).unwrap();
        let value = format!("{} helper git --store git", other.display());
        git(&home, "config --global credential.helper").arg(value).run().ends(0);
        let ran = setup(&home, "--check --json").run().ends(1);
        assert_eq!(found(&ran, "answer"), ["bad: git cannot run the program"], "{code}");
        assert!(found(&ran, "keyward")[0].starts_with("note: git calls a program other than"));
    }
}

#[test]
fn a_store_that_git_cannot_open_is_found_out_both_ways() {
    let home = Home::new();
    setup(&home, "").run().ends(0);
    let mut stores = fs::read_dir(home.path(".local/share/keyward/stores")).unwrap();
    let folder = stores.next().unwrap().unwrap().path();
    fs::set_permissions(folder, Permissions::from_mode(0o777)).unwrap();
    let ran = setup(&home, "--check --json").run().ends(4);
    assert!(found(&ran, "store git")[0].starts_with("bad: "));
    assert_eq!(found(&ran, "answer"), ["bad: Keyward tells git that something is wrong"]);
}

#[test]
fn a_git_that_stops_before_it_asks_is_reported() {
    let home = Home::new();
    setup(&home, "").run().ends(0);
    let file = home.read(".gitconfig") + "\tuseHttpPath = perhaps\n";
    home.write(".gitconfig", file);
    let ran = setup(&home, "--check --json").run().ends(1);
    assert_eq!(found(&ran, "answer"), ["bad: git stops before it asks a helper"]);
}
