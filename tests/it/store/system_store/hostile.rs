//! Users' folders that attack the administrator's commands.

use super::machine::{ALICE, DATA, KEYS, Machine, ROOT, User, orderly};

/// What is done, by which user, and the script; then the exit codes of root's `get` and `set` for
/// alice.
type Case = (&'static str, User, &'static str, i32, i32);

#[test]
fn entries() {
    fight(&[
        ("a symbolic link", ALICE, "ln -sf $C $D/alice/%", 4, 4),
        ("a hard link to root's", ROOT, "ln -f $C /var/lib/keyward/team/4001/alice/%", 4, 4),
        ("a FIFO", ALICE, "rm $D/alice/%; mkfifo -m 600 $D/alice/%", 4, 4),
        (
            "a socket",
            ALICE,
            "rm $D/alice/%; cd $D/alice; perl -MIO::Socket::UNIX -e 'IO::Socket::UNIX->new(Local=>\"%\",Listen=>1) or die; chmod 0600, \"%\"'",
            4,
            4,
        ),
        ("an empty folder", ALICE, "rm $D/alice/%; mkdir -m 700 $D/alice/%", 4, 4),
        (
            "a full folder",
            ALICE,
            "rm $D/alice/%; mkdir -m 700 $D/alice/%; touch $D/alice/%/x",
            4,
            4,
        ),
        ("open to all", ALICE, "chmod 666 $D/alice/%", 4, 4),
        ("closed to its owner", ALICE, "chmod 0 $D/alice/%", 0, 0),
        ("bob's", ROOT, "chown 4002 /var/lib/keyward/team/4001/alice/%", 4, 4),
        ("huge", ALICE, "truncate -s 100G $D/alice/%", 6, 0),
        ("gone", ALICE, "rm $D/alice/%", 3, 0),
    ]);
}

#[test]
fn folders() {
    fight(&[
        ("a symbolic link", ALICE, "mv $D/alice $D/.old; ln -s $F $D/alice", 4, 4),
        ("a FIFO", ALICE, "rm -r $D/alice; mkfifo -m 600 $D/alice", 4, 4),
        ("a file", ALICE, "rm -r $D/alice; touch $D/alice", 4, 4),
        ("open to all", ALICE, "chmod 777 $D/alice", 0, 4),
        ("bob's", ROOT, "chown 4002 /var/lib/keyward/team/4001/alice", 0, 4),
        ("another is open to all", ALICE, "mkdir -m 777 $D/zzz", 0, 0),
        ("another is a symbolic link", ALICE, "ln -s $F $D/zzz", 0, 0),
        ("moved away", ALICE, "mv $D/alice /var/lib/home/alice/; mkdir -m 700 $D/alice", 3, 0),
        ("the outermost is open to all", ALICE, "chmod 777 $D", 4, 4),
        ("the outermost is closed to its owner", ALICE, "chmod 0 $D", 0, 0),
        (
            "files of nobody's",
            ALICE,
            "touch $D/README $D/.hidden $D/alice/FOREIGN \"$D/$(printf '\\033]52;c;x')\"",
            0,
            0,
        ),
        (
            "deep where entries are",
            ALICE,
            "cd $D/alice; perl -e 'for(1..3000){mkdir \"a+\",0700 or die; chdir \"a+\" or die}'",
            0,
            0,
        ),
        (
            "deep where users are",
            ALICE,
            "cd $D; perl -e 'for(1..3000){mkdir \"a+\",0700 or die; chdir \"a+\" or die}'",
            0,
            0,
        ),
        (
            "deep where nothing is",
            ALICE,
            "cd $D/alice; perl -e 'for(1..3000){mkdir \"a\",0700 or die; chdir \"a\" or die}'",
            0,
            0,
        ),
    ]);
}

#[test]
fn temporary_files() {
    fight(&[
        ("a symbolic link", ALICE, "rm -r $D/.tmp; ln -s $F $D/.tmp", 0, 4),
        ("a FIFO", ALICE, "rm -r $D/.tmp; mkfifo -m 600 $D/.tmp", 0, 4),
        ("a file", ALICE, "rm -r $D/.tmp; touch $D/.tmp", 0, 4),
        ("open to all", ALICE, "chmod 777 $D/.tmp", 0, 4),
        (
            "links, FIFOs and folders",
            ALICE,
            "ln -s $C $D/.tmp/a; ln -s $F $D/.tmp/b; mkfifo $D/.tmp/c; mkdir $D/.tmp/d",
            0,
            0,
        ),
        ("a hard link to root's", ROOT, "ln $C /var/lib/keyward/team/4001/.tmp/a", 0, 0),
        ("very many", ALICE, "cd $D/.tmp; seq 10000 | xargs touch", 0, 0),
        ("the keys' is a symbolic link", ALICE, "rm -r $K/.tmp; ln -s $F $K/.tmp", 0, 0),
    ]);
}

#[test]
fn locks() {
    fight(&[
        ("a symbolic link", ALICE, "rm -r $D/.locks; ln -s $F $D/.locks", 0, 4),
        ("a FIFO", ALICE, "rm -r $D/.locks; mkfifo -m 600 $D/.locks", 0, 4),
        ("a file", ALICE, "rm -r $D/.locks; touch $D/.locks", 0, 4),
        ("open to all", ALICE, "chmod 777 $D/.locks", 0, 4),
        ("each a symbolic link", ALICE, "cd $D/.locks; for f in *; do ln -sf $C $f; done", 0, 4),
        ("each a FIFO", ALICE, "cd $D/.locks; for f in *; do rm $f; mkfifo -m 600 $f; done", 0, 4),
        (
            "each a hard link to root's",
            ROOT,
            "cd /var/lib/keyward/team/4001/.locks; for f in *; do ln -f $C $f; done",
            0,
            4,
        ),
    ]);
}

#[test]
fn keysets() {
    fight(&[
        ("a symbolic link", ALICE, "ln -sf $C $D/%/keyset", 4, 4),
        ("in a folder that is a symbolic link", ALICE, "rm -r $D/%; ln -s $F $D/%", 4, 4),
        ("a hard link to root's", ROOT, "ln -f $C /var/lib/keyward/team/4001/%/keyset", 4, 4),
        ("a FIFO", ALICE, "rm $D/%/keyset; mkfifo -m 600 $D/%/keyset", 4, 4),
        ("a folder", ALICE, "rm $D/%/keyset; mkdir -m 700 $D/%/keyset", 4, 4),
        ("something else", ALICE, "echo x > $D/%/keyset", 6, 6),
        ("bob's", ROOT, "cd /var/lib/keyward/team; cat 4002/%/keyset > 4001/%/keyset", 6, 6),
        ("gone", ALICE, "rm $D/%/keyset", 6, 6),
    ]);
}

#[test]
fn keys() {
    fight(&[
        ("a symbolic link", ALICE, "ln -sf /etc/shadow $K/key", 4, 4),
        ("a hard link to root's", ROOT, "ln -f /etc/shadow /etc/keyward/keys/team/4001/key", 4, 4),
        ("a FIFO", ALICE, "rm $K/key; mkfifo -m 600 $K/key", 4, 4),
        ("a folder", ALICE, "rm $K/key; mkdir -m 700 $K/key", 4, 4),
        ("open to all", ALICE, "chmod 666 $K/key", 4, 4),
        ("in a folder open to all", ALICE, "chmod 777 $K", 4, 4),
        ("bob's", ROOT, "cd /etc/keyward/keys/team; cat 4002/key > 4001/key", 6, 6),
        ("gone", ALICE, "rm $K/key", 6, 6),
    ]);
}

/// Checks that root's commands work for the other users, and for alice as far as possible, and
/// touch nothing outside her folders. At the end, the store is removed, except what remains in her
/// folders.
fn fight(cases: &[Case]) {
    for (what, by, script, get, set) in cases {
        let machine = Machine::with_store();
        machine.shell(*by, script).run().ends(0);
        let before = machine.canaries();
        let run = |line: &str| {
            let ran = machine.keyward(ROOT, line).input("by root").run();
            orderly(&ran);
            assert!(
                !ran.text().contains("root:*") && !ran.err.contains("root:*"),
                "{what}: {line}"
            );
            ran
        };
        let code = |line: &str| run(line).code;
        let got = [code("get team --user alice"), code("set team ann --user alice --stdin")];
        assert_eq!(got, [*get, *set], "{what}: get and set");
        let listed = run("list team");
        for user in ["root", "bob"] {
            assert!(listed.text().lines().any(|line| line == user), "{what}: {}", listed.err);
        }
        let informed = run("info team --format none --users");
        let users = informed.text().lines().last().unwrap_or_default().to_owned();
        assert!(users.starts_with("users: ") && users.contains("bob"), "{what}: {}", informed.err);
        for line in [
            "store verify team",
            "store rotate team",
            "store enroll team alice",
            "info team",
            "unset team --user alice",
        ] {
            code(line);
        }
        run("get team --user bob --raw").ends(0).prints("of bob");
        machine.get(super::BOB, super::BOB).ends(0).prints("of bob");
        assert_eq!(code("rm team --yes"), 0, "{what}: rm");
        assert_eq!(machine.canaries(), before, "{what}");

        let left = machine.tree("/var/lib/keyward /etc/keyward");
        let hers = [format!("{DATA}/4001"), format!("{KEYS}/4001")];
        let others = left
            .iter()
            .filter(|line| line.contains("/team/") && !hers.iter().any(|hers| line.contains(hers)));
        assert_eq!(others.collect::<Vec<_>>(), [""; 0], "{what}");
        assert!(!left.iter().any(|line| line.ends_with("team.toml")), "{what}");
    }
}
