//! Plugins that the administrator trusts for all users. It needs root.

use std::path::Path;

use super::drawer;
use crate::helpers::invocation::{Finished, Invocation};
use crate::helpers::namespace::Namespace;
use crate::helpers::program::keyward;

const SET_UP: &str = r#"set -e
cp /etc/ld.so.cache /etc/passwd /dev/shm/
mount -t tmpfs -o mode=755 tmpfs /etc
mv /dev/shm/ld.so.cache /dev/shm/passwd /etc
mount -t tmpfs -o mode=755 tmpfs /opt
cp "$1" /opt/libdrawer.so
cp "$2" /opt/keyward
chmod 755 /opt/keyward
mkdir /opt/ann
chown 4001:4001 /opt/ann
"#;

struct Machine(Namespace);

impl Machine {
    fn new() -> Self {
        let machine = Self(Namespace::new());
        let mut set_up = machine.0.command(Path::new("/"), Path::new("sh"));
        set_up.args(["-c", SET_UP, "sh"]).arg(drawer()).arg(keyward());
        Invocation::from(set_up).run().ends(0);
        machine
    }

    fn run(&self, uid: &str, line: &str) -> Finished {
        let home = if uid == "0" { "/root" } else { "/opt/ann" };
        let mut command = self.0.command(Path::new(home), Path::new("setpriv"));
        command.args(["--reuid", uid, "--regid", uid, "--clear-groups", "/opt/keyward"]);
        command.args(line.split_whitespace());
        Invocation::from(command).run()
    }
}

#[test]
fn every_user_can_use_the_systems_plugins() {
    let machine = Machine::new();
    let ann = |line: &str| machine.run("4001", line);
    ann("plugin trust /opt/libdrawer.so --yes --system").ends(4);
    machine.run("0", "plugin trust /opt/libdrawer.so --yes --system").ends(0);
    assert_eq!(ann("plugin list --json").ends(0).json()[0]["layer"], "system");
    ann("init s --storage drawer --option key.from=file").ends(0);
    ann("get s").ends(3);

    ann("plugin forget drawer").ends(2).says("--system");
    ann("plugin trust /opt/libdrawer.so --yes").ends(2).says("there is a plugin `drawer` already");
    // The system's plugin comes before ann's plugin of the same name.
    let mut command = machine.0.command(Path::new("/opt/ann"), Path::new("setpriv"));
    command.args(["--reuid", "4001", "--regid", "4001", "--clear-groups", "sh", "-c"]);
    command.arg("umask 077; mkdir -p ~/.config/keyward/plugins; echo version = 1 >~/.config/keyward/plugins/drawer.toml");
    Invocation::from(command).run().ends(0);
    ann("get s").ends(3);
    let listed = ann("plugin list --json").ends(0).json();
    assert!(listed[1]["why"].as_str().unwrap().contains("a system plugin has the same name"));

    machine.run("0", "plugin forget drawer --system").ends(0);
}

/// The user who runs such a program chooses its configuration, and must not choose its code.
#[test]
fn a_program_with_borrowed_rights_takes_no_plugin() {
    let machine = Machine::new();
    machine.run("0", "plugin trust /opt/libdrawer.so --yes --system").ends(0);
    machine.run("4001", "backend show storage drawer").ends(0);
    machine.0.run("chmod u+s /opt/keyward");
    for line in ["backend show storage drawer", "plugin trust /opt/libdrawer.so --yes --name x"] {
        machine
            .run("4001", line)
            .ends(4)
            .prints("")
            .says("more rights than the user who started it");
    }
    machine.run("4001", "backend show storage file").ends(0);
}
