use keyward::{Keyward, PROVIDERS};
use keyward_config::parse_value;
use keyward_core::{Error, OptionSpec, Result, Role, Value, Values};
use keyward_origin::Target;
use keyward_provider::{Auth, OriginPattern, PathPattern, Provider, Use};

use super::Where;
use crate::candidates;
use crate::output::{escaped, print, print_message};
use crate::stop::{Outcome, usage_error};

/// Add a provider
#[derive(Clone, clap::Args)]
#[command(after_help = "Without a name or a server, Keyward asks for everything that is missing.

Example:
  keyward provider add example --url https://data.example.org/private/ --credential example
  keyward provider add shop --origin https://*.shop.example --authenticator token --option prefix=Key")]
pub(crate) struct Arguments {
    /// Its name
    pub(super) name: Option<String>,
    /// A URL: the provider is for its server and its path, and if it ends with a slash, for all below
    #[arg(long)]
    pub(super) url: Option<String>,
    /// A server, such as https://example.org or https://*.example.org
    #[arg(long = "origin", value_name = "ORIGIN")]
    pub(super) origins: Vec<String>,
    /// A regular expression that the whole path must match
    #[arg(long, value_name = "REGEX")]
    pub(super) path: Option<String>,
    /// When the credential is sent [default: what the authenticator needs]
    #[arg(long, value_name = "WHEN")]
    auth: Option<AuthName>,
    /// The name of a credential
    #[arg(long = "credential", value_name = "NAME")]
    pub(super) credentials: Vec<String>,
    /// How to authenticate [default: as the server asks]
    #[arg(long, value_name = "NAME", add = candidates::backends(Role::Authenticator))]
    pub(super) authenticator: Option<String>,
    /// An option of the authenticator
    #[arg(long = "option", value_name = "KEY=VALUE", requires = "authenticator")]
    pub(super) options: Vec<String>,
    /// What it is, in a few words
    #[arg(long, value_name = "TEXT", default_value = "")]
    help_text: String,
    /// Where to write it
    #[arg(long, value_enum, default_value_t)]
    pub(super) level: Where,
}

#[derive(Clone, Copy, clap::ValueEnum)]
enum AuthName {
    /// If the server asks for it.
    Optional,
    /// With the first request.
    Required,
    /// Never.
    Never,
}

/// Writes the file of a new provider.
pub(super) fn write(keyward: &Keyward, provider: &Provider, level: Where) -> Outcome {
    let config = keyward.config();
    let name = &provider.name;
    let hidden = keyward.providers()?.get(name).map(|(level, _)| level);
    let text = provider.to_toml();
    // What is written can be read.
    Provider::parse(name, &text, "the provider")?;
    config.add_table(PROVIDERS, name, level.layer(), &text)?;
    if let Some(hidden) = hidden.filter(|hidden| *hidden > level.level()) {
        let name = escaped(name);
        print_message(&format!("note: it counts instead of `{name}` ({})", hidden.name()));
    }
    let path = config.table_path(PROVIDERS, name, level.layer());
    print(&format!("Added: {}", escaped(&path.display().to_string())))
}

impl Arguments {
    /// Returns the name, if nothing has to be asked.
    pub(super) fn complete_name(&self) -> Option<&str> {
        let has_server = self.url.is_some() || !self.origins.is_empty();
        self.name.as_deref().filter(|_| has_server)
    }

    /// Returns the provider that the options describe.
    pub(super) fn provider(&self, keyward: &Keyward, name: &str) -> Outcome<Provider> {
        let mut origins = Vec::new();
        for text in &self.origins {
            origins.push(OriginPattern::parse(text)?);
        }
        let mut path = self.path.clone();
        if let Some(url) = &self.url {
            let target = Target::parse(url)?;
            origins.push(OriginPattern::parse(&target.origin().to_string())?);
            path = path.or_else(|| path_of(&target));
        }
        let authenticators = match &self.authenticator {
            Some(name) => vec![used(keyward, name, &self.options)?],
            None => Vec::new(),
        };
        let auth = match self.auth {
            None => Auth::usual(&authenticators),
            Some(AuthName::Optional) => Auth::Optional,
            Some(AuthName::Required) => Auth::Required,
            Some(AuthName::Never) => Auth::Never,
        };
        Ok(Provider {
            name: name.to_owned(),
            help: self.help_text.clone(),
            origins,
            path: path.as_deref().map(PathPattern::new).transpose()?,
            auth,
            credentials: self.credentials.clone(),
            authenticators,
        })
    }
}

/// Returns a pattern for the path of a URL, and if it ends with a slash, for all paths below.
pub(super) fn path_of(target: &Target) -> Option<String> {
    let literal = |text: &str| {
        let escape =
            |c: char| if r"\.+*?()|[]{}^$".contains(c) { format!("\\{c}") } else { c.into() };
        text.chars().map(escape).collect::<String>()
    };
    match target.path() {
        "/" => None,
        path if path.ends_with('/') => Some(literal(path) + ".*"),
        path => Some(literal(path)),
    }
}

/// Returns an authenticator with options that are written `KEY=VALUE`.
fn used(keyward: &Keyward, name: &str, options: &[String]) -> Outcome<Use> {
    let mut values = Values::new();
    for option in options {
        let (key, text) = option
            .split_once('=')
            .ok_or_else(|| usage_error("an option is written KEY=VALUE, as in prefix=Key"))?;
        let spec = OptionSpec::find(specs(keyward, name)?, key).map_err(Error::from)?;
        let value = match (values.get(key), parse_value(spec, text)?) {
            (None, value) => value,
            (Some(Value::List(known)), Value::List(more)) => {
                Value::List([known.as_slice(), &more].concat())
            }
            _ => return Err(usage_error(format!("--option {key} is given twice"))),
        };
        values.insert(key, value);
    }
    let used = Use { name: name.to_owned(), options: values };
    keyward.authenticator(&used)?;
    Ok(used)
}

/// Returns the options that an authenticator takes.
pub(super) fn specs(keyward: &Keyward, name: &str) -> Result<&'static [OptionSpec]> {
    Ok(keyward.registry().find(Role::Authenticator, name)?.options)
}
