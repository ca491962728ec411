use std::fs;
use std::path::Path;

use keyward_core::{Error, Network, Result};
use ureq::tls::{Certificate, PemItem, RootCerts, parse_pem};

/// Reads the certificates that TLS trusts.
///
/// # Errors
/// `Invalid` if a file of certificates contains none; those of reading the files. A file in a
/// folder that is not a certificate is skipped, as OpenSSL does.
pub(crate) fn read(network: &Network) -> Result<RootCerts> {
    let mut roots = Vec::new();
    for file in &network.root_files {
        let content = fs::read(file).map_err(|error| unreadable(file, error))?;
        let before = roots.len();
        roots.extend(certificates(&content));
        if roots.len() == before {
            return Err(Error::invalid("network", format!("{file} contains no certificate")));
        }
    }
    for folder in &network.root_folders {
        for entry in fs::read_dir(folder).map_err(|error| unreadable(folder, error))? {
            let path = entry.map_err(|error| unreadable(folder, error))?.path();
            roots.extend(from_folder(&path));
        }
    }
    Ok(RootCerts::new_with_certs(&roots))
}

/// Returns the certificates of a file in a folder, where other files may be too.
fn from_folder(path: &Path) -> Vec<Certificate<'static>> {
    if !path.is_file() {
        return Vec::new();
    }
    fs::read(path).map(|content| certificates(&content)).unwrap_or_default()
}

/// Returns the certificates in a text in PEM form.
pub(crate) fn certificates(pem: &[u8]) -> Vec<Certificate<'static>> {
    let items = parse_pem(pem).filter_map(|item| match item {
        Ok(PemItem::Certificate(certificate)) => Some(certificate),
        _ => None,
    });
    items.collect()
}

fn unreadable(path: &str, error: std::io::Error) -> Error {
    Error::invalid("network", format!("the certificates in {path} cannot be read")).caused_by(error)
}
