//! The questions about a new provider.

use keyward::{Keyward, PROVIDERS};
use keyward_config::parse_value;
use keyward_core::{MAX_NAME, Role, canonical, printable};
use keyward_origin::Target;
use keyward_provider::{OriginPattern, PathPattern};

use super::add::{Arguments, path_of, specs, write};
use crate::candidates::backend_names;
use crate::output::{escaped, print_message};
use crate::session::Session;
use crate::stop::{Outcome, Stop, usage_error};
use crate::terminal::Terminal;

/// How often a question is asked.
const ATTEMPTS: usize = 3;

/// Asks for what the arguments do not say, shows the file, and writes it if the user agrees.
pub(super) fn run(session: &Session, keyward: &Keyward, given: &Arguments) -> Outcome {
    let terminal = session.console.terminal().map_err(|error| {
        error.hint("Give a name and a server: keyward provider add NAME --url URL")
    })?;
    let mut questions = Questions(terminal);
    let url = match (&given.url, given.origins.first()) {
        (Some(url), _) => Some(Target::parse(url)?),
        (None, Some(_)) => None,
        (None, None) => {
            Some(questions.ask("URL", None, |text| Target::parse(text).map_err(Stop::from))?)
        }
    };
    let name = match &given.name {
        Some(name) => free_name(keyward, given, name)?,
        None => {
            let host = url.as_ref().map(|url| url.origin().host.clone());
            questions.ask("Name", host.as_deref(), |text| free_name(keyward, given, text))?
        }
    };
    let mut asked = given.clone();
    asked.url = None;
    if let Some(url) = &url {
        ask_place(&mut questions, url, &mut asked)?;
    }
    if asked.authenticator.is_none() {
        let names = backend_names(keyward, Role::Authenticator);
        let question = format!("Authenticator ({})", names.join(", "));
        let name = questions.ask(&question, Some("auto"), |text| {
            specs(keyward, text)?;
            Ok(text.to_owned())
        })?;
        for spec in specs(keyward, &name)?.iter().filter(|spec| spec.required) {
            let value = questions.ask(spec.name, None, |text| {
                Ok(parse_value(spec, text).map(|_| text.to_owned())?)
            })?;
            asked.options.push(format!("{}={value}", spec.name));
        }
        asked.authenticator = Some(name);
    }
    if asked.credentials.is_empty() {
        let credential = questions.ask("Credential", Some(&name), |text| {
            canonical("name of the credential", text, MAX_NAME)?;
            Ok(text.to_owned())
        })?;
        asked.credentials.push(credential);
    }
    let provider = asked.provider(keyward, &name)?;
    let path = keyward.config().table_path(PROVIDERS, &name, given.level.layer());
    let shown: Vec<_> = provider.to_toml().lines().map(escaped).collect();
    let question = format!(
        "{}\nWrite this to {}? [y/N] ",
        shown.join("\n"),
        escaped(&path.display().to_string())
    );
    match questions.0.agrees(&question)? {
        true => write(keyward, &provider, given.level),
        false => Err(usage_error("nothing was written")),
    }
}

/// Asks for the server and the path of a URL.
fn ask_place(questions: &mut Questions, url: &Target, asked: &mut Arguments) -> Outcome {
    if asked.origins.is_empty() {
        let origin = url.origin().to_string();
        asked.origins.push(questions.ask("Server", Some(&origin), |text| {
            match OriginPattern::parse(text)?.matches(url.origin()) {
                true => Ok(text.to_owned()),
                false => Err(usage_error("it does not match the URL")),
            }
        })?);
    }
    if asked.path.is_none() {
        let path = path_of(url).unwrap_or_else(|| "/.*".into());
        let path = questions.ask("Path", Some(&path), |text| {
            match PathPattern::new(text)?.matches(url.path()) {
                true => Ok(text.to_owned()),
                false => Err(usage_error("it does not match the URL")),
            }
        })?;
        asked.path = Some(path).filter(|path| path != "/.*");
    }
    Ok(())
}

/// Returns the name, if it can be that of a new file.
fn free_name(keyward: &Keyward, given: &Arguments, name: &str) -> Outcome<String> {
    canonical("name", name, 64)?;
    match keyward.config().table_in(PROVIDERS, name, given.level.layer())? {
        None => Ok(name.to_owned()),
        Some(_) => Err(usage_error(format!("there is a provider `{}`", printable(name)))),
    }
}

struct Questions(Terminal);

impl Questions {
    /// Asks until the answer is one that `read` takes. An empty answer means the proposed one.
    fn ask<T>(
        &mut self,
        question: &str,
        proposed: Option<&str>,
        read: impl Fn(&str) -> Outcome<T>,
    ) -> Outcome<T> {
        let shown = proposed.map(|text| format!(" [{}]", escaped(text))).unwrap_or_default();
        for _ in 0..ATTEMPTS {
            let answer = self.0.ask_open(&format!("{question}{shown}: "))?;
            let answer = answer.expose_str().unwrap_or_default().trim();
            let answer = if answer.is_empty() { proposed.unwrap_or_default() } else { answer };
            match read(answer) {
                Ok(read) => return Ok(read),
                Err(Stop::Failed(error)) => print_message(&escaped(error.message())),
                Err(other) => return Err(other),
            }
        }
        Err(usage_error("there was no usable answer"))
    }
}
