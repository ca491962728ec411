//! Files from FTP and SFTP servers and of this machine, with curl as the reference.

use std::fs::{self, File};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, SystemTime};

use super::site::{home_for, provider};
use crate::helpers::home::Home;
use crate::helpers::nginx::Server;
use crate::helpers::tls;

const PASSWORD: &str = "canary \"pass\\word";

const LINES: &str = "credentials = ['site']\n";

/// Lines of proftpd that turn TLS on: after a command, and from the first byte on.
const TLS: [&str; 2] = [
    "TLSEngine on\nTLSOptions NoSessionReuseRequired\n",
    "TLSEngine on\nTLSOptions NoSessionReuseRequired UseImplicitSSL\n",
];

/// An FTP server with the file `public/data`, which everyone may read, and `private`.
struct Ftp {
    _server: Server,
    folder: Home,
    port: u16,
}

impl Ftp {
    fn start(lines: &str) -> Self {
        let folder = Home::new();
        fs::create_dir(folder.path("public")).unwrap();
        for (name, text) in [("public/data", "public,1\n"), ("private", "private,1\n")] {
            let path = folder.write(name, text);
            let old = SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000);
            File::open(path).unwrap().set_modified(old).unwrap();
        }
        tls::make(folder.folder(), &["localhost"]);
        let top = folder.folder().to_str().unwrap();
        // As everyone who has no account, curl says who it is.
        let users = [("ann", PASSWORD, ""), ("anonymous", "ftp@example.com", "/public")];
        let users = users.map(|(name, password, below)| {
            let [hash, user, group] = [
                output("openssl", &["passwd", "-6", password]),
                output("id", &["-u"]),
                output("id", &["-g"]),
            ];
            format!("{name}:{hash}:{user}:{group}::{top}{below}:/bin/sh\n")
        });
        let users = folder.write("users", users.concat());
        fs::set_permissions(users, fs::Permissions::from_mode(0o600)).unwrap();
        let (_server, port) = start("/usr/sbin/proftpd", &["-n", "-c"], &folder, |port| {
            let text = include_str!("proftpd.conf")
                .replace("%DIR%", top)
                .replace("%USER%", &output("id", &["-un"]))
                .replace("%GROUP%", &output("id", &["-gn"]))
                .replace("%PORT%", &port.to_string());
            format!("{text}{lines}")
        });
        Self { _server, folder, port }
    }

    /// A home that knows the certificate authority of the server.
    fn home(&self, origin: &str) -> Home {
        let home = home_for(origin, LINES);
        let authority = self.folder.path("ca.pem");
        home.run_ok(&["config", "set", "network.ca_file", authority.to_str().unwrap()]);
        home
    }
}

fn store(home: &Home, origin: &str, password: &str) {
    let line = format!("set s ann --name site --stdin --bind {origin}");
    home.keyward(&line).input(password).run().ends(0);
}

#[test]
fn a_file_comes_from_an_ftp_server_with_and_without_tls() {
    for (scheme, lines) in [("ftp", ""), ("ftp", TLS[0]), ("ftps", TLS[1])] {
        let ftp = Ftp::start(lines);
        let origin = format!("{scheme}://localhost:{}", ftp.port);
        let home = ftp.home(&origin);
        // Everyone may read this one.
        let run = home.keyward(&format!("fetch {origin}/data --json")).run().ends(0).json();
        assert_eq!((&run[0]["bytes"], &run[0]["credential"]), (&9.into(), &().into()));
        assert_eq!(home.read("data"), "public,1\n");
        let modified = fs::metadata(home.path("data")).unwrap().modified().unwrap();
        assert_eq!(
            modified.duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs(),
            1_700_000_000
        );
        let stat = home.keyward(&format!("stat {origin}/data --json")).run().ends(0).json();
        assert_eq!(stat[0]["bytes"], 9);
        home.keyward(&format!("upload data {origin}/data")).run().ends(2).says("over HTTP");
        home.keyward(&format!("fetch {origin}/private")).run().ends(3);
        store(&home, &origin, PASSWORD);
        let run = home.keyward(&format!("fetch {origin}/private --json")).run().ends(0).json();
        assert_eq!(run[0]["credential"], "site");
        assert_eq!(home.read("private"), "private,1\n");
        home.keyward(&format!("fetch {origin}/absent")).run().ends(3);
        let other = origin.replace("://", "://bob@");
        home.keyward(&format!("fetch {other}/private --force")).run().ends(4);
        store(&home, &origin, "canary-wrong");
        let run = home.keyward(&format!("fetch {origin}/private --force")).run().ends(9);
        run.says("denied");
        assert_eq!(home.read("private"), "private,1\n");
    }
}

#[test]
fn an_ftp_server_with_another_certificate_gets_no_password() {
    let ftp = Ftp::start(TLS[0]);
    let origin = format!("ftp://localhost:{}", ftp.port);
    let home = home_for(&origin, LINES);
    store(&home, &origin, PASSWORD);
    home.keyward(&format!("fetch {origin}/private")).run().ends(4).says("certificate");
}

#[test]
fn an_ftp_server_gets_only_what_is_bound_to_it() {
    let ftp = Ftp::start("");
    let origin = format!("ftp://localhost:{}", ftp.port);
    let home = ftp.home(&origin);
    store(&home, "ftp://elsewhere.example", PASSWORD);
    home.keyward(&format!("fetch {origin}/private")).run().ends(4).says("may not be given");
    provider(&home, "site", &origin, "auth = 'never'\ncredentials = ['site']\n");
    home.keyward(&format!("fetch {origin}/data")).run().ends(0);
}

#[test]
fn a_download_from_an_ftp_server_goes_on() {
    let ftp = Ftp::start("");
    let origin = format!("ftp://localhost:{}", ftp.port);
    let home = ftp.home(&origin);
    let content = "0123456789".repeat(10_000);
    let path = ftp.folder.write("public/big", &content);
    let old = SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000);
    File::open(&path).unwrap().set_modified(old).unwrap();
    let url = format!("{origin}/big");
    let part = |tag: &str| {
        home.write(".big.keyward-part", &content[..12_345]);
        let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap();
        home.write(".big.keyward-part-of", format!("{}\n{url}\n{tag}\n", boot.trim()));
        let run = home.keyward(&format!("fetch {url} --force --json")).run().ends(0).json();
        assert_eq!(home.read("big"), content);
        run[0]["resumed"].as_u64().unwrap()
    };
    assert_eq!(part("\"100000-1700000000\""), 12_345);
    // The file was another one.
    assert_eq!(part("\"100000-1600000000\""), 0);
}

/// Starts a server with the file of configuration that is written for a port.
fn start(
    program: &str,
    words: &[&str],
    folder: &Home,
    configure: impl Fn(u16) -> String,
) -> (Server, u16) {
    for _ in 0..10 {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let file = folder.write("server.conf", configure(port));
        let mut server = Server::start(program, folder.folder(), |command| {
            command.args(words).arg(&file);
        });
        if server.listens(port) {
            return (server, port);
        }
    }
    panic!("{program} does not start");
}

fn output(program: &str, words: &[&str]) -> String {
    let output = Command::new(program).args(words).output().expect("it is installed");
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

/// An SSH server for this user, with the key `key` and the file `data`.
struct Ssh {
    _server: Server,
    folder: Home,
    port: u16,
}

fn keygen(folder: &Path, name: &str, passphrase: &str) {
    let mut keygen = Command::new("ssh-keygen");
    keygen.args(["-q", "-t", "ed25519", "-N", passphrase, "-C", "", "-f", name]);
    assert!(keygen.current_dir(folder).status().expect("openssh-client is installed").success());
}

impl Ssh {
    fn start() -> Self {
        let folder = Home::new();
        keygen(folder.folder(), "host", "");
        keygen(folder.folder(), "key", "canary-passphrase");
        folder.write("data", "data,1\n");
        // sshd wants this folder if root starts it.
        let _ = fs::create_dir_all("/run/sshd");
        let (_server, port) = start("/usr/sbin/sshd", &["-D", "-e", "-f"], &folder, |port| {
            include_str!("sshd.conf")
                .replace("%DIR%", folder.folder().to_str().unwrap())
                .replace("%PORT%", &port.to_string())
        });
        Self { _server, folder, port }
    }

    fn origin(&self) -> String {
        format!("sftp://127.0.0.1:{}", self.port)
    }
}

#[test]
fn a_file_comes_from_an_ssh_server_with_a_key_of_the_store() {
    let ssh = Ssh::start();
    let me = crate::helpers::home::me();
    let home = home_for(&ssh.origin(), LINES);
    let key = ssh.folder.path("key");
    let line = format!(
        "set s {me} --name site --kind ssh-key --secret-file private_key={} --bind {}",
        key.display(),
        ssh.origin()
    );
    home.keyward(&line).run().ends(0);
    let passphrase = home.write("passphrase", "canary-passphrase");
    let line = format!("set s --name site --secret-file passphrase={}", passphrase.display());
    home.keyward(&line).run().ends(0);
    let url = format!("{}{}", ssh.origin(), ssh.folder.path("data").display());
    // The key of the server is not known.
    home.keyward(&format!("fetch {url}")).run().ends(4).says("there is no ~/.ssh/known_hosts");
    home.write(".ssh/known_hosts", "");
    home.keyward(&format!("fetch {url}")).run().ends(4).says("known_hosts");
    let host = fs::read_to_string(ssh.folder.path("host.pub")).unwrap();
    home.write(".ssh/known_hosts", format!("[127.0.0.1]:{} {host}", ssh.port));
    home.keyward(&format!("fetch {url}")).run().ends(0).prints("data: 7 bytes\n");
    assert_eq!(home.read("data"), "data,1\n");
    home.keyward(&format!("fetch {url}-absent")).run().ends(3);
    // The key of the server has changed.
    let other = fs::read_to_string(ssh.folder.path("key.pub")).unwrap();
    home.write(".ssh/known_hosts", format!("[127.0.0.1]:{} {other}", ssh.port));
    home.keyward(&format!("fetch {url} --force")).run().ends(4).says("known_hosts");
    home.write(".ssh/known_hosts", format!("[127.0.0.1]:{} {host}", ssh.port));
    let wrong = home.write("passphrase", "canary-wrong");
    let line = format!("set s --name site --secret-file passphrase={}", wrong.display());
    home.keyward(&line).run().ends(0);
    home.keyward(&format!("fetch {url} --force")).run().ends(9);
}

#[test]
fn a_file_of_this_machine_is_copied() {
    let home = Home::with_store("--option key.from=file");
    let file = home.write("from/a file", "text");
    let url = format!("file://{}", file.display()).replace(' ', "%20");
    let line = format!("fetch {url} --output copy --hash sha256");
    let run = home.keyward(&line).run().ends(0).into_text();
    assert!(
        run.contains("sha256: 982d9e3eb996f559e633f4d194def3761d909f5a3b647d1a851fead67c32c9d1")
    );
    assert_eq!(home.read("copy"), "text");
    home.keyward("fetch file:///absent --output none").run().ends(3);
    home.keyward("fetch file:///etc --output none").run().ends(2);
    home.keyward("fetch file://host/etc/passwd --output none").run().ends(2);
    assert!(!home.path("none").exists());
}
