//! Turns the regular expressions that people write for URLs into origins and paths.
//!
//! DataLad compares the beginning of a whole URL with the expression. So `.*` at the place of a host
//! also matches a slash, and with it any other host. Here an expression is read as what its author
//! meant by it: hosts, then a path. What it is turned into never includes a host that it does not name.
//! `docs/datalad.md` lists the forms; all others are refused.

use keyward_core::Result;
use keyward_provider::{OriginPattern, PathPattern};

use super::words::{unclear, words};

/// The longest expression, in bytes.
const MAX: usize = 4 << 10;

/// Servers, and a path on each of them.
#[derive(Debug)]
pub struct Place {
    /// The servers.
    pub origins: Vec<OriginPattern>,
    /// The path; without it, every path.
    pub path: Option<PathPattern>,
    /// Whether the expression also names `http`, which is left out: everyone between here and
    /// there could read the credential.
    pub is_without_http: bool,
}

/// Reads an expression: one place for each of its alternatives.
///
/// # Errors
/// [`Invalid`](keyward_core::ErrorKind::Invalid) with the reason, for an expression of another form.
///
/// # Examples
/// ```
/// use keyward_import::datalad::providers::read_url_re;
///
/// let places = read_url_re(r"https?://(.*\.|)example\.org/data/.*")?;
/// let origins: Vec<_> = places[0].origins.iter().map(ToString::to_string).collect();
/// assert_eq!(origins, ["https://*.example.org", "https://example.org"]);
/// assert_eq!(places[0].path.as_ref().unwrap().to_string(), "/data/.*");
/// assert!(read_url_re(r"https://.*example\.org/").is_err());
/// # Ok::<(), keyward_core::Error>(())
/// ```
pub fn read_url_re(expression: &str) -> Result<Vec<Place>> {
    if expression.len() > MAX {
        return Err(unclear("it is too long"));
    }
    alternatives(expression)?.into_iter().map(place).collect()
}

/// Splits an expression at each `|` outside of groups.
fn alternatives(expression: &str) -> Result<Vec<&str>> {
    let mut found = Vec::new();
    let (mut start, mut depth, mut is_in_class) = (0, 0_usize, false);
    let mut characters = expression.char_indices();
    while let Some((at, c)) = characters.next() {
        match c {
            '\\' => drop(characters.next()),
            '[' => is_in_class = true,
            ']' => is_in_class = false,
            _ if is_in_class => {}
            '(' => depth += 1,
            ')' => {
                depth = depth.checked_sub(1).ok_or_else(|| unclear("a `)` has no `(`"))?;
            }
            '|' if depth == 0 => {
                found.push(&expression[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    found.push(&expression[start..]);
    Ok(found)
}

fn place(expression: &str) -> Result<Place> {
    let expression = strip_any(expression, &["^", "\\A"]).unwrap_or(expression);
    let ends_scheme = |rest: &str| rest.starts_with([':', '/']) || rest.starts_with("\\:");
    let (mut schemes, rest) = words(expression, &ends_scheme)?;
    let rest = strip_any(rest, &["://", ":\\/\\/", "\\:\\/\\/", "\\://"])
        .ok_or_else(|| unclear("it does not begin with a scheme"))?;
    let is_without_http =
        schemes.iter().any(|it| it == "http") && schemes.iter().any(|it| it == "https");
    if is_without_http {
        schemes.retain(|scheme| scheme != "http");
    }
    if let Some(scheme) =
        schemes.iter().find(|it| !["http", "https", "ftp", "ftps", "s3"].contains(&it.as_str()))
    {
        return Err(unclear(&format!("Keyward has no providers for `{scheme}`")));
    }
    let (hosts, rest) = words(rest, &ends_host)?;
    let (port, rest) = port(rest)?;
    let mut origins = Vec::new();
    for scheme in &schemes {
        for host in &hosts {
            check_stars(host)?;
            let origin = format!("{scheme}://{host}{port}");
            let origin = OriginPattern::parse(&origin)
                .map_err(|error| unclear(&format!("`{origin}`: {}", error.message())))?;
            if !origins.contains(&origin) {
                origins.push(origin);
            }
        }
    }
    Ok(Place { origins, path: path(rest)?, is_without_http })
}

fn strip_any<'a>(text: &'a str, prefixes: &[&str]) -> Option<&'a str> {
    prefixes.iter().find_map(|prefix| text.strip_prefix(prefix))
}

/// Whether the host has ended: with a port, a path, the end, or with `.*` at the end.
fn ends_host(rest: &str) -> bool {
    let inside = rest.strip_prefix("(?:").or_else(|| rest.strip_prefix('(')).unwrap_or(rest);
    inside.starts_with(['/', ':', '$'])
        || ["\\/", "\\:", "\\Z"].iter().any(|end| inside.starts_with(end))
        || [".*", ".*$", ".*?", ".+", "[/?#].*"].contains(&rest)
}

/// Checks that a star is only before the first dot.
fn check_stars(host: &str) -> Result<()> {
    let rest = host.strip_prefix("*.").unwrap_or(host);
    if rest.is_empty() || rest.starts_with('.') {
        return Err(unclear("it names no host"));
    }
    if rest.starts_with('*') {
        return Err(unclear(
            "it also names hosts that only end in the same way: write `\\.` after `.*`",
        ));
    }
    match rest.contains('*') {
        true => Err(unclear("it has any text in the middle of the host")),
        false => Ok(()),
    }
}

/// Reads `:PORT`, and returns it with its colon.
fn port(rest: &str) -> Result<(String, &str)> {
    if strip_any(rest, &["(:", "(?::", "(\\:", "(?:\\:"]).is_some() {
        return Err(unclear("it names several ports"));
    }
    let Some(after) = strip_any(rest, &[":", "\\:"]) else { return Ok((String::new(), rest)) };
    let end = after.find(|c: char| !c.is_ascii_digit()).unwrap_or(after.len());
    let (digits, rest) = after.split_at(end);
    if digits.is_empty() || !(rest.is_empty() || ends_host(rest)) {
        return Err(unclear("its port is not a number"));
    }
    Ok((format!(":{digits}"), rest))
}

/// Turns the rest of an expression into a pattern that the whole path must match.
fn path(rest: &str) -> Result<Option<PathPattern>> {
    if rest == "[/?#].*" {
        return Ok(None);
    }
    let rest = rest.replace("\\/", "/").replace("\\Z", "$");
    if rest.contains("\\?") || rest.contains("[?]") || rest.contains('#') {
        return Err(unclear("it names a query, and only paths can be compared"));
    }
    let pattern = match ends_with_bare(&rest, '$') {
        true if rest.len() == 1 => "/".to_owned(),
        true => rest[..rest.len() - 1].to_owned(),
        // DataLad does not compare what comes after.
        false if rest.ends_with(".*") && !rest.ends_with("\\.*") => rest,
        false => rest + ".*",
    };
    if [".*", ".+.*", "/.*", "/?.*", "/+.*", "(/.*)?", "(?:/.*)?", "(/|$).*", "(?:/|$).*"]
        .contains(&pattern.as_str())
    {
        return Ok(None);
    }
    PathPattern::new(&pattern).map(Some).map_err(|error| unclear(error.message()))
}

/// Whether a text ends with a character that no backslash precedes.
fn ends_with_bare(text: &str, last: char) -> bool {
    let before = text.strip_suffix(last).map(|text| text.len() - text.trim_end_matches('\\').len());
    before.is_some_and(|backslashes| backslashes % 2 == 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns the origins and the path of each alternative.
    fn read(expression: &str) -> String {
        let shown = |place: &Place| {
            let origins: Vec<_> = place.origins.iter().map(ToString::to_string).collect();
            let path = place.path.as_ref().map(|path| format!(" {path}")).unwrap_or_default();
            origins.join(" ") + &path
        };
        match read_url_re(expression) {
            Ok(places) => places.iter().map(shown).collect::<Vec<_>>().join("; "),
            Err(error) => format!("! {}", error.message()),
        }
    }

    #[test]
    fn the_forms_that_people_write_are_read() {
        for (expression, expected) in [
            (r"https://a\.example/", "https://a.example"),
            (r"https://a.example", "https://a.example"),
            (r"https://a\.example.*", "https://a.example"),
            (r"https://a\.example$", "https://a.example /"),
            (r"https://a\.example/?$", "https://a.example /?"),
            (r"https://a\.example(/.*)?$", "https://a.example"),
            (r"^https?://a\.example/b/c\.csv$", r"https://a.example /b/c\.csv"),
            (r"http://a\.example/", "http://a.example"),
            (r"http(s)?:\/\/a[.]example\/b", "https://a.example /b.*"),
            (r"(http|https)://a\.example/", "https://a.example"),
            (r"ftp://a\.example/pub/.*", "ftp://a.example /pub/.*"),
            (r"https://.*\.a\.example/", "https://*.a.example"),
            (r"https://[^/]+\.a\.example/", "https://*.a.example"),
            (r"https?://(.*\.|)a\.example/.*", "https://*.a.example https://a.example"),
            (r"https?://(.*\.)?a\.example/.*", "https://*.a.example https://a.example"),
            (r"https?://(?P<mirror>\S+\.)?a\.example/", "https://*.a.example https://a.example"),
            (r"https?://(?:www\.)?a\.example/", "https://www.a.example https://a.example"),
            (
                r"https://(a|b)\.x\.(org|net)/",
                "https://a.x.org https://a.x.net https://b.x.org https://b.x.net",
            ),
            (r"https://a\.example:8443/b/.*", "https://a.example:8443 /b/.*"),
            (
                r"https://a\.example/(?P<p>[^/]+)/(x|y)/.*",
                "https://a.example /(?P<p>[^/]+)/(x|y)/.*",
            ),
            (r"https://a\.example/|https://b\.example/.*", "https://a.example; https://b.example"),
            (r"https://a\.example/x%20y/", "https://a.example /x%20y/.*"),
        ] {
            assert_eq!(read(expression), expected, "{expression}");
        }
    }

    #[test]
    fn an_expression_that_does_not_clearly_name_hosts_is_refused() {
        for (expression, why) in [
            (r"good\.example/repo", "scheme"),
            (r".*", "scheme"),
            (r".*://a\.example/", "no providers for `*`"),
            (r"gopher://bucket/.*", "no providers for `gopher`"),
            (r"https://.*a\.example/", "only end in the same way"),
            (r"https://.*", "no host"),
            (r"https://(.*)/", "only end in the same way"),
            (r"https://a.*\.example/", "in the middle"),
            (r"https://.*\.com/", "domain with a dot"),
            (r"https://[a-z]+\.a\.example/", "only some of the hosts"),
            (r"https://\w+\.a\.example/", "only some of the hosts"),
            (r"https://a\.example(:\d+)?/", "several ports"),
            (r"https://a\.example:\d+/", "port"),
            (r"https://a+\.example/", "repeats"),
            (r"https://(?!evil)a\.example/", "form that is not known"),
            (r"https://([^@]+@)?a\.example/", "only some"),
            (r"https://a@b\.example/", "not clear"),
            (r"https://a\.example/x(?!y)", "not a regular expression"),
            (r"https://a\.example/x\?y=z", "query"),
            (r"https://(a|b|c|d|e|f|g|h|i)(a|b|c|d|e|f|g|h|i)\.example/", "too many"),
            (r"https://a\.example/(", "not a regular expression"),
            (r"https://a)b\.example/", "no `(`"),
            ("", "scheme"),
        ] {
            let found = read(expression);
            assert!(found.starts_with("! ") && found.contains(why), "{expression}: {found}");
        }
        assert!(read_url_re(&"(".repeat(MAX)).is_err());
        assert!(read_url_re(&format!("https://{}", "(a|b)".repeat(800))).is_err());
        assert!(read_url_re(&"a".repeat(1 << 20)).is_err());
    }
}
