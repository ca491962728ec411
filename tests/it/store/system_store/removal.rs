//! `init` and `rm` of a system store, also if they are interrupted.

use super::machine::{ALICE, BOB, DATA, KEYS, Machine, ROOT, orderly};

#[test]
fn rm_removes_the_data_and_keys_of_all_users() {
    let machine = Machine::with_store();
    machine.keyward(ROOT, "rm team").run().ends(5).says("--yes");
    machine.keyward(ROOT, "rm team --yes").run().ends(0).says_nothing();
    gone(&machine);
    machine.keyward(ALICE, "get team").run().ends(2);
    // Nothing that remains of the old store prevents a new one.
    machine.keyward(ROOT, "init --system team").run().ends(0).says_nothing();
    machine.keyward(ALICE, "get team").run().ends(3);
}

#[test]
fn rm_leaves_what_is_not_the_stores_and_says_so() {
    let machine = Machine::with_store();
    machine.shell(ALICE, "touch $D/README").run().ends(0);
    machine
        .keyward(ROOT, "rm team --yes")
        .run()
        .ends(0)
        .says("4001 contains files that are not the store's; they stay");
    let left = [
        "d 0 711 /var/lib/keyward/team",
        "d 4001 700 /var/lib/keyward/team/4001",
        "f 4001 644 /var/lib/keyward/team/4001/README",
    ];
    assert_eq!(machine.tree(DATA), left);
    machine.shell(ROOT, &format!("test ! -e {KEYS}")).run().ends(0);
    machine.keyward(ROOT, "init --system team").run().ends(0);
    machine.set(ALICE, ALICE, "anew").ends(0);
    machine.get(ALICE, ALICE).ends(0).prints("anew");
}

#[test]
fn remains_in_one_users_folder_do_not_prevent_a_new_store() {
    let machine = Machine::with_store();
    machine.shell(ALICE, "cp -a $D $D/../../../home/alice/kept; touch $D/README").run().ends(0);
    machine.keyward(ROOT, "rm team --yes").run().ends(0);
    machine.shell(ALICE, "cp -a /var/lib/home/alice/kept/% $D/").run().ends(0);
    machine.keyward(ROOT, "init --system team").run().ends(0).says("alice is not enrolled");
    machine.set(BOB, BOB, "anew").ends(0);
    machine.set(ALICE, ALICE, "anew").ends(6);
}

#[test]
fn an_rm_that_was_killed_is_finished_by_the_next() {
    let mut killed = 0;
    for (call, nth) in steps(&["unlinkat", "fsync"]) {
        let machine = Machine::with_store();
        for name in ["1", "2", "3", "4", "5", "6"] {
            let line = format!("set team ann --name {name} --stdin");
            machine.keyward(ALICE, &line).input("x").run().ends(0);
        }
        killed += u32::from(killed_at(&machine, call, nth, "rm team --yes"));
        let next = machine.keyward(ROOT, "rm team --yes").run();
        orderly(&next);
        assert!([0, 2].contains(&next.code), "{}", next.err);
        gone(&machine);
    }
    assert!(killed > 8, "only {killed} were killed");
}

#[test]
fn a_killed_init_does_not_prevent_the_next() {
    let mut killed = 0;
    for (call, nth) in steps(&["mkdirat", "fchown", "linkat", "fsync"]) {
        let machine = Machine::bare();
        killed += u32::from(killed_at(&machine, call, nth, "init --system team"));
        let again = machine.keyward(ROOT, "init --system team").run();
        orderly(&again);
        assert!([0, 2].contains(&again.code), "{}", again.err);
        for user in [ROOT, ALICE, BOB] {
            machine.keyward(ROOT, &format!("store enroll team {}", user.name)).run().ends(0);
            machine.set(user, user, "x").ends(0);
        }
        machine.keyward(ROOT, "rm team --yes").run().ends(0).says_nothing();
        gone(&machine);
    }
    assert!(killed > 8, "only {killed} were killed");
}

/// A new folder belongs to root at first, and is given to its user a moment later.
#[test]
fn the_next_attempt_gives_a_folder_to_its_user() {
    let machine = Machine::with_store();
    machine
        .shell(ROOT, &format!("chown root {DATA}/4001 {KEYS}/4001 {DATA}/4001/.tmp"))
        .run()
        .ends(0);
    machine.set(ALICE, ALICE, "x").ends(4);
    machine.keyward(ROOT, "store enroll team alice").run().ends(0);
    machine.set(ROOT, ALICE, "by root").ends(0);
    machine.set(ALICE, ALICE, "by alice").ends(0);
    assert!(!machine.tree(&format!("{DATA}/4001")).iter().any(|line| line.contains(" 0 ")));
}

/// Returns the first system calls of each kind. A process is killed at each of them.
fn steps(calls: &'static [&'static str]) -> impl Iterator<Item = (&'static str, u32)> {
    calls.iter().flat_map(|call| [1, 2, 3, 5, 8].map(|nth| (*call, nth)))
}

/// Runs `keyward` as root, and kills it after the `nth` of these calls. Returns whether it was
/// killed.
fn killed_at(machine: &Machine, call: &str, nth: u32, line: &str) -> bool {
    let inject = format!("strace -qq -o /dev/null -e inject={call}:signal=SIGKILL:when={nth}");
    let ran = machine.shell(ROOT, &format!("{inject} /var/lib/bin/keyward {line}")).run();
    ran.code == 137
}

/// Checks that nothing of the store remains.
fn gone(machine: &Machine) {
    let left = machine.tree("/var/lib/keyward /etc/keyward");
    let left: Vec<_> = left.iter().filter(|line| line.contains("/team")).collect();
    assert!(left.is_empty(), "{left:#?}");
}
