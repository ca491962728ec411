//! sshd, which takes the keys of a user from a store.

use std::fs;
use std::net::TcpStream;
use std::process::{Command, Stdio};

use super::server::{block, open_to_all};
use tempfile::TempDir;

use crate::helpers::home::{Home, clean_environment, me};
use crate::helpers::nginx::{Server, free_ports};
use crate::helpers::program::keyward;
use crate::helpers::waiting::wait_until;

struct Sshd {
    home: Home,
    port: u16,
    _server: Server,
    _place: TempDir,
}

impl Sshd {
    fn start(home: Home) -> Self {
        // sshd wants this folder if root starts it.
        let _ = fs::create_dir_all("/run/sshd");
        let [port] = free_ports();
        // sshd clears the environment of the command, and trusts it only in folders of root.
        let place = tempfile::tempdir_in("/run").expect("root runs the tests");
        let script = format!(
            "#!/bin/sh\nHOME={} exec {} \"$@\"\n",
            home.folder().display(),
            keyward().display()
        );
        let command = place.path().join("keyward");
        fs::write(&command, script).unwrap();
        for path in [place.path(), &command] {
            open_to_all(path, 0o755);
        }
        let page = block(&home, "sshd_config")
            .replace("/usr/bin/keyward", command.to_str().unwrap())
            .replace(
                "AuthorizedKeysCommandUser keyward",
                &format!("AuthorizedKeysCommandUser {}", me()),
            );
        let folder = home.folder().display();
        let text = format!(
            "ListenAddress 127.0.0.1\nPort {port}\nHostKey {folder}/host\nPidFile none\n\
             AuthorizedKeysFile none\nPasswordAuthentication no\nKbdInteractiveAuthentication no\n\
             PermitRootLogin yes\nUsePAM no\nLogLevel DEBUG1\n{page}"
        );
        let config = home.write("sshd_config", text);
        let log = home.path("sshd.log");
        let server = Server::start("/usr/sbin/sshd", home.folder(), |command| {
            command.args(["-D", "-E"]).arg(log).arg("-f").arg(config);
        });
        wait_until("sshd listens", || TcpStream::connect(("127.0.0.1", port)).is_ok());
        Self { home, port, _server: server, _place: place }
    }

    /// Logs in with a key; returns what the command on the server printed, if that worked.
    fn ssh(&self, key: &str) -> Option<String> {
        let mut ssh = Command::new("ssh");
        clean_environment(&mut ssh, self.home.folder());
        for option in ["BatchMode=yes", "IdentitiesOnly=yes", "StrictHostKeyChecking=no"] {
            ssh.args(["-o", option]);
        }
        ssh.args(["-o", "UserKnownHostsFile=/dev/null", "-F", "none", "-i", key]);
        ssh.args(["-p", &self.port.to_string(), &format!("{}@127.0.0.1", me()), "echo free"]);
        let output = ssh.current_dir(self.home.folder()).stdin(Stdio::null()).output().unwrap();
        output.status.success().then(|| String::from_utf8(output.stdout).unwrap())
    }

    fn log(&self) -> String {
        self.home.read("sshd.log")
    }
}

fn keygen(home: &Home, name: &str) -> String {
    let mut keygen = Command::new("ssh-keygen");
    keygen.args(["-q", "-t", "ed25519", "-N", "", "-C", "", "-f", name]);
    assert!(keygen.current_dir(home.folder()).status().unwrap().success());
    home.read(&format!("{name}.pub"))
}

/// Adds a user to the store.
fn add(home: &Home, user: &str) {
    home.keyward("auth add --store people --stdin").arg(user).input("password").run().ends(0);
}

/// Adds to what a user's entry has.
fn set(home: &Home, user: &str, fields: &str) {
    let record = format!(r#"{{"kind":"verifiers","fields":{fields}}}"#);
    let line = format!("set people --user {user} --json");
    home.keyward(&line).input(record).run().ends(0);
}

#[test]
fn sshd_takes_the_keys_of_a_store() {
    let home = Home::new();
    home.keyward("init people --option key.from=file").run().ends(0);
    let keys = ["host", "free", "forced", "other"].map(|name| keygen(&home, name));
    let lines = format!("# ann\n{}restrict,command=\"echo forced\" {}", keys[1], keys[2]);
    let lines = serde_json::json!({ "authorized_keys": lines }).to_string();
    let sshd = Sshd::start(home);
    let (home, me) = (&sshd.home, me());
    assert_eq!(sshd.ssh("free"), None, "the user is unknown");
    add(home, &me);
    assert_eq!(sshd.ssh("free"), None, "the user has no keys");
    set(home, &me, &lines);
    assert_eq!(sshd.ssh("free").as_deref(), Some("free\n"), "{}", sshd.log());
    assert_eq!(sshd.ssh("forced").as_deref(), Some("forced\n"), "{}", sshd.log());
    assert_eq!(sshd.ssh("other"), None);
    set(home, &me, r#"{"denied":"disabled"}"#);
    assert_eq!(sshd.ssh("free"), None);
}

#[test]
fn only_the_keys_of_a_user_are_printed() {
    let home = Home::new();
    home.keyward("init people --option key.from=file").run().ends(0);
    let lines = serde_json::json!({ "authorized_keys": "\n  ssh-ed25519 AAAA a\r\n#x\nb\u{7}\n" });
    add(&home, "ann");
    set(&home, "ann", &lines.to_string());
    let print = |user: &str| home.keyward("auth authorized-keys --store people").arg(user).run();
    print("ann").ends(0).prints("ssh-ed25519 AAAA a\n");
    for other in ["bob", "a/b", "", "\u{7}"] {
        print(other).ends(0).prints("").says_nothing();
    }
    home.keyward("auth authorized-keys --store other ann").run().ends(2).prints("");
}
