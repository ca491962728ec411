//! Files with lines `NAME=VALUE`, as many programs read them for their environment.
//!
//! There is no one definition of this format. This reader takes what the common ones agree on and
//! refuses the rest, instead of reading it in another way than the next program:
//!
//! - an empty line, or one that begins with `#`, means nothing;
//! - `export ` may stand before the name;
//! - a value in single quotes is taken as it is; in double quotes, `\n`, `\r`, `\t`, `\"`, `\$` and
//!   `\\` stand for one character; both may contain line breaks;
//! - a value without quotes ends with the line, or at a `#` after a space; spaces around it are removed.
//!
//! Nothing is expanded: `$` is an ordinary character.

use std::collections::BTreeSet;

use keyward_config::is_variable_name;
use keyward_core::{Error, Result, printable};

/// The largest file, in bytes.
pub const MAX: usize = 1 << 20;

/// A variable of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Variable {
    /// Its name: letters, digits and `_`, and no digit first.
    pub name: String,
    /// Its value, which may be a reference.
    pub value: String,
}

/// Reads the variables of a file, in their order. `place` is what errors call it.
///
/// # Errors
/// [`Invalid`](keyward_core::ErrorKind::Invalid) for a line that is not of this format, for a name
/// that is there twice, and for a file that is too large. The error has the number of the line and
/// not its content.
///
/// # Examples
/// ```
/// use keyward_resolver::env_file;
///
/// let variables = env_file::read(".env", "# for tests\nexport USER='ann'\nKEY=keyward://work/api\n")?;
/// assert_eq!(variables[0].value, "ann");
/// assert_eq!(variables[1].name, "KEY");
/// # Ok::<(), keyward_core::Error>(())
/// ```
pub fn read(place: &str, text: &str) -> Result<Vec<Variable>> {
    if text.len() > MAX {
        let why = format!("{}: the file is larger than {MAX} bytes", printable(place));
        return Err(Error::invalid("environment file", why));
    }
    let mut reader = Reader { place, text, rest: text, start: 0 };
    let mut names = BTreeSet::new();
    let mut variables = Vec::new();
    while let Some(variable) = reader.variable()? {
        if !names.insert(variable.name.clone()) {
            return Err(reader.wrong(&format!("`{}` is there twice", variable.name)));
        }
        variables.push(variable);
    }
    Ok(variables)
}

struct Reader<'a> {
    place: &'a str,
    text: &'a str,
    rest: &'a str,
    /// Where the variable that is being read starts.
    start: usize,
}

impl<'a> Reader<'a> {
    fn variable(&mut self) -> Result<Option<Variable>> {
        self.skip_comments();
        self.start = self.text.len() - self.rest.len();
        if self.rest.is_empty() {
            return Ok(None);
        }
        let line = self.rest.split('\n').next().unwrap_or_default();
        let Some((name, _)) = line.split_once('=') else {
            return Err(self.wrong("there is no `=` in the line"));
        };
        self.rest = &self.rest[name.len() + 1..];
        let name = name.trim();
        let name = name.strip_prefix("export ").map_or(name, str::trim_start);
        if !is_variable_name(name) {
            return Err(self.wrong("the name has other characters than letters, digits and `_`"));
        }
        let value = self.value()?;
        if value.contains('\0') {
            return Err(self.wrong("the value contains a NUL"));
        }
        Ok(Some(Variable { name: name.to_owned(), value }))
    }

    fn skip_comments(&mut self) {
        loop {
            self.rest = self.rest.trim_start();
            if !self.rest.starts_with('#') {
                return;
            }
            self.skip_line();
        }
    }

    /// Takes the rest of the line.
    fn skip_line(&mut self) -> &'a str {
        let (line, rest) = self.rest.split_once('\n').unwrap_or((self.rest, ""));
        self.rest = rest;
        line
    }

    fn value(&mut self) -> Result<String> {
        self.rest = self.rest.trim_start_matches([' ', '\t']);
        let value = match self.rest.as_bytes().first() {
            Some(b'\'') => self.single_quoted()?,
            Some(b'"') => self.double_quoted()?,
            _ => return Ok(without_comment(self.skip_line()).to_owned()),
        };
        let after = self.skip_line().trim();
        if after.is_empty() || after.starts_with('#') {
            return Ok(value);
        }
        Err(self.wrong("something follows the closing quote"))
    }

    fn single_quoted(&mut self) -> Result<String> {
        let (value, rest) = self.rest[1..].split_once('\'').ok_or_else(|| self.unclosed())?;
        self.rest = rest;
        Ok(value.to_owned())
    }

    fn double_quoted(&mut self) -> Result<String> {
        let mut value = String::new();
        let mut characters = self.rest[1..].char_indices();
        while let Some((at, character)) = characters.next() {
            match character {
                '"' => {
                    self.rest = &self.rest[1 + at + 1..];
                    return Ok(value);
                }
                '\\' => value.push(match characters.next() {
                    Some((_, 'n')) => '\n',
                    Some((_, 'r')) => '\r',
                    Some((_, 't')) => '\t',
                    Some((_, same @ ('"' | '\\' | '$'))) => same,
                    _ => return Err(self.wrong("this character cannot follow a backslash")),
                }),
                other => value.push(other),
            }
        }
        Err(self.unclosed())
    }

    fn unclosed(&self) -> Error {
        self.wrong("a quote is not closed")
    }

    /// An error at the line where the variable starts.
    fn wrong(&self, why: &str) -> Error {
        let line = self.text[..self.start].matches('\n').count() + 1;
        Error::invalid("environment file", format!("{}:{line}: {why}", printable(self.place)))
    }
}

/// Removes a comment after a space, and the spaces around the value.
fn without_comment(line: &str) -> &str {
    let at = line.char_indices().find(|(at, character)| {
        *character == '#' && line[..*at].chars().next_back().is_none_or(char::is_whitespace)
    });
    at.map_or(line, |(at, _)| &line[..at]).trim()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn values(text: &str) -> Vec<(String, String)> {
        let variables = read("file", text).unwrap_or_else(|error| panic!("{text}: {error:?}"));
        variables.into_iter().map(|variable| (variable.name, variable.value)).collect()
    }

    #[test]
    fn each_form_of_a_value_is_read() {
        for (text, value) in [
            ("A=", ""),
            ("A= x y ", "x y"),
            ("A=x#y", "x#y"),
            ("A=x # y", "x"),
            ("A=# y", ""),
            ("A='x # \"$y\" \\n'", "x # \"$y\" \\n"),
            ("A=\"x\\n\\\"\\$y\\\\\" # comment", "x\n\"$y\\"),
            ("A='x\ny'", "x\ny"),
            ("A=\"x\ny\"", "x\ny"),
            ("A=$(id) `id` ${B}", "$(id) `id` ${B}"),
            ("A=x=y", "x=y"),
            ("  export  A = x\r", "x"),
            ("\n# B=1\n\nA=x\n\n", "x"),
        ] {
            assert_eq!(values(text), [("A".to_owned(), value.to_owned())], "{text}");
        }
    }

    #[test]
    fn what_is_not_of_the_format_names_its_line() {
        for (text, line) in [
            ("A", 1),
            ("A=1\nB", 2),
            ("A=1\n\n1B=2", 3),
            ("A B=1", 1),
            ("=1", 1),
            ("A=\"\\x\"", 1),
            ("A='x", 1),
            ("A=\"x", 1),
            ("A='x'y", 1),
            ("A=1\nB=2\nA=3", 3),
            ("A=1\nB=a\0b\nC=1", 2),
            ("export=1\nexport =1", 2),
        ] {
            let error = read("file", text).unwrap_err();
            let start = format!("file:{line}: ");
            assert!(error.message().starts_with(&start), "{text:?}: {}", error.message());
        }
    }

    #[test]
    fn an_error_shows_no_value() {
        let error = read("file", "A='hunter2").unwrap_err();
        assert!(!format!("{error:?}").contains("hunter2"));
    }

    #[test]
    fn a_huge_file_is_refused() {
        assert!(read("file", &"#\n".repeat(MAX)).is_err());
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in any::<String>()) {
            let _ = read("file", &text);
        }

        #[test]
        fn lines_that_look_right_do_no_harm(text in "([A-B]=|export |'|\"|\\\\|#|\n| |x|\\$){0,20}") {
            let _ = read("file", &text);
        }

        #[test]
        fn a_quoted_value_reads_back(value in "[^\0\"\\\\\r]*") {
            let read = values(&format!("A=\"{value}\""));
            prop_assert_eq!(&read[0].1, &value);
        }
    }
}
