//! Lists of addresses: of `from=` in a file of keys, and of `source-address` in a certificate.

use std::net::IpAddr;

/// The longest list, in bytes.
const MAX: usize = 8 << 10;

/// A network: `192.0.2.0/24`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Network {
    address: IpAddr,
    length: u32,
}

impl Network {
    /// Reads an address or a network. `None` if it is not one, or has bits outside of its mask.
    fn parse(text: &str) -> Option<Self> {
        let (address, length) = match text.split_once('/') {
            Some((address, length)) => (address, Some(length)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().ok()?;
        let most = if address.is_ipv4() { 32 } else { 128 };
        let is_number = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        let length = match length {
            Some(length) => length.parse().ok().filter(|_| is_number(length))?,
            None => most,
        };
        let network = Self { address, length };
        (length <= most && bits(address) & !network.mask() == 0).then_some(network)
    }

    fn mask(self) -> u128 {
        let unused = if self.address.is_ipv4() { 32 } else { 128 } - self.length;
        u128::MAX.checked_shl(unused).unwrap_or_default()
    }

    fn contains(self, address: IpAddr) -> bool {
        self.address.is_ipv4() == address.is_ipv4()
            && bits(address) & self.mask() == bits(self.address)
    }
}

fn bits(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(address) => u32::from(address).into(),
        IpAddr::V6(address) => address.into(),
    }
}

/// Reads the address of a client. One of IPv4 may be written as one of IPv6.
fn client(address: &str) -> Option<IpAddr> {
    Some(address.parse::<IpAddr>().ok()?.to_canonical())
}

/// Networks, as in `source-address`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Networks(Vec<Network>);

impl Networks {
    pub(crate) fn parse(text: &str) -> Option<Self> {
        if text.len() > MAX {
            return None;
        }
        text.split(',').map(Network::parse).collect::<Option<_>>().map(Self)
    }

    pub(crate) fn contain(&self, address: Option<&str>) -> bool {
        let Some(address) = address.and_then(client) else { return false };
        self.0.iter().any(|network| network.contains(address))
    }
}

/// Patterns, as in `from=`: networks and addresses with `*` and `?`, and with `!` those that are
/// excluded. Names of hosts never match, because no name server is asked: its answer should not decide
/// about a login.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Patterns(Vec<(bool, Pattern)>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Pattern {
    Network(Network),
    Text(String),
}

impl Patterns {
    /// Reads a list. `None` if it is empty, too long, or has a network that is not one.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        if text.len() > MAX {
            return None;
        }
        let parse = |text: &str| {
            let (is_positive, text) = text.strip_prefix('!').map_or((true, text), |it| (false, it));
            let pattern = match Network::parse(text) {
                Some(network) => Pattern::Network(network),
                None if text.is_empty() || text.contains('/') => return None,
                None => Pattern::Text(text.to_ascii_lowercase()),
            };
            Some((is_positive, pattern))
        };
        text.split(',').map(parse).collect::<Option<_>>().map(Self)
    }

    /// Whether a client at this address is meant. A client without an address never is.
    pub(crate) fn match_client(&self, address: Option<&str>) -> bool {
        let Some(address) = address.and_then(client) else { return false };
        let text = address.to_string();
        let is = |pattern: &Pattern| match pattern {
            Pattern::Network(network) => network.contains(address),
            Pattern::Text(pattern) => is_like(text.as_bytes(), pattern.as_bytes()),
        };
        let mut found = false;
        for (is_positive, pattern) in &self.0 {
            if is(pattern) {
                if !is_positive {
                    return false;
                }
                found = true;
            }
        }
        found
    }
}

/// Whether a text matches a pattern with `*` and `?`.
fn is_like(text: &[u8], pattern: &[u8]) -> bool {
    let (mut at, mut next) = (0, 0);
    // Where to go on if what follows the last `*` does not match.
    let mut star: Option<(usize, usize)> = None;
    while at < text.len() {
        match pattern.get(next) {
            Some(b'*') => {
                next += 1;
                star = Some((at, next));
            }
            Some(byte) if *byte == b'?' || *byte == text[at] => (at, next) = (at + 1, next + 1),
            _ => {
                let Some((from, after)) = star else { return false };
                star = Some((from + 1, after));
                (at, next) = (from + 1, after);
            }
        }
    }
    pattern[next..].iter().all(|byte| *byte == b'*')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_addresses() {
        for (list, address, expected) in [
            ("192.0.2.0/24", "192.0.2.9", true),
            ("192.0.2.0/24", "192.0.3.9", false),
            ("192.0.2.0/24", "::ffff:192.0.2.9", true),
            ("2001:db8::/32", "2001:db8::1", true),
            ("2001:db8::/32", "192.0.2.1", false),
            ("0.0.0.0/0", "203.0.113.1", true),
            ("::/0", "203.0.113.1", false),
            ("192.0.2.*", "192.0.2.9", true),
            ("192.0.?.9", "192.0.2.9", true),
            ("!192.0.2.9,192.0.2.*", "192.0.2.9", false),
            ("192.0.2.*,!192.0.2.9", "192.0.2.9", false),
            ("!192.0.2.9", "192.0.2.8", false),
            ("*.example.org", "192.0.2.9", false),
            ("*", "192.0.2.9", true),
            ("*", "not-an-address", false),
        ] {
            let patterns = Patterns::parse(list).unwrap();
            assert_eq!(patterns.match_client(Some(address)), expected, "{list} {address}");
            assert!(!patterns.match_client(None), "{list}");
        }
        for wrong in ["", "192.0.2.1/24", "192.0.2.0/33", "192.0.2.0/+4", "x/8", "a,,b"] {
            assert_eq!(Patterns::parse(wrong), None, "{wrong}");
            assert_eq!(Networks::parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_long_pattern_takes_no_time() {
        let pattern = "*1".repeat(4000);
        let patterns = Patterns::parse(&pattern).unwrap();
        assert!(!patterns.match_client(Some("1111:1111:1111:1111:1111:1111:1111:1112")));
    }
}
