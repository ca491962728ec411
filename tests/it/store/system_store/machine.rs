//! A temporary machine with several users, in a mount namespace. It needs root.

use std::path::Path;
use std::process::{Child, Stdio};

use crate::helpers::invocation::{Finished, Invocation};
use crate::helpers::namespace::Namespace;
use crate::helpers::program::keyward;

/// A user of the machine.
#[derive(Clone, Copy, Debug)]
pub(super) struct User {
    pub(super) name: &'static str,
    pub(super) uid: u32,
}

pub(super) const ROOT: User = User { name: "root", uid: 0 };
pub(super) const ALICE: User = User { name: "alice", uid: 4001 };
pub(super) const BOB: User = User { name: "bob", uid: 4002 };
/// Gets an account after the store was made.
pub(super) const CAROL: User = User { name: "carol", uid: 4003 };
/// Has no account.
pub(super) const STRANGER: User = User { name: "uid-4004", uid: 4004 };

/// The folder of the entries of the store `team`, and the folder of its keys.
pub(super) const DATA: &str = "/var/lib/keyward/team";
pub(super) const KEYS: &str = "/etc/keyward/keys/team";

/// The folder of root's files that no other user may read or change through Keyward, on the same
/// mount as the store.
const CANARIES: &str = "/var/lib/canaries";

/// The time limit of a command in seconds. A command that takes longer hangs.
const TIME_LIMIT: &str = "5";

/// The exit code of a command that was killed because it hangs.
const KILLED: i32 = 137;

/// Sets up the machine. `/etc` and `/var/lib` contain nothing else. Access times are kept, so that
/// they show whether a file was read.
const SET_UP: &str = r#"set -e
cp /etc/ld.so.cache /dev/shm/$$
mount -t tmpfs -o mode=755,strictatime tmpfs /etc
mount -t tmpfs -o mode=755,strictatime tmpfs /var/lib
mv /dev/shm/$$ /etc/ld.so.cache
echo root:x:0:0::/var/lib/home/root: > /etc/passwd
echo alice:x:4001:4001::/var/lib/home/alice: >> /etc/passwd
echo bob:x:4002:4002::/var/lib/home/bob: >> /etc/passwd
echo service:x:102:102::/nowhere: >> /etc/passwd
mkdir /var/lib/bin /var/lib/home /var/lib/canaries /var/lib/canaries/folder
touch /var/lib/bin/keyward
mount --bind "$1" /var/lib/bin/keyward
for user in root:0 alice:4001 bob:4002 carol:4003 uid-4004:4004; do
    mkdir -m 700 /var/lib/home/${user%:*}
    chown ${user#*:}:${user#*:} /var/lib/home/${user%:*}
done
printf 'root:*:1::::::' > /var/lib/canaries/shadow
printf 'root:*:1::::::' > /etc/shadow
chmod 600 /var/lib/canaries/shadow /etc/shadow
printf canary > /var/lib/canaries/folder/keyset
cp /var/lib/canaries/folder/keyset /var/lib/canaries/folder/%
chmod 600 /var/lib/canaries/folder/*
"#;

/// The machine. Dropping it removes it.
pub(super) struct Machine(Namespace);

impl Machine {
    /// A machine without any store.
    pub(super) fn bare() -> Self {
        let machine = Self(Namespace::new());
        let mut set_up = machine.0.command(Path::new("/"), Path::new("sh"));
        set_up.args(["-c", SET_UP, "sh"]).arg(keyward());
        Invocation::from(set_up).run().ends(0);
        machine
    }

    /// A machine with a system store `team`, in which root, alice and bob have a password each.
    pub(super) fn with_store() -> Self {
        let machine = Self::bare();
        machine.keyward(ROOT, "init --system team").run().ends(0).says_nothing();
        for user in [ROOT, ALICE, BOB] {
            machine.set(user, user, &format!("of {}", user.name)).ends(0);
        }
        machine
    }

    /// Returns a call of the program by this user.
    pub(super) fn keyward(&self, user: User, line: &str) -> Invocation {
        self.by(user, "/var/lib/bin/keyward").args(line.split_whitespace())
    }

    /// Sets a user's password in the store.
    pub(super) fn set(&self, who: User, whose: User, password: &str) -> Finished {
        let line = format!("set team {0} --user {0} --stdin", whose.name);
        self.keyward(who, &line).input(password).run()
    }

    /// Gets a user's password from the store.
    pub(super) fn get(&self, who: User, whose: User) -> Finished {
        self.keyward(who, &format!("get team --user {} --raw", whose.name)).run()
    }

    /// Returns a shell script to be run by this user. `$D` and `$K` are the user's folders in the
    /// store, `$C` and `$F` a file and a folder of root that the user may not touch.
    pub(super) fn shell(&self, user: User, script: &str) -> Invocation {
        self.by(user, "sh")
            .args(["-c", script])
            .env("D", format!("{DATA}/{}", user.uid))
            .env("K", format!("{KEYS}/{}", user.uid))
            .env("C", format!("{CANARIES}/shadow"))
            .env("F", format!("{CANARIES}/folder"))
    }

    /// Starts a program as this user. The caller kills it.
    pub(super) fn start(&self, user: User, words: &[&str]) -> Child {
        let home = format!("/var/lib/home/{}", user.name);
        let mut command = self.0.command(Path::new(&home), Path::new("setpriv"));
        command.args(identity(user)).args(words).env("D", format!("{DATA}/{}", user.uid));
        command.env("C", format!("{CANARIES}/shadow")).env("F", format!("{CANARIES}/folder"));
        command.stdin(Stdio::null()).spawn().unwrap()
    }

    fn by(&self, user: User, program: &str) -> Invocation {
        let home = format!("/var/lib/home/{}", user.name);
        let mut command = self.0.command(Path::new(&home), Path::new("timeout"));
        command.args(["--signal=KILL", TIME_LIMIT, "setsid", "--wait", "setpriv"]);
        command.args(identity(user)).arg(program).current_dir("/").stdin(Stdio::null());
        Invocation::from(command)
    }

    /// Returns a line for each file below these folders: type, owner, mode and path.
    pub(super) fn tree(&self, folders: &str) -> Vec<String> {
        self.lines(&format!("find {folders} -printf '%y %U %m %p\\n'"))
    }

    /// Returns the metadata of the canaries, which includes the time when they were last read.
    pub(super) fn canaries(&self) -> Vec<String> {
        // `find` itself reads folders, so their access times are left out.
        self.lines(&format!(
            "find {CANARIES} /etc/shadow -printf '%p %y %U:%G %m %T@' \\
             \\( -type f -printf ' %s %A@' -o -true \\) -printf '\\n'"
        ))
    }

    fn lines(&self, script: &str) -> Vec<String> {
        let ran = self.shell(ROOT, script).run().ends(0);
        let mut lines: Vec<_> = ran.text().lines().map(str::to_owned).collect();
        lines.sort();
        lines
    }
}

fn identity(user: User) -> [String; 5] {
    let uid = user.uid.to_string();
    ["--reuid".into(), uid.clone(), "--regid".into(), uid, "--clear-groups".into()]
}

/// Asserts that the program ended by itself, with one of its exit codes and without a panic.
#[track_caller]
pub(super) fn orderly(ran: &Finished) {
    assert_ne!(ran.code, KILLED, "it hangs: {}", ran.err);
    assert!((0..=8).contains(&ran.code), "{}: {}", ran.code, ran.err);
    assert!(!ran.err.contains("fault in keyward"), "{}", ran.err);
}
