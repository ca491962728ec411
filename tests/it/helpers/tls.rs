//! A certificate authority for the tests, and the certificate that it signs.

use std::fs;
use std::path::Path;
use std::process::Command;

/// An extension: without any, the certificate would be of a version that TLS libraries do not read.
const CLIENT: &str = "extendedKeyUsage=clientAuth";

/// Makes `ca.pem`, and `site.pem` with `site.key` for these hosts.
pub(crate) fn make(folder: &Path, hosts: &[&str]) {
    let names: Vec<_> = hosts.iter().map(|host| format!("DNS:{host}")).collect();
    let names = format!("subjectAltName={}", names.join(","));
    fs::write(folder.join("openssl.cnf"), "[req]\ndistinguished_name = dn\n[dn]\n").unwrap();
    let authority = ["-keyout", "ca.key", "-out", "ca.pem", "-subj", "/CN=Keyward tests"];
    let own = ["-addext", "basicConstraints=critical,CA:TRUE"];
    certificate(folder, &[&authority[..], &own].concat());
    let site = ["-keyout", "site.key", "-out", "site.pem", "-subj", "/CN=site"];
    let signed = ["-CA", "ca.pem", "-CAkey", "ca.key", "-addext", &names];
    certificate(folder, &[&site[..], &signed].concat());
}

/// Makes `NAME.pem` and `NAME.key` for a client, signed by the authority of [`make`].
pub(crate) fn make_client(folder: &Path, name: &str) {
    let (key, pem, subject) = (format!("{name}.key"), format!("{name}.pem"), format!("/CN={name}"));
    let client = ["-keyout", &key, "-out", &pem, "-subj", &subject, "-addext", CLIENT];
    certificate(folder, &[&client[..], &["-CA", "ca.pem", "-CAkey", "ca.key"]].concat());
}

/// Makes the same, which no authority has signed.
pub(crate) fn make_unsigned_client(folder: &Path, name: &str) {
    let (key, pem, subject) = (format!("{name}.key"), format!("{name}.pem"), format!("/CN={name}"));
    certificate(folder, &["-keyout", &key, "-out", &pem, "-subj", &subject, "-addext", CLIENT]);
}

fn certificate(folder: &Path, arguments: &[&str]) {
    let output = Command::new("openssl")
        .args(["req", "-x509", "-config", "openssl.cnf", "-days", "2", "-nodes"])
        .args(["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"])
        .args(arguments)
        .current_dir(folder)
        .output()
        .expect("openssl is installed");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}
