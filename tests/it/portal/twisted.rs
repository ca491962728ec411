//! Unmodified servers on Twisted, with Keyward behind `--auth keyward:…`.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use xtask::root;

use crate::helpers::home::{Home, clean_environment};
use crate::helpers::program::{installed_server, keyward};

/// Starts `twist ftp` and `twist conch`, and lets curl and ssh log in. `twist ftp` listens on all
/// addresses, so everything runs in a separate network. Each step ends: a server that does not start
/// ends the script, and every client has a limit.
const SCRIPT: &str = r#"
set -u
ip link set lo up || exit
twist() { python3 -W ignore -m twisted "$@" >>log 2>&1 & }
listens() {
    for try in {1..300}; do
        kill -0 $1 2>/dev/null || break
        (echo >/dev/tcp/127.0.0.1/$2) 2>/dev/null && return
        sleep 0.2
    done
    echo "nothing listens to port $2"
    exit 1
}
twist ftp --auth "keyward:$AUTH" --port 2121
ftp=$!
twist conch --auth "keyward:$AUTH" --data "$PWD" --port tcp:2222:interface=127.0.0.1
ssh=$!
trap 'kill $ftp $ssh; cat log >&2' EXIT
listens $ftp 2121
listens $ssh 2222
for login in root:s3cret root:wrong nobody-here:s3cret root:; do
    curl --max-time 60 --silent --verbose "ftp://$login@127.0.0.1:2121/" 2>&1 | grep -o '< 230\|< 530' | sed "s/.* /ftp $login /"
done
for password in s3cret wrong; do
    printf '#!/bin/sh\necho %s\n' "$password" >askpass
    chmod 700 askpass
    SSH_ASKPASS=./askpass SSH_ASKPASS_REQUIRE=force timeout 60 ssh -F none -o StrictHostKeyChecking=no \
        -o UserKnownHostsFile=/dev/null -o PreferredAuthentications=password -o NumberOfPasswordPrompts=1 \
        -p 2222 root@127.0.0.1 echo inside 2>/dev/null
    echo "ssh $password $?"
done
timeout 60 python3 -W ignore -m twisted conch --help-auth-type keyward 2>>log | grep format
timeout 60 python3 -W ignore -m twisted conch --auth keyward 2>&1 | grep -o 'the type of a checker is missing'
true
"#;

#[test]
fn ftp_and_conch_log_in_with_keyward() {
    let home = Home::in_memory();
    let hash = "$2y$05$s7tVh1DFwLV1x3VUlZ5BjuKXYEGtcg7mUzjYxeY2fTLxiEK1yEecK";
    let users = home.write("users", format!("root:{hash}\n"));
    home.write("script", SCRIPT);
    fs::set_permissions(home.folder(), Permissions::from_mode(0o700)).unwrap();
    let key = home.path("ssh_host_rsa_key");
    let mut keygen = Command::new("ssh-keygen");
    keygen.args(["-q", "-t", "rsa", "-b", "2048", "-m", "PEM", "-N", "", "-f"]).arg(key);
    assert!(keygen.status().unwrap().success());

    let mut command = Command::new("unshare");
    clean_environment(&mut command, home.folder());
    let installed = installed_server("twisted");
    let plugin = root().join("docs/examples/twisted");
    let program = keyward();
    let path = format!("{}:/usr/sbin:/usr/bin:/sbin:/bin", program.parent().unwrap().display());
    command.args(["--net", "--map-root-user", "bash", "script"]).current_dir(home.folder());
    command.env("PATH", path).env("AUTH", format!("htpasswd:{}", users.display()));
    command.env("PYTHONPATH", format!("{}:{}", installed.display(), plugin.display()));
    command.env("PYTHONDONTWRITEBYTECODE", "1");
    let output = command.output().expect("unshare is installed");
    assert_eq!(
        String::from_utf8(output.stdout).unwrap(),
        "ftp root:s3cret 230\n\
         ftp root:wrong 530\n\
         ftp nobody-here:s3cret 530\n\
         ftp root: 530\n\
         inside\n\
         ssh s3cret 0\n\
         ssh wrong 255\n\
         ArgString format: TYPE[:ARGS]\n\
         the type of a checker is missing\n",
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
}
