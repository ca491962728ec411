//! Combinations as Flumotion reads them.

use keyward_core::{Error, Result};

use super::{Expression, MAX, MAX_DEPTH, is_of_name};

impl Expression {
    /// Reads an expression as Flumotion does: `not` comes before `or`, and `or` before `and`, so that
    /// `a and b or c` means `a and (b or c)`. Blanks around words can be missing, and `nota` is the
    /// opposite of `a`: no name can start with `not`.
    ///
    /// [`Display`](std::fmt::Display) writes what it returns with the parentheses that
    /// [`parse`](Self::parse) needs.
    ///
    /// # Errors
    /// [`Invalid`](keyward_core::ErrorKind::Invalid), with the place in the text.
    ///
    /// # Examples
    /// ```
    /// use keyward_portal::Expression;
    ///
    /// let policy = Expression::parse_flumotion("a and b or c")?;
    /// assert_eq!(policy.to_string(), "a and (b or c)");
    /// # Ok::<(), keyward_core::Error>(())
    /// ```
    pub fn parse_flumotion(text: &str) -> Result<Self> {
        if text.len() > MAX {
            return Err(Error::invalid("policy", format!("it is longer than {MAX} bytes")));
        }
        let mut reader = Reader { text, rest: text };
        let expression = reader.all(0)?;
        if !reader.rest.trim_start().is_empty() {
            return Err(reader.error("`and`, `or` or the end is expected"));
        }
        Ok(expression)
    }
}

struct Reader<'a> {
    text: &'a str,
    rest: &'a str,
}

impl Reader<'_> {
    /// Reads alternatives that are joined by `and`.
    fn all(&mut self, depth: usize) -> Result<Expression> {
        let mut parts = vec![self.any(depth)?];
        while self.take("and") {
            parts.push(self.any(depth)?);
        }
        Ok(joined(parts, Expression::And))
    }

    /// Reads terms that are joined by `or`.
    fn any(&mut self, depth: usize) -> Result<Expression> {
        let mut parts = vec![self.term(depth)?];
        while self.take("or") {
            parts.push(self.term(depth)?);
        }
        Ok(joined(parts, Expression::Or))
    }

    fn term(&mut self, depth: usize) -> Result<Expression> {
        if depth > MAX_DEPTH {
            return Err(self.error("it has too many parentheses"));
        }
        if self.take("not") {
            return Ok(Expression::Not(Box::new(self.term(depth + 1)?)));
        }
        if self.take("(") {
            let inner = self.all(depth + 1)?;
            if !self.take(")") {
                return Err(self.error("a parenthesis is not closed"));
            }
            return Ok(inner);
        }
        self.name()
    }

    fn name(&mut self) -> Result<Expression> {
        self.rest = self.rest.trim_start();
        let length = self.rest.find(|other| !is_of_name(other)).unwrap_or(self.rest.len());
        let (name, rest) = self.rest.split_at(length);
        if matches!(name, "" | "and" | "or") {
            return Err(self.error("a name is expected"));
        }
        self.rest = rest;
        Ok(Expression::Name(name.to_owned()))
    }

    /// Takes a word if it comes next.
    fn take(&mut self, word: &str) -> bool {
        let Some(rest) = self.rest.trim_start().strip_prefix(word) else { return false };
        self.rest = rest;
        true
    }

    fn error(&self, why: &str) -> Error {
        let place = self.text.len() - self.rest.trim_start().len();
        Error::invalid("policy", format!("{why} (at byte {place})"))
    }
}

fn joined(mut parts: Vec<Expression>, join: fn(Vec<Expression>) -> Expression) -> Expression {
    if parts.len() == 1 { parts.swap_remove(0) } else { join(parts) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn or_comes_before_and() {
        for (text, means) in [
            ("A and B or C", "A and (B or C)"),
            ("A or B and C", "(A or B) and C"),
            ("not A or B and C", "(not A or B) and C"),
            ("(A and B) or C", "(A and B) or C"),
            ("notA", "not A"),
            ("A andB orC", "A and (B or C)"),
            ("not not A", "not not A"),
        ] {
            assert_eq!(Expression::parse_flumotion(text).unwrap().to_string(), means, "{text}");
        }
    }

    #[test]
    fn what_flumotion_does_not_read_is_refused() {
        for text in ["", "and", "A and", "A B", "(A", "A)", "not", "A AND B", "A & B"] {
            assert!(Expression::parse_flumotion(text).is_err(), "{text}");
        }
        assert!(Expression::parse_flumotion(&"(".repeat(4000)).is_err());
        assert!(Expression::parse_flumotion(&"not".repeat(1000)).is_err());
        assert!(Expression::parse_flumotion(&"a".repeat(5000)).is_err());
    }

    proptest! {
        #[test]
        fn what_is_read_can_be_written_with_parentheses(text in "[abn ot()dr-]{0,60}|\\PC{0,20}") {
            if let Ok(expression) = Expression::parse_flumotion(&text) {
                let written = expression.to_string();
                prop_assert_eq!(Expression::parse(&written).unwrap().to_string(), written);
            }
        }
    }
}
