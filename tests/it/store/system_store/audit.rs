//! The audit of the system, which its users cannot switch off.

use super::machine::{ALICE, BOB, Machine, ROOT};

/// Makes the file of the audit: users can add to it, but not read it.
const SET_UP: &str = "
    mkdir -m 755 /var/lib/log
    install -m 622 /dev/null /var/lib/log/records
    printf 'version = 1\naudit.file = \"/var/lib/log/records\"\n' >/etc/keyward/config.toml";

fn machine() -> Machine {
    let machine = Machine::with_store();
    machine.shell(ROOT, SET_UP).run().ends(0);
    machine
}

/// Returns the file of the system, in which each line is for one record.
fn records(machine: &Machine) -> Vec<serde_json::Value> {
    machine.shell(ROOT, "cat /var/lib/log/records").run().ends(0).json()
}

#[test]
fn the_configuration_of_a_user_adds_a_file_and_replaces_none() {
    let machine = machine();
    machine.keyward(ALICE, "config set audit.file ~/own/records").run().ends(0);
    machine.get(ALICE, ALICE).ends(0);
    machine.get(BOB, BOB).ends(0);
    machine.shell(BOB, "cat /var/lib/log/records").run().ends(1);
    let uids: Vec<_> = records(&machine).iter().map(|line| line["uid"].clone()).collect();
    assert_eq!(uids, [4001, 4002]);
    let own = machine.shell(ALICE, "cat ~/own/records").run().ends(0).json();
    assert_eq!(own, records(&machine)[..1]);
    let explained = machine.keyward(ALICE, "config explain audit.file").run().ends(0);
    assert_eq!(explained.text().matches("used: ").count(), 2);
}

#[test]
fn a_user_who_cannot_write_the_file_gets_nothing() {
    let machine = machine();
    for script in [
        "chmod 600 /var/lib/log/records",
        "rm /var/lib/log/records",
        "chmod 777 /var/lib/log",
        "chmod 755 /var/lib/log; ln -s /var/lib/home/alice/x /var/lib/log/records",
        "rm /var/lib/log/records; touch /var/lib/log/records; chown 4002 /var/lib/log/records",
    ] {
        machine.shell(ROOT, script).run().ends(0);
        let refused = machine.get(ALICE, ALICE);
        assert!(matches!(refused.code, 4 | 7), "{script}: {} {}", refused.code, refused.err);
        refused.prints("").says("the audit /var/lib/log/records cannot be written");
    }
}
