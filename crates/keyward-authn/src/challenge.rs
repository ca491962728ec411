//! Reads the header `WWW-Authenticate` (RFC 9110 section 11.6.1).

use std::fmt;

use keyward_plugin::{ResponseHead, printable};

/// The largest header that is read, in bytes. The rest is ignored.
const MAX_HEADER: usize = 64 << 10;

/// The highest number of challenges that are read.
const MAX_CHALLENGES: usize = 32;

/// A way to authenticate that a server offers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Challenge {
    /// The scheme, in lower case, such as `basic`.
    pub scheme: String,
    /// What follows the scheme of `Negotiate` and `NTLM`: one value without a name.
    pub token: Option<String>,
    /// The parameters, with their names in lower case.
    parameters: Vec<(String, String)>,
}

impl Challenge {
    /// Reads all challenges of these headers, in their order.
    ///
    /// What is not a challenge is skipped: a server that sends something else asks for nothing that a
    /// client could do.
    ///
    /// # Examples
    /// ```
    /// use keyward_authn::Challenge;
    ///
    /// let found = Challenge::read(["Negotiate, Digest realm=\"a, b\", nonce=\"n\"", "basic"]);
    /// let schemes: Vec<_> = found.iter().map(|challenge| challenge.scheme.as_str()).collect();
    /// assert_eq!(schemes, ["negotiate", "digest", "basic"]);
    /// assert_eq!(found[1].parameter("realm"), Some("a, b"));
    /// ```
    pub fn read<'a>(headers: impl IntoIterator<Item = &'a str>) -> Vec<Self> {
        let mut found = Vec::new();
        for header in headers {
            let end = header.floor_char_boundary(MAX_HEADER);
            Reader { rest: &header[..end] }.read_all(&mut found);
        }
        found.truncate(MAX_CHALLENGES);
        found
    }

    /// Returns a parameter. One that occurs with two values has none: programs disagree about which
    /// of them counts.
    pub fn parameter(&self, name: &str) -> Option<&str> {
        let mut values = self.parameters.iter().filter(|(known, _)| known == name);
        let (_, first) = values.next()?;
        values.all(|(_, value)| value == first).then_some(first)
    }
}

/// What is left of a header.
struct Reader<'a> {
    rest: &'a str,
}

impl<'a> Reader<'a> {
    fn read_all(&mut self, found: &mut Vec<Challenge>) {
        let start = found.len();
        while found.len() < MAX_CHALLENGES {
            self.skip(|c| c == ',' || is_blank(c));
            let Some(word) = self.word() else { break };
            // A name and `=` are a parameter of the last challenge; anything else is a scheme.
            if found.len() > start
                && let Some(value) = self.value()
            {
                let last = found.last_mut().expect("there is one");
                last.parameters.push((word.to_ascii_lowercase(), value));
                continue;
            }
            let mut challenge = Challenge {
                scheme: word.to_ascii_lowercase(),
                token: None,
                parameters: Vec::new(),
            };
            if self.rest.starts_with(is_blank) {
                self.skip(is_blank);
                challenge.token = self.token68();
            }
            found.push(challenge);
        }
    }

    /// Reads a token: the name of a scheme or of a parameter.
    fn word(&mut self) -> Option<&'a str> {
        let is_part = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c);
        self.take(is_part).filter(|word| !word.is_empty())
    }

    /// Reads `=` and a value, if they are next.
    fn value(&mut self) -> Option<String> {
        let rest = self.rest.trim_start_matches(is_blank).strip_prefix('=')?;
        self.rest = rest.trim_start_matches(is_blank);
        if !self.rest.starts_with('"') {
            return Some(self.take(|c| c != ',' && !is_blank(c)).unwrap_or_default().to_owned());
        }
        let mut value = String::new();
        let mut characters = self.rest[1..].char_indices();
        while let Some((at, c)) = characters.next() {
            match c {
                '"' => {
                    self.rest = &self.rest[at + 2..];
                    return Some(value);
                }
                '\\' => value.extend(characters.next().map(|(_, escaped)| escaped)),
                c => value.push(c),
            }
        }
        // The quotation does not end, so nothing after it can be trusted.
        self.rest = "";
        Some(String::new())
    }

    /// Reads a value without a name, if that is what is next.
    fn token68(&mut self) -> Option<String> {
        let is_part = |c: char| c.is_ascii_alphanumeric() || "-._~+/".contains(c);
        let length = self.rest.find(|c| !is_part(c)).unwrap_or(self.rest.len());
        let after = self.rest[length..].trim_start_matches('=');
        let end = self.rest.len() - after.len();
        let ends = after.trim_start_matches(is_blank);
        if length == 0 || !(ends.is_empty() || ends.starts_with(',')) {
            return None;
        }
        let (token, rest) = self.rest.split_at(end);
        self.rest = rest;
        Some(token.to_owned())
    }

    fn take(&mut self, is_part: impl Fn(char) -> bool) -> Option<&'a str> {
        let (taken, rest) =
            self.rest.split_at(self.rest.find(|c| !is_part(c)).unwrap_or(self.rest.len()));
        self.rest = rest;
        Some(taken)
    }

    fn skip(&mut self, is_skipped: impl Fn(char) -> bool) {
        self.rest = self.rest.trim_start_matches(is_skipped);
    }
}

fn is_blank(c: char) -> bool {
    c == ' ' || c == '\t'
}

/// The challenges of a response.
#[derive(Clone, Debug)]
pub struct Challenges(pub Vec<Challenge>);

/// Returns the challenges of a response.
pub fn challenges(answer: &ResponseHead) -> Challenges {
    Challenges(Challenge::read(answer.values("www-authenticate")))
}

/// Whether a response asks for this scheme.
pub(crate) fn wants(answer: &ResponseHead, scheme: &str) -> bool {
    challenges(answer).0.iter().any(|challenge| challenge.scheme == scheme)
}

/// The most schemes that a message names, and the most bytes of a name.
const SHOWN: (usize, usize) = (8, 40);

/// The schemes, for messages.
impl fmt::Display for Challenges {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return f.write_str("nothing that it names");
        }
        let (most, longest) = SHOWN;
        for (at, Challenge { scheme, .. }) in self.0.iter().take(most).enumerate() {
            let separator = if at == 0 { "" } else { ", " };
            let end = scheme.floor_char_boundary(longest);
            write!(f, "{separator}{}", printable(&scheme[..end]))?;
            f.write_str(if end < scheme.len() { "…" } else { "" })?;
        }
        f.write_str(if self.0.len() > most { ", …" } else { "" })
    }
}
