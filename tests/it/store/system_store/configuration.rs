//! Profiles and credentials that the system's configuration has for all users.

use super::machine::{ALICE, BOB, Machine, ROOT};

const SYSTEM: &str = "version = 1
[profiles.team]
stores = ['team']
user = 'bob'
[profiles.mine]
inherit = 'team'
[credentials.mail]
username = 'shared'
password = { from = 'env', name = 'SHARED' }
";

/// Runs a command as alice, who has a store of her own configuration's.
fn keyward(machine: &Machine, line: &str) -> crate::helpers::invocation::Invocation {
    machine.keyward(ALICE, line).env("SHARED", "of the system")
}

#[test]
fn a_users_own_keys_and_credentials_come_before_those_of_the_system() {
    let machine = Machine::bare();
    let script = "mkdir -p /etc/keyward && printf '%s' \"$TEXT\" >/etc/keyward/config.toml";
    machine.shell(ROOT, script).env("TEXT", SYSTEM).run().ends(0);
    let run = |line: &str| keyward(&machine, line).run();
    let system = "/etc/keyward/config.toml";
    let own = "/var/lib/home/alice/.config/keyward/config.toml";

    run("config set profiles.mine.user ann").ends(0);
    run("profile show mine").ends(0).prints(format!(
        "inherit = \"team\"    # system: {system}:6\n\
         stores = [\"team\"]    # profile `team`, system: {system}:3\n\
         user = \"ann\"    # user: {own}:4\n"
    ));
    run("resolve mail").ends(0).prints("of the system\n");
    // One half of a credential never comes from another layer.
    run("config set credentials.mail.username ann").ends(0);
    run("resolve mail --kind user-password").ends(2).says("no field `password`");
    run("config get credentials.mail.password").ends(3);
    let explained = run("config explain credentials.mail.password").ends(0);
    assert!(explained.text().starts_with("overridden: "), "{}", explained.text());
    run("config set --unset credentials.mail.username").ends(0);
    run("resolve mail").ends(0).prints("of the system\n");

    run("profile remove team").ends(2).says("the profile `team` is not yours: the system");
    run("profile use mine").ends(0);
    // What is left is the system's.
    run("profile remove mine").ends(0);
    run("profile remove mine").ends(2).says("is not yours");
    let shown = run("profile show mine").ends(0);
    assert!(shown.text().contains("user = \"bob\""), "{}", shown.text());
    run("config set profiles.mine.inherit false").ends(0);
    let shown = run("profile show mine").ends(0);
    assert!(!shown.text().contains("stores"), "{}", shown.text());
    // Another user's configuration is not changed.
    let list = machine.keyward(BOB, "profile list").run().ends(0);
    list.prints("mine\nteam\n");
}
