//! Which certificates TLS trusts.

use std::fs;
use std::io;
use std::path::PathBuf;

use keyward_plugin::{Error, Host, Result};

/// Chooses the cipher suites of this library, unless another crate has chosen some already.
pub(crate) fn choose_provider() {
    drop(rustls::crypto::ring::default_provider().install_default());
}

/// Reads the certificates that the host trusts, in PEM form.
pub(crate) fn roots(operation: &'static str, host: &dyn Host) -> Result<Vec<u8>> {
    let network = host.network()?;
    let read = || -> io::Result<Vec<u8>> {
        let mut files: Vec<PathBuf> = network.root_files.iter().map(PathBuf::from).collect();
        for folder in &network.root_folders {
            for entry in fs::read_dir(folder)? {
                files.push(entry?.path());
            }
        }
        let mut roots = Vec::new();
        for file in files.iter().filter(|file| file.is_file()) {
            roots.extend(fs::read(file)?);
            roots.push(b'\n');
        }
        Ok(roots)
    };
    let roots = read().map_err(|error| Error::io(operation, error))?;
    if roots.is_empty() {
        return Err(Error::invalid(operation, "there are no certificates that TLS could trust")
            .hint(
                "Set `network.ca_file` to a file with the certificate of the server's authority",
            ));
    }
    Ok(roots)
}
