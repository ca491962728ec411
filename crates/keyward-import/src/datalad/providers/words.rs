//! The words that a part of a regular expression can match.

use keyward_core::{Error, Result};

/// The most words that one expression may stand for.
const MAX_WORDS: usize = 64;

/// The deepest nesting of groups.
const MAX_DEPTH: usize = 8;

/// Expressions for any text with dots in it.
const ANY: &[&str] = &[".*?", ".+?", ".*", ".+", "[^/]*", "[^/]+", "\\S*", "\\S+"];

/// Reads the words that the beginning of an expression can match, up to a place where `ends` is true
/// of the rest. Returns them, and the rest. A star in a word is any text.
///
/// `.` is read as a dot: people forget to escape it.
///
/// # Errors
/// If the expression can match more than a few words.
pub(super) fn words<'a>(
    expression: &'a str,
    ends: &dyn Fn(&str) -> bool,
) -> Result<(Vec<String>, &'a str)> {
    let mut reader = Reader { rest: expression, depth: 0 };
    let words = reader.sequence(ends)?;
    Ok((words, reader.rest))
}

struct Reader<'a> {
    rest: &'a str,
    depth: usize,
}

impl Reader<'_> {
    fn sequence(&mut self, ends: &dyn Fn(&str) -> bool) -> Result<Vec<String>> {
        let mut words = vec![String::new()];
        while !self.rest.is_empty() && !ends(self.rest) {
            if self.depth > 0 && self.rest.starts_with([')', '|']) {
                break;
            }
            let next = self.atom()?;
            if words.len() * next.len() > MAX_WORDS {
                return Err(unclear("it names too many hosts"));
            }
            let with_each =
                |word: &String| next.iter().map(|next| word.clone() + next).collect::<Vec<_>>();
            words = words.iter().flat_map(with_each).collect();
        }
        Ok(words)
    }

    /// Reads a character, a group, or an expression for any text, and a `?` after it.
    fn atom(&mut self) -> Result<Vec<String>> {
        if let Some(any) = ANY.iter().find(|any| self.rest.starts_with(**any)) {
            self.rest = &self.rest[any.len()..];
            return Ok(vec!["*".to_owned()]);
        }
        let mut words = if self.rest.starts_with('(') { self.group()? } else { self.character()? };
        if let Some(rest) = self.rest.strip_prefix('?') {
            self.rest = rest;
            words.push(String::new());
        }
        if self.rest.starts_with(['*', '+', '?', '{']) {
            return Err(unclear("it repeats a part of the host"));
        }
        Ok(words)
    }

    fn group(&mut self) -> Result<Vec<String>> {
        self.rest = &self.rest[1..];
        if let Some(special) = self.rest.strip_prefix('?') {
            let name = special.strip_prefix("P<").or_else(|| special.strip_prefix('<'));
            let after_name = name.filter(|name| !name.starts_with(['=', '!']));
            let after_name = after_name.and_then(|name| name.split_once('>')).map(|(_, rest)| rest);
            self.rest = special
                .strip_prefix(':')
                .or(after_name)
                .ok_or_else(|| unclear("it has a group of a form that is not known"))?;
        }
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(unclear("its groups are nested too deeply"));
        }
        let mut words = Vec::new();
        loop {
            words.extend(self.sequence(&|_| false)?);
            if let Some(rest) = self.rest.strip_prefix('|') {
                self.rest = rest;
            } else {
                break;
            }
        }
        self.depth -= 1;
        let rest = self.rest.strip_prefix(')');
        self.rest = rest.ok_or_else(|| unclear("a group has no end"))?;
        Ok(words)
    }

    fn character(&mut self) -> Result<Vec<String>> {
        let escaped = ["[.]", "\\.", "\\-", "."];
        if let Some(text) = escaped.iter().find(|text| self.rest.starts_with(**text)) {
            self.rest = &self.rest[text.len()..];
            return Ok(vec![text.trim_matches(['[', ']', '\\']).to_owned()]);
        }
        let mut characters = self.rest.chars();
        match characters.next() {
            Some(c) if c.is_ascii_alphanumeric() || "-_".contains(c) => {
                self.rest = characters.as_str();
                Ok(vec![c.to_string()])
            }
            Some('[') => Err(unclear("it names only some of the hosts of a domain")),
            Some('\\') => Err(unclear("it names only some of the hosts of a domain")),
            _ => Err(unclear("its scheme or its host is not clear")),
        }
    }
}

/// Returns the error for an expression that does not clearly name hosts.
pub(super) fn unclear(why: &str) -> Error {
    Error::invalid("import", why)
}
