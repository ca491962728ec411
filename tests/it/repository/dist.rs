//! The Debian package: apt installs, upgrades and removes it, and the program works from where it is put.

mod machine;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use crate::helpers::home::Home;
use crate::helpers::plugin_fixtures;
use crate::helpers::program::keyward;
use machine::Machine;

/// The date of the package, at which none of its files was made.
const DATE: &str = "1000000000";

/// All files of the package except the manual pages.
const BROUGHT: &[&str] = &[
    "d root:root 755 /etc/keyward",
    "d root:root 755 /etc/keyward/plugins",
    "d root:root 755 /etc/keyward/stores",
    "d root:root 755 /usr/lib/keyward",
    "d root:root 755 /usr/lib/keyward/plugins",
    "d root:root 755 /usr/share/doc/keyward",
    "f root:root 644 /usr/lib/keyward/plugins/libkeyward_storage_drawer.so",
    "f root:root 644 /usr/share/bash-completion/completions/keyward",
    "f root:root 644 /usr/share/doc/keyward/authenticators.html",
    "f root:root 644 /usr/share/doc/keyward/changelog.gz",
    "f root:root 644 /usr/share/doc/keyward/checkers.html",
    "f root:root 644 /usr/share/doc/keyward/configuration.html",
    "f root:root 644 /usr/share/doc/keyward/copyright",
    "f root:root 644 /usr/share/doc/keyward/datalad.html",
    "f root:root 644 /usr/share/doc/keyward/envelope.html",
    "f root:root 644 /usr/share/doc/keyward/exit-codes.html",
    "f root:root 644 /usr/share/doc/keyward/fetch.html",
    "f root:root 644 /usr/share/doc/keyward/flumotion.html",
    "f root:root 644 /usr/share/doc/keyward/git.html",
    "f root:root 644 /usr/share/doc/keyward/guide.html",
    "f root:root 644 /usr/share/doc/keyward/importing.html",
    "f root:root 644 /usr/share/doc/keyward/keycards.html",
    "f root:root 644 /usr/share/doc/keyward/kinds.html",
    "f root:root 644 /usr/share/doc/keyward/mail-servers.html",
    "f root:root 644 /usr/share/doc/keyward/mail.html",
    "f root:root 644 /usr/share/doc/keyward/oauth.html",
    "f root:root 644 /usr/share/doc/keyward/plugin-abi.html",
    "f root:root 644 /usr/share/doc/keyward/plugin-protocol.html",
    "f root:root 644 /usr/share/doc/keyward/portal.html",
    "f root:root 644 /usr/share/doc/keyward/project.html",
    "f root:root 644 /usr/share/doc/keyward/providers.html",
    "f root:root 644 /usr/share/doc/keyward/references.html",
    "f root:root 644 /usr/share/doc/keyward/resolver.html",
    "f root:root 644 /usr/share/doc/keyward/serve-rpc.html",
    "f root:root 644 /usr/share/doc/keyward/serve.html",
    "f root:root 644 /usr/share/doc/keyward/threat-model.html",
    "f root:root 644 /usr/share/doc/keyward/trust.html",
    "f root:root 644 /usr/share/doc/keyward/twisted.html",
    "f root:root 644 /usr/share/doc/keyward/user-files.html",
    "f root:root 644 /usr/share/doc/keyward/writing-a-backend.html",
    "f root:root 644 /usr/share/fish/vendor_completions.d/keyward.fish",
    "f root:root 644 /usr/share/zsh/vendor-completions/_keyward",
    "f root:root 755 /usr/bin/keyward",
    "f root:root 755 /usr/bin/keyward-check",
    "f root:root 755 /usr/bin/keyward-checkers",
    "f root:root 755 /usr/bin/keyward-serve",
    "l root:root 777 /usr/bin/git-credential-keyward",
];

const MANUAL: &str = "/usr/share/man/man1/";

#[test]
fn it_is_the_same_bytes_each_time() {
    let [one, other] = [Home::new(), Home::new()];
    let [one, other] = [pack(&one), pack(&other)].map(|package| fs::read(package).unwrap());
    assert!(one == other);
}

#[test]
fn apt_installs_it_and_leaves_nothing_of_it() {
    let machine = Machine::new();
    let before = machine.files();
    machine.apt("install", pack(machine.home()));
    brings_what_it_should(&before, &machine.files());
    machine.call("dpkg --verify keyward").run().ends(0).prints("");
    machine.apt("purge", "keyward");
    assert_eq!(machine.files(), before);
}

#[test]
fn what_apt_installed_works() {
    let machine = Machine::new();
    machine.apt("install", pack(machine.home()));
    let version = format!("keyward {}\n", env!("CARGO_PKG_VERSION"));
    machine.call("keyward --version").run().ends(0).prints(version);
    git_finds_its_helper(&machine);
    its_library_is_a_plugin(&machine);
    let pages = machine.call("man -w keyward git-credential-keyward").run().ends(0);
    pages.prints(format!("{MANUAL}keyward.1.gz\n{MANUAL}keyward-helper-git.1.gz\n"));
    let page = machine.call("man git-credential-keyward").env("MANPAGER", "cat").run().ends(0);
    assert!(page.text().contains("SYNOPSIS"), "{}", page.text());
    let page = machine.call("keyward help --html git").env("BROWSER", "missing:cat").run().ends(0);
    assert!(page.text().contains("<h1 id="), "{}", page.text());
    let page = machine.call("keyward help --html").env("BROWSER", "false").run().ends(0);
    page.prints("/usr/share/doc/keyward/guide.html\n");
    let complete = "source /usr/share/bash-completion/completions/keyward; complete -p keyward";
    let completes = machine.call("bash -c").arg(complete).run().ends(0).says_nothing();
    assert!(completes.text().contains("-F _keyward"), "{}", completes.text());
}

#[test]
fn what_people_made_stays() {
    let machine = Machine::new();
    let package = pack(machine.home());
    machine.apt("install", &package);
    machine.shell("echo 'version = 1' >/etc/keyward/config.toml");
    machine.call("keyward init --system team").run().ends(0);
    machine.call("keyward set team root --stdin").input("s3cret").run().ends(0);
    let made = machine.shell(MADE);
    let there = || {
        assert_eq!(machine.shell(MADE), made);
        machine.call("keyward get team -p").run().ends(0).prints("s3cret\n");
    };

    machine.apt("install --reinstall", &package);
    there();
    machine.apt("install", later(machine.home(), &package));
    machine.call("dpkg-query -f ${Version} -W keyward").run().ends(0).prints("99");
    there();

    let purged = machine.apt("purge", "keyward");
    let reported = "directory '/etc/keyward/stores' not empty so not removed";
    assert!(purged.text().contains(reported), "{}", purged.text());
    assert_eq!(machine.shell(MADE), made);
    machine.shell("! test -e /usr/lib/keyward && ! test -e /etc/keyward/plugins");
    machine.apt("install", &package);
    there();
}

/// The files that people made, with owner, mode, time and checksum.
const MADE: &str = r"find /etc/keyward /var/lib/keyward -type f \
    -exec stat -c '%U:%G %a %Y %n' {} + -exec sha256sum {} + | sort";

/// The package of the program under test, and of one library.
fn pack(place: &Home) -> PathBuf {
    let libraries = [plugin_fixtures::library("drawer", &[])];
    xtask::dist::pack(&keyward(), &libraries, DATE, &place.path("")).unwrap()
}

/// The same package as a later version.
fn later(place: &Home, package: &Path) -> PathBuf {
    let script = "dpkg-deb -R \"$1\" tree; sed -i 's/^Version: .*/Version: 99/' tree/DEBIAN/control
        dpkg-deb --root-owner-group -Zgzip --build tree later.deb";
    place.program("sh").args(["-ec", script, "sh"]).arg(package).run().ends(0);
    place.path("later.deb")
}

#[track_caller]
fn brings_what_it_should(before: &BTreeSet<String>, after: &BTreeSet<String>) {
    assert!(before.is_subset(after), "{:?}", before.difference(after).collect::<Vec<_>>());
    let new = after.difference(before).map(String::as_str);
    let (pages, others): (Vec<_>, Vec<_>) = new.partition(|line| line.contains(MANUAL));
    assert_eq!(others, BROUGHT);
    for name in ["keyward.1.gz", "keyward-init.1.gz", "keyward-store-verify.1.gz"] {
        assert!(pages.contains(&&*format!("f root:root 644 {MANUAL}{name}")), "{pages:#?}");
    }
    assert!(pages.contains(&&*format!("l root:root 777 {MANUAL}git-credential-keyward.1.gz")));
}

#[track_caller]
fn git_finds_its_helper(machine: &Machine) {
    let git = |verb: &str, told: &str| {
        let git = machine.call("git -c credential.helper= -c credential.helper=keyward credential");
        git.arg(verb).env("GIT_TERMINAL_PROMPT", "0").input(told).run().ends(0)
    };
    machine.call("keyward init git --option key.from=file").run().ends(0);
    git("approve", "url=https://ann@git.example\npassword=s3cret\n").says_nothing();
    let filled = git("fill", "url=https://git.example\n");
    filled.prints("protocol=https\nhost=git.example\nusername=ann\npassword=s3cret\n");
}

#[track_caller]
fn its_library_is_a_plugin(machine: &Machine) {
    let trust = machine.call("keyward plugin trust --system --yes");
    trust.arg("/usr/lib/keyward/plugins/libkeyward_storage_drawer.so").run().ends(0);
    machine.call("keyward init s --storage drawer --option key.from=file").run().ends(0);
    machine.call("keyward set s ann --stdin").input("s3cret").run().ends(0);
    machine.call("keyward get s -p").run().ends(0).prints("s3cret\n");
}
