use std::fmt;
use std::sync::Arc;

use keyward_config::parse_value;
use keyward_core::{
    Checker, Error, Host, OptionSpec, PresentedKind, Registry, Result, Role, Value, Values,
};

use super::UsageError;

/// A checker as a string: `TYPE[:ARGS]`.
///
/// - A value alone is that of the first option of the checker: `htpasswd:/etc/users`.
/// - Otherwise, `KEY=VALUE` pairs are joined by colons: `file:delim=%3a:user-field=0`. The first may
///   be a value alone: `htpasswd:/etc/users:legacy=true`.
/// - In a value, `%3a` is a colon, and `%25` a percent sign.
///
/// # Examples
/// ```
/// use keyward_portal::AuthSpec;
///
/// let spec = AuthSpec::parse("htpasswd:/etc/users")?;
/// assert_eq!(spec.name(), "htpasswd");
/// # Ok::<(), keyward_core::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuthSpec {
    name: String,
    arguments: String,
}

/// The longest description, in bytes.
const MAX: usize = 16 << 10;

impl AuthSpec {
    /// Reads a description. It is split at the first colon.
    ///
    /// # Errors
    /// [`Invalid`](keyward_core::ErrorKind::Invalid) if there is no type, or if it is too long.
    pub fn parse(text: &str) -> Result<Self> {
        let (name, arguments) = text.split_once(':').unwrap_or((text, ""));
        if name.is_empty() || text.len() > MAX {
            let why = "a checker is written TYPE or TYPE:ARGS, as in htpasswd:/etc/users";
            return Err(Error::invalid("auth", why));
        }
        Ok(Self { name: name.to_owned(), arguments: arguments.to_owned() })
    }

    /// The type of the checker.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Opens the checker, which must serve one of the `supported` kinds.
    ///
    /// # Errors
    /// [`UsageError`].
    pub fn open(
        &self,
        registry: &Registry,
        host: &Arc<dyn Host>,
        supported: &[PresentedKind],
    ) -> Result<Box<dyn Checker>, UsageError> {
        let found = registry.find(Role::Checker, &self.name).map_err(UsageError::NotRecognized)?;
        let serves = found.info.serves;
        if !serves.is_empty() && !supported.iter().any(|kind| serves.contains(&kind.name())) {
            let supported = supported.iter().map(|kind| kind.name().to_owned()).collect();
            return Err(UsageError::NotSupported { name: self.name.clone(), supported });
        }
        let values = self.values(found.options);
        let opened = values.and_then(|values| found.open::<dyn Checker>(&values, host));
        opened.map_err(|error| UsageError::Unexpected { name: self.name.clone(), error })
    }

    /// Reads the arguments as values of these options.
    ///
    /// # Errors
    /// [`Invalid`](keyward_core::ErrorKind::Invalid) if they are not options, or are given twice.
    pub fn values(&self, options: &[OptionSpec]) -> Result<Values> {
        let mut values = Values::new();
        for (spec, text) in self.pairs(options)? {
            if values.get(spec.name).is_some() {
                return Err(Error::invalid("auth", format!("`{}` is given twice", spec.name)));
            }
            values = values.with(spec.name, value(spec, &unescape(text))?);
        }
        Ok(values)
    }

    fn pairs<'a>(&'a self, options: &'a [OptionSpec]) -> Result<Vec<(&'a OptionSpec, &'a str)>> {
        if self.arguments.is_empty() {
            return Ok(Vec::new());
        }
        let named = |part: &'a str| -> Option<(&'a OptionSpec, &'a str)> {
            let (key, text) = part.split_once('=')?;
            Some((options.iter().find(|spec| spec.name == key)?, text))
        };
        let parts: Vec<_> = self.arguments.split(':').collect();
        if let Some(key) = parts.iter().find_map(|part| unknown_key(part, options)) {
            let known: Vec<_> = options.iter().map(|spec| spec.name).collect();
            let why = format!("there is no option `{key}`");
            let hint = format!("The options are: {}; in a value, a colon is %3a", known.join(", "));
            return Err(Error::invalid("auth", why).hint(hint));
        }
        let (first, rest) = (parts[0], &parts[1..]);
        let first_pair = named(first);
        // `ldap:ldaps://example.org` has no pairs: all of it is one value.
        if first_pair.is_none() && !rest.iter().any(|part| named(part).is_some()) {
            return Ok(vec![(positional(options)?, &self.arguments)]);
        }
        let mut pairs = Vec::new();
        pairs.push(match first_pair {
            Some(pair) => pair,
            None => (positional(options)?, first),
        });
        for part in rest {
            pairs.push(named(part).ok_or_else(|| {
                Error::invalid("auth", "a part of the arguments is not KEY=VALUE with a known key")
                    .hint("Write a colon inside a value as %3a")
            })?);
        }
        Ok(pairs)
    }
}

/// Returns what looks like the key of an option that there is not.
fn unknown_key<'a>(part: &'a str, options: &[OptionSpec]) -> Option<&'a str> {
    let (key, _) = part.split_once('=')?;
    let is_word =
        !key.is_empty() && key.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
    (is_word && !options.iter().any(|spec| spec.name == key)).then_some(key)
}

/// The option that a value alone is for.
pub(super) fn positional(options: &[OptionSpec]) -> Result<&OptionSpec> {
    options.first().ok_or_else(|| Error::invalid("auth", "it takes no arguments"))
}

fn value(spec: &OptionSpec, text: &str) -> Result<Value> {
    parse_value(spec, text)
}

fn unescape(text: &str) -> String {
    // In this order, `%253a` is `%3a`.
    text.replace("%3a", ":").replace("%3A", ":").replace("%25", "%")
}

/// Without the arguments, which may be private.
impl fmt::Display for AuthSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.name)
    }
}
