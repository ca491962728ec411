//! Checks that git asks Keyward and that Keyward answers.

use std::collections::BTreeSet;
use std::path::Path;

use keyward::{Environment, Keyward, Silent};
use keyward_core::{Error, ErrorKind};
use keyward_git::{Call, Configured, Git, Trial, helpers_for};

use super::this_program;
use crate::commands::doctor;
use crate::findings::{Finding, Findings};
use crate::stop::Outcome;

pub(super) fn run(json: bool) -> Outcome {
    let git = Git::find()?;
    let mut findings = Findings::new(json);
    findings.add("git", check_version(&git))?;
    let configured = git.configured()?;
    let urls: BTreeSet<_> = configured.iter().filter_map(|found| found.url.as_deref()).collect();
    let general = helpers_for(&configured, None);
    findings.add("helpers", describe(&general, None))?;
    for url in urls {
        findings.add("helpers", describe(&helpers_for(&configured, Some(url)), Some(url)))?;
    }
    let Some(call) = general.iter().find_map(|found| found.helper.keyward.as_ref()) else {
        let missing = Error::not_found("setup").because("git does not ask Keyward");
        let hint = "Run `keyward setup git`";
        findings.add("keyward", Finding::Bad(missing.hint(hint)))?;
        return findings.end();
    };
    // A check must not prompt for a passphrase. Git, as it is run below, does not prompt either.
    let keyward = Keyward::with(Environment::current(), Silent)?;
    findings.add("keyward", check_program(call, &keyward)?)?;
    for finding in doctor::check_store(&keyward, &call.store) {
        findings.add(&format!("store {}", call.store), finding)?;
    }
    findings.add("answer", check_answer(&git, call))?;
    findings.end()
}

fn check_version(git: &Git) -> Finding {
    match git.knows_authtype() {
        true => Finding::Good(format!("version {}", git.version)),
        false => Finding::Note(format!(
            "version {} passes on only usernames and passwords; other authentication schemes need git 2.46",
            git.version
        )),
    }
}

/// Describes the helpers that git asks, and where each is configured.
fn describe(asked: &[&Configured], url: Option<&str>) -> Finding {
    let about = url.map(|url| format!("for {}, ", without_user_info(url))).unwrap_or_default();
    let helpers = asked.iter().map(|found| format!("{} ({})", found.helper.shown, found.place));
    let text = match asked {
        [] => format!("{about}git asks no helper"),
        _ => format!("{about}git asks {}", helpers.collect::<Vec<_>>().join(", then ")),
    };
    match asked.iter().any(|found| found.helper.keyward.is_some()) {
        true => Finding::Good(text),
        false => Finding::Note(text),
    }
}

/// The URL, without the password that may be in it.
fn without_user_info(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else { return url.to_owned() };
    let authority = &rest[..rest.find('/').unwrap_or(rest.len())];
    match authority.rfind('@') {
        Some(at) => format!("{scheme}://…{}", &rest[at..]),
        None => url.to_owned(),
    }
}

/// Checks that the value names a program that exists, and whether it is this one.
fn check_program(call: &Call, keyward: &Keyward) -> Outcome<Finding> {
    let Some(path) = &call.program else {
        return Ok(Finding::Note("git looks for git-credential-keyward".into()));
    };
    let home = &keyward.config().places().home;
    let path = match path.strip_prefix("~/") {
        Some(rest) => home.join(rest),
        None => Path::new(path).to_owned(),
    };
    let this = this_program(keyward.config().environment())?;
    Ok(match path.canonicalize() {
        _ if !path.is_absolute() => Finding::Note("a shell looks for the program".into()),
        Ok(real) if Path::new(&this).canonicalize().is_ok_and(|this| this == real) => {
            Finding::Good("git calls this program".into())
        }
        Ok(_) => Finding::Note(format!("git calls a program other than {this}")),
        Err(_) => Finding::Bad(
            Error::invalid("setup", "the program that git should call does not exist")
                .hint("`keyward setup git` makes git call this program"),
        ),
    })
}

/// Makes git ask only Keyward, for a credential that cannot exist.
fn check_answer(git: &Git, call: &Call) -> Finding {
    let wrong = |why: &str| Finding::Bad(Error::new(ErrorKind::Other, "setup").because(why));
    match git.try_call(call) {
        Ok(Trial::Correct) => Finding::Good(
            "git gets no credential for a host that does not exist, which is correct".into(),
        ),
        Ok(Trial::Credential) => wrong("git gets a credential for a host that does not exist"),
        Ok(Trial::Quit) => wrong("Keyward tells git that something is wrong"),
        Ok(Trial::NotAsked) => wrong("git stops before it asks a helper"),
        Ok(Trial::NotRun) => wrong("git cannot run the program"),
        Err(error) => Finding::Bad(error),
    }
}
