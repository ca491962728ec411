//! The file of git's `credential-store`, `~/.git-credentials`: git-credential-store(1).
//!
//! Each line is a URL with a username and a password, percent-encoded. git writes new lines at the
//! top and uses the first that matches. So of two lines for one account, git never uses the second.
//!
//! # Examples
//! ```
//! use keyward_import::git_credentials::parse;
//!
//! let lines = parse(b"https://ann:s%40cret@example.com%3a8443\nhttps://example.com\n")?;
//! let login = lines[0].login.as_ref().unwrap();
//! assert_eq!(login.location.to_string(), "https://ann@example.com:8443");
//! assert_eq!(login.password.expose(), b"s@cret");
//! assert!(lines[1].login.is_err(), "there is neither a username nor a password");
//! # Ok::<(), keyward_core::Error>(())
//! ```

use std::collections::HashMap;
use std::path::Path;

use keyward::Credentials;
use keyward_core::{Error, ErrorKind, Record, Result, Secret};
use keyward_fs::open_private;
use keyward_origin::Location;

use crate::accounts::{Found, Place};
use crate::files::read_secret;

/// What some editors write at the beginning of a text in UTF-8.
const BYTE_ORDER_MARK: &[u8] = "\u{feff}".as_bytes();

/// The largest file, in bytes.
pub const MAX_FILE: usize = 16 << 20;

/// A line that is neither blank nor a comment.
#[derive(Debug)]
pub struct Line {
    /// The number of the line in the file, from 1.
    pub number: usize,
    /// The login on the line.
    ///
    /// [`Invalid`](ErrorKind::Invalid) if the line is not such a URL, has no username or no
    /// password, or could be read in two ways, as by
    /// [`Login::parse`](keyward_origin::Login::parse); [`Conflict`](ErrorKind::Conflict) if an
    /// earlier line has another password for the account.
    pub login: Result<Login>,
}

/// The username and password of a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Login {
    /// The server and the account. There always is an account.
    pub location: Location,
    /// The password.
    pub password: Secret,
}

/// Reads the file; other users must not be able to read it.
///
/// # Errors
/// Those of [`open_private`] and [`parse`]; [`Invalid`](ErrorKind::Invalid) if there is no file.
pub fn read(path: &Path) -> Result<Vec<Line>> {
    let none = || Error::invalid("usage", format!("there is no file {}", path.display()));
    let (content, _) = read_secret(open_private(path)?.ok_or_else(none)?, MAX_FILE)?;
    parse(content.expose())
}

impl From<Line> for Found {
    fn from(Line { number, login }: Line) -> Self {
        let credential = login.map(|Login { location, password }| {
            let username = location.account().unwrap_or_default().to_owned();
            (location, Record::from(&Credentials { username, password }))
        });
        Self { place: Place::Line(number), credential }
    }
}

/// Reads all lines. An error in one line is the `login` of that line.
///
/// # Errors
/// [`Unsupported`](ErrorKind::Unsupported) if there are more bytes than [`MAX_FILE`].
pub fn parse(file: &[u8]) -> Result<Vec<Line>> {
    if file.len() > MAX_FILE {
        let why = format!("the file is larger than {MAX_FILE} bytes");
        return Err(Error::new(ErrorKind::Unsupported, "import").because(why));
    }
    let file = file.strip_prefix(BYTE_ORDER_MARK).unwrap_or(file);
    let mut lines: Vec<_> = (1..)
        .zip(file.split(|&byte| byte == b'\n'))
        // An editor may write CR LF. In a username or a password, CR is written as `%0d`.
        .map(|(number, line)| (number, line.strip_suffix(b"\r").unwrap_or(line)))
        .filter(|(_, line)| !is_passed_over(line))
        .map(|(number, line)| Line { number, login: login(line) })
        .collect();
    refuse_unused_lines(&mut lines);
    Ok(lines)
}

/// Whether a line is blank or a comment. git uses neither.
fn is_passed_over(line: &[u8]) -> bool {
    let text = line.trim_ascii_start();
    text.is_empty() || text.starts_with(b"#")
}

fn login(line: &[u8]) -> Result<Login> {
    let wrong = |what| Error::invalid("import", what);
    let text = std::str::from_utf8(line).map_err(|_| wrong("it is not text"))?;
    let keyward_origin::Login { location, password } = keyward_origin::Login::parse(text)?;
    if location.account().is_none() {
        return Err(wrong("it has no username"));
    }
    let password = password.ok_or_else(|| wrong("it has no password"))?;
    Ok(Login { location, password })
}

/// Refuses lines that git would never use. A repeated line with the same password is accepted.
fn refuse_unused_lines(lines: &mut [Line]) {
    let mut first: HashMap<Location, Secret> = HashMap::new();
    for line in lines {
        let Ok(login) = &line.login else { continue };
        match first.get(&login.location) {
            Some(password) if *password != login.password => {
                let why =
                    "an earlier line, which git uses, has another password for the same account";
                line.login = Err(Error::new(ErrorKind::Conflict, "import").because(why));
            }
            Some(_) => {}
            None => drop(first.insert(login.location.clone(), login.password.clone())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each line as `NUMBER LOCATION PASSWORD`, or why it is refused.
    fn read(file: &[u8]) -> Vec<String> {
        let shown = |line: Line| match line.login {
            Ok(Login { location, password }) => {
                format!("{} {location} {}", line.number, password.expose().escape_ascii())
            }
            Err(error) => format!("{} {:?}", line.number, error.kind()),
        };
        parse(file).unwrap().into_iter().map(shown).collect()
    }

    #[test]
    fn lines_are_read_as_git_writes_them() {
        let file = b"https://a%20b%40%3a%2f%c3%a9:p%25q%5ct%3a%40%2f%ff@x\n\
            https://:p@x%3a8443/a%20b/c?d#e\nfoo://u:@x%3a1\n\nhttps://a:b@%5b%3a%3a1%5d%3a8";
        assert_eq!(
            read(file),
            [
                r"1 https://a%20b%40%3A%2F%C3%A9@x p%q\\t:@/\xff",
                "2 https://@x:8443/a%20b/c%3Fd%23e p",
                "3 foo://u@x:1 ",
                "5 https://a@[::1]:8 b",
            ]
        );
    }

    #[test]
    fn a_file_may_have_been_edited_by_hand() {
        let file =
            "\u{feff}# Work\r\nhttps://ann:pw@x\r\n\r\n \t\r\n  # bob left\r\nhttps://eve:pw%0d@x";
        // No helper can give git a password with a CR: it is refused, and not cut short.
        assert_eq!(read(file.as_bytes()), ["2 https://ann@x pw", "6 Invalid"]);
        // Only one CR belongs to the end of the line, and a mark is one only at the beginning.
        assert_eq!(read(b"https://ann:pw@x\r\r\n"), ["1 Invalid"]);
        assert_eq!(read("\n\u{feff}https://ann:pw@x".as_bytes()), ["2 Invalid"]);
    }

    #[test]
    fn lines_that_git_would_ignore_are_refused() {
        for line in [
            "https://x",
            "https://ann@x",
            "https:///path",
            "https://ann:pw@",
            "foo://ann:pw@x",
            "https://ann:pw%0a@x",
            "https://ann:pw@x%0ahost=y",
            "ann:pw@x",
        ] {
            assert_eq!(read(line.as_bytes()), ["1 Invalid"], "{line}");
        }
        assert_eq!(read(b"https://a:b@x/\xff\nhttps://%ff:b@x\n"), ["1 Invalid", "2 Invalid"]);
    }

    #[test]
    fn the_first_line_of_an_account_is_used() {
        let file =
            b"https://a:1@x\nhttps://a:2@x:443\nhttps://a:1@X\nhttps://a:2@x/p\nhttps://b:2@x\n";
        assert_eq!(
            read(file),
            [
                "1 https://a@x 1",
                "2 Conflict",
                "3 https://a@x 1",
                "4 https://a@x/p 2",
                "5 https://b@x 2"
            ]
        );
    }

    #[test]
    fn a_file_or_line_that_is_too_long_is_refused() {
        assert!(parse(&vec![b'\n'; MAX_FILE]).unwrap().is_empty());
        assert!(parse(&vec![b'\n'; MAX_FILE + 1]).is_err());
        let long = format!("https://a:{}@x", "p".repeat(keyward_origin::MAX_URL));
        assert_eq!(read(long.as_bytes()), ["1 Invalid"]);
    }

    #[test]
    fn an_error_does_not_quote_the_file() {
        let file = b"canary\nhttps://canary:canary\\@x\nhttps://a:1@x\nhttps://a:canary@x\ncanary://canary@x\n";
        for line in parse(file).unwrap() {
            assert!(!format!("{line:?}").contains("canary"), "line {}", line.number);
        }
    }
}
