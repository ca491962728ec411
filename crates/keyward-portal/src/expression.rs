//! Combinations of names with `and`, `or` and `not`, as in `(password and totp) or sshkey`.

mod flumotion;

use std::fmt;

use keyward_core::{Error, Result, Timestamp};

/// A combination of names.
///
/// Operators that differ need parentheses: `a and b or c` is refused, because readers disagree about
/// what it means.
///
/// # Examples
/// ```
/// use keyward_portal::{Expression, Verdict};
///
/// let policy = Expression::parse("(password and totp) or sshkey")?;
/// let mut is_proved = |proved| {
///     policy.evaluate(&mut |name| Ok(if name == proved { Verdict::YES } else { Verdict::NO }))
/// };
/// assert!(is_proved("sshkey")?.holds);
/// assert!(!is_proved("password")?.holds);
/// assert!(Expression::parse("a and b or c").is_err());
/// # Ok::<(), keyward_core::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Expression {
    /// A name.
    Name(String),
    /// The opposite.
    Not(Box<Self>),
    /// All of them, at least two.
    And(Vec<Self>),
    /// One of them, at least; there are two or more.
    Or(Vec<Self>),
}

/// Whether something is true, and until when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// Whether it is true.
    pub holds: bool,
    /// Until when it is certainly true; `None` if it is not true, or has no known end.
    pub until: Option<Timestamp>,
}

impl Verdict {
    /// It is not true.
    pub const NO: Self = Self { holds: false, until: None };
    /// It is true, without a known end.
    pub const YES: Self = Self { holds: true, until: None };
}

/// Returns the end that comes first.
pub(crate) fn earliest(one: Option<Timestamp>, other: Option<Timestamp>) -> Option<Timestamp> {
    one.into_iter().chain(other).min()
}

/// The longest text of an expression, in bytes.
const MAX: usize = 4096;

/// The most parentheses and `not` around a name.
const MAX_DEPTH: usize = 32;

impl Expression {
    /// Reads an expression. A name consists of letters, digits, `-`, `_` and `.`.
    ///
    /// # Errors
    /// [`Invalid`](keyward_core::ErrorKind::Invalid), with the place in the text.
    pub fn parse(text: &str) -> Result<Self> {
        if text.len() > MAX {
            return Err(Error::invalid("policy", format!("it is longer than {MAX} bytes")));
        }
        let mut reader = Reader { text, at: 0 };
        let expression = reader.expression(0)?;
        match reader.next() {
            None => Ok(expression),
            Some(word) => Err(reader.unexpected(word)),
        }
    }

    /// Whether it can become true, if the named things that are true so far are as `is` says, and
    /// those of `can_change` may be true or not.
    pub(crate) fn can_hold(
        &self,
        is: &dyn Fn(&str) -> bool,
        can_change: &dyn Fn(&str) -> bool,
    ) -> bool {
        match self {
            Self::Name(name) => is(name) || can_change(name),
            Self::Not(inner) => !inner.must_hold(is, can_change),
            Self::And(parts) => parts.iter().all(|part| part.can_hold(is, can_change)),
            Self::Or(parts) => parts.iter().any(|part| part.can_hold(is, can_change)),
        }
    }

    /// Whether it is true whatever those of `can_change` are.
    fn must_hold(&self, is: &dyn Fn(&str) -> bool, can_change: &dyn Fn(&str) -> bool) -> bool {
        match self {
            Self::Name(name) => is(name) && !can_change(name),
            Self::Not(inner) => !inner.can_hold(is, can_change),
            Self::And(parts) => parts.iter().all(|part| part.must_hold(is, can_change)),
            Self::Or(parts) => parts.iter().any(|part| part.must_hold(is, can_change)),
        }
    }

    /// Finds out whether it is true, and until when. Each name is asked for from left to right; what
    /// cannot matter any more is not asked for. A result with an end is not final: then the others are
    /// asked for too, so that the end is the latest that is possible.
    ///
    /// # Errors
    /// Those of `ask`.
    pub fn evaluate(&self, ask: &mut dyn FnMut(&str) -> Result<Verdict>) -> Result<Verdict> {
        match self {
            Self::Name(name) => ask(name),
            Self::Not(inner) => Ok(Verdict { holds: !inner.evaluate(ask)?.holds, until: None }),
            Self::And(parts) => {
                let mut until = None;
                for part in parts {
                    let verdict = part.evaluate(ask)?;
                    if !verdict.holds {
                        return Ok(verdict);
                    }
                    until = earliest(until, verdict.until);
                }
                Ok(Verdict { holds: true, until })
            }
            Self::Or(parts) => {
                let mut best = Verdict::NO;
                for part in parts {
                    let verdict = part.evaluate(ask)?;
                    match (verdict.holds, verdict.until) {
                        (true, None) => return Ok(verdict),
                        (true, until) => {
                            best = Verdict { holds: true, until: until.max(best.until) }
                        }
                        (false, _) => {}
                    }
                }
                Ok(best)
            }
        }
    }

    /// Whether `not` is used before something that contains one of these names.
    pub(crate) fn negates(&self, name: &dyn Fn(&str) -> bool) -> bool {
        match self {
            Self::Name(_) => false,
            Self::Not(inner) => inner.names().into_iter().any(name),
            Self::And(parts) | Self::Or(parts) => parts.iter().any(|part| part.negates(name)),
        }
    }

    /// Returns the names, from left to right.
    pub fn names(&self) -> Vec<&str> {
        match self {
            Self::Name(name) => vec![name],
            Self::Not(inner) => inner.names(),
            Self::And(parts) | Self::Or(parts) => parts.iter().flat_map(Self::names).collect(),
        }
    }
}

/// Written so that [`Expression::parse`] reads the same.
impl fmt::Display for Expression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let joined = |f: &mut fmt::Formatter<'_>, parts: &[Self], word: &str| {
            for (index, part) in parts.iter().enumerate() {
                if index > 0 {
                    write!(f, " {word} ")?;
                }
                part.write_part(f)?;
            }
            Ok(())
        };
        match self {
            Self::Name(name) => f.write_str(name),
            Self::Not(inner) => {
                f.write_str("not ")?;
                inner.write_part(f)
            }
            Self::And(parts) => joined(f, parts, "and"),
            Self::Or(parts) => joined(f, parts, "or"),
        }
    }
}

impl Expression {
    fn write_part(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(_) | Self::Not(_) => write!(f, "{self}"),
            Self::And(_) | Self::Or(_) => write!(f, "({self})"),
        }
    }
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Reader<'a> {
    /// Reads terms that are joined by one operator.
    fn expression(&mut self, depth: usize) -> Result<Expression> {
        let first = self.term(depth)?;
        let Some(operator @ ("and" | "or")) = self.peek() else { return Ok(first) };
        let mut parts = vec![first];
        while let Some(word @ ("and" | "or")) = self.peek() {
            if word != operator {
                self.next();
                let why = "`and` and `or` are mixed: add parentheses";
                return Err(self.error(word, why));
            }
            self.next();
            parts.push(self.term(depth)?);
        }
        Ok(if operator == "and" { Expression::And(parts) } else { Expression::Or(parts) })
    }

    fn term(&mut self, depth: usize) -> Result<Expression> {
        if depth > MAX_DEPTH {
            return Err(self.error("", "it has too many parentheses"));
        }
        match self.next() {
            Some("(") => {
                let inner = self.expression(depth + 1)?;
                match self.next() {
                    Some(")") => Ok(inner),
                    Some(word) => Err(self.unexpected(word)),
                    None => Err(self.error("", "a parenthesis is not closed")),
                }
            }
            Some("not") => Ok(Expression::Not(Box::new(self.term(depth + 1)?))),
            Some(word) if word.starts_with(is_of_name) && !matches!(word, "and" | "or") => {
                Ok(Expression::Name(word.to_owned()))
            }
            Some(word) => Err(self.unexpected(word)),
            None => Err(self.error("", "a name is missing at the end")),
        }
    }

    fn peek(&self) -> Option<&'a str> {
        Reader { text: self.text, at: self.at }.next()
    }

    /// Takes the next word.
    fn next(&mut self) -> Option<&'a str> {
        let rest = self.text[self.at..].trim_start_matches(' ');
        let first = rest.chars().next()?;
        let length = match rest.find(|other| !is_of_name(other)) {
            Some(0) => first.len_utf8(),
            Some(length) => length,
            None => rest.len(),
        };
        self.at = self.text.len() - rest.len() + length;
        Some(&rest[..length])
    }

    fn unexpected(&self, word: &str) -> Error {
        self.error(word, &format!("`{}` is not expected", keyward_core::printable(word)))
    }

    fn error(&self, word: &str, why: &str) -> Error {
        Error::invalid("policy", format!("{why} (at byte {})", self.at - word.len()))
    }
}

fn is_of_name(other: char) -> bool {
    other.is_ascii_alphanumeric() || matches!(other, '-' | '_' | '.')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn mixed_operators_need_parentheses() {
        for text in ["a and b or c", "a or b and c", "a and (b or c) or d"] {
            let error = Expression::parse(text).unwrap_err();
            assert!(error.message().contains("add parentheses"), "{text}: {error}");
        }
        for text in ["a and b and c", "(a and b) or c", "not a and b", "not (a or b)"] {
            assert_eq!(Expression::parse(text).unwrap().to_string(), text);
        }
    }

    #[test]
    fn what_is_no_expression_is_refused() {
        for text in ["", " ", "and", "a and", "a b", "(a", "a)", "not", "a & b", "é", "a\nb", "()"]
        {
            assert!(Expression::parse(text).is_err(), "{text}");
        }
        assert!(Expression::parse(&"(".repeat(4000)).is_err());
        assert!(Expression::parse(&"not ".repeat(1000)).is_err());
        assert!(Expression::parse(&"a".repeat(5000)).is_err());
    }

    #[test]
    fn names_are_asked_for_from_left_to_right() {
        let expression = Expression::parse("(a and b) or (c and not d)").unwrap();
        assert_eq!(expression.names(), ["a", "b", "c", "d"]);
        let mut asked = Vec::new();
        let verdict = expression.evaluate(&mut |name| {
            asked.push(name.to_owned());
            Ok(if name == "c" { Verdict::YES } else { Verdict::NO })
        });
        assert_eq!(verdict.unwrap(), Verdict::YES);
        assert_eq!(asked, ["a", "c", "d"]);
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in "[abn ot()dr-]{0,60}|\\PC{0,20}") {
            if let Ok(expression) = Expression::parse(&text) {
                prop_assert_eq!(Expression::parse(&expression.to_string()).unwrap(), expression);
            }
        }
    }
}
