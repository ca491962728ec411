use keyward_core::{Error, Result};
use url::{Host, quirks};

use crate::syntax::refusal;

/// The greatest length of a domain name (RFC 1035 section 2.3.4), in bytes.
const MAX_HOST: usize = 253;

/// The greatest length of a label, the part of a name between two dots, in bytes.
const MAX_LABEL: usize = 63;

/// Returns the host as the `url` crate writes it, if every parser reads it as the same host.
///
/// A name is returned in its ASCII form and in lower case, an IPv6 address in brackets.
pub(crate) fn canonical(written: &str) -> Result<String> {
    if written.is_empty() {
        return Err(refusal("the host is empty"));
    }
    // A character has at most four bytes here and at least one in the name's ASCII form.
    if written.len() > 4 * MAX_HOST {
        return Err(too_long());
    }
    if written.starts_with('[') {
        return match Host::parse(written) {
            Ok(host) => Ok(host.to_string()),
            Err(_) => Err(refusal("the text in brackets is not an IPv6 address")),
        };
    }
    let is_sound = |c: char| c.is_ascii_alphanumeric() || "-._".contains(c) || !c.is_ascii();
    if !written.chars().all(is_sound) {
        return Err(refusal("the host contains a character that a host cannot have"));
    }
    let written = written.to_ascii_lowercase();
    let host = Host::parse(&written).map_err(|_| refusal("the host is not a name"))?.to_string();
    if !is_unmapped(&written, &host) {
        return Err(refusal("the host is not written in its canonical form")
            .hint("Write an IPv4 address as four decimal numbers and a name in lower case"));
    }
    check_labels(&host)?;
    Ok(host)
}

/// Whether the host is the text that was written, apart from the ASCII form of other scripts.
///
/// The WHATWG's parser reads `0x7f.1` as an address, drops a soft hyphen and folds full-width
/// letters; other parsers do not. IDNA 2003 maps four characters that IDNA 2008 keeps (UTS 46
/// section 4). For them, only the ASCII form is unambiguous.
fn is_unmapped(written: &str, host: &str) -> bool {
    const DEVIATIONS: [char; 4] = ['\u{df}', '\u{3c2}', '\u{200c}', '\u{200d}'];
    if written.is_ascii() {
        return written == host;
    }
    !written.contains(DEVIATIONS) && written == quirks::domain_to_unicode(host)
}

/// Checks the labels of a name. None may begin with a hyphen, because a program could read such a
/// host as an option.
fn check_labels(host: &str) -> Result<()> {
    if host.len() > MAX_HOST || host.split('.').any(|label| label.len() > MAX_LABEL) {
        return Err(too_long());
    }
    if host.ends_with('.') {
        return Err(refusal(
            "the host ends with a dot, which git and other programs do not ignore",
        )
        .hint("Write the host without the dot"));
    }
    if host.split('.').any(str::is_empty) {
        return Err(refusal("the host begins with a dot, or has two in a row"));
    }
    if host.split('.').any(|label| label.starts_with('-')) {
        return Err(refusal("a part of the host begins with a hyphen"));
    }
    Ok(())
}

fn too_long() -> Error {
    refusal("the host is longer than a name can be")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(written: &str, expect: &str) {
        assert_eq!(canonical(written).unwrap_or_default(), expect, "{written:?}");
    }

    #[test]
    fn a_host_is_canonical() {
        check("Example.COM", "example.com");
        check("my_host", "my_host");
        check("r3---sn-x.example", "r3---sn-x.example");
        check("192.0.2.1", "192.0.2.1");
        check("bücher.example", "xn--bcher-kva.example");
        check("XN--bcher-KVA.example", "xn--bcher-kva.example");
        check("例え.jp", "xn--r8jz45g.jp");
        check("[::FFFF:192.0.2.1]", "[::ffff:c000:201]");
    }

    #[test]
    fn an_address_has_one_spelling() {
        let others = "127.1 2130706433 0x7f.0.0.1 0177.0.0.1 017700000001 127.0.0.01 127.0.0.1. \
            256.0.0.1 1.2.3.4.5 a.1 a.0x1 [::1%lo] [::1%25lo] [v1.a] [1.2.3.4] [::1 [::01.2.3.4.5]";
        others.split(' ').for_each(|host| check(host, ""));
    }

    #[test]
    fn a_character_that_no_name_has_is_refused() {
        for c in " \t\n\r\0\u{7f}\\/?#@:%!$&'()*+,;=|^`{}<>[]~\"".chars() {
            check(&format!("a{c}b"), "");
            check(&format!("a{c}"), "");
            check(&format!("{c}b"), "");
        }
        "-a a.-b .a a. a..b . .. %61 a%2eb".split(' ').for_each(|host| check(host, ""));
    }

    #[test]
    fn a_host_that_parsers_read_differently_is_refused() {
        let mapped = "BÜCHER.example bu\u{308}cher.example ａ.example a。b ℀.example ①.example \
            \u{212a}.example a\u{ad}b.example \u{fe00}a \u{202e}a.example";
        let deviating = "faß.example βόλος.com a\u{200c}b.example क्\u{200d}ष.example";
        let misspelt =
            "xn--ood-tia.example xn--.example xn--a.example bücher.xn--bcher-kva.example";
        for hosts in [mapped, deviating, misspelt] {
            hosts.split(' ').for_each(|host| check(host, ""));
        }
    }

    #[test]
    fn a_name_that_is_too_long_is_refused() {
        let label = "a".repeat(63);
        check(&label, &label);
        check(&format!("{label}a"), "");
        let longest = [&*label, &label, &label, &label[..61]].join(".");
        check(&longest, &longest);
        check(&format!("{longest}a"), "");
        check(&"ü".repeat(60), "");
        check(&"a".repeat(1 << 20), "");
        check(&"ü".repeat(1 << 20), "");
    }
}
