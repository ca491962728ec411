//! Texts with references between `{{` and `}}`, which are replaced by the values.

use std::io::Write as _;

use keyward_core::{Error, Result, Secret, SecretWriter, printable};

use crate::Reference;

/// The largest template, in bytes.
pub const MAX: usize = 16 << 20;

/// A text, cut at its references.
///
/// Only `{{`, a reference, and `}}` is replaced, with or without spaces around the reference. Other
/// text between braces stays as it is, so templates of other programs can contain references.
///
/// # Examples
/// ```
/// use keyward_resolver::template::Template;
///
/// let template = Template::parse("app.toml", b"key = '{{ keyward://work/api }}'\n")?;
/// assert_eq!(template.references()[0].to_string(), "keyward://work/api");
/// let text = template.fill(&["s3cret".into()])?;
/// assert_eq!(text.expose(), b"key = 's3cret'\n");
/// # Ok::<(), keyward_core::Error>(())
/// ```
#[derive(Debug)]
pub struct Template<'a> {
    /// The text before the first reference, and that after each of them.
    texts: Vec<&'a [u8]>,
    references: Vec<Reference>,
}

impl<'a> Template<'a> {
    /// Finds the references in a text. `place` is what errors call it.
    ///
    /// # Errors
    /// [`Invalid`](keyward_core::ErrorKind::Invalid) if something that begins as a reference is none,
    /// with the number of its line; or if the text is too large.
    pub fn parse(place: &str, text: &'a [u8]) -> Result<Self> {
        let error = |why: &str| Error::invalid("template", format!("{}{why}", printable(place)));
        if text.len() > MAX {
            return Err(error(&format!(": the template is larger than {MAX} bytes")));
        }
        let mut template = Self { texts: Vec::new(), references: Vec::new() };
        let (mut start, mut at) = (0, 0);
        while let Some(braces) = find(&text[at..], b"{{").map(|found| at + found) {
            at = braces + 1;
            let inside = text[braces + 2..].trim_ascii_start();
            if !inside.starts_with(crate::SCHEME.as_bytes()) {
                continue;
            }
            // It is counted only for an error: a text may have many references.
            let line = || text[..braces].iter().filter(|byte| **byte == b'\n').count() + 1;
            let end = find(inside, b"}}");
            let end = end.ok_or_else(|| error(&format!(":{}: `}}}}` is missing", line())))?;
            let reference = std::str::from_utf8(&inside[..end]).unwrap_or_default();
            let reference = reference.trim_ascii_end().parse::<Reference>().map_err(|wrong| {
                error(&format!(":{}: {}", line(), wrong.message()))
                    .hint(wrong.advice().unwrap_or_default().to_owned())
            })?;
            template.texts.push(&text[start..braces]);
            template.references.push(reference);
            start = text.len() - inside.len() + end + 2;
            at = start;
        }
        template.texts.push(&text[start..]);
        Ok(template)
    }

    /// The references, in their order.
    pub fn references(&self) -> &[Reference] {
        &self.references
    }

    /// Returns the text with a value in place of each reference.
    ///
    /// # Errors
    /// If there is not enough memory.
    ///
    /// # Panics
    /// If there is not one value for each reference.
    pub fn fill(&self, values: &[Secret]) -> Result<Secret> {
        assert_eq!(values.len(), self.references.len(), "each reference has a value");
        let mut filled = SecretWriter::new();
        let values = values.iter().map(Secret::expose).chain([&b""[..]]);
        for (text, value) in self.texts.iter().zip(values) {
            for part in [text, value] {
                filled.write_all(part).map_err(|error| Error::io("template", error))?;
            }
        }
        Ok(filled.finish())
    }
}

fn find(text: &[u8], part: &[u8]) -> Option<usize> {
    text.windows(part.len()).position(|window| window == part)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn filled(text: &str) -> String {
        let template = Template::parse("t", text.as_bytes()).unwrap();
        let values: Vec<Secret> =
            (0..template.references().len()).map(|number| format!("<{number}>").into()).collect();
        String::from_utf8(template.fill(&values).unwrap().expose().to_vec()).unwrap()
    }

    #[test]
    fn only_references_are_replaced() {
        for (text, expected) in [
            ("", ""),
            ("a", "a"),
            ("{{keyward://s/n}}", "<0>"),
            ("a{{ keyward://s/n }}b{{keyward://s/m/f}}\nc", "a<0>b<1>\nc"),
            ("{{ other }} {{", "{{ other }} {{"),
            ("{{{keyward://s/n}}}", "{<0>}"),
            ("{{{{ keyward://s/n }}", "{{<0>"),
            ("keyward://s/n", "keyward://s/n"),
        ] {
            assert_eq!(filled(text), expected, "{text}");
        }
    }

    #[test]
    fn a_value_is_put_in_once() {
        let template = Template::parse("t", b"{{ keyward://s/n }}").unwrap();
        let filled = template.fill(&["{{ keyward://s/m }}".into()]).unwrap();
        assert_eq!(filled.expose(), b"{{ keyward://s/m }}");
    }

    #[test]
    fn a_wrong_reference_names_its_line() {
        for (text, message) in [
            ("\n{{ keyward://s/n", "t:2: `}}` is missing"),
            ("\n\n{{ keyward://s }}", "t:3: the reference has no `/` after the store"),
        ] {
            assert_eq!(Template::parse("t", text.as_bytes()).unwrap_err().message(), message);
        }
    }

    proptest! {
        #[test]
        fn text_without_references_stays(text in "[^k]*") {
            prop_assert_eq!(filled(&text), text);
        }

        #[test]
        fn any_bytes_are_read_or_refused(text in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = Template::parse("t", &text);
        }

        #[test]
        fn texts_that_look_right_do_no_harm(text in r"(\{|\}|keyward://|s/n| |/|\n){0,20}") {
            let _ = Template::parse("t", text.as_bytes());
        }
    }
}
