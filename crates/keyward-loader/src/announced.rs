//! What a plugin says of a backend, whichever door it comes through.

use keyward_core::{OptionSpec, OptionType, Role};

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
