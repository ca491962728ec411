use keyward_core::{Origin, Result};

use crate::host;
use crate::syntax::{Parts, refusal};

/// The length of the longest scheme, in bytes.
const MAX_SCHEME: usize = 32;

/// Reads an origin: `scheme://host[:port]`, with at most a `/` after it.
///
/// # Errors
/// [`Invalid`](keyward_core::ErrorKind::Invalid) if it is anything else, has user-info, or if
/// another program could read it differently.
///
/// # Examples
/// ```
/// let origin = keyward_origin::parse("HTTPS://Bücher.example/")?;
/// assert_eq!(origin.host, "xn--bcher-kva.example");
/// assert_eq!(origin.to_string(), "https://xn--bcher-kva.example");
/// assert!(keyward_origin::parse(r"https://good.example\@evil.example").is_err());
/// # Ok::<(), keyward_core::Error>(())
/// ```
pub fn parse(text: &str) -> Result<Origin> {
    let url = Parts::split(text)?;
    if url.user_info.is_some() {
        return Err(refusal("an origin has no user-info"));
    }
    if !matches!(url.rest, "" | "/") {
        return Err(refusal("an origin has neither path nor query"));
    }
    from_parts(url.scheme, url.host)
}

/// Makes the origin of a scheme and a `host[:port]`: the attributes `protocol` and `host` of git's
/// credential protocol.
///
/// Capital letters are folded, a host in another script is converted to its ASCII form, and the
/// scheme's default port is added if there is no port. An IPv6 address must be in brackets.
///
/// # Errors
/// [`Invalid`](keyward_core::ErrorKind::Invalid) if a part is not valid, or if there is no port and
/// the scheme has no default port ([`Origin::default_port`]).
///
/// # Examples
/// ```
/// let origin = keyward_origin::from_parts("https", "[0:0::1]:8443")?;
/// assert_eq!(origin.to_string(), "https://[::1]:8443");
/// assert!(keyward_origin::from_parts("https", "0177.0.0.1").is_err());
/// # Ok::<(), keyward_core::Error>(())
/// ```
pub fn from_parts(scheme: &str, host_and_port: &str) -> Result<Origin> {
    let scheme = canonical_scheme(scheme)?;
    let (host, port) = split(host_and_port);
    let port = match port {
        Some(digits) => parse_port(digits)?,
        None => Origin::default_port(&scheme).ok_or_else(|| {
            refusal("the scheme has no default port, so the URL must contain the port")
        })?,
    };
    // Small letters would be another bucket.
    if scheme == "s3" && host.contains(|c: char| c.is_ascii_uppercase()) {
        return Err(refusal("a bucket with capital letters is not a host"));
    }
    Ok(Origin { scheme, host: host::canonical(host)?, port })
}

/// Checks a scheme as in RFC 3986 section 3.1. `file` is refused: it has a place for a host but
/// connects to none.
fn canonical_scheme(scheme: &str) -> Result<String> {
    let is_scheme = scheme.len() <= MAX_SCHEME
        && scheme.starts_with(|c: char| c.is_ascii_alphabetic())
        && scheme.chars().all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c))
        && !scheme.eq_ignore_ascii_case("file");
    if is_scheme {
        Ok(scheme.to_ascii_lowercase())
    } else {
        Err(refusal("it does not begin with a scheme that has hosts"))
    }
}

/// Splits the host and the text after its colon. Colons inside brackets are part of the host.
fn split(host_and_port: &str) -> (&str, Option<&str>) {
    let host_end = host_and_port.rfind(']').map_or(0, |bracket| bracket + 1);
    match host_and_port[host_end..].find(':') {
        Some(colon) => {
            let (host, port) = host_and_port.split_at(host_end + colon);
            (host, Some(&port[1..]))
        }
        None => (host_and_port, None),
    }
}

/// Reads a number from 1 to 65535, in digits only.
fn parse_port(digits: &str) -> Result<u16> {
    // `u16::from_str` would accept a sign and leading zeros.
    let is_plain = digits.bytes().all(|byte| byte.is_ascii_digit()) && !digits.starts_with('0');
    let port = if is_plain { digits.parse().ok() } else { None };
    port.ok_or_else(|| refusal("the port is not a number from 1 to 65535"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expect: &str) {
        let parsed = parse(text).map(|origin| origin.to_string());
        assert_eq!(parsed.unwrap_or_default(), expect, "{text:?}");
    }

    #[test]
    fn an_origin_is_canonical() {
        check("https://example.com", "https://example.com");
        check("https://example.com/", "https://example.com");
        check("HTTPS://EXAMPLE.com:443/", "https://example.com");
        check("http://example.com:443", "http://example.com:443");
        check("ssh://git.example.com", "ssh://git.example.com");
        check("S3://bucket-1.x/", "s3://bucket-1.x");
        check("s3://Bucket", "");
        check("x-tool+a.b://h:1", "x-tool+a.b://h:1");
        check("https://[2001:DB8::0:1]:8443", "https://[2001:db8::1]:8443");
        check("https://127.0.0.1:65535", "https://127.0.0.1:65535");
    }

    #[test]
    fn other_text_than_an_origin_is_refused() {
        let cut_short =
            " https https: https:/ https:/x https:// https:/// https:///x https://x@ //x /x x";
        let other_schemes =
            "data:,https://x ://x:1 1a://x:1 -://x:1 file://x FILE://x:1 unknown://x";
        let with_more = "https://x/y https://x? https://x# https://x/? https://x// \
            https://a@x https://@x https://a:b@x https://a@b@x example.com:443";
        for texts in [cut_short, other_schemes, with_more] {
            texts.split(' ').for_each(|text| check(text, ""));
        }
    }

    #[test]
    fn a_port_is_a_plain_number() {
        for port in " 0 00 080 +80 -1 65536 99999999999 8x 80:80 ８０".split(' ') {
            check(&format!("https://x:{port}"), "");
            check(&format!("https://[::1]:{port}"), "");
        }
    }

    #[test]
    fn text_beside_the_brackets_is_refused() {
        let hosts = "[::1]x [::1]80 x[::1] [::1 ::1] ::1 [[::1]] [] [::1][::2] [::1]:[::2]";
        hosts.split(' ').for_each(|host| check(&format!("https://{host}"), ""));
    }

    #[test]
    fn characters_that_parsers_drop_or_fold_are_refused() {
        for c in " \t\n\r\0\\\u{7f}\u{85}\u{a0}\u{2028}\u{3000}".chars() {
            for places in [
                "_https://x",
                "ht_tps://x",
                "https:_//x",
                "https://_x",
                "https://x_",
                "https://x_:1",
                "https://x/_",
            ] {
                check(&places.replace('_', &c.to_string()), "");
            }
        }
    }

    #[test]
    fn an_error_does_not_quote_the_url() {
        let texts = "https://a:canary@x:y https://a:canary/b@x canary://x https://canary@@ canary";
        for text in texts.split(' ') {
            assert!(!format!("{:?}", parse(text).unwrap_err()).contains("canary"), "{text}");
        }
    }
}
