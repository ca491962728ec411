//! Reads INI files as Python's `configparser.ConfigParser` does, with the line of each value.
//!
//! No crate is used for this: those that read INI files do not continue lines as Python does, accept
//! sections that are there twice, and do not know in which line a value was.

use std::collections::BTreeMap;

use keyward_core::{Error, Result, printable};

/// The largest file, in bytes.
pub const MAX_FILE: usize = 1 << 20;

/// The longest value once others are inserted, in bytes.
const MAX_VALUE: usize = 64 << 10;

/// How often a value that was inserted may insert others.
const MAX_DEPTH: usize = 10;

/// The section whose options all others have.
const DEFAULT: &str = "DEFAULT";

/// A value, and where it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IniValue {
    /// The lines, without white space around them.
    pub text: String,
    /// The file and the number of the first line, for messages.
    pub place: String,
}

/// The options of a section, by their names in lower case.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Section {
    /// The file and the number of the line with its name, for messages.
    pub place: String,
    options: BTreeMap<String, IniValue>,
}

/// The sections of a file, by their names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ini {
    /// Those that are in the file, without `DEFAULT`.
    pub sections: BTreeMap<String, Section>,
}

impl Ini {
    /// Reads the content of a file; `from` is its path, for messages.
    ///
    /// # Errors
    /// [`Invalid`](keyward_core::ErrorKind::Invalid) with the line for what Python refuses: a line
    /// before the first section, a line without `=` or `:`, a section or an option that is there twice.
    ///
    /// # Examples
    /// ```
    /// use keyward_import::ini::Ini;
    ///
    /// let ini = Ini::parse(b"[a]\nKey = 1\n  2\n", "a.cfg")?;
    /// let value = ini.sections["a"].iter().next().unwrap();
    /// assert_eq!((value.0, &*value.1.text, &*value.1.place), ("key", "1\n2", "a.cfg:2"));
    /// # Ok::<(), keyward_core::Error>(())
    /// ```
    pub fn parse(content: &[u8], from: &str) -> Result<Self> {
        let wrong = |line: usize, why: &str| {
            Error::invalid("import", format!("{from}:{line}: {}", printable(why)))
        };
        if content.len() > MAX_FILE {
            return Err(wrong(1, &format!("the file is larger than {MAX_FILE} bytes")));
        }
        let text = std::str::from_utf8(content).map_err(|_| wrong(1, "the file is not UTF-8"))?;
        let mut sections: BTreeMap<String, Section> = BTreeMap::new();
        let mut section: Option<String> = None;
        // The option that a line with more white space at its beginning continues.
        let mut open: Option<String> = None;
        let mut indent = 0;
        for (at, line) in text.trim_start_matches('\u{feff}').lines().enumerate() {
            let number = at + 1;
            let value = line.trim();
            let options = section.as_ref().and_then(|name| sections.get_mut(name));
            let options = options.map(|section| &mut section.options);
            let value_of_open =
                options.zip(open.as_ref()).and_then(|(options, name)| options.get_mut(name));
            if value.starts_with(['#', ';']) {
                continue;
            }
            if value.is_empty() {
                value_of_open.into_iter().for_each(|open| open.text.push('\n'));
                continue;
            }
            let spaces = line.len() - line.trim_start().len();
            if let Some(open) = value_of_open.filter(|_| spaces > indent) {
                open.text += "\n";
                open.text += value;
                continue;
            }
            indent = spaces;
            open = None;
            if let Some(name) = header(value) {
                if sections.contains_key(name) {
                    return Err(wrong(number, &format!("the section [{name}] is there twice")));
                }
                let place = format!("{from}:{number}");
                let new = Section { place, options: BTreeMap::new() };
                sections.insert(name.to_owned(), new);
                section = Some(name.to_owned());
                continue;
            }
            let Some(options) = section.as_ref().and_then(|name| sections.get_mut(name)) else {
                return Err(wrong(number, "there is no [section] before this line"));
            };
            let parts = value.split_once(['=', ':']).filter(|(name, _)| !name.trim().is_empty());
            let Some((name, value)) = parts else {
                return Err(wrong(number, "this line is neither a section nor `name = value`"));
            };
            let name = name.trim().to_lowercase();
            let place = format!("{from}:{number}");
            let value = IniValue { text: value.trim().to_owned(), place };
            if options.options.insert(name.clone(), value).is_some() {
                return Err(wrong(number, &format!("the option `{name}` is there twice")));
            }
            open = Some(name);
        }
        Ok(Self { sections: finished(sections) })
    }
}

impl Section {
    /// Iterates over the options, by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &IniValue)> {
        self.options.iter().map(|(name, value)| (name.as_str(), value))
    }

    /// Adds the options of the same section in a later file, which replace those of the same names.
    pub fn merge(&mut self, later: Self) {
        self.options.extend(later.options);
        self.place = later.place;
    }

    /// Returns where an option is; if there is none, where the section is.
    pub fn place(&self, name: &str) -> &str {
        self.options.get(name).map_or(&self.place, |value| &value.place)
    }

    /// Returns the text of an option with what it inserts: `%%` is a percent sign, `%(name)s` the
    /// value of another option. Any other percent sign is itself, although Python refuses it: it is
    /// part of an escaped URL.
    ///
    /// # Errors
    /// [`Invalid`](keyward_core::ErrorKind::Invalid) if that option does not exist, or the text
    /// becomes too long.
    pub fn text(&self, name: &str) -> Result<Option<String>> {
        let Some(value) = self.options.get(name) else { return Ok(None) };
        let mut text = String::new();
        self.insert(&value.text, &mut text, 0)?;
        Ok(Some(text))
    }

    fn insert(&self, value: &str, into: &mut String, depth: usize) -> Result<()> {
        if depth > MAX_DEPTH {
            return Err(Error::invalid("import", "the values insert each other"));
        }
        let mut rest = value;
        while let Some((before, after)) = rest.split_once('%') {
            *into += before;
            rest = after;
            if let Some(after) = rest.strip_prefix('%') {
                *into += "%";
                rest = after;
            } else if let Some((name, after)) = inserted(rest) {
                let found = self.options.get(&name.to_lowercase()).ok_or_else(|| {
                    let name = printable(name);
                    Error::invalid("import", format!("there is no option `{name}` to insert"))
                })?;
                self.insert(&found.text, into, depth + 1)?;
                rest = after;
            } else {
                *into += "%";
            }
            if into.len() > MAX_VALUE {
                return Err(too_long());
            }
        }
        *into += rest;
        if into.len() > MAX_VALUE { Err(too_long()) } else { Ok(()) }
    }
}

fn too_long() -> Error {
    Error::invalid("import", format!("the value is longer than {MAX_VALUE} bytes"))
}

/// Splits the rest of `%(name)s` after the percent sign.
fn inserted(rest: &str) -> Option<(&str, &str)> {
    rest.strip_prefix('(')?.split_once(")s").filter(|(name, _)| !name.contains([')', '(']))
}

/// Returns the name in `[name]`. What follows the last bracket is left out.
fn header(line: &str) -> Option<&str> {
    let (name, _) = line.strip_prefix('[')?.rsplit_once(']')?;
    Some(name).filter(|name| !name.is_empty())
}

/// Returns the sections with those options of `DEFAULT` that they do not have themselves, and without
/// empty lines at the ends of values.
fn finished(mut sections: BTreeMap<String, Section>) -> BTreeMap<String, Section> {
    let defaults = sections.remove(DEFAULT).unwrap_or_default();
    for section in sections.values_mut() {
        for (name, value) in &defaults.options {
            section.options.entry(name.clone()).or_insert_with(|| value.clone());
        }
        for value in section.options.values_mut() {
            value.text.truncate(value.text.trim_end().len());
        }
    }
    sections
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Ini> {
        Ini::parse(text.as_bytes(), "F")
    }

    #[test]
    fn values_are_those_that_python_reads() {
        let text = "\u{feff}# comment\n[a b]\nKEY = 1 ; not a comment\n  2\n# comment\n\n  3\n\nb: x=y\n\
                    empty =\n  [c]\n[DEFAULT]\nd = %(e)s/%%/%20\n[f]\ne = 5\n";
        let ini = parse(text).unwrap();
        let section = &ini.sections["a b"];
        let values: Vec<_> =
            section.iter().map(|(name, it)| (name, &*it.text, &*it.place)).collect();
        let expected = [
            ("b", "x=y", "F:9"),
            ("d", "%(e)s/%%/%20", "F:13"),
            ("empty", "\n[c]", "F:10"),
            ("key", "1 ; not a comment\n2\n\n3", "F:3"),
        ];
        assert_eq!(values, expected);
        assert_eq!(ini.sections["f"].text("d").unwrap().unwrap(), "5/%/%20");
        assert_eq!(section.text("d").unwrap_err().message(), "there is no option `e` to insert");
    }

    #[test]
    fn what_python_refuses_is_refused_with_its_line() {
        for (text, why) in [
            ("a = 1\n", "F:1: there is no [section] before this line"),
            ("[a]\nb\n", "F:2: this line is neither a section nor `name = value`"),
            ("[a]\n= b\n", "F:2: this line is neither a section nor `name = value`"),
            ("[a]\n[b]\n[a]\n", "F:3: the section [a] is there twice"),
            ("[a]\nb = 1\nB: 2\n", "F:3: the option `b` is there twice"),
        ] {
            assert_eq!(parse(text).unwrap_err().message(), why);
        }
        assert!(Ini::parse(b"[a]\nb = \xff\n", "F").is_err());
        assert!(Ini::parse(&vec![b'\n'; MAX_FILE + 1], "F").is_err());
    }

    #[test]
    fn values_that_insert_each_other_end() {
        let mut text = "[a]\nx0 = %(x0)s\n".to_owned();
        for at in 1..20 {
            text += &format!("x{at} = {}\n", format!("%(x{})s", at - 1).repeat(40));
        }
        text += "y = 0123456789\n";
        for at in 0..9 {
            let before = if at == 0 { "y".to_owned() } else { format!("y{}", at - 1) };
            text += &format!("y{at} = {}\n", format!("%({before})s").repeat(40));
        }
        let ini = parse(&text).unwrap();
        for name in ["x0", "x5", "x19", "y8"] {
            assert!(ini.sections["a"].text(name).is_err(), "{name}");
        }
        assert_eq!(ini.sections["a"].text("y0").unwrap().unwrap().len(), 400);
    }
}
