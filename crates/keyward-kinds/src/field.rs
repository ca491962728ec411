use keyward_core::{Error, MAX_RECORD, Result, Secret};
use regex_lite::{Regex, RegexBuilder};

use crate::otp::OtpAuth;

/// A row of a kind's table: one field of its records.
///
/// # Examples
/// ```
/// use keyward_kinds::FieldSpec;
///
/// let region = FieldSpec::new("region", "The region of the service")
///     .with_choices(["eu", "us"])
///     .with_environment(["ACME_REGION"]);
/// assert!(region.check(&"eu".into()).is_ok());
/// assert!(region.check(&"mars".into()).is_err());
/// assert_eq!(region.prompt(), "Region");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct FieldSpec {
    /// The name: lower-case letters, digits and `_`.
    pub name: String,
    /// What it is, in one line.
    pub help: String,
    /// Whether the value is shown only on explicit request.
    pub secret: bool,
    /// Whether each record must have it.
    pub required: bool,
    /// The question to the user; if it is empty, [`prompt`](Self::prompt) makes one from the name.
    pub prompt: String,
    /// Whether a user who types the value must type it twice.
    pub twice: bool,
    /// Which values are possible at all.
    pub shape: Shape,
    /// The longest value, in bytes.
    pub max: usize,
    /// The possible values; if there are none, all are possible.
    pub choices: Vec<String>,
    /// A regular expression that matches the whole value.
    pub pattern: Option<String>,
    /// Another rule for the value.
    pub format: Option<Format>,
    /// The value in a record for which the user gave none. A secret field has no default.
    pub default: Option<String>,
    /// The environment variables in which programs expect the value.
    pub environment: Vec<String>,
}

/// Which values a field can have.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Shape {
    /// One line of text, without control characters.
    #[default]
    Line,
    /// Text of several lines.
    Text,
    /// Any bytes.
    Bytes,
}

impl Shape {
    /// All shapes.
    pub const ALL: [Self; 3] = [Self::Line, Self::Text, Self::Bytes];

    /// The name in a kind's file.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Line => "line",
            Self::Text => "text",
            Self::Bytes => "bytes",
        }
    }

    /// The longest value, unless a field sets another limit.
    pub(crate) const fn max(self) -> usize {
        match self {
            Self::Line => 64 << 10,
            Self::Text => 1 << 20,
            // A record also contains names and times.
            Self::Bytes => MAX_RECORD - (64 << 10),
        }
    }

    /// Returns what is wrong with a value of this shape.
    fn fault(self, value: &Secret) -> Option<&'static str> {
        let is_control = |character: char| character.is_control();
        match (self, value.expose_str()) {
            (Self::Bytes, _) => None,
            (_, None) => Some("must be text in UTF-8"),
            (Self::Line, Some(text)) if text.contains(is_control) => {
                Some("must be one line without control characters")
            }
            (Self::Text, Some(text)) if text.contains('\0') => Some("must not contain a NUL"),
            _ => None,
        }
    }
}

/// A rule that a regular expression cannot express.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Format {
    /// A URL with `http` or `https`, a host, and no user-info.
    Url,
    /// An `otpauth://totp/` URI, from which one-time passwords are made.
    OtpAuth,
}

impl Format {
    /// All formats.
    pub const ALL: [Self; 2] = [Self::Url, Self::OtpAuth];

    /// The name in a kind's file.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Url => "url",
            Self::OtpAuth => "otpauth",
        }
    }

    fn fault(self, value: &Secret) -> Option<&'static str> {
        match self {
            Self::Url => (!value.expose_str().is_some_and(is_web_url))
                .then_some("must be a URL such as https://example.com, without a user"),
            Self::OtpAuth => OtpAuth::parse_timed(value).err(),
        }
    }
}

/// Whether a text looks like a URL of a web service. Only the code that uses the URL parses it.
pub(crate) fn is_web_url(text: &str) -> bool {
    let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    rest.is_some_and(|rest| {
        let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
        let is_odd = |c: char| c.is_whitespace() || c.is_control() || c == '\\';
        !host.is_empty() && !host.contains('@') && !text.contains(is_odd)
    })
}

impl FieldSpec {
    /// Makes an optional field of one line that is not secret.
    pub fn new(name: impl Into<String>, help: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            help: help.into(),
            secret: false,
            required: false,
            prompt: String::new(),
            twice: false,
            shape: Shape::Line,
            max: Shape::Line.max(),
            choices: Vec::new(),
            pattern: None,
            format: None,
            default: None,
            environment: Vec::new(),
        }
    }

    /// Makes an optional secret field of one line.
    pub fn secret(name: impl Into<String>, help: impl Into<String>) -> Self {
        Self { secret: true, ..Self::new(name, help) }
    }

    /// Returns the same field, which each record must have.
    #[must_use]
    pub fn required(self) -> Self {
        Self { required: true, ..self }
    }

    /// Returns the same field, which a user must type twice.
    #[must_use]
    pub fn twice(self) -> Self {
        Self { twice: true, ..self }
    }

    /// Returns the same field with this question to the user.
    #[must_use]
    pub fn with_prompt(self, prompt: impl Into<String>) -> Self {
        Self { prompt: prompt.into(), ..self }
    }

    /// Returns the same field with values of this shape, and the limit that the shape has.
    #[must_use]
    pub fn with_shape(self, shape: Shape) -> Self {
        Self { shape, max: shape.max(), ..self }
    }

    /// Returns the same field with values of at most so many bytes.
    #[must_use]
    pub fn with_max(self, max: usize) -> Self {
        Self { max, ..self }
    }

    /// Returns the same field with only these values.
    #[must_use]
    pub fn with_choices(self, choices: impl IntoIterator<Item = impl Into<String>>) -> Self {
        Self { choices: choices.into_iter().map(Into::into).collect(), ..self }
    }

    /// Returns the same field with only values that this regular expression matches as a whole, in
    /// the syntax of the crate `regex-lite`.
    #[must_use]
    pub fn with_pattern(self, pattern: impl Into<String>) -> Self {
        Self { pattern: Some(pattern.into()), ..self }
    }

    /// Returns the same field with only values of this format.
    #[must_use]
    pub fn with_format(self, format: Format) -> Self {
        Self { format: Some(format), ..self }
    }

    /// Returns the same field with this default.
    #[must_use]
    pub fn with_default(self, default: impl Into<String>) -> Self {
        Self { default: Some(default.into()), ..self }
    }

    /// Returns the same field with these environment variables.
    #[must_use]
    pub fn with_environment(self, names: impl IntoIterator<Item = impl Into<String>>) -> Self {
        Self { environment: names.into_iter().map(Into::into).collect(), ..self }
    }

    /// Returns the question to the user, without a colon: "Access key id".
    pub fn prompt(&self) -> String {
        if !self.prompt.is_empty() {
            return self.prompt.clone();
        }
        let mut words = self.name.replace('_', " ");
        if let Some(first) = words.get_mut(..1) {
            first.make_ascii_uppercase();
        }
        words
    }

    /// Whether a user types the value: one line of text, or bytes that are asked for twice, such as a
    /// password. Any other value is the content of a file, in which a line end at the end matters.
    pub fn is_typed(&self) -> bool {
        match self.shape {
            Shape::Line => true,
            Shape::Text => false,
            Shape::Bytes => self.twice,
        }
    }

    /// Checks a value. An empty one can be valid; only who enters it knows whether it is meant.
    ///
    /// # Errors
    /// [`Invalid`](keyward_core::ErrorKind::Invalid), with the rule that the value breaks. It never
    /// contains the value.
    pub fn check(&self, value: &Secret) -> Result<()> {
        match self.fault(value) {
            None => Ok(()),
            Some(fault) => {
                Err(Error::invalid("usage", format!("the field `{}` {fault}", self.name)))
            }
        }
    }

    /// Returns the rule that a value breaks.
    fn fault(&self, value: &Secret) -> Option<String> {
        if value.len() > self.max {
            return Some(format!("must not be longer than {} bytes", self.max));
        }
        if let Some(fault) = self.shape.fault(value) {
            return Some(fault.into());
        }
        let is_choice = |choice: &String| choice.as_bytes() == value.expose();
        if !self.choices.is_empty() && !self.choices.iter().any(is_choice) {
            return Some(format!("must be one of: {}", self.choices.join(", ")));
        }
        if let Some(pattern) = &self.pattern {
            let is_match = |text| regex(pattern).is_ok_and(|regex| regex.is_match(text));
            if !value.expose_str().is_some_and(is_match) {
                return Some(format!("must match `{pattern}`"));
            }
        }
        self.format.and_then(|format| format.fault(value)).map(str::to_owned)
    }
}

/// Compiles a pattern so that it matches whole values. The size of the program is limited, since a
/// search takes as many steps as the product of the sizes of program and value.
pub(crate) fn regex(pattern: &str) -> Result<Regex, regex_lite::Error> {
    RegexBuilder::new(&format!("^(?:{pattern})$")).size_limit(MAX_PROGRAM).build()
}

/// The largest program of a pattern, in bytes.
const MAX_PROGRAM: usize = 64 << 10;
