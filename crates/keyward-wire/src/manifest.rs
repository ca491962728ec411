//! The description of a plugin's backends, for shared libraries and child processes.

use std::collections::BTreeSet;

use keyward_core::{OptionSpec, OptionType, Role};

/// Whether a backend of a plugin may have this name: 1 to 64 lower-case ASCII letters, digits, `-`,
/// `_` and `.`.
pub fn is_backend_name(name: &str) -> bool {
    is_plain(name, b"-_.")
}

/// Whether an option may have this name. A dot is not allowed: on the command line, it separates an
/// option from the options of the reference in it.
pub fn is_option_name(name: &str) -> bool {
    is_plain(name, b"-_")
}

fn is_plain(name: &str, marks: &[u8]) -> bool {
    let plain =
        |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || marks.contains(&byte);
    (1..=64).contains(&name.len()) && name.bytes().all(plain)
}

/// A backend as a plugin announces it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Announced {
    /// The role in which it can be opened.
    pub role: Role,
    /// Its name, for which [`is_backend_name`] is true.
    pub name: String,
    /// One line on what it is.
    pub help: String,
    /// The options that it takes.
    pub options: Vec<AnnouncedOption>,
}

impl Announced {
    /// The options for a registry, which keeps them until the process ends.
    pub fn options(&'static self) -> &'static [OptionSpec] {
        self.options.iter().map(AnnouncedOption::spec).collect::<Vec<_>>().leak()
    }
}

/// Whether two backends have the same role and name. Then chance would decide which one is opened.
pub fn has_duplicates<'a>(backends: impl IntoIterator<Item = &'a Announced>) -> bool {
    let mut names = BTreeSet::new();
    !backends.into_iter().all(|each| names.insert((each.role, &each.name)))
}

/// An option as a plugin announces it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AnnouncedOption {
    /// Its name, for which [`is_option_name`] is true.
    pub name: String,
    /// The type of its value.
    pub kind: OptionType,
    /// The default value, as in TOML.
    pub default: Option<String>,
    /// Whether a backend cannot be opened without it.
    pub required: bool,
    /// The texts that it can be; none for any text.
    pub choices: Vec<String>,
    /// One line on what it is for.
    pub help: String,
}

impl AnnouncedOption {
    fn spec(&'static self) -> OptionSpec {
        let choices: Vec<&str> = self.choices.iter().map(String::as_str).collect();
        OptionSpec::new(&self.name, self.kind, &self.help)
            .with_default(self.default.as_deref())
            .required(self.required)
            .with_choices(choices.leak())
    }
}
