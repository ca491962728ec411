//! A backend as a plugin describes it. Shared libraries and child processes both use these types.

use std::collections::BTreeSet;

use keyward_core::{OptionSpec, OptionType, Role};

/// Whether a plugin's backend may have this name: 1 to 64 lower-case ASCII letters, digits, `-`,
/// `_` and `.`.
pub fn is_backend_name(name: &str) -> bool {
    is_plain(name, b"-_.")
}

/// Whether an option may have this name. It has no dot, because in `--option` a dot separates the
/// keys of a reference.
pub(crate) fn is_option_name(name: &str) -> bool {
    is_plain(name, b"-_")
}

fn is_plain(name: &str, marks: &[u8]) -> bool {
    let plain =
        |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || marks.contains(&byte);
    (1..=64).contains(&name.len()) && name.bytes().all(plain)
}

/// A backend as a plugin describes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Announced {
    pub(crate) role: Role,
    pub(crate) name: String,
    pub(crate) help: String,
    pub(crate) options: Vec<AnnouncedOption>,
}

impl Announced {
    /// Returns the options in the registry's form. They are never freed.
    pub(crate) fn options(&'static self) -> &'static [OptionSpec] {
        self.options.iter().map(AnnouncedOption::spec).collect::<Vec<_>>().leak()
    }
}

/// Whether two of them have the same role and name: it must never be a matter of luck which of the
/// two is opened.
pub(crate) fn has_twice<'a>(backends: impl IntoIterator<Item = &'a Announced>) -> bool {
    let mut names = BTreeSet::new();
    !backends.into_iter().all(|each| names.insert((each.role, &each.name)))
}

/// An option as a plugin describes it.
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
