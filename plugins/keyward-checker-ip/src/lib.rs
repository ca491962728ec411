//! Checker `ip`: a condition about the address of the client.
//!
//! It has two lists of networks, as Flumotion's bouncer of this name. If clients are kept out by
//! default, `deny` wins over `allow`: a client must be allowed and not denied. If they are let in by
//! default, `allow` wins over `deny`: a client must be allowed or not denied.
//!
//! # Security
//! A client without an address, or with one that cannot be read, is never let in. An IPv4 address that
//! is written as one of IPv6 (`::ffff:192.0.2.1`, RFC 4291) is the IPv4 address, in a request and in an
//! option, so that no list can be passed by writing an address in the other way.

use std::net::IpAddr;
use std::sync::Arc;

use ipnet::{IpNet, Ipv4Net};
use keyward_plugin::{
    Attempt, Backend, Checker, Denial, Error, Host, Info, Presented, PresentedKind, Result, Round,
    options,
};

keyward_plugin::register!(checker: Ip);

options! {
    /// The networks.
    pub struct Options {
        /// The networks of clients that are let in, as `192.0.2.0/24` or `2001:db8::/32`.
        pub allow: Vec<String>,
        /// The networks of clients that are kept out.
        pub deny: Vec<String>,
        /// What happens to a client of neither list.
        #[choices("deny", "allow")]
        pub default: String = "deny",
    }
}

/// The checker `ip`.
#[derive(Debug)]
pub struct Ip {
    allow: Vec<IpNet>,
    deny: Vec<IpNet>,
    allows_by_default: bool,
}

impl Backend for Ip {
    const INFO: Info = Info::new("ip", "A condition about the address of the client");
    type Options = Options;

    fn open(options: Options, _: &Arc<dyn Host>) -> Result<Self> {
        let networks = |texts: &[String]| -> Result<Vec<_>> {
            texts.iter().map(|text| network(text)).collect()
        };
        Ok(Self {
            allow: networks(&options.allow)?,
            deny: networks(&options.deny)?,
            allows_by_default: options.default == "allow",
        })
    }
}

impl Checker for Ip {
    fn accepts(&self) -> &[PresentedKind] {
        &[PresentedKind::CIRCUMSTANCES]
    }

    fn check(&self, presented: &Presented, attempt: &Attempt) -> Result<Round> {
        if !presented.is(&PresentedKind::CIRCUMSTANCES) {
            return Err(presented.unsupported());
        }
        let address = attempt.address.as_deref().and_then(|text| text.parse::<IpAddr>().ok());
        match address.is_some_and(|address| self.lets_in(address.to_canonical())) {
            true => Ok(Round::Accepted { identity: None, last: None, until: None }),
            false => Ok(Round::wrong(Denial::Restricted)),
        }
    }
}

impl Ip {
    fn lets_in(&self, address: IpAddr) -> bool {
        let is_in = |networks: &[IpNet]| networks.iter().any(|network| network.contains(&address));
        let (is_allowed, is_denied) = (is_in(&self.allow), is_in(&self.deny));
        match self.allows_by_default {
            true => is_allowed || !is_denied,
            false => is_allowed && !is_denied,
        }
    }
}

/// The bits of an IPv6 address before the IPv4 address that it contains.
const MAPPED: u8 = 96;

/// Reads a network.
fn network(text: &str) -> Result<IpNet> {
    let invalid = |why: &str| Error::invalid("options", format!("`{text}` {why}"));
    let network: IpNet = text.parse().map_err(|_| {
        invalid("is not a network: write an address and the length of its mask, as 192.0.2.0/24")
    })?;
    if network.addr() != network.network() {
        let network = network.trunc();
        return Err(invalid(&format!(
            "is an address in the network {network}; write that, or /32 or /128"
        )));
    }
    let IpNet::V6(wide) = network else { return Ok(network) };
    match (wide.addr().to_ipv4_mapped(), wide.prefix_len().checked_sub(MAPPED)) {
        (Some(address), Some(length)) => {
            let network = Ipv4Net::new(address, length);
            Ok(network.map_err(|_| invalid("is not a network"))?.into())
        }
        _ => Ok(network),
    }
}

#[cfg(test)]
mod tests;
