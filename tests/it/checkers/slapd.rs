//! slapd on free ports of loopback, with users.

use std::fs;
use std::net::TcpStream;
use std::path::Path;
use std::process::Command;
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::helpers::home::Home;
use crate::helpers::nginx::{Server, free_ports};
use crate::helpers::tls;

pub(crate) const PASSWORD: &str = "made-up-password";

/// The password of `cn=reader`.
pub(crate) const READER: &str = "password-of-the-reader";

const CONFIGURATION: &str = "\
include /etc/ldap/schema/core.schema
include /etc/ldap/schema/cosine.schema
include /etc/ldap/schema/inetorgperson.schema
modulepath /usr/lib/ldap
moduleload back_mdb
pidfile %DIR%/slapd.pid
allow bind_anon_cred bind_anon_dn
%TLS%
database mdb
suffix dc=example,dc=com
directory %DIR%/data
access to dn.subtree=ou=hidden,dc=example,dc=com attrs=entry,uid,objectClass
  by dn.exact=cn=reader,dc=example,dc=com read
  by * none
access to attrs=userPassword by anonymous auth by * none
access to * by * read
";

const TLS: &str = "\
TLSCACertificateFile %DIR%/ca.pem
TLSCertificateFile %DIR%/site.pem
TLSCertificateKeyFile %DIR%/site.key";

/// The users: the folder, the names in `uid`, and other lines.
const USERS: [(&str, &[&str]); 8] = [
    ("ann", &["ann"]),
    ("bob", &["Bob"]),
    ("many", &["zoe", "alias"]),
    ("star", &["st*r"]),
    ("parentheses", &["p)(q"]),
    ("twin-1", &["twin"]),
    ("twin-2", &["twin"]),
    ("comma, plus+", &["comma"]),
];

/// A running slapd. It ends when it is dropped.
pub(crate) struct Slapd {
    home: Home,
    pub(crate) port: u16,
    pub(crate) tls_port: u16,
    _server: Server,
}

impl Slapd {
    pub(crate) fn start() -> Self {
        Self::configured(TLS)
    }

    /// One that has no certificate, so that it cannot begin TLS.
    pub(crate) fn without_tls() -> Self {
        Self::configured("")
    }

    fn configured(tls: &str) -> Self {
        let home = Home::new();
        let folder = home.folder();
        let dir = folder.to_str().unwrap();
        tls::make(folder, &["localhost"]);
        fs::create_dir(folder.join("data")).unwrap();
        let configuration = CONFIGURATION.replace("%TLS%", tls).replace("%DIR%", dir);
        home.write("slapd.conf", &configuration);
        home.write("users.ldif", users());
        let add = Command::new("slapadd")
            .args(["-f", "slapd.conf", "-l", "users.ldif"])
            .current_dir(folder)
            .output()
            .expect("slapadd is installed (slapd)");
        assert!(add.status.success(), "{}", String::from_utf8_lossy(&add.stderr));
        let [port, tls_port] = free_ports();
        let plain = format!("ldap://127.0.0.1:{port}/");
        let socket =
            format!("ldapi://{}", folder.join("socket").display().to_string().replace('/', "%2F"));
        let mut places = format!("{plain} {socket}");
        if !tls.is_empty() {
            places += &format!(" ldaps://127.0.0.1:{tls_port}/");
        }
        let log = fs::File::create(folder.join("log")).unwrap();
        let server = Server::start("slapd", folder, |command| {
            command.args(["-d", "stats", "-f", "slapd.conf", "-h", &places]).current_dir(folder);
            command.stderr(log);
        });
        let slapd = Self { home, port, tls_port, _server: server };
        let start = Instant::now();
        // It says that it starts, and listens a moment later.
        let listens = || TcpStream::connect(("127.0.0.1", port)).is_ok();
        while !slapd.log().contains("slapd starting") || !listens() {
            assert!(start.elapsed() < Duration::from_secs(20), "{}", slapd.log());
            sleep(Duration::from_millis(5));
        }
        slapd
    }

    pub(crate) fn folder(&self) -> &Path {
        self.home.folder()
    }

    pub(crate) fn url(&self) -> String {
        format!("ldap://localhost:{}", self.port)
    }

    /// What slapd has logged so far.
    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.folder().join("log")).unwrap()
    }
}

fn users() -> String {
    let mut ldif = "\
dn: dc=example,dc=com
objectClass: dcObject
objectClass: organization
dc: example
o: Example

dn: ou=people,dc=example,dc=com
objectClass: organizationalUnit
ou: people

dn: ou=hidden,dc=example,dc=com
objectClass: organizationalUnit
ou: hidden

dn: ou=elsewhere,ou=people,dc=example,dc=com
objectClass: referral
objectClass: extensibleObject
ou: elsewhere
ref: ldap://192.0.2.1/ou=people,dc=example,dc=com

"
    .to_owned();
    let person = |name: &str, folder: &str, uids: &[&str], password: &str| {
        let name = name.replace(',', "\\,").replace('+', "\\+");
        let uids: String = uids.iter().map(|uid| format!("uid: {uid}\n")).collect();
        format!(
            "dn: cn={name},{folder}dc=example,dc=com\nobjectClass: inetOrgPerson\nsn: x\n{uids}\
             employeeNumber: 7\n{password}\n"
        )
    };
    let password = format!("userPassword: {PASSWORD}\n");
    for (name, uids) in USERS {
        ldif += &person(name, "ou=people,", uids, &password);
    }
    ldif += &person("without", "ou=people,", &["without-a-password"], "");
    ldif += &person("hidden", "ou=hidden,", &["hidden"], &password);
    ldif + &person("reader", "", &["reader"], &format!("userPassword: {READER}\n"))
}
