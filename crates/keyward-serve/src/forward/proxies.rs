//! The web servers whose headers are believed.

use std::net::IpAddr;

use keyward_core::{Error, Result};

use crate::listen::Peer;

/// A web server, or several, by how they connect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Proxy {
    /// Those with an address whose first bits are these.
    Network(IpAddr, u32),
    /// Those that can connect to the Unix socket.
    Unix,
    /// Those on the Unix socket that run as this user.
    User(u32),
}

impl Proxy {
    /// Reads `192.0.2.1`, `192.0.2.0/24`, `unix` or `uid:33`.
    ///
    /// # Errors
    /// [`Invalid`](keyward_core::ErrorKind::Invalid) for anything else, and for all addresses: then
    /// every client could say who it is.
    pub(super) fn parse(text: &str) -> Result<Self> {
        let wrong =
            || Error::invalid("forward", "a proxy is written IP, IP/BITS, unix or uid:NUMBER");
        if text == "unix" {
            return Ok(Self::Unix);
        }
        if let Some(uid) = text.strip_prefix("uid:") {
            return uid.parse().map(Self::User).map_err(|_| wrong());
        }
        let (address, bits) =
            text.split_once('/').map_or((text, None), |(ip, bits)| (ip, Some(bits)));
        let address: IpAddr = address.parse().map_err(|_| wrong())?;
        let most = if address.is_ipv4() { 32 } else { 128 };
        let bits = bits.map_or(Ok(most), str::parse).map_err(|_| wrong())?;
        match bits {
            0 => Err(Error::invalid("forward", "all addresses are no proxies")),
            bits if bits > most => Err(wrong()),
            bits => Ok(Self::Network(address, bits)),
        }
    }

    /// Whether this peer is meant.
    pub(super) fn is(self, peer: Peer) -> bool {
        match (self, peer) {
            (Self::Unix, Peer::Local { .. }) => true,
            (Self::User(wanted), Peer::Local { uid }) => wanted == uid,
            (Self::Network(network, bits), Peer::Network(address)) => {
                let shares =
                    |one: u128, other: u128, width: u32| (one ^ other) >> (width - bits) == 0;
                match (network, address.ip().to_canonical()) {
                    (IpAddr::V4(one), IpAddr::V4(other)) => {
                        shares(u32::from(one).into(), u32::from(other).into(), 32)
                    }
                    (IpAddr::V6(one), IpAddr::V6(other)) => shares(one.into(), other.into(), 128),
                    _ => false,
                }
            }
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_named_peers_are_proxies() {
        let network = |text: &str| Peer::Network(text.parse().unwrap());
        let local = Peer::Local { uid: 33 };
        for (text, peer, is) in [
            ("127.0.0.1", network("127.0.0.1:1"), true),
            ("127.0.0.1", network("127.0.0.2:1"), false),
            ("127.0.0.1", network("[::ffff:127.0.0.1]:1"), true),
            ("10.0.0.0/8", network("10.9.8.7:1"), true),
            ("10.0.0.0/8", network("11.0.0.1:1"), false),
            ("::1", network("[::1]:1"), true),
            ("2001:db8::/32", network("[2001:db8:1::2]:1"), true),
            ("2001:db8::/32", network("[2001:db9::2]:1"), false),
            ("unix", local, true),
            ("uid:33", local, true),
            ("uid:34", local, false),
            ("127.0.0.1", local, false),
            ("unix", network("127.0.0.1:1"), false),
        ] {
            assert_eq!(Proxy::parse(text).unwrap().is(peer), is, "{text} {peer:?}");
        }
        for text in [
            "",
            "0.0.0.0/0",
            "::/0",
            "10.0.0.0/33",
            "10.0.0.0/",
            "10.0/8",
            "uid:",
            "uid:-1",
            "localhost",
            "*",
        ] {
            assert!(Proxy::parse(text).is_err(), "{text}");
        }
    }
}
