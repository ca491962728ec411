//! The fields of a form.

use std::io::Write;

use html5gum::{Token, Tokenizer};
use keyward_plugin::{Error, Record, Result, Secret, SecretWriter, printable};

/// A field, whose value contains fields of a record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Field {
    name: String,
    value: Vec<Part>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Text(String),
    Field(String),
}

impl Field {
    /// Reads `name=value`. `{password}` in the value is the record's field of this name; `{{` and `}}`
    /// are braces.
    ///
    /// # Errors
    /// [`Invalid`](keyward_plugin::ErrorKind::Invalid) if it is not of this form.
    pub(super) fn parse(text: &str) -> Result<Self> {
        let wrong = || {
            let text = printable(text);
            Error::invalid("options", format!("`fields` has `{text}`, which is not NAME=VALUE"))
                .hint("{password} is a field of the credential, {{ for a brace")
        };
        let (name, mut rest) = text.split_once('=').ok_or_else(wrong)?;
        if name.is_empty() {
            return Err(wrong());
        }
        let mut value = Vec::new();
        while let Some(brace) = rest.find(['{', '}']) {
            value.push(Part::Text(rest[..brace].to_owned()));
            rest = &rest[brace..];
            if rest.starts_with("{{") || rest.starts_with("}}") {
                value.push(Part::Text(rest[..1].to_owned()));
                rest = &rest[2..];
                continue;
            }
            let (field, after) =
                rest.strip_prefix('{').and_then(|rest| rest.split_once('}')).ok_or_else(wrong)?;
            value.push(Part::Field(field.to_owned()));
            rest = after;
        }
        value.push(Part::Text(rest.to_owned()));
        Ok(Self { name: name.to_owned(), value })
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Adds the field to the body of a request. Returns the name of a field that the record lacks.
    pub(super) fn write<'a>(&'a self, record: &Record, body: &mut Body) -> Option<&'a str> {
        body.name(&self.name);
        for part in &self.value {
            match part {
                Part::Text(text) => body.value(text.as_bytes()),
                Part::Field(name) => match record.field(name) {
                    Some(field) => body.value(field.value.expose()),
                    None => return Some(name),
                },
            }
        }
        None
    }
}

/// The body of a form (`application/x-www-form-urlencoded`).
pub(super) struct Body(SecretWriter);

impl Body {
    pub(super) fn new() -> Self {
        Self(SecretWriter::new())
    }

    pub(super) fn name(&mut self, name: &str) {
        if self.0.position() > 0 {
            self.write("&");
        }
        self.value(name.as_bytes());
        self.write("=");
    }

    pub(super) fn value(&mut self, value: &[u8]) {
        for part in form_urlencoded::byte_serialize(value) {
            self.write(part);
        }
    }

    pub(super) fn finish(self) -> Secret {
        self.0.finish()
    }

    fn write(&mut self, text: &str) {
        self.0.write_all(text.as_bytes()).expect("memory can be written");
    }
}

/// Returns the value of the first `<input>` of this name in a page.
pub(super) fn hidden(page: &Secret, name: &str) -> Option<Secret> {
    Tokenizer::new(page.expose()).flatten().find_map(|token| {
        let Token::StartTag(tag) = token else { return None };
        let is_named = tag.attributes.get(&b"name"[..])?.value.0 == name.as_bytes();
        (tag.name.0 == b"input" && is_named)
            .then(|| tag.attributes.get(&b"value"[..]).map(|value| value.value.0.as_slice().into()))
            .map(Option::unwrap_or_default)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(text: &str) -> String {
        let record = Record::new("user-password")
            .with("username", keyward_plugin::Field::open("an&n"))
            .with("password", keyward_plugin::Field::secret("p=\u{e4} +"));
        let mut body = Body::new();
        assert_eq!(Field::parse(text).unwrap().write(&record, &mut body), None);
        body.finish().expose_str().unwrap().to_owned()
    }

    #[test]
    fn fields_of_the_record_take_their_place_and_are_escaped() {
        for (text, expected) in [
            ("user={username}", "user=an%26n"),
            ("a b={password}", "a+b=p%3D%C3%A4+%2B"),
            ("x=", "x="),
            ("x=a=b", "x=a%3Db"),
            ("x={{{username}}}", "x=%7Ban%26n%7D"),
            ("x=-{username}-", "x=-an%26n-"),
        ] {
            assert_eq!(written(text), expected);
        }
        for text in ["x", "=x", "x={a", "x=}", "x={"] {
            assert!(Field::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_hidden_value_is_found_as_a_browser_finds_it() {
        let page = |html: &str| {
            let found = hidden(&html.into(), "token");
            found.map(|value| value.expose_str().unwrap().to_owned())
        };
        for (html, expected) in [
            ("<form><INPUT type=hidden NAME='token' value=\"a&amp;b\">", Some("a&b")),
            ("<input value=x name=token/>", None),
            ("<input value=x name=token>", Some("x")),
            ("<input name=token>", Some("")),
            ("<!-- <input name=token value=x> --><input name=token value=y>", Some("y")),
            ("<p name=token value=x>", None),
            ("<input name=other value=x", None),
            ("", None),
        ] {
            assert_eq!(page(html).as_deref(), expected, "{html}");
        }
        let started = std::time::Instant::now();
        for part in ["<", "<input ", "<input name=\"", "<!--", "&", "\0"] {
            page(&part.repeat((1 << 20) / part.len()));
        }
        assert!(started.elapsed().as_secs() < 20);
    }
}
