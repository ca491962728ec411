//! DataLad's providers: files `NAME.cfg` in the folder `providers` of its configuration.
//!
//! A section `[provider:NAME]` names URLs by regular expressions, an authenticator with its options,
//! and a section `[credential:NAME]`, which may be in another file.

mod authenticator;
mod url_re;
mod words;

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use keyward_config::Config;
use keyward_core::{Error, Result, printable};
use keyward_kinds::names;
use keyward_provider::Provider;

pub use url_re::{Place, read_url_re};

use crate::ini::{Ini, MAX_FILE, Section};

/// The most files that are read.
const MAX_FILES: usize = 1000;

/// A provider of DataLad.
#[derive(Debug)]
pub struct FoundProvider {
    /// Its name.
    pub name: String,
    /// What it becomes, or why it cannot be used. It becomes several providers if its expressions name
    /// different paths on different servers.
    pub providers: Result<Vec<Provider>>,
    /// Its credential and the kind of that credential.
    pub credential: Option<(String, String)>,
    /// Whether it was also for `http`, which is left out.
    pub is_without_http: bool,
}

/// What DataLad's files contain.
#[derive(Debug, Default)]
pub struct Gathered {
    /// The providers, by name.
    pub found: Vec<FoundProvider>,
    /// What is wrong with files and with other sections.
    pub failed: Vec<Error>,
}

/// Returns the folder of the user's providers of DataLad.
pub fn default_folder(config: &Config) -> PathBuf {
    let home = &config.places().home;
    let folder = config.environment().path("XDG_CONFIG_HOME");
    folder.unwrap_or_else(|| home.join(".config")).join("datalad/providers")
}

/// Reads files, and the files `*.cfg` of folders. In an option that several files have, the last file
/// counts, as in DataLad.
///
/// # Errors
/// [`Invalid`](keyward_core::ErrorKind::Invalid) for a path that cannot be read. What is wrong with a
/// file is in the result, and hides no other file.
pub fn gather(paths: &[PathBuf]) -> Result<Gathered> {
    let mut files = Vec::new();
    for path in paths {
        match path.is_dir() {
            true => files.extend(files_in(path)?),
            false => files.push(path.clone()),
        }
    }
    if files.len() > MAX_FILES {
        return Err(Error::invalid("import", format!("there are more than {MAX_FILES} files")));
    }
    let (mut inis, mut failed) = (Vec::new(), Vec::new());
    for file in files {
        let from = printable(&file.display().to_string()).to_string();
        match Ini::parse(&content(&file)?, &from) {
            Ok(ini) => inis.push(ini),
            Err(error) => failed.push(error),
        }
    }
    let mut gathered = convert(inis);
    gathered.failed.splice(0..0, failed);
    Ok(gathered)
}

fn files_in(folder: &Path) -> Result<Vec<PathBuf>> {
    let failed = |error| unreadable(folder, &error);
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        if path.extension().is_some_and(|it| it == "cfg") {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

fn content(path: &Path) -> Result<Vec<u8>> {
    let mut content = Vec::new();
    File::open(path)
        .and_then(|file| file.take(MAX_FILE as u64 + 1).read_to_end(&mut content))
        .map_err(|error| unreadable(path, &error))?;
    Ok(content)
}

fn unreadable(path: &Path, error: &std::io::Error) -> Error {
    Error::invalid("import", format!("{}: {error}", printable(&path.display().to_string())))
}

/// Turns the sections of files into providers; a later file counts more than an earlier one.
pub fn convert(inis: Vec<Ini>) -> Gathered {
    let mut sections: BTreeMap<String, Section> = BTreeMap::new();
    for (name, section) in inis.into_iter().flat_map(|ini| ini.sections) {
        match sections.get_mut(&name) {
            Some(known) => known.merge(section),
            None => drop(sections.insert(name, section)),
        }
    }
    let mut gathered = Gathered::default();
    let mut credentials = BTreeMap::new();
    for (name, section) in &sections {
        match name.split_once(':') {
            Some(("credential", name)) => match credential(section) {
                Ok(credential) => drop(credentials.insert(name, credential)),
                Err(error) => gathered.failed.push(error),
            },
            Some(("provider", _)) => {}
            _ => gathered.failed.push(wrong(
                &section.place,
                &format!("[{}] is neither a provider nor a credential", printable(name)),
            )),
        }
    }
    for (name, section) in &sections {
        if let Some(("provider", name)) = name.split_once(':') {
            gathered.found.push(found(name, section, &credentials));
        }
    }
    gathered
}

/// A credential of DataLad.
struct Credential {
    /// Its type in DataLad.
    theirs: String,
    /// Its kind in Keyward.
    kind: &'static str,
    /// Where a person gets one or, for LORIS, where a program gets a token.
    url: String,
}

/// DataLad's types of credentials, and the kinds that they are in Keyward. The last two are those of the
/// login that gets the other credential.
const TYPES: &[(&str, &str)] = &[
    ("user_password", names::USER_PASSWORD),
    ("token", names::TOKEN),
    ("aws-s3", names::AWS),
    ("git", names::USER_PASSWORD),
    ("loris-token", names::USER_PASSWORD),
    ("nda-s3", names::USER_PASSWORD),
];

fn credential(section: &Section) -> Result<Credential> {
    if let Some((key, value)) = section.iter().find(|(key, _)| !["type", "url"].contains(key)) {
        let why = format!("a credential has no `{}`", printable(key));
        return Err(wrong(&value.place, &why));
    }
    let kind = required(section, "type")?;
    let place = section.place("type");
    let known = TYPES.iter().find(|(name, _)| *name == kind);
    let Some((_, known)) = known else {
        let why = format!("there is no type of credentials `{}`", printable(&kind));
        return Err(wrong(place, &why));
    };
    let url = text(section, "url")?.filter(|url| !url.contains(char::is_control));
    Ok(Credential { theirs: kind, kind: known, url: url.unwrap_or_default() })
}

fn found(name: &str, section: &Section, credentials: &BTreeMap<&str, Credential>) -> FoundProvider {
    let mut found = FoundProvider {
        name: name.to_owned(),
        providers: Ok(Vec::new()),
        credential: None,
        is_without_http: false,
    };
    found.providers = convert_one(&mut found, section, credentials);
    found
}

fn convert_one(
    found: &mut FoundProvider,
    section: &Section,
    credentials: &BTreeMap<&str, Credential>,
) -> Result<Vec<Provider>> {
    let authentication = required(section, "authentication_type")?;
    let mut known = None;
    if let Some(name) = text(section, "credential")? {
        let place = section.place("credential");
        known = credentials.get(name.as_str());
        let Some(credential) = known else {
            let shown = printable(&name);
            return Err(wrong(place, &format!("there is no usable [credential:{shown}]")));
        };
        if name.contains(['{', '}']) {
            return Err(wrong(place, "the name of the credential has a brace"));
        }
        found.credential = Some((name, credential.kind.to_owned()));
    }
    let (auth, used) = authenticator::authenticator(section, &authentication, known)?;
    if authentication == "bearer_token_anon" {
        // DataLad ignores it, too.
        found.credential = None;
    }
    let page = known.filter(|it| it.theirs != "loris-token" && !it.url.is_empty());
    let help = page.map(|it| format!("Get access at {}", it.url)).unwrap_or_default();
    let url_re = required(section, "url_re")?;
    let mut places: Vec<Place> = Vec::new();
    for expression in url_re.lines().filter(|line| !line.is_empty()) {
        let read = read_url_re(expression).map_err(|error| {
            wrong(section.place("url_re"), &format!("`{expression}`: {}", error.message()))
        })?;
        read.into_iter().for_each(|place| add(&mut places, place));
    }
    found.is_without_http = places.iter().any(|place| place.is_without_http);
    let providers = places.into_iter().enumerate().map(|(at, place)| Provider {
        name: if at == 0 { found.name.clone() } else { format!("{}-{}", found.name, at + 1) },
        help: help.clone(),
        origins: place.origins,
        path: place.path,
        auth,
        credentials: found.credential.iter().map(|(name, _)| name.clone()).collect(),
        authenticators: used.clone().into_iter().collect(),
    });
    let checked = providers
        .map(|provider| Provider::parse(&provider.name, &provider.to_toml(), &section.place));
    checked.collect()
}

/// Adds a place. Places with the same path become one.
fn add(places: &mut Vec<Place>, place: Place) {
    let path = |place: &Place| place.path.as_ref().map(ToString::to_string);
    match places.iter_mut().find(|known| path(known) == path(&place)) {
        Some(known) => {
            known.is_without_http |= place.is_without_http;
            for origin in place.origins {
                if !known.origins.contains(&origin) {
                    known.origins.push(origin);
                }
            }
        }
        None => places.push(place),
    }
}

fn required(section: &Section, key: &str) -> Result<String> {
    let text = text(section, key)?.filter(|text| !text.is_empty());
    text.ok_or_else(|| wrong(&section.place, &format!("`{key}` is missing")))
}

fn text(section: &Section, key: &str) -> Result<Option<String>> {
    section.text(key).map_err(|error| wrong(section.place(key), error.message()))
}

fn wrong(place: &str, why: &str) -> Error {
    Error::invalid("import", format!("{place}: {}", printable(why)))
}

#[cfg(test)]
mod tests;
