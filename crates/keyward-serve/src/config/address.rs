//! Where to listen.

use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;

use keyward_core::{Error, Result};

/// Where a service listens.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Address {
    /// `127.0.0.1:9080`: a port of this machine. `plain:192.0.2.1:9080` is one that other machines
    /// reach, which must be asked for, because others can read the connections.
    Tcp(SocketAddr),
    /// `unix:/run/keyward/serve.sock`: a Unix socket.
    Unix(PathBuf),
    /// `systemd:NAME`: a socket that systemd has opened, by its `FileDescriptorName`.
    Inherited(String),
}

impl Address {
    /// Reads an address.
    ///
    /// # Errors
    /// [`Invalid`](keyward_core::ErrorKind::Invalid) if it is not an address, or if it is one that
    /// other machines reach without TLS.
    pub fn parse(text: &str) -> Result<Self> {
        match text.split_once(':') {
            Some(("unix", path)) if path.starts_with('/') && !path.contains('\0') => {
                Ok(Self::Unix(path.into()))
            }
            Some(("systemd", name)) if !name.is_empty() => Ok(Self::Inherited(name.to_owned())),
            Some(("plain", address)) => socket(address).map(Self::Tcp),
            _ => match socket(text)? {
                address if address.ip().is_loopback() => Ok(Self::Tcp(address)),
                _ => {
                    Err(Error::invalid("listen", "other machines reach this address, without TLS")
                        .hint("Write `plain:ADDRESS` if all in this network are trusted"))
                }
            },
        }
    }
}

fn socket(text: &str) -> Result<SocketAddr> {
    text.parse().map_err(|_| {
        let why = "an address is written IP:PORT, unix:/PATH or systemd:NAME";
        Error::invalid("listen", why)
    })
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(address) => write!(f, "{address}"),
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
            Self::Inherited(name) => write!(f, "systemd:{name}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_machines_reach_only_what_says_so() {
        for text in ["127.0.0.1:80", "[::1]:80", "unix:/run/x", "systemd:http"] {
            assert_eq!(Address::parse(text).unwrap().to_string(), text);
        }
        assert!(Address::parse("plain:0.0.0.0:80").is_ok());
        for text in [
            "0.0.0.0:80",
            "[::]:80",
            "192.0.2.1:80",
            "80",
            "",
            "unix:run",
            "unix:",
            "systemd:",
            "tls:127.0.0.1:443",
            "localhost:80",
        ] {
            assert!(Address::parse(text).is_err(), "{text}");
        }
    }
}
