//! System stores, used by root and by the users of a machine, some of whom are hostile.

mod age;
mod audit;
mod configuration;
mod hostile;
mod machine;
mod race;
mod removal;

use machine::{ALICE, BOB, CAROL, DATA, KEYS, Machine, ROOT, STRANGER};

/// Type, owner, mode and path of everything that `init --system` makes.
const LAYOUT: [&str; 24] = [
    "d 0 711 /etc/keyward/keys",
    "d 0 711 /etc/keyward/keys/team",
    "d 0 700 /etc/keyward/keys/team/0",
    "d 0 700 /etc/keyward/keys/team/0/.tmp",
    "f 0 600 /etc/keyward/keys/team/0/key",
    "d 4001 700 /etc/keyward/keys/team/4001",
    "d 4001 700 /etc/keyward/keys/team/4001/.tmp",
    "f 4001 600 /etc/keyward/keys/team/4001/key",
    "d 0 755 /etc/keyward/stores",
    "d 0 700 /etc/keyward/stores/.tmp",
    "f 0 644 /etc/keyward/stores/team.toml",
    "d 0 711 /var/lib/keyward",
    "d 0 711 /var/lib/keyward/team",
    "d 0 700 /var/lib/keyward/team/0",
    "d 0 700 /var/lib/keyward/team/0/%",
    "f 0 600 /var/lib/keyward/team/0/%/keyset",
    "d 0 700 /var/lib/keyward/team/0/.locks",
    "d 0 700 /var/lib/keyward/team/0/.tmp",
    "d 4001 700 /var/lib/keyward/team/4001",
    "d 4001 700 /var/lib/keyward/team/4001/%",
    "f 4001 600 /var/lib/keyward/team/4001/%/keyset",
    "d 4001 700 /var/lib/keyward/team/4001/.locks",
    "d 4001 700 /var/lib/keyward/team/4001/.tmp",
    "d 0 755 /etc/keyward",
];

#[test]
fn folders_files_owners_and_modes_are_as_designed_whatever_the_umask() {
    for umask in ["000", "022", "077", "777"] {
        let machine = Machine::bare();
        let run = |user, line: &str| {
            let script = format!("umask {umask}; echo secret | /var/lib/bin/keyward {line}");
            machine.shell(user, &script).run().ends(0)
        };
        run(ROOT, "init --system team");
        let mut layout = LAYOUT.map(str::to_owned).to_vec();
        layout.extend(
            LAYOUT
                .iter()
                .filter(|line| line.contains("4001"))
                .map(|line| line.replace("4001", "4002")),
        );
        layout.sort();
        assert_eq!(tree(&machine), layout, "umask {umask}");

        run(ALICE, "set team ann --stdin");
        run(ROOT, "set team bobby --user bob --stdin");
        for user in [ALICE, BOB] {
            layout.push(format!("d {} 700 {DATA}/{0}/{}", user.uid, user.name));
            layout.push(format!("f {} 600 {DATA}/{0}/{}/%", user.uid, user.name));
            machine.get(user, user).ends(0).prints("secret");
        }
        layout.sort();
        assert_eq!(tree(&machine), layout, "umask {umask}");
    }
}

/// As with `sudo`, on systems where it keeps `HOME`.
#[test]
fn root_uses_the_systems_stores_with_another_users_home() {
    let machine = Machine::bare();
    let as_sudo = |line: &str| {
        let keyward = machine.keyward(ROOT, line);
        keyward.env("HOME", format!("/var/lib/home/{}", ALICE.name))
    };
    as_sudo("init --system team").run().ends(0).says_nothing();
    as_sudo("set team ann --stdin").input("of root").run().ends(0);
    as_sudo("get team --raw").run().ends(0).prints("of root");
    as_sudo("list team").run().ends(0);
    as_sudo("init own").run().ends(4).says("sudo -H");
    as_sudo("rm team --yes").run().ends(0);
    assert_eq!(machine.tree("/var/lib/home/alice").len(), 1, "something was made");
}

/// Returns everything but the locks, whose names are hashes, and which are made when they are
/// needed.
fn tree(machine: &Machine) -> Vec<String> {
    let mut tree = machine.tree("/var/lib/keyward /etc/keyward");
    tree.retain(|line| !line.contains("/.locks/"));
    tree
}

#[test]
fn each_user_has_their_own_and_root_has_all() {
    let machine = Machine::with_store();
    for user in [ROOT, ALICE, BOB] {
        let own = format!("of {}", user.name);
        machine.keyward(user, "get team --raw").run().ends(0).prints(&own);
        machine.get(user, user).ends(0).prints(&own);
        machine.get(ROOT, user).ends(0).prints(&own);
    }
    machine.keyward(ALICE, "list team").run().ends(0).prints("alice\n");
    machine.keyward(ROOT, "list team").run().ends(0).prints("root\nalice\nbob\n");
    machine
        .keyward(ROOT, "store verify team")
        .run()
        .ends(0)
        .prints("3 good, 0 not openable by you, 0 corrupt\n");
    machine
        .keyward(ALICE, "store verify team")
        .run()
        .ends(0)
        .prints("1 good, 0 not openable by you, 0 corrupt\n");

    machine.set(ROOT, ALICE, "set by root").ends(0);
    machine.get(ALICE, ALICE).ends(0).prints("set by root");
    machine.set(ALICE, ALICE, "and again by alice").ends(0);
    machine.get(ROOT, ALICE).ends(0).prints("and again by alice");
    machine.keyward(ROOT, "store rotate team").run().ends(0);
    machine.keyward(ALICE, "store rotate team").run().ends(0);
    machine.get(ALICE, ALICE).ends(0).prints("and again by alice");
    machine.keyward(ROOT, "unset team --user alice").run().ends(0);
    machine.get(ALICE, ALICE).ends(3);
    machine.get(BOB, BOB).ends(0).prints("of bob");
}

#[test]
fn no_user_can_get_anothers_credentials() {
    let machine = Machine::with_store();
    let before = machine.tree("/var/lib/keyward /etc/keyward");
    for line in [
        "get team --user bob --password",
        "get team --user root --password",
        "set team mallory --user bob --stdin",
        "unset team --user bob",
        "list team --user bob",
        "store verify team --user bob",
        "rm team --yes",
        "init --system other",
        "store enroll team alice",
        "store enroll team carol",
    ] {
        machine.keyward(ALICE, line).input("mallory's").run().ends(4).prints("");
    }
    machine.keyward(ALICE, "get team --user nobody-of-this-name").run().ends(2);
    assert_eq!(machine.tree("/var/lib/keyward /etc/keyward"), before);
    machine.get(BOB, BOB).ends(0).prints("of bob");
}

#[test]
fn no_user_can_read_anothers_files() {
    let machine = Machine::with_store();
    let before = machine.tree("/var/lib/keyward /etc/keyward");
    for script in [
        format!("ls {DATA}"),
        format!("ls {KEYS}"),
        format!("ls {DATA}/4002"),
        format!("ls {KEYS}/4002"),
        format!("cat {DATA}/4002/bob/%"),
        format!("cat {DATA}/4002/%/keyset"),
        format!("cat {KEYS}/4002/key"),
        format!("mkdir {DATA}/4003"),
        format!("mkdir {KEYS}/4003"),
        format!("ln -s /var/lib/home/alice {DATA}/4003"),
        format!("mv {DATA}/4002 {DATA}/4003"),
        format!("mv {DATA}/4001 {DATA}/4003"),
        format!("rm -r {DATA}/4002"),
        format!("touch {DATA}/4002/x"),
        "mkdir /var/lib/keyward/other".into(),
        "touch /etc/keyward/stores/other.toml".into(),
        "rm -f /etc/keyward/stores/team.toml".into(),
    ] {
        let ran = machine.shell(ALICE, &script).run();
        assert_ne!(ran.code, 0, "{script}");
        assert_eq!(ran.text(), "", "{script}");
    }
    assert_eq!(machine.tree("/var/lib/keyward /etc/keyward"), before);
}

#[test]
fn variables_do_not_change_the_user() {
    let machine = Machine::with_store();
    for (name, value) in [
        ("LOGNAME", "bob"),
        ("USER", "bob"),
        ("USERNAME", "bob"),
        ("SUDO_USER", "bob"),
        ("SUDO_UID", "4002"),
        ("UID", "4002"),
        ("KEYWARD_USER", "bob"),
        ("HOME", "/var/lib/home/bob"),
    ] {
        let run =
            |line: &str| machine.keyward(ALICE, line).env(name, value).input("of alice").run();
        let read = run("get team --raw");
        // Alice cannot read bob's configuration.
        let ours = if name == "HOME" { 4 } else { 0 };
        assert_eq!(
            (read.code, read.text()),
            (ours, if ours == 0 { "of alice" } else { "" }),
            "{name}"
        );
        run("set team ann --stdin").ends(ours);
        run("get team --raw --user bob").ends(4).prints("");
        machine.get(BOB, BOB).ends(0).prints("of bob");
    }
}

#[test]
fn a_user_who_is_not_enrolled_gets_an_error_and_can_be_enrolled() {
    let machine = Machine::with_store();
    let hint = "hint: An administrator enrolls users with `keyward store enroll STORE USER`";
    machine
        .shell(ROOT, "echo carol:x:4003:4003::/var/lib/home/carol: >> /etc/passwd")
        .run()
        .ends(0);
    for user in [CAROL, STRANGER] {
        for line in [
            "get team",
            "set team ann --stdin",
            "unset team",
            "list team",
            "store verify team",
            "store rotate team",
        ] {
            machine.keyward(user, line).input("x").run().ends(4).prints("").says(hint);
        }
        machine.get(ROOT, user).ends(4).says(hint);
        machine.set(ROOT, user, "x").ends(4).says(hint);

        let enroll = format!("store enroll team {}", user.name);
        machine.keyward(ROOT, &enroll).run().ends(0).says_nothing();
        machine.keyward(user, "get team").run().ends(3);
        machine.set(user, user, "of a late one").ends(0);
        machine.keyward(ROOT, &enroll).run().ends(0).says_nothing();
        machine.get(ROOT, user).ends(0).prints("of a late one");
    }
    machine.keyward(ROOT, "store enroll team nobody-of-this-name").run().ends(2);
    machine.keyward(ROOT, "store enroll missing alice").run().ends(2);
    machine.keyward(ROOT, "init private --option key.from=file").run().ends(0);
    machine.keyward(ROOT, "store enroll private alice").run().ends(2).says("is not a system store");
}

#[test]
fn a_service_is_not_enrolled_unasked() {
    let machine = Machine::with_store();
    assert!(!machine.tree(DATA).iter().any(|line| line.contains(" 102 ")));
}

#[test]
fn a_system_stores_name_is_taken() {
    let machine = Machine::bare();
    machine.keyward(ALICE, "init team --option key.from=file").run().ends(0);
    machine.set(ALICE, ALICE, "in a store of her own").ends(0);
    machine.keyward(ROOT, "init --system team").run().ends(0);
    // Bob may not enter the folder that the variable names.
    for (user, code) in [(ALICE, 2), (BOB, 4), (ROOT, 2)] {
        let init = machine.keyward(user, "init team --option key.from=file").run();
        init.ends(2).says("the store `team` exists already");
        let own = machine
            .keyward(user, "init team --option key.from=file")
            .env("KEYWARD_STORE_PATH", "/var/lib/home/alice/x");
        own.run().ends(code);
    }
    machine.keyward(ROOT, "init --system team").run().ends(2);
    // The system store comes before her own store of the same name.
    machine.keyward(ALICE, "get team").run().ends(3);
}

#[test]
fn a_backend_that_cannot_separate_users_is_refused() {
    let machine = Machine::bare();
    machine.shell(ROOT, "echo AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA= > /var/lib/key; chmod 600 /var/lib/key").run().ends(0);
    let apart = "cannot separate the users of a machine";
    for (options, why) in [
        ("--storage sqlite", apart),
        ("--storage redb", apart),
        ("--storage memory", apart),
        ("--storage keyring", apart),
        ("--storage sqlite --encryption clear", apart),
        ("--option key.from=file", "for all users"),
        ("--option key.from=file --option key.path=/var/lib/key", "for all users"),
        ("--option key.from=env --option key.name=K", "for all users"),
        ("--option key.from=keyring", "for all users"),
        ("--option key.from=passphrase", "for all users"),
    ] {
        let ran = machine.keyward(ROOT, &format!("init --system team {options}")).run();
        assert_eq!(ran.code, 2, "{options}: {}", ran.err);
        assert!(ran.err.contains(why), "{options}: {}", ran.err);
    }
    machine.shell(ROOT, "! ls -A /var/lib/keyward /etc/keyward 2>/dev/null | grep .").run().ends(0);
}
