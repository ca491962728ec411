//! What a plugin says of a backend, whichever door it comes through.

use std::collections::BTreeSet;

use keyward_core::{OptionSpec, OptionType, Role};

/// Whether a backend that a plugin brings may be called so: 1 to 64 lower-case ASCII letters, digits, `-`, `_`
/// and `.`, whichever door it comes through.
pub fn is_backend_name(name: &str) -> bool {
    is_plain(name, b"-_.")
}

/// Whether an option may be called so. Where options are set, a dot leads into a reference.
pub(crate) fn is_option_name(name: &str) -> bool {
    is_plain(name, b"-_")
}

fn is_plain(name: &str, marks: &[u8]) -> bool {
    let plain =
        |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || marks.contains(&byte);
    (1..=64).contains(&name.len()) && name.bytes().all(plain)
}

/// A backend as a plugin announces it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Announced {
    pub(crate) role: Role,
    pub(crate) name: String,
    pub(crate) help: String,
    pub(crate) options: Vec<AnnouncedOption>,
}

impl Announced {
    /// The options as a registry knows them, for good.
    pub(crate) fn options(&'static self) -> &'static [OptionSpec] {
        self.options.iter().map(AnnouncedOption::spec).collect::<Vec<_>>().leak()
    }
}

/// Whether two of them are one: which of the two is opened must never be a matter of luck.
pub(crate) fn has_twice<'a>(backends: impl IntoIterator<Item = &'a Announced>) -> bool {
    let mut names = BTreeSet::new();
    !backends.into_iter().all(|each| names.insert((each.role, &each.name)))
}

/// An option as a plugin announces it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct AnnouncedOption {
    pub(crate) name: String,
    pub(crate) kind: OptionType,
    pub(crate) default: Option<String>,
    pub(crate) required: bool,
    pub(crate) help: String,
}

impl AnnouncedOption {
    fn spec(&'static self) -> OptionSpec {
        OptionSpec {
            name: &self.name,
            kind: self.kind,
            default: self.default.as_deref(),
            required: self.required,
            help: &self.help,
        }
    }
}
