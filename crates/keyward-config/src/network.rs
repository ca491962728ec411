//! Finds out which certificates TLS trusts, and which proxies to use.

use std::path::{Path, PathBuf};

use keyward_core::{Error, Network, Result, Secret, Value, without_user_info};

use crate::config::Config;
use crate::environment::Environment;
use crate::setting_key::SettingKey;

/// Where systems have the certificates that they trust, in one file.
const FILES: [&str; 6] = [
    // Debian, Arch, Gentoo
    "etc/ssl/certs/ca-certificates.crt",
    // Fedora, RHEL
    "etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
    "etc/pki/tls/certs/ca-bundle.crt",
    // openSUSE
    "etc/ssl/ca-bundle.pem",
    // OpenELEC
    "etc/pki/tls/cacert.pem",
    // Alpine, BSD, macOS
    "etc/ssl/cert.pem",
];

/// Where systems without such a file have a folder.
const FOLDERS: [&str; 2] = ["etc/ssl/certs", "etc/pki/tls/certs"];

impl Config {
    /// Returns which certificates TLS trusts, and which proxies to use.
    ///
    /// Certificates are those of the setting `network.ca_file`, else of the variables
    /// `SSL_CERT_FILE` and `SSL_CERT_DIR`, else the system's. Proxies are those of the settings
    /// `network.proxy` and `network.no_proxy`, else of the variables that curl reads.
    ///
    /// # Errors
    /// [`Invalid`](keyward_core::ErrorKind::Invalid) for a relative path or a password in a
    /// setting, and for a variable that is not UTF-8.
    pub fn network(&self) -> Result<Network> {
        let mut network = Network::default();
        self.find_roots(&mut network)?;
        self.find_proxies(&mut network)?;
        Ok(network)
    }

    fn find_roots(&self, network: &mut Network) -> Result<()> {
        if let Some((path, place)) = self.text_and_place("network.ca_file") {
            let path = self.places().expand_home(path);
            if !path.is_absolute() {
                return Err(Error::invalid(
                    "config",
                    format!("{place}: the path must be absolute"),
                ));
            }
            network.root_files = texts([path]);
            return Ok(());
        }
        let environment = self.environment();
        let file = environment.text("SSL_CERT_FILE")?;
        let folders = environment.text("SSL_CERT_DIR")?;
        if file.is_none() && folders.is_none() {
            find_system_roots(Path::new("/"), network);
            return Ok(());
        }
        // A child process has another working directory.
        let absolute = |path: &str| std::path::absolute(path).map_err(|e| Error::io("network", e));
        network.root_files = texts(file.as_deref().map(absolute).transpose()?);
        let folders = folders.iter().flat_map(|folders| folders.split(':'));
        let folders = folders.filter(|path| !path.is_empty()).map(absolute);
        network.root_folders = texts(folders.collect::<Result<Vec<_>>>()?);
        Ok(())
    }

    fn find_proxies(&self, network: &mut Network) -> Result<()> {
        let environment = self.environment();
        match self.text_and_place("network.proxy") {
            Some((url, place)) => {
                let url = Secret::from(url);
                if without_user_info(&url).is_some() {
                    let why = format!("{place}: the URL of a proxy cannot contain a password here");
                    return Err(Error::invalid("config", why)
                        .hint("Put such a URL into the environment variable https_proxy"));
                }
                network.all_proxy = Some(url);
            }
            None => {
                network.https_proxy = either(environment, "https_proxy", "HTTPS_PROXY")?;
                // A web server passes the header `Proxy:` to CGI programs as HTTP_PROXY.
                network.http_proxy = environment.text("http_proxy")?.map(Secret::from);
                network.all_proxy = either(environment, "all_proxy", "ALL_PROXY")?;
            }
        }
        network.no_proxy = match self.text_and_place("network.no_proxy") {
            Some((list, _)) => list.to_owned(),
            None => match environment.text("no_proxy")? {
                Some(list) => list,
                None => environment.text("NO_PROXY")?.unwrap_or_default(),
            },
        };
        Ok(())
    }

    fn text_and_place(&self, key: &str) -> Option<(&str, &str)> {
        let setting = self.settings().get(&SettingKey::new(key.split('.')))?;
        match &setting.value {
            Value::Text(text) => Some((text, &setting.place)),
            _ => None,
        }
    }
}

fn either(environment: &Environment, name: &str, other: &str) -> Result<Option<Secret>> {
    let text = match environment.text(name)? {
        Some(text) => Some(text),
        None => environment.text(other)?,
    };
    Ok(text.map(Secret::from))
}

/// Finds the system's certificates below this folder.
fn find_system_roots(root: &Path, network: &mut Network) {
    let file = FILES.iter().map(|file| root.join(file)).find(|file| file.is_file());
    if file.is_none() {
        let folder = FOLDERS.iter().map(|folder| root.join(folder)).find(|folder| folder.is_dir());
        network.root_folders = texts(folder);
    }
    network.root_files = texts(file);
}

/// Returns paths as text. They come from texts, so they are UTF-8.
fn texts(paths: impl IntoIterator<Item = PathBuf>) -> Vec<String> {
    paths.into_iter().map(|path| path.to_string_lossy().into_owned()).collect()
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "a test writes files that need not survive")]
mod tests {
    use std::fs;

    use keyward_core::ErrorKind;

    use super::*;

    /// Returns the network of this configuration file and these variables.
    fn network(settings: &str, variables: &[(&str, &str)]) -> Result<Network> {
        let home = tempfile::tempdir().unwrap();
        let folder = home.path().join(".config/keyward");
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join("config.toml"), format!("version = 1\n{settings}")).unwrap();
        let variables = variables.iter().copied();
        let environment =
            Environment::new(variables.chain([("HOME", home.path().to_str().unwrap())]));
        let mut network = Config::load(environment)?.network()?;
        let home = home.path().to_str().unwrap();
        for path in &mut network.root_files {
            *path = path.replace(home, "~");
        }
        Ok(network)
    }

    fn shown(secret: &Option<Secret>) -> &str {
        secret.as_ref().and_then(Secret::expose_str).unwrap_or("-")
    }

    #[test]
    fn certificates_are_those_of_the_setting_the_variables_or_the_system() {
        let variables = [("SSL_CERT_FILE", "/env.pem"), ("SSL_CERT_DIR", "/one:/two:")];
        let setting = "network.ca_file = '~/ca.pem'\n";
        let found = network(setting, &variables).unwrap();
        assert_eq!((found.root_files, found.root_folders.len()), (vec!["~/ca.pem".into()], 0));
        let found = network("", &variables).unwrap();
        assert_eq!(found.root_files, ["/env.pem"]);
        assert_eq!(found.root_folders, ["/one", "/two"]);
        let found = network("", &variables[1..]).unwrap();
        assert!(found.root_files.is_empty() && found.root_folders.len() == 2);
        let found = network("", &[("SSL_CERT_FILE", "a.pem")]).unwrap();
        assert!(found.root_files[0].starts_with('/') && found.root_files[0].ends_with("/a.pem"));
        let error = network("network.ca_file = 'ca.pem'\n", &[]).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Invalid);
        assert!(error.message().ends_with("config.toml:2: the path must be absolute"), "{error}");
    }

    #[test]
    fn the_systems_certificates_are_a_file_or_else_a_folder() {
        let root = tempfile::tempdir().unwrap();
        let mut found = Network::default();
        find_system_roots(root.path(), &mut found);
        assert_eq!(found, Network::default());
        let folder = root.path().join("etc/ssl/certs");
        fs::create_dir_all(&folder).unwrap();
        find_system_roots(root.path(), &mut found);
        assert_eq!(found.root_folders, texts([folder.clone()]));
        let file = folder.join("ca-certificates.crt");
        fs::write(&file, "").unwrap();
        let mut found = Network::default();
        find_system_roots(root.path(), &mut found);
        assert_eq!((found.root_files, found.root_folders.len()), (texts([file]), 0));
    }

    #[test]
    fn proxies_are_those_of_the_variables_that_curl_reads() {
        let found = network(
            "",
            &[
                ("https_proxy", "http://a"),
                ("HTTPS_PROXY", "http://not"),
                ("HTTP_PROXY", "http://not"),
                ("ALL_PROXY", "http://b"),
                ("NO_PROXY", "x"),
            ],
        )
        .unwrap();
        let proxies = [&found.https_proxy, &found.http_proxy, &found.all_proxy].map(shown);
        assert_eq!((proxies, &*found.no_proxy), (["http://a", "-", "http://b"], "x"));
        let lower = [("http_proxy", "http://c"), ("no_proxy", "y"), ("NO_PROXY", "x")];
        let found = network("", &lower).unwrap();
        assert_eq!((shown(&found.http_proxy), &*found.no_proxy), ("http://c", "y"));
        assert_eq!(network("", &[("https_proxy", "")]).unwrap().https_proxy, None);
    }

    #[test]
    fn settings_come_before_the_variables() {
        let variables = [("https_proxy", "http://not"), ("no_proxy", "not")];
        let settings = "[network]\nproxy = 'http://p:1'\nno_proxy = 'z'\n";
        let found = network(settings, &variables).unwrap();
        let proxies = [&found.https_proxy, &found.http_proxy, &found.all_proxy].map(shown);
        assert_eq!((proxies, &*found.no_proxy), (["-", "-", "http://p:1"], "z"));
        let variables = [("KEYWARD_NETWORK_PROXY", "http://q")];
        assert_eq!(shown(&network(settings, &variables).unwrap().all_proxy), "http://q");
    }

    #[test]
    fn a_password_is_not_a_setting_and_not_quoted() {
        let error = network("network.proxy = 'http://ann:canary@p'\n", &[]).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Invalid);
        assert!(!format!("{error:?} {error}").contains("canary"));
    }
}
