//! Which servers need TLS, and which certificates it trusts.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use keyward_plugin::{Error, Host, Result};
use rustls::crypto::ring;
use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;

/// Checks the URL, and returns whether connections to it use TLS.
pub(crate) fn check_url(url: &str, start_tls: bool) -> Result<bool> {
    let invalid = |why: &str| Error::invalid("options", format!("`url` {why}"));
    let (scheme, rest) = url.split_once("://").ok_or_else(|| invalid("must be an LDAP URL"))?;
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~:[]%".contains(&byte);
    if rest.is_empty() || !rest.bytes().all(is_plain) {
        return Err(invalid("must consist of a scheme and a host, and a port if needed"));
    }
    match scheme {
        "ldaps" if start_tls => Err(invalid("has TLS already, so `start_tls` is not possible")),
        "ldaps" => Ok(true),
        "ldap" if start_tls => Ok(true),
        "ldap" if is_this_machine(rest) => Ok(false),
        "ldap" => Err(invalid("needs `start_tls`, or the scheme ldaps")
            .hint("Without TLS, others could read the passwords on the way")),
        "ldapi" if start_tls => Err(invalid("is a socket of this machine, which has no TLS")),
        "ldapi" => Ok(false),
        _ => Err(invalid("must have the scheme ldap, ldaps or ldapi")),
    }
}

fn is_this_machine(host_and_port: &str) -> bool {
    let host = match host_and_port.strip_prefix('[') {
        Some(address) => address.split(']').next(),
        None => host_and_port.split(':').next(),
    };
    let host = host.unwrap_or_default();
    host == "localhost"
        || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// Makes the configuration of TLS: it trusts the certificates in the file, or without one those that
/// the host trusts.
pub(crate) fn config(ca: Option<&Path>, host: &dyn Host) -> Result<Arc<ClientConfig>> {
    let files = match ca {
        Some(file) => vec![file.to_owned()],
        None => trusted_files(host)?,
    };
    let mut roots = RootCertStore::empty();
    for file in files {
        let failed = |why: &str| {
            Error::new(keyward_plugin::ErrorKind::Unavailable, "open")
                .because(format!("{} {why}", file.display()))
        };
        let pem = fs::read(&file).map_err(|error| failed("cannot be read").caused_by(error))?;
        let (mut count, all) = (0, CertificateDer::pem_slice_iter(&pem));
        for certificate in all.flatten() {
            count += usize::from(roots.add(certificate).is_ok());
        }
        if ca.is_some() && count == 0 {
            return Err(failed("contains no certificate"));
        }
    }
    if roots.is_empty() {
        let error = Error::invalid("open", "there are no certificates that TLS could trust");
        return Err(error.hint("Set `ca` to a file with the certificate of the server's authority"));
    }
    let provider = Arc::new(ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| Error::invalid("open", "there is no version of TLS").caused_by(error))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(Arc::new(config))
}

fn trusted_files(host: &dyn Host) -> Result<Vec<PathBuf>> {
    let network = host.network()?;
    let mut files: Vec<PathBuf> = network.root_files.iter().map(PathBuf::from).collect();
    for folder in &network.root_folders {
        let found = fs::read_dir(folder).map_err(|error| Error::io("open", error).not_a_miss())?;
        files.extend(found.flatten().map(|entry| entry.path()).filter(|path| path.is_file()));
    }
    Ok(files)
}
