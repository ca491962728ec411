//! Turns DataLad's authenticators and their options into those of Keyward.

use keyward::check_linked_authenticator;
// DataLad's authenticators become those that come with Keyward.
use keyward_authn as _;
use keyward_core::{Result, Value, Values, printable};
use keyward_kinds::fields;
use keyward_provider::{Auth, Use};
use regex_lite::Regex;

use super::{Credential, text, wrong};
use crate::ini::Section;

/// An authenticator of DataLad.
struct Known {
    /// Its name in DataLad, which its options begin with.
    theirs: &'static str,
    /// Its name in Keyward.
    ours: &'static str,
    /// Its options.
    options: &'static [(&'static str, Becomes)],
}

/// What an option becomes.
#[derive(Clone, Copy)]
enum Becomes {
    /// A URL in the option of this name.
    Url(&'static str),
    /// Regular expressions, one in each line, in the option of this name.
    Patterns(&'static str),
    /// The fields of a form.
    Fields,
    /// A name in the option of this name.
    Name(&'static str),
    /// The URL of a server, which may be without its scheme, in the option of this name.
    Server(&'static str),
    /// Nothing: Keyward keeps all cookies, and DataLad itself does not use the id of a form.
    Nothing,
}

const FAILURE: (&str, Becomes) = ("failure_re", Becomes::Patterns("failure"));
const SUCCESS: (&str, Becomes) = ("success_re", Becomes::Patterns("success"));
const COOKIES: (&str, Becomes) = ("session_cookies", Becomes::Nothing);

const KNOWN: &[Known] = &[
    Known { theirs: "http_basic_auth", ours: "basic", options: &[FAILURE] },
    Known { theirs: "http_digest_auth", ours: "digest", options: &[FAILURE] },
    Known { theirs: "bearer_token", ours: "bearer", options: &[FAILURE] },
    Known { theirs: "http_token", ours: "token", options: &[FAILURE] },
    Known {
        theirs: "http_auth",
        ours: "basic",
        options: &[("url", Becomes::Url("login")), FAILURE, SUCCESS, COOKIES],
    },
    Known {
        theirs: "html_form",
        ours: "html-form",
        options: &[
            ("url", Becomes::Url("url")),
            ("fields", Becomes::Fields),
            ("tagid", Becomes::Nothing),
            FAILURE,
            SUCCESS,
            COOKIES,
        ],
    },
    Known { theirs: "bearer_token_anon", ours: "registry-token", options: &[] },
    Known { theirs: "loris-token", ours: "bearer", options: &[FAILURE] },
    Known { theirs: "xnat", ours: "xnat", options: &[] },
    Known {
        theirs: "aws-s3",
        ours: "aws-sigv4",
        options: &[("host", Becomes::Server("endpoint")), ("region", Becomes::Name("region"))],
    },
    Known { theirs: "nda-s3", ours: "nda", options: &[("region", Becomes::Name("region"))] },
];

/// Returns when a provider authenticates and how, with the credential that it names.
///
/// # Errors
/// [`Invalid`](keyward_core::ErrorKind::Invalid) with the line, for what has no counterpart.
pub(super) fn authenticator(
    section: &Section,
    name: &str,
    credential: Option<&Credential>,
) -> Result<(Auth, Option<Use>)> {
    if name == "none" {
        check_options(section, name, &[])?;
        return Ok((Auth::Never, None));
    }
    let Some(known) = KNOWN.iter().find(|known| known.theirs == name) else {
        let why = format!("there is no authenticator `{}`", printable(name));
        return Err(wrong(section.place("authentication_type"), &why));
    };
    check_options(section, name, known.options)?;
    let mut used = Use { name: known.ours.into(), options: Values::new() };
    for (option, becomes) in known.options {
        let key = format!("{name}_{option}");
        let Some(value) = text(section, &key)?.filter(|value| !value.trim().is_empty()) else {
            continue;
        };
        let place = section.place(&key);
        let lines = value.lines().filter(|line| !line.is_empty());
        let value = match becomes {
            Becomes::Url(name) | Becomes::Name(name) => Some((*name, Value::Text(value.clone()))),
            Becomes::Server(name) => {
                let has_scheme = value.contains("://");
                let url = if has_scheme { value.clone() } else { format!("https://{value}") };
                Some((*name, Value::Text(url)))
            }
            Becomes::Patterns(name) => {
                let patterns: Vec<_> = lines.map(pattern).collect();
                for pattern in &patterns {
                    Regex::new(pattern).map_err(|error| wrong(place, &error.to_string()))?;
                }
                Some((*name, Value::List(patterns)))
            }
            Becomes::Fields => {
                let fields = lines.map(|line| field(line).map_err(|why| wrong(place, &why)));
                Some(("fields", Value::List(fields.collect::<Result<_>>()?)))
            }
            Becomes::Nothing => None,
        };
        if let Some((name, value)) = value {
            used.options.insert(name, value);
        }
    }
    if name == "aws-s3" && credential.is_none() {
        // Then DataLad signs nothing.
        return Ok((Auth::Never, None));
    }
    // A token of LORIS is what its credential gets with a password.
    if let Some(credential) = credential.filter(|it| it.theirs == "loris-token")
        && known.ours == "bearer"
    {
        used.name = "loris".into();
        used.options.insert("login", Value::Text(credential.url.clone()));
    }
    let place = section.place("authentication_type");
    check_linked_authenticator(&used).map_err(|error| wrong(place, error.message()))?;
    let auth = match used.name.as_str() {
        // Only the registry says where its tokens are.
        "registry-token" => Auth::Optional,
        _ => Auth::Required,
    };
    Ok((auth, Some(used)))
}

/// Refuses options that would not have their effect.
fn check_options(
    section: &Section,
    authentication: &str,
    options: &[(&str, Becomes)],
) -> Result<()> {
    let option = |key: &str| {
        let option = key.strip_prefix(authentication)?.strip_prefix('_')?;
        Some(option.to_owned())
    };
    let is_known = |key: &str| {
        ["url_re", "authentication_type", "credential"].contains(&key)
            || option(key).is_some_and(|option| options.iter().any(|(name, _)| *name == option))
    };
    let Some((key, value)) = section.iter().find(|(key, _)| !is_known(key)) else {
        return Ok(());
    };
    let shown = printable(key);
    Err(wrong(
        &value.place,
        &match option(key) {
            Some(_) => format!("`{shown}` has no counterpart in Keyward"),
            None => format!("a provider has no `{shown}`"),
        },
    ))
}

/// Returns a regular expression as Keyward reads it. In Python, `$` is also before a line's end.
fn pattern(text: &str) -> String {
    match text.strip_suffix('$') {
        Some(before) if !before.ends_with('\\') => format!("{before}\\n?$"),
        _ => text.to_owned(),
    }
}

/// The names of the fields of DataLad's credentials, and of Keyward's.
const FIELDS: &[(&str, &str)] = &[
    ("user", fields::USERNAME),
    ("password", fields::PASSWORD),
    ("token", fields::TOKEN),
    ("key_id", fields::ACCESS_KEY_ID),
    ("secret_id", fields::SECRET_ACCESS_KEY),
    ("session", fields::SESSION_TOKEN),
];

/// Returns a field of a form, with Keyward's names for the fields of the credential.
fn field(line: &str) -> Result<String, String> {
    let (mut field, mut rest) = (String::new(), line);
    while let Some(at) = rest.find(['{', '}']) {
        field += &rest[..at];
        rest = &rest[at..];
        if rest.starts_with("{{") || rest.starts_with("}}") {
            field += &rest[..2];
            rest = &rest[2..];
            continue;
        }
        let inside = rest.strip_prefix('{').and_then(|rest| rest.split_once('}'));
        let known = inside.and_then(|(name, rest)| {
            let (_, ours) = FIELDS.iter().find(|(theirs, _)| *theirs == name)?;
            Some((ours, rest))
        });
        let Some((ours, after)) = known else {
            return Err(format!("`{line}` has braces around something else than a field"));
        };
        field += &format!("{{{ours}}}");
        rest = after;
    }
    Ok(field + rest)
}
