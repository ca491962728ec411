//! The file that defines a kind.

use std::ops::Range;
use std::time::Duration;

use keyward_core::{Error, Result, parse_duration, printable};
use serde::Deserialize;

use crate::rules;
use crate::{FieldSpec, Format, Kind, Shape};

/// The largest file, in bytes.
const MAX_FILE: usize = 64 << 10;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct KindFile {
    version: u64,
    help: String,
    url: Option<String>,
    main: Option<String>,
    #[serde(default)]
    any_fields: bool,
    expires_early: Option<String>,
    #[serde(default)]
    fields: Vec<FieldTable>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FieldTable {
    name: String,
    #[serde(default)]
    help: String,
    #[serde(default)]
    secret: bool,
    #[serde(default)]
    required: bool,
    #[serde(default)]
    prompt: String,
    #[serde(default)]
    twice: bool,
    #[serde(default)]
    shape: ShapeName,
    max: Option<usize>,
    #[serde(default)]
    choices: Vec<String>,
    pattern: Option<String>,
    format: Option<FormatName>,
    default: Option<String>,
    #[serde(default)]
    environment: Vec<String>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "lowercase")]
enum ShapeName {
    #[default]
    Line,
    Text,
    Bytes,
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum FormatName {
    Url,
    OtpAuth,
}

impl Kind {
    /// Reads the text of a file that defines the kind of this name. `from` is the path of the file,
    /// for messages.
    ///
    /// # Errors
    /// [`Invalid`](keyward_core::ErrorKind::Invalid), with the line if it is known, if the text does
    /// not define a kind, or the name has no dot.
    ///
    /// # Examples
    /// ```
    /// use keyward_kinds::Kind;
    ///
    /// let text = r#"
    ///     version = 1
    ///     help = "A key that deploys to Acme"
    ///     main = "key"
    ///
    ///     [[fields]]
    ///     name = "key"
    ///     help = "The key"
    ///     secret = true
    ///     required = true
    ///     environment = ["ACME_DEPLOY_KEY"]
    /// "#;
    /// let kind = Kind::parse(text, "acme.deploy", "acme.deploy.toml")?;
    /// assert!(kind.main_spec().unwrap().secret);
    /// # Ok::<(), keyward_core::Error>(())
    /// ```
    pub fn parse(text: &str, name: &str, from: &str) -> Result<Self> {
        let wrong = |span: Option<Range<usize>>, why: &str| {
            let line = span.map(|span| format!(":{}", line(text, span.start))).unwrap_or_default();
            Error::invalid("config", format!("{from}{line}: {}", printable(why)))
        };
        if text.len() > MAX_FILE {
            return Err(wrong(None, &format!("the file is larger than {MAX_FILE} bytes")));
        }
        let file: KindFile =
            toml::from_str(text).map_err(|error| wrong(error.span(), error.message().trim()))?;
        if file.version != 1 {
            return Err(wrong(None, "this version of the file is not known")
                .hint("A newer Keyward may have written it"));
        }
        let expires_early = match file.expires_early.as_deref().map(parse_duration) {
            None => Duration::ZERO,
            Some(Some(duration)) => duration,
            Some(None) => {
                return Err(wrong(None, "`expires_early` takes a duration such as \"2s\""));
            }
        };
        let kind = Self {
            url: file.url,
            main: file.main,
            fields: file.fields.into_iter().map(FieldSpec::from).collect(),
            any_fields: file.any_fields,
            expires_early,
            from: from.to_owned(),
            ..Self::new(name, file.help)
        };
        rules::check(&kind, false)?;
        Ok(kind)
    }
}

impl From<FieldTable> for FieldSpec {
    fn from(table: FieldTable) -> Self {
        let shape = match table.shape {
            ShapeName::Line => Shape::Line,
            ShapeName::Text => Shape::Text,
            ShapeName::Bytes => Shape::Bytes,
        };
        let format = table.format.map(|format| match format {
            FormatName::Url => Format::Url,
            FormatName::OtpAuth => Format::OtpAuth,
        });
        let spec = Self::new(table.name, table.help).with_shape(shape);
        Self {
            secret: table.secret,
            required: table.required,
            prompt: table.prompt,
            twice: table.twice,
            max: table.max.unwrap_or(spec.max),
            choices: table.choices,
            pattern: table.pattern,
            format,
            default: table.default,
            environment: table.environment,
            ..spec
        }
    }
}

/// Returns the number of the line that contains the byte at `start`.
fn line(text: &str, start: usize) -> usize {
    text.bytes().take(start).filter(|byte| *byte == b'\n').count() + 1
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn message(text: &str) -> String {
        match Kind::parse(text, "a.b", "F") {
            Ok(_) => String::new(),
            Err(error) => error.message().to_owned(),
        }
    }

    #[test]
    fn every_key_has_its_effect() {
        let text = r#"
version = 1
help = "H"
main = "key"
any_fields = true
expires_early = "2s"
[[fields]]
name = "key"
help = "K"
secret = true
required = true
prompt = "P"
twice = true
shape = "bytes"
max = 9
environment = ["A"]
[[fields]]
name = "where"
choices = ["https://x", "https://y"]
pattern = "https.*"
format = "url"
default = "https://x"
[[fields]]
name = "code"
format = "otpauth"
shape = "text"
"#;
        let key = FieldSpec::secret("key", "K")
            .required()
            .with_prompt("P")
            .twice()
            .with_shape(Shape::Bytes)
            .with_max(9)
            .with_environment(["A"]);
        let url = FieldSpec::new("where", "")
            .with_choices(["https://x", "https://y"])
            .with_pattern("https.*")
            .with_format(Format::Url)
            .with_default("https://x");
        let code = FieldSpec::new("code", "").with_format(Format::OtpAuth).with_shape(Shape::Text);
        let expected = Kind::new("a.b", "H")
            .with_main(key)
            .with_field(url)
            .with_field(code)
            .with_any_fields()
            .with_expires_early(Duration::from_secs(2));
        let found = Kind::parse(text, "a.b", "F").unwrap();
        assert_eq!(found, Kind { from: "F".into(), ..expected });
    }

    #[test]
    fn the_names_of_shapes_and_formats_are_those_in_files() {
        let parse = |key: &str, value: &str| {
            let text =
                format!("version = 1\nhelp = \"\"\n[[fields]]\nname = \"a\"\n{key} = \"{value}\"");
            Kind::parse(&text, "a.b", "F").unwrap().fields.remove(0)
        };
        for shape in Shape::ALL {
            assert_eq!(parse("shape", shape.name()).shape, shape);
        }
        for format in Format::ALL {
            assert_eq!(parse("format", format.name()).format, Some(format));
        }
    }

    #[test]
    fn what_is_wrong_is_named_with_its_line() {
        for (text, says) in [
            ("", "F:1: missing field `version`"),
            ("version = 2\nhelp = \"\"", "F: this version of the file is not known"),
            ("version = 1\nhelp = \"\"\nhlp = 1", "F:3: unknown field `hlp`"),
            ("version = 1\nhelp = 1", "F:2: invalid type: integer"),
            (
                "version = 1\nhelp = \"\"\n[[fields]]\nname = \"a\"\nshape = \"x\"",
                "F:5: unknown variant",
            ),
            ("version = 1\nhelp = \"\"\nmain = \"x\"", "F: the kind `a.b` has the main field `x`"),
            ("version = 1\nhelp = \"\"\nexpires_early = \"2\"", "F: `expires_early` takes"),
            (
                "version = 1\nhelp = \"\"\n[[fields]]\nname = \"A\"",
                "F: the kind `a.b` has a field `A`",
            ),
            ("version = 1\nhelp = \"a\\u001b\"", "F: the kind `a.b` has a help"),
            ("\u{1b}", "F:1: "),
        ] {
            let found = message(text);
            assert!(found.starts_with(says), "{text:?}: {found}");
            assert!(!found.contains(char::is_control), "{found:?}");
        }
        assert!(message(&" ".repeat(MAX_FILE + 1)).contains("larger than"));
        let deep = format!("version = 1\nhelp = {}", "[".repeat(10_000));
        assert!(message(&deep).starts_with("F:"));
        assert!(Kind::parse("version = 1\nhelp = \"\"", "token", "F").is_err());
    }

    proptest! {
        #[test]
        fn no_text_is_a_panic(text: String, value in "[a-z0-9\"'\\[\\]{}=.\n -]{0,60}") {
            let _ = Kind::parse(&text, "a.b", "F");
            let _ = Kind::parse(&format!("version = 1\nhelp = \"\"\n{value}"), "a.b", "F");
            let _ = Kind::parse(&format!("version = 1\nhelp = \"\"\n[[fields]]\n{value}"), "a.b", "F");
        }
    }
}
