//! Finds the URLs among the arguments of curl.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::process::{Command, Stdio};

use keyward_core::{Error, ErrorKind, printable};

use crate::stop::{Outcome, Stop, usage_error};

/// Options that would send the credential elsewhere or show it, with the reason.
const REFUSED: &[(&str, &str)] = &[
    ("config", "its file could name other servers"),
    ("insecure", "curl would give the credential to a server that it cannot identify"),
    ("libcurl", "it would write the credential to a file"),
    ("location-trusted", "the credential would go to the servers of redirects"),
    ("netrc", "the credential comes from Keyward"),
    ("netrc-file", "the credential comes from Keyward"),
    ("netrc-optional", "the credential comes from Keyward"),
    ("next", "run curl once for each request"),
    ("oauth2-bearer", "the credential comes from Keyward"),
    ("trace", "it would show the credential; --dump-header shows the answer's headers"),
    ("trace-ascii", "it would show the credential; --dump-header shows the answer's headers"),
    ("user", "the credential comes from Keyward"),
    ("verbose", "it would show the credential; --dump-header shows the answer's headers"),
];

/// What the arguments of curl contain.
#[derive(Debug)]
pub(super) struct Words {
    pub(super) urls: Vec<String>,
    /// Whether curl follows redirects.
    pub(super) follows: bool,
}

/// The options of the installed curl: for the name of each, whether it takes a value.
#[derive(Debug, Default)]
struct Known {
    long: BTreeMap<String, bool>,
    /// The name of each option of one letter.
    short: BTreeMap<char, String>,
}

impl Words {
    /// Reads the arguments as the installed curl does.
    ///
    /// # Errors
    /// An error of usage for an option that curl does not know, that is abbreviated, or that would send
    /// the credential elsewhere.
    pub(super) fn parse(arguments: &[OsString]) -> Outcome<Self> {
        Self::parse_with(arguments, &Known::ask_curl()?)
    }

    fn parse_with(arguments: &[OsString], known: &Known) -> Outcome<Self> {
        let mut words = Self { urls: Vec::new(), follows: false };
        let mut arguments = arguments.iter().map(|word| word.to_str());
        let mut are_urls = false;
        while let Some(word) = arguments.next() {
            let word = word.ok_or_else(|| usage_error("an argument is not UTF-8"))?;
            let (mut options, mut value) = (Vec::new(), None);
            match word.strip_prefix("--") {
                _ if are_urls || !word.starts_with('-') => words.urls.push(word.to_owned()),
                Some("") => are_urls = true,
                Some(name) => options.push(name.to_owned()),
                None => (options, value) = known.split(&word[1..])?,
            }
            for name in options {
                known.check(&name)?;
                words.follows |= name == "location";
                if known.long.get(&name) == Some(&true) {
                    let value = match value.take() {
                        Some(value) => value,
                        None => arguments.next().flatten().map(str::to_owned).ok_or_else(|| {
                            usage_error(format!("--{name} needs a value that is UTF-8"))
                        })?,
                    };
                    if name == "url" {
                        words.urls.push(value);
                    }
                }
            }
        }
        Ok(words)
    }
}

impl Known {
    fn ask_curl() -> Outcome<Self> {
        let output =
            Command::new("curl").args(["--disable", "--help", "all"]).stdin(Stdio::null()).output();
        let output = output.map_err(|error| {
            Error::new(ErrorKind::Unavailable, "curl")
                .because(format!("curl does not start: {error}"))
                .hint("Is it installed?")
        })?;
        let known = Self::parse(&String::from_utf8_lossy(&output.stdout));
        match known.long.contains_key("url") {
            true => Ok(known),
            false => Err(Error::new(ErrorKind::Unsupported, "curl")
                .because("curl does not say which options it has")
                .hint("Use curl 7.83 or newer")
                .into()),
        }
    }

    /// Reads lines such as ` -o, --output <file>   Write to file`.
    fn parse(help: &str) -> Self {
        let mut known = Self::default();
        for line in help.lines() {
            let mut words = line.split_whitespace().peekable();
            let letter = words
                .next_if(|word| word.len() == 3 && word.starts_with('-') && word.ends_with(','));
            let Some(name) = words.next().and_then(|word| word.strip_prefix("--")) else {
                continue;
            };
            let takes_value = words.next().is_some_and(|word| word.starts_with('<'));
            known.long.insert(name.to_owned(), takes_value);
            if let Some(letter) = letter.and_then(|word| word.chars().nth(1)) {
                known.short.insert(letter, name.to_owned());
            }
        }
        known
    }

    /// Splits letters such as `sSo-` into the names of the options, and the value of the last one.
    fn split(&self, letters: &str) -> Outcome<(Vec<String>, Option<String>)> {
        let mut names = Vec::new();
        for (at, letter) in letters.char_indices() {
            let name = self.short.get(&letter).ok_or_else(|| unknown(&format!("-{letter}")))?;
            names.push(name.clone());
            if self.long.get(name) == Some(&true) {
                let rest = &letters[at + letter.len_utf8()..];
                return Ok((names, Some(rest.to_owned()).filter(|rest| !rest.is_empty())));
            }
        }
        Ok((names, None))
    }

    /// Refuses an option that is not known, or that must not be used with a credential.
    fn check(&self, name: &str) -> Outcome {
        let negated = name.strip_prefix("no-").filter(|rest| self.long.get(*rest) == Some(&false));
        if !self.long.contains_key(name) && negated.is_none() {
            return Err(unknown(&format!("--{name}")));
        }
        match REFUSED.iter().find(|(refused, _)| *refused == name) {
            Some((name, why)) => {
                Err(usage_error(format!("curl's --{name} cannot be used here: {why}")))
            }
            None => Ok(()),
        }
    }
}

fn unknown(option: &str) -> Stop {
    usage_error(format!("curl has no option {}; write its name in full", printable(option)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const HELP: &str = "Usage: curl [options...] <url>
     --anyauth            Pick any
 -K, --config <file>      Read config
 -d, --data <data>        HTTP POST data
 -f, --fail               Fail fast
 -L, --location           Follow redirects
     --location-trusted   Like --location, and send auth to other hosts
 -o, --output <file>      Write
 -:, --next               Make next
 -e, --referer <URL>      Referrer URL
 -s, --silent             Silent mode
     --url <url>          URL to work with
 -v, --verbose            Talk
";

    fn parse(line: &str) -> Result<String, String> {
        let words: Vec<_> = line.split(' ').map(OsString::from).collect();
        match Words::parse_with(&words, &Known::parse(HELP)) {
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
    fn options_that_leak_or_are_not_known_are_refused() {
        for option in [
            "--location-trusted",
            "-K f",
            "-:",
            "-sv",
            "--verbose",
            "--con f",
            "--fail=1",
            "--no-data",
            "-ö",
        ] {
            let line = format!("{option} https://x");
            let error = parse(&line).unwrap_err();
            assert!(error.contains("curl"), "{line}: {error}");
        }
        // The last option has no value.
        assert!(parse("https://x -o").is_err());
    }
}
