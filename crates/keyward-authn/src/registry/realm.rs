//! The server that gives the tokens of a registry.

use std::net::IpAddr;

use keyward_origin::Target;
use keyward_plugin::Origin;

/// Says why a registry may not send clients to this server for a token, if it may not.
pub(super) fn refusal(
    realm: &Origin,
    registry: &Origin,
    listed: &[Origin],
) -> Option<&'static str> {
    let address = address(&realm.host);
    if realm.scheme != "https" && !(is_local(&realm.host) && is_local(&registry.host)) {
        return Some("it is not https");
    }
    if realm.host == registry.host {
        return None;
    }
    if address.is_some_and(is_link_local) {
        return Some("it is a link-local address");
    }
    let is_inside = |host: &str| {
        is_local(host) || self::address(host).is_some_and(|it| is_link_local(it) || is_private(it))
    };
    if is_inside(&realm.host) && !is_inside(&registry.host) {
        return Some("it is an address of this machine or of its network");
    }
    let is_related = |host: &str, other: &str| {
        host.strip_suffix(other).is_some_and(|rest| rest.ends_with('.')) && other.contains('.')
    };
    let is_same_site = address.is_none()
        && (is_related(&realm.host, &registry.host) || is_related(&registry.host, &realm.host));
    (!is_same_site && !listed.contains(realm))
        .then_some("it is on another site, and not in the option `realms`")
}

/// Returns the URL of a token: that of the realm, with the service and the scopes as they are.
pub(super) fn url(realm: &Target, service: Option<&str>, scope: Option<&str>) -> String {
    let mut url = realm.to_string();
    for (name, value) in [("service", service), ("scope", scope)] {
        if let Some(value) = value {
            url.push(if url.contains('?') { '&' } else { '?' });
            url += name;
            url.push('=');
            url.extend(form_urlencoded::byte_serialize(value.as_bytes()));
        }
    }
    url
}

fn address(host: &str) -> Option<IpAddr> {
    let address: IpAddr = host.trim_start_matches('[').trim_end_matches(']').parse().ok()?;
    Some(address.to_canonical())
}

fn is_local(host: &str) -> bool {
    let is_name = host == "localhost" || host.ends_with(".localhost");
    is_name || address(host).is_some_and(|it| it.is_loopback() || it.is_unspecified())
}

fn is_link_local(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => address.is_link_local(),
        IpAddr::V6(address) => address.is_unicast_link_local(),
    }
}

fn is_private(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => address.is_private(),
        IpAddr::V6(address) => address.is_unique_local(),
    }
}
