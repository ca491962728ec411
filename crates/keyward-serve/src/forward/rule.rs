//! Which client may do what.

use keyward_core::{Error, Result};
use keyward_portal::http;

use super::host;
use super::original::Original;
use crate::config::section::Section;

/// A rule for some requests. The first rule that matches a request decides about it; a request that
/// no rule matches is refused.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rule {
    /// The host; `*.example.org` means all hosts below it. `None` for all.
    pub host: Option<String>,
    /// The path. If it ends in `/`, everything below it is meant too.
    pub path: String,
    /// The methods; empty for all.
    pub methods: Vec<String>,
    /// Who decides. `None` if everybody may come in, without an identity.
    pub bouncer: Option<String>,
    /// How clients show who they are, the preferred way first.
    pub schemes: Vec<Scheme>,
    /// The users who may come in; empty for all whom the bouncer lets in.
    pub users: Vec<String>,
    /// Whether clients come in while the bouncer cannot decide.
    pub allow_default: bool,
}

/// How a client shows who it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scheme {
    /// With the header `Authorization`.
    Http(http::Scheme),
    /// With the cookie that a browser gets on the page.
    Cookie,
}

impl Scheme {
    const ALL: [(&'static str, Self); 4] = [
        ("basic", Self::Http(http::Scheme::Basic)),
        ("digest", Self::Http(http::Scheme::Digest)),
        ("bearer", Self::Http(http::Scheme::Bearer)),
        ("cookie", Self::Cookie),
    ];

    pub(super) fn parse(text: &str) -> Result<Self> {
        let found = Self::ALL.into_iter().find(|(name, _)| *name == text);
        let names = Self::ALL.map(|(name, _)| name).join(", ");
        found.map(|(_, scheme)| scheme).ok_or_else(|| {
            Error::invalid("forward", "there is no such scheme")
                .hint(format!("The schemes are {names}"))
        })
    }
}

const KEYS: &[&str] =
    &["host", "path", "methods", "bouncer", "public", "schemes", "users", "allow_default"];

impl Rule {
    pub(super) const KEYS: &[&str] = KEYS;

    /// Reads a rule. `bouncer` returns the name of the bouncer that the section names.
    pub(super) fn read(
        section: &Section<'_>,
        bouncer: impl Fn(&Section<'_>) -> Result<String>,
    ) -> Result<Self> {
        let is_public = section.flag("public")?;
        if is_public && (section.has("bouncer") || section.has("schemes") || section.has("users")) {
            return Err(section.wrong("public", "a public rule has no bouncer, schemes or users"));
        }
        let bouncer = if is_public { None } else { Some(bouncer(section)?) };
        let schemes = section.all_parsed("schemes", Scheme::parse)?;
        if !is_public && schemes.is_empty() {
            return Err(section.wrong("schemes", "`schemes` names no scheme, such as \"basic\""));
        }
        Ok(Self {
            host: section.parsed("host", host_pattern)?,
            path: section.parsed("path", path_pattern)?.unwrap_or_else(|| "/".into()),
            methods: section.all_parsed("methods", method)?,
            bouncer,
            schemes,
            users: section.texts("users")?,
            allow_default: section.flag("allow_default")?,
        })
    }

    /// The schemes of the header `Authorization`.
    pub(super) fn http_schemes(&self) -> impl Iterator<Item = http::Scheme> {
        self.schemes.iter().filter_map(|scheme| match scheme {
            Scheme::Http(scheme) => Some(*scheme),
            Scheme::Cookie => None,
        })
    }

    pub(super) fn has_http_scheme(&self) -> bool {
        self.http_schemes().next().is_some()
    }

    /// Whether the rule is for a request.
    pub(super) fn matches(&self, request: &Original) -> bool {
        let host = match self.host.as_deref() {
            None => true,
            Some(pattern) => match pattern.strip_prefix('*') {
                Some(end) => request.host.ends_with(end) && request.host.len() > end.len(),
                None => request.host == pattern,
            },
        };
        let path = match self.path.strip_suffix('/') {
            Some(folder) => {
                let rest = request.path.strip_prefix(folder);
                rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
            }
            None => request.path == self.path,
        };
        host && path && (self.methods.is_empty() || self.methods.contains(&request.method))
    }
}

fn host_pattern(text: &str) -> Result<String> {
    let name = text.strip_prefix("*.").unwrap_or(text);
    match host::parse(name).filter(|host| host == name && !name.contains('*')) {
        Some(_) => Ok(text.to_owned()),
        None => Err(Error::invalid(
            "forward",
            "a host is a name in lower case without a port, or *.NAME",
        )),
    }
}

fn path_pattern(text: &str) -> Result<String> {
    match super::path::parse(text).filter(|path| path == text) {
        Some(path) => Ok(path),
        None => {
            Err(Error::invalid("forward", "a path begins with / and contains no %, ?, #, ; or //"))
        }
    }
}

fn method(text: &str) -> Result<String> {
    match !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_uppercase()) {
        true => Ok(text.to_owned()),
        false => Err(Error::invalid("forward", "a method is written in capitals, such as GET")),
    }
}
