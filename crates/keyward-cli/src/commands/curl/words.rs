//! Reads the arguments of curl: which of them are URLs, and whether the credential stays with its
//! server.

use std::ffi::OsString;

use keyward_core::printable;

use crate::stop::{Outcome, Stop, usage_error};

/// The options that may be used with a credential: the letter, the name, and whether a value follows.
/// None of them sends the request to another server, reads other options, or shows what is sent.
const ALLOWED: &[(Option<char>, &str, bool)] = &[
    (Some('a'), "append", false),
    (None, "compressed", false),
    (None, "connect-timeout", true),
    (Some('C'), "continue-at", true),
    (Some('b'), "cookie", true),
    (Some('c'), "cookie-jar", true),
    (None, "create-dirs", false),
    (None, "create-file-mode", true),
    (Some('d'), "data", true),
    (None, "data-ascii", true),
    (None, "data-binary", true),
    (None, "data-raw", true),
    (None, "data-urlencode", true),
    (Some('D'), "dump-header", true),
    (None, "etag-compare", true),
    (None, "etag-save", true),
    (None, "expect100-timeout", true),
    (Some('f'), "fail", false),
    (None, "fail-early", false),
    (None, "fail-with-body", false),
    (Some('F'), "form", true),
    (None, "form-escape", false),
    (None, "form-string", true),
    (Some('G'), "get", false),
    (Some('g'), "globoff", false),
    (Some('I'), "head", false),
    (Some('H'), "header", true),
    (Some('0'), "http1.0", false),
    (None, "http1.1", false),
    (None, "http2", false),
    (Some('i'), "include", false),
    (Some('4'), "ipv4", false),
    (Some('6'), "ipv6", false),
    (None, "json", true),
    (Some('j'), "junk-session-cookies", false),
    (None, "limit-rate", true),
    (Some('L'), "location", false),
    (None, "max-filesize", true),
    (None, "max-redirs", true),
    (Some('m'), "max-time", true),
    (Some('N'), "no-buffer", false),
    (None, "no-progress-meter", false),
    (Some('o'), "output", true),
    (None, "output-dir", true),
    (Some('Z'), "parallel", false),
    (None, "parallel-max", true),
    (None, "post301", false),
    (None, "post302", false),
    (None, "post303", false),
    (Some('#'), "progress-bar", false),
    (Some('r'), "range", true),
    (Some('e'), "referer", true),
    (Some('J'), "remote-header-name", false),
    (Some('O'), "remote-name", false),
    (None, "remote-name-all", false),
    (Some('R'), "remote-time", false),
    (None, "remove-on-error", false),
    (Some('X'), "request", true),
    (None, "retry", true),
    (None, "retry-all-errors", false),
    (None, "retry-connrefused", false),
    (None, "retry-delay", true),
    (None, "retry-max-time", true),
    (Some('S'), "show-error", false),
    (Some('s'), "silent", false),
    (Some('Y'), "speed-limit", true),
    (Some('y'), "speed-time", true),
    (None, "stderr", true),
    (Some('z'), "time-cond", true),
    (None, "tls-max", true),
    (Some('1'), "tlsv1", false),
    (None, "tlsv1.2", false),
    (None, "tlsv1.3", false),
    (Some('T'), "upload-file", true),
    (None, "url", true),
    (Some('A'), "user-agent", true),
    (Some('w'), "write-out", true),
];

/// Why some of the other options are refused.
const REASONS: &[(&[&str], &str)] = &[
    (
        &["-v", "--verbose", "--trace", "--trace-ascii", "--libcurl"],
        "it would show the credential; --dump-header shows the answer's headers",
    ),
    (
        &["-k", "--insecure", "--cacert", "--capath"],
        "only servers that Keyward's certificates identify get the credential",
    ),
    (&["-u", "--user", "-n", "--netrc", "--oauth2-bearer"], "the credential comes from Keyward"),
];

/// What the arguments of curl contain.
#[derive(Debug)]
pub(super) struct Words {
    pub(super) urls: Vec<String>,
    /// Whether curl follows redirects.
    pub(super) follows: bool,
}

impl Words {
    /// Reads the arguments as curl does.
    ///
    /// # Errors
    /// An error of usage for an option that is not allowed.
    pub(super) fn parse(arguments: &[OsString]) -> Outcome<Self> {
        let mut words = Self { urls: Vec::new(), follows: false };
        let mut arguments = arguments.iter().map(|word| word.to_str());
        let mut are_urls = false;
        while let Some(word) = arguments.next() {
            let word = word.ok_or_else(|| usage_error("an argument is not UTF-8"))?;
            let (mut names, mut value) = (Vec::new(), None);
            match word.strip_prefix("--") {
                _ if are_urls || !word.starts_with('-') => words.urls.push(word.to_owned()),
                Some("") => are_urls = true,
                Some(_) => names.push(long(word)?),
                None => (names, value) = letters(&word[1..])?,
            }
            for (name, takes_value) in names {
                words.follows |= name == "location";
                if !takes_value {
                    continue;
                }
                let next = || arguments.next().flatten().map(str::to_owned);
                let value = value.take().or_else(next);
                let value = value
                    .ok_or_else(|| usage_error(format!("--{name} needs a value that is UTF-8")))?;
                if name == "url" {
                    words.urls.push(value);
                }
            }
        }
        Ok(words)
    }
}

/// An option, and whether a value follows.
type Named = (&'static str, bool);

fn long(word: &str) -> Outcome<Named> {
    let name = word.trim_start_matches("--");
    let is = |wanted: &str| ALLOWED.iter().find(|(_, name, _)| *name == wanted);
    if let Some((_, name, takes_value)) = is(name) {
        return Ok((name, *takes_value));
    }
    // `--no-fail` undoes `--fail`.
    match name.strip_prefix("no-").and_then(is) {
        Some((_, _, false)) => Ok(("", false)),
        _ => Err(refused(word)),
    }
}

/// Splits letters such as `sSo-` into options, and the value of the last one.
fn letters(letters: &str) -> Outcome<(Vec<Named>, Option<String>)> {
    let mut names = Vec::new();
    for (at, letter) in letters.char_indices() {
        let known = ALLOWED.iter().find(|(known, ..)| *known == Some(letter));
        let (_, name, takes_value) = known.ok_or_else(|| refused(&format!("-{letter}")))?;
        names.push((*name, *takes_value));
        if *takes_value {
            let rest = &letters[at + letter.len_utf8()..];
            return Ok((names, Some(rest.to_owned()).filter(|rest| !rest.is_empty())));
        }
    }
    Ok((names, None))
}

fn refused(option: &str) -> Stop {
    let reason = REASONS.iter().find(|(options, _)| options.contains(&option));
    let why = reason.map_or("it may send the credential elsewhere", |(_, why)| why);
    usage_error(format!("curl's {} cannot be used here: {why}", printable(option)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<String, String> {
        let words: Vec<_> = line.split(' ').map(OsString::from).collect();
        match Words::parse(&words) {
            Ok(words) => Ok(words.urls.join(" ")),
            Err(Stop::Failed(error)) => Err(error.report()),
            Err(_) => Err(String::new()),
        }
    }

    #[test]
    fn urls_are_what_curl_takes_for_urls() {
        for (line, expected) in [
            ("https://x", "https://x"),
            ("-fsSx https://x", ""),
            ("-fsLo out https://x", "https://x"),
            ("-fso- https://x", "https://x"),
            ("-dhttps://a -e https://b --data https://c https://x", "https://x"),
            ("--url https://x --output https://a", "https://x"),
            ("--no-fail https://x -- -v", "https://x -v"),
            ("", ""),
        ] {
            assert_eq!(parse(line).unwrap_or_default(), expected, "{line}");
        }
    }

    #[test]
    fn other_options_are_refused() {
        for option in [
            "--location-trusted",
            "--follow",
            "-K f",
            "-:",
            "-sv",
            "--verbose",
            "--con f",
            "--fail=1",
            "--no-data",
            "--no-verbose",
            "-ö",
            "-x p",
            "-xhttp://p",
            "--proxy p",
            "--preproxy p",
            "--proxy1.0 p",
            "--socks5 p",
            "--connect-to a:b:c:d",
            "--resolve a:b:c",
            "--unix-socket s",
            "--abstract-unix-socket s",
            "--doh-url u",
            "--request-target /t",
            "--cacert f",
            "--capath f",
            "-k",
            "--expand-url u",
            "--variable v",
            "--aws-sigv4 a",
            "--cert c",
            "--interface i",
        ] {
            let error = parse(&format!("{option} https://x")).unwrap_err();
            assert!(error.contains("cannot be used here"), "{option}: {error}");
        }
        // The last option has no value.
        assert!(parse("https://x -o").is_err());
    }
}
