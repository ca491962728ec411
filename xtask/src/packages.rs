//! The programs that tests, fuzzing and packing need, from Debian's packages.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

use crate::shell::{Result, run_as, succeeds};

/// A program or a file that is needed, and the Debian package that contains it.
type Needed = (&'static str, &'static str);

/// The programs for the tests.
pub(crate) const TESTS: &[Needed] = &[
    ("/usr/include/security/pam_appl.h", "libpam0g-dev"),
    ("/usr/lib/dovecot/imap", "dovecot-imapd"),
    ("/usr/lib/nginx/modules/ngx_mail_module.so", "libnginx-mod-mail"),
    ("/usr/lib/postfix/sbin/master", "postfix"),
    ("/usr/lib/proftpd/mod_tls.so", "proftpd-mod-crypto"),
    ("/usr/lib/python3/dist-packages/boto3", "python3-boto3"),
    ("/usr/lib/python3/dist-packages/botocore", "python3-botocore"),
    ("/usr/lib/python3/dist-packages/cbor2", "python3-cbor2"),
    ("/usr/lib/python3/dist-packages/cryptography", "python3-cryptography"),
    ("/usr/lib/python3/dist-packages/flask_cors", "python3-flask-cors"),
    ("/usr/lib/python3/dist-packages/httpbin", "python3-httpbin"),
    ("/usr/lib/python3/dist-packages/jinja2", "python3-jinja2"),
    ("/usr/lib/python3/dist-packages/keyrings/alt", "python3-keyrings.alt"),
    ("/usr/lib/python3/dist-packages/oauth2_provider", "python3-django-oauth-toolkit"),
    ("/usr/lib/python3/dist-packages/responses", "python3-responses"),
    ("/usr/lib/python3/dist-packages/secretstorage", "python3-secretstorage"),
    ("/usr/lib/python3/dist-packages/xmltodict.py", "python3-xmltodict"),
    ("/usr/lib/python3/dist-packages/yaml", "python3-yaml"),
    ("/usr/lib/x86_64-linux-gnu/pam_wrapper/pam_matrix.so", "libpam-wrapper"),
    ("/usr/lib/x86_64-linux-gnu/perl5/5.36/Net/SSLeay.pm", "libnet-ssleay-perl"),
    ("/usr/sbin/sshd", "openssh-server"),
    ("Xvfb", "xvfb"),
    ("age", "age"),
    ("age-keygen", "age"),
    ("apache2", "apache2"),
    ("caddy", "caddy"),
    ("chromium-headless-shell", "chromium-headless-shell"),
    ("curl", "curl"),
    ("dbus-run-session", "dbus"),
    ("dbus-send", "dbus"),
    ("docker-registry", "docker-registry"),
    ("doveadm", "dovecot-core"),
    ("dovecot", "dovecot-core"),
    ("dpkg-shlibdeps", "dpkg-dev"),
    ("expect", "expect"),
    ("fcgiwrap", "fcgiwrap"),
    ("fish", "fish"),
    ("gcc", "gcc"),
    ("git", "git"),
    ("gnome-keyring-daemon", "gnome-keyring"),
    ("gpg", "gnupg"),
    ("gsasl", "gsasl"),
    ("haproxy", "haproxy"),
    ("htdigest", "apache2-utils"),
    ("htpasswd", "apache2-utils"),
    ("ip", "iproute2"),
    ("keyctl", "keyutils"),
    ("kill", "procps"),
    ("ldapwhoami", "ldap-utils"),
    ("man", "man-db"),
    ("mkfs.ext4", "e2fsprogs"),
    ("mkfs.xfs", "xfsprogs"),
    ("msmtp", "msmtp"),
    ("mutt", "mutt"),
    ("nginx", "nginx-light"),
    ("nm", "binutils"),
    ("node", "nodejs"),
    ("npm", "npm"),
    ("oathtool", "oathtool"),
    ("openssl", "openssl"),
    ("pamtester", "pamtester"),
    ("pass", "pass"),
    ("pip3", "python3-pip"),
    ("postfix", "postfix"),
    ("proftpd", "proftpd-core"),
    ("python3", "python3"),
    ("redis-cli", "redis-tools"),
    ("redis-server", "redis-server"),
    ("secret-tool", "libsecret-tools"),
    ("slapadd", "slapd"),
    ("slapd", "slapd"),
    ("sqlite3", "sqlite3"),
    ("ssh", "openssh-client"),
    ("ssh-add", "openssh-client"),
    ("ssh-agent", "openssh-client"),
    ("ssh-keygen", "openssh-client"),
    ("strace", "strace"),
    ("swaks", "swaks"),
    ("testsaslauthd", "sasl2-bin"),
    ("unshare", "util-linux"),
    ("valgrind", "valgrind"),
    ("xclip", "xclip"),
    ("zsh", "zsh"),
];

/// The programs for measuring: those that keyward is compared with, and those that build one of them.
pub(crate) const MEASURING: &[Needed] = &[
    ("/usr/include/libsecret-1/libsecret/secret.h", "libsecret-1-dev"),
    ("/usr/share/doc/git/contrib/credential/libsecret/Makefile", "git"),
    ("age", "age"),
    ("age-keygen", "age"),
    ("curl", "curl"),
    ("dbus-run-session", "dbus"),
    ("dbus-send", "dbus"),
    ("gcc", "gcc"),
    ("git", "git"),
    ("gnome-keyring-daemon", "gnome-keyring"),
    ("gpg", "gnupg"),
    ("make", "make"),
    ("nginx", "nginx-light"),
    ("pass", "pass"),
    ("pkg-config", "pkg-config"),
    ("secret-tool", "libsecret-tools"),
    ("valgrind", "valgrind"),
];

/// The programs for packing; the others are always installed on Debian.
pub(crate) const PACKING: &[Needed] =
    &[("dpkg-shlibdeps", "dpkg-dev"), ("git", "git"), ("strip", "binutils")];

/// The program for fuzzing: the compiler that builds libFuzzer.
pub(crate) const FUZZING: &[Needed] = &[("c++", "g++")];

/// Installs the missing programs of `needed`, or returns an error that says what to install.
pub(crate) fn ensure(needed: &[Needed]) -> Result {
    let missing: Vec<_> = needed.iter().filter(|(program, _)| !found(program)).collect();
    if missing.is_empty() {
        println!("Every program that is needed is installed.");
        return Ok(());
    }
    let packages: BTreeSet<_> = missing.iter().map(|(_, package)| *package).collect();
    let packages: Vec<_> = packages.into_iter().collect();
    let Some(mut root_shell) = root_shell() else {
        let programs: Vec<_> = missing.iter().map(|(program, _)| *program).collect();
        return Err(format!(
            "these programs are missing, and installing them takes Debian's apt-get and root or a sudo without \
             password: {}\nhint: On Debian and its derivatives: apt-get install {}",
            programs.join(" "),
            packages.join(" "),
        ));
    };
    let shown = format!("apt-get install {}", packages.join(" "));
    run_as(&shown, root_shell.args(["-c", INSTALL, "install"]).args(&packages))?;
    // A container image may leave files out of the packages that it installs.
    match missing.iter().find(|(program, _)| !found(program)) {
        None => Ok(()),
        Some((program, package)) => {
            Err(format!("{program} is missing, though the package {package} was installed"))
        }
    }
}

/// Installs the given packages, without starting the daemons in them.
///
/// The archives go to a separate folder, because another dpkg process may empty the shared one.
const INSTALL: &str = r#"
set -eu
archives=$(mktemp -d -p /var/tmp)
chmod 755 "$archives"
mkdir "$archives/partial"
policy=/usr/sbin/policy-rc.d
if [ -e "$policy" ]; then policy=; else printf '#!/bin/sh\nexit 101\n' >"$policy"; chmod 755 "$policy"; fi
trap 'rm -rf "$archives" ${policy:+"$policy"}' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
export DEBIAN_FRONTEND=noninteractive TMPDIR=/var/tmp
apt-get -q update
apt-get -q -y -o Dir::Cache::archives="$archives" install --no-install-recommends "$@"
"#;

/// Returns a shell that may install packages, if there is one.
fn root_shell() -> Option<Command> {
    if !found("apt-get") || !Path::new("/etc/debian_version").exists() {
        return None;
    }
    if succeeds(Command::new("sh").args(["-c", "test \"$(id -u)\" = 0"])) {
        return Some(Command::new("sh"));
    }
    let mut sudo = Command::new("sudo");
    succeeds(Command::new("sudo").args(["-n", "true"])).then(|| {
        sudo.args(["-n", "sh"]);
        sudo
    })
}

/// Whether a program or a file exists, also in a folder of root's `PATH`.
fn found(program: &str) -> bool {
    succeeds(Command::new("sh").args([
        "-c",
        "PATH=$PATH:/usr/sbin:/sbin; command -v \"$1\" || test -e \"$1\"",
        "found",
        program,
    ]))
}

#[cfg(test)]
mod tests;
