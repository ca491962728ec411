//! Records in a system store that are sealed to each user's own key.

use super::machine::{ALICE, BOB, Machine, ROOT, User};

/// Root can seal for every user. Only a user who has the identity can open.
const INIT: &str = "init --system team --encryption age \
    --option encryption.recipients_file=/etc/recipients/%user% \
    --option encryption.identity_file=%home%/identity";

fn machine() -> Machine {
    let machine = Machine::bare();
    for user in [ALICE, BOB] {
        machine.shell(user, "umask 077; age-keygen -o ~/identity").run().ends(0);
        let publish = format!(
            "mkdir -p /etc/recipients; age-keygen -y /var/lib/home/{0}/identity > /etc/recipients/{0}",
            user.name
        );
        machine.shell(ROOT, &publish).run().ends(0);
    }
    machine.keyward(ROOT, INIT).run().ends(0);
    machine
}

#[test]
fn root_seals_and_the_user_opens() {
    let machine = machine();
    machine.set(ROOT, ALICE, "for alice").ends(0);
    machine.set(BOB, BOB, "of bob").ends(0);
    machine.get(ALICE, ALICE).ends(0).prints("for alice");
    machine.get(BOB, BOB).ends(0).prints("of bob");
    machine
        .keyward(ALICE, "store verify team")
        .run()
        .ends(0)
        .prints("1 good, 0 not openable by you, 0 corrupt\n");
}

#[test]
fn root_reads_nothing_without_the_users_identity() {
    let machine = machine();
    machine.set(ALICE, ALICE, "a secret of alice's").ends(0);
    closed(&machine, ALICE);
    machine
        .keyward(ROOT, "store verify team")
        .run()
        .ends(0)
        .prints("0 good, 1 not openable by you, 0 corrupt\n");
    let found = "grep -r 'secret of alice' /var/lib/keyward /etc/keyward";
    machine.shell(ROOT, found).run().ends(1);

    // Another identity opens nothing. Her identity opens the record, for root too.
    machine.shell(ROOT, "umask 077; age-keygen -o ~/identity").run().ends(0);
    closed(&machine, ALICE);
    machine.shell(ROOT, "umask 077; cat /var/lib/home/alice/identity > ~/identity").run().ends(0);
    machine.get(ROOT, ALICE).ends(0).prints("a secret of alice's");
}

#[test]
fn a_record_sealed_to_one_user_does_not_open_as_anothers() {
    let machine = machine();
    machine.set(ALICE, ALICE, "of alice").ends(0);
    machine.set(BOB, BOB, "of bob").ends(0);
    let swap = "cat /var/lib/keyward/team/4001/alice/% > /var/lib/keyward/team/4002/bob/%";
    machine.shell(ROOT, swap).run().ends(0);
    machine.get(BOB, BOB).ends(6).prints("");
}

/// A system store that seals all records with one passphrase has one key for all.
#[test]
fn one_passphrase_for_all_is_refused() {
    let machine = Machine::bare();
    let line = "init --system team --encryption age --option encryption.passphrase={from=\"env\",name=\"P\"}";
    machine.keyward(ROOT, line).env("P", "for everybody").run().ends(2).says("for all users");
}

fn closed(machine: &Machine, whose: User) {
    let ran = machine.get(ROOT, whose);
    assert_eq!((ran.code, ran.text()), (6, ""), "{}", ran.err);
}
