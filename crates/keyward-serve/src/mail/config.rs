//! The section `mail` of the configuration.

use std::net::SocketAddr;

use keyward_core::{Error, Result};

use crate::config::address::Address;
use crate::config::section::Section;
use crate::listen::Service;

/// The services for mail servers.
#[derive(Clone, Debug, Default)]
pub struct MailConfig {
    /// Dovecot's protocol.
    pub dovecot: Option<DovecotConfig>,
    /// The socket of `saslauthd`.
    pub saslauthd: Option<SaslauthdConfig>,
    /// nginx's `auth_http`.
    pub auth_http: Option<AuthHttpConfig>,
}

/// Dovecot's protocol.
#[derive(Clone, Debug)]
pub struct DovecotConfig {
    listen: Vec<Address>,
    master: Vec<Address>,
    /// The bouncer.
    pub bouncer: String,
}

/// The socket of `saslauthd`.
#[derive(Clone, Debug)]
pub struct SaslauthdConfig {
    listen: Vec<Address>,
    /// The bouncer.
    pub bouncer: String,
    /// Whether users are called `NAME@REALM`.
    pub with_realm: bool,
}

/// nginx's `auth_http`.
#[derive(Clone, Debug)]
pub struct AuthHttpConfig {
    listen: Vec<Address>,
    /// The bouncer.
    pub bouncer: String,
    imap: Option<SocketAddr>,
    pop3: Option<SocketAddr>,
    smtp: Option<SocketAddr>,
}

impl MailConfig {
    /// Reads the section. `bouncer` returns the bouncer that a section names.
    ///
    /// # Errors
    /// [`Invalid`](keyward_core::ErrorKind::Invalid), with the line.
    pub fn read(
        top: &Section<'_>,
        bouncer: impl Fn(&Section<'_>) -> Result<String>,
    ) -> Result<Self> {
        let services = ["dovecot", "saslauthd", "auth_http"];
        let Some(mail) = top.section("mail", "the services for mail servers", &services)? else {
            return Ok(Self::default());
        };
        let section = |key, keys: &[&str]| mail.section(key, &format!("[mail.{key}]"), keys);
        let dovecot = section("dovecot", &["listen", "master", "bouncer"])?;
        let saslauthd = section("saslauthd", &["listen", "bouncer", "with_realm"])?;
        let auth_http = section("auth_http", &["listen", "bouncer", "imap", "pop3", "smtp"])?;
        let dovecot = dovecot.map(|it| {
            let (listen, master) = (sockets(&it, "listen")?, local(&it, "master")?);
            Ok::<_, Error>(DovecotConfig { listen, master, bouncer: bouncer(&it)? })
        });
        let saslauthd = saslauthd.map(|it| {
            let (listen, with_realm) = (sockets(&it, "listen")?, it.flag("with_realm")?);
            Ok::<_, Error>(SaslauthdConfig { listen, bouncer: bouncer(&it)?, with_realm })
        });
        let auth_http = auth_http.map(|it| {
            Ok::<_, Error>(AuthHttpConfig {
                listen: sockets(&it, "listen")?,
                bouncer: bouncer(&it)?,
                imap: it.parsed("imap", back_end)?,
                pop3: it.parsed("pop3", back_end)?,
                smtp: it.parsed("smtp", back_end)?,
            })
        });
        Ok(Self {
            dovecot: dovecot.transpose()?,
            saslauthd: saslauthd.transpose()?,
            auth_http: auth_http.transpose()?,
        })
    }

    /// Returns each place to listen, with the service there.
    pub fn listeners(&self) -> impl Iterator<Item = (Service, Address)> {
        let dovecot = self.dovecot.iter().flat_map(|it| {
            let masters = it.master.iter().map(|address| (Service::DovecotMaster, address));
            it.listen.iter().map(|address| (Service::Dovecot, address)).chain(masters)
        });
        let saslauthd = self.saslauthd.iter().flat_map(|it| &it.listen);
        let auth_http = self.auth_http.iter().flat_map(|it| &it.listen);
        dovecot
            .chain(saslauthd.map(|address| (Service::Saslauthd, address)))
            .chain(auth_http.map(|address| (Service::AuthHttp, address)))
            .map(|(service, address)| (service, address.clone()))
    }
}

impl AuthHttpConfig {
    /// Where clients of a protocol go.
    pub(crate) fn back_end(&self, protocol: &str) -> Option<SocketAddr> {
        match protocol {
            "imap" => self.imap,
            "pop3" => self.pop3,
            "smtp" => self.smtp,
            _ => None,
        }
    }
}

/// Reads where to listen, which is one place at least.
fn sockets(section: &Section<'_>, key: &str) -> Result<Vec<Address>> {
    match local(section, key)? {
        addresses if addresses.is_empty() => Err(section.wrong(key, format!("`{key}` is missing"))),
        addresses => Ok(addresses),
    }
}

/// Reads where to listen: only where the file system says who can connect. A mail server is trusted
/// to say where its clients are.
fn local(section: &Section<'_>, key: &str) -> Result<Vec<Address>> {
    let addresses = section.all_parsed(key, Address::parse)?;
    match addresses.iter().all(|it| matches!(it, Address::Unix(_) | Address::Inherited(_))) {
        true => Ok(addresses),
        false => {
            Err(section.wrong(key, "mail servers are served on Unix sockets only: unix:/PATH"))
        }
    }
}

fn back_end(text: &str) -> Result<SocketAddr> {
    text.parse().map_err(|_| Error::invalid("mail", "a back end is written IP:PORT"))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use keyward_config::TomlFile;

    use crate::config::Config;
    use crate::listen::Service;

    fn parse(text: &str) -> keyward_core::Result<Config> {
        let bouncer = "version = 1\n[[bouncer]]\nname = \"b\"\nauth = [\"deny\"]\n";
        Config::parse(&TomlFile::from_text(Path::new("serve.toml"), format!("{bouncer}{text}")))
    }

    #[test]
    fn each_service_has_its_sockets() {
        let config = parse(
            "[mail.dovecot]\nbouncer = \"b\"\nlisten = [\"unix:/a\"]\nmaster = [\"unix:/b\"]\n\
             [mail.saslauthd]\nbouncer = \"b\"\nlisten = [\"unix:/c\"]\nwith_realm = true\n\
             [mail.auth_http]\nbouncer = \"b\"\nlisten = [\"unix:/d\"]\nimap = \"127.0.0.1:143\"\n",
        )
        .unwrap();
        let found = config.listeners();
        let found: Vec<_> = found.iter().map(|(service, at)| (*service, at.to_string())).collect();
        let expected = [
            (Service::Dovecot, "unix:/a"),
            (Service::DovecotMaster, "unix:/b"),
            (Service::Saslauthd, "unix:/c"),
            (Service::AuthHttp, "unix:/d"),
        ];
        assert_eq!(found, expected.map(|(service, at)| (service, at.to_owned())));
        let auth_http = config.mail.auth_http.unwrap();
        assert_eq!(auth_http.back_end("imap").unwrap().port(), 143);
        assert_eq!(auth_http.back_end("smtp"), None);
    }

    #[test]
    fn a_mail_server_is_served_on_unix_sockets_only() {
        for wrong in [
            "[mail.dovecot]\nbouncer = \"b\"\nlisten = [\"127.0.0.1:1\"]",
            "[mail.dovecot]\nbouncer = \"b\"\nlisten = [\"unix:/a\"]\nmaster = [\"127.0.0.1:1\"]",
            "[mail.dovecot]\nbouncer = \"b\"",
            "[mail.dovecot]\nlisten = [\"unix:/a\"]",
            "[mail.saslauthd]\nbouncer = \"other\"\nlisten = [\"unix:/a\"]",
            "[mail.auth_http]\nbouncer = \"b\"\nlisten = [\"unix:/a\"]\nimap = \"host\"",
            "[mail.other]",
        ] {
            let error = parse(wrong).unwrap_err();
            assert_eq!(error.kind(), keyward_core::ErrorKind::Invalid, "{wrong}");
            let message = error.message();
            let is_placed =
                message.starts_with("serve.toml:") && !message.starts_with("serve.toml:1:");
            assert!(is_placed, "{wrong}: {message}");
        }
    }
}
