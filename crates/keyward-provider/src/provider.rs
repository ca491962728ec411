use std::cmp::Ordering;
use std::ops::Range;

use keyward_core::{Error, Origin, Result, Value, Values, printable};
use keyward_kinds::names;
use keyward_origin::Target;
use serde::Deserialize;

use crate::pattern::{OriginPattern, PathPattern};

/// The largest file, in bytes.
const MAX_FILE: usize = 64 << 10;

/// The authenticator that signs requests.
const AWS_SIGV4: &str = "aws-sigv4";

/// A rule: for these origins and paths, use these credentials in this way.
///
/// A file `providers/NAME.toml` describes it:
///
/// ```toml
/// version = 1
/// help = "Data of the example project"
/// origins = ["https://data.example.org", "https://*.mirror.example.org"]
/// path = "/private/(?<project>[^/]+)/.*"
/// credentials = ["example-{project}", "example"]
///
/// [[authenticators]]
/// name = "token"
/// header = "X-Key"
/// prefix = ""
/// ```
#[derive(Clone, Debug)]
pub struct Provider {
    /// Its name: that of its file.
    pub name: String,
    /// What it is, in a few words.
    pub help: String,
    /// The origins to which it applies.
    pub origins: Vec<OriginPattern>,
    /// The paths to which it applies; all if there is none.
    pub path: Option<PathPattern>,
    /// When a request is authenticated.
    pub auth: Auth,
    /// The names of the credentials, the first one to try first. `{group}` is a named group of the
    /// path.
    pub credentials: Vec<String>,
    /// How to authenticate, the first one to try first.
    pub authenticators: Vec<Use>,
}

/// When a request is authenticated.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Auth {
    /// Each time. Without a credential, nothing is sent.
    Required,
    /// If the server asks for it.
    #[default]
    Optional,
    /// Never.
    Never,
}

/// An authenticator and its options.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Use {
    /// The name of the authenticator.
    pub name: String,
    /// Its options.
    pub options: Values,
}

impl Auth {
    /// What a provider with these authenticators does if its file does not say it.
    pub fn usual(authenticators: &[Use]) -> Self {
        match authenticators.iter().any(Use::is_unasked) {
            true => Self::Required,
            false => Self::Optional,
        }
    }

    /// Its name in a file.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Required => "required",
            Self::Optional => "optional",
            Self::Never => "never",
        }
    }
}

impl Use {
    /// Returns the authenticator that does what the server asks for.
    pub fn auto() -> Self {
        Self { name: "auto".into(), options: Values::new() }
    }

    /// Whether it does what no server asks for with 401.
    fn is_unasked(&self) -> bool {
        match self.name.as_str() {
            names::CLIENT_CERTIFICATE | "html-form" | "loris" | "nda" | "xnat" | AWS_SIGV4 => true,
            "basic" => self.options.get("login").is_some(),
            _ => false,
        }
    }
}

/// What a file contains.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    version: u64,
    #[serde(default)]
    help: String,
    origins: Vec<String>,
    path: Option<String>,
    auth: Option<Auth>,
    #[serde(default)]
    credentials: Vec<String>,
    #[serde(default)]
    authenticators: Vec<toml::Table>,
}

impl Provider {
    /// Reads the text of a file; `from` is its path, for messages. Whether its authenticators exist
    /// and take their options is not known yet.
    ///
    /// # Errors
    /// [`Invalid`](keyward_core::ErrorKind::Invalid), with the line and the column if they are known.
    pub fn parse(name: &str, text: &str, from: &str) -> Result<Self> {
        let wrong = |span: Option<Range<usize>>, why: &str| {
            let place = span.map(|span| place(text, span.start)).unwrap_or_default();
            Error::invalid("provider", format!("{from}{place}: {}", printable(why)))
        };
        if text.len() > MAX_FILE {
            return Err(wrong(None, &format!("the file is larger than {MAX_FILE} bytes")));
        }
        let file: File =
            toml::from_str(text).map_err(|error| wrong(error.span(), error.message().trim()))?;
        if file.version != 1 {
            return Err(wrong(None, "this version of the file is not known"));
        }
        Self::from_file(name, file).map_err(|error| wrong(None, error.message()))
    }

    fn from_file(name: &str, file: File) -> Result<Self> {
        let invalid = |why: String| Error::invalid("provider", why);
        let origins = file.origins.iter().map(|text| OriginPattern::parse(text));
        let origins = origins.collect::<Result<Vec<_>>>()?;
        if origins.is_empty() {
            return Err(invalid("`origins` is empty".into()));
        }
        let path = file.path.as_deref().map(PathPattern::new).transpose()?;
        for credential in &file.credentials {
            let unknown = groups_in(credential)
                .find(|group| !path.as_ref().is_some_and(|path| path.has_group(group)));
            if let Some(group) = unknown {
                return Err(invalid(format!("`path` has no group `{group}`")));
            }
        }
        let authenticators = file.authenticators.into_iter().map(used);
        let mut authenticators = authenticators.collect::<Result<Vec<_>>>()?;
        let auth = file.auth.unwrap_or_else(|| Auth::usual(&authenticators));
        if authenticators.is_empty() && auth != Auth::Never {
            authenticators.push(Use::auto());
        }
        Ok(Self {
            name: name.to_owned(),
            help: file.help,
            origins,
            path,
            auth,
            credentials: file.credentials,
            authenticators,
        })
    }

    /// Returns a provider for an origin that no other one knows, which does what the server asks for.
    pub fn for_origin(origin: &Origin) -> Self {
        let text = format!("version = 1\norigins = [\"{origin}\"]\n");
        Self::parse("", &text, "").expect("an origin is a pattern")
    }

    /// Whether an answer of this status to a request without a credential asks for one. A service that
    /// wants a signature forbids what has none.
    pub fn is_asked(&self, status: u16) -> bool {
        let is_signed = || self.authenticators.iter().any(|used| used.name == AWS_SIGV4);
        status == 401 || (status == 403 && is_signed())
    }

    /// Returns the pattern that matches a target, if one does.
    pub(crate) fn matching(&self, target: &Target) -> Option<&OriginPattern> {
        // Most providers are for other servers, and the path takes longer to compare.
        let matching = self.origins.iter().filter(|origin| origin.matches(target.origin()));
        let matching = matching.max_by(|one, other| one.compare(other))?;
        let is_path = self.path.as_ref().is_none_or(|path| path.matches(target.path()));
        is_path.then_some(matching)
    }

    /// Whether this provider applies to a target.
    pub fn matches(&self, target: &Target) -> bool {
        self.matching(target).is_some()
    }

    /// Returns the names of the credentials for a target that matches.
    pub fn credentials_for(&self, target: &Target) -> Vec<String> {
        let groups = self.path.as_ref().map(|path| path.groups(target.path())).unwrap_or_default();
        let filled = |name: &String| {
            groups.iter().fold(name.clone(), |name, (group, text)| {
                name.replace(&format!("{{{group}}}"), text)
            })
        };
        self.credentials.iter().map(filled).collect()
    }

    /// Compares how much the paths of two providers say.
    pub(crate) fn compare_paths(&self, other: &Self) -> Ordering {
        let literal = |it: &Self| it.path.as_ref().map(PathPattern::literal);
        literal(self).cmp(&literal(other))
    }
}

/// Iterates over the names between braces.
fn groups_in(template: &str) -> impl Iterator<Item = &str> {
    template.split('{').skip(1).filter_map(|rest| rest.split_once('}').map(|(name, _)| name))
}

fn used(mut table: toml::Table) -> Result<Use> {
    let invalid = |why: String| Error::invalid("provider", why);
    let Some(toml::Value::String(name)) = table.remove("name") else {
        return Err(invalid("an authenticator has no `name`".into()));
    };
    let mut options = Values::new();
    for (key, value) in table {
        let value = match value {
            toml::Value::String(text) => Value::Text(text),
            toml::Value::Boolean(flag) => Value::Flag(flag),
            toml::Value::Integer(number) => match u64::try_from(number) {
                Ok(number) => Value::Number(number),
                Err(_) => return Err(invalid(format!("`{key}` is negative"))),
            },
            toml::Value::Array(items) => {
                let texts = items.into_iter().map(|item| match item {
                    toml::Value::String(text) => Some(text),
                    _ => None,
                });
                let texts = texts.collect::<Option<_>>();
                Value::List(
                    texts.ok_or_else(|| invalid(format!("`{key}` is not a list of texts")))?,
                )
            }
            _ => return Err(invalid(format!("`{key}` has a value that no option takes"))),
        };
        options.insert(key, value);
    }
    Ok(Use { name, options })
}

/// Returns `:LINE:COLUMN` of a place in a text.
fn place(text: &str, at: usize) -> String {
    let before = &text.as_bytes()[..at.min(text.len())];
    let line = before.iter().filter(|byte| **byte == b'\n').count() + 1;
    let column = before.iter().rev().take_while(|byte| **byte != b'\n').count() + 1;
    format!(":{line}:{column}")
}
