mod check;

use keyward::{Environment, Keyward, NewStore};
use keyward_config::path_of_program;
use keyward_core::{Error, ErrorKind};
use keyward_git::{Call, Change, ConfigFile, Git, Helper, Setup, helpers_for};
use serde_json::json;

use crate::candidates;
use crate::commands::init;
use crate::output::{escape_if_terminal, print, print_message};
use crate::session::Session;
use crate::stop::Outcome;

/// Make git ask Keyward for credentials
#[derive(clap::Args)]
#[command(after_help = "Example:
  keyward setup git
  keyward setup git --check
  keyward setup git --undo")]
pub(crate) struct Arguments {
    /// Set up git for all your repositories [default]
    #[arg(long)]
    global: bool,
    /// Set up git only for the repository you are in
    #[arg(long, conflicts_with = "global")]
    local: bool,
    /// The store; it is made if it does not exist
    #[arg(long, value_name = "S", default_value = "git", add = candidates::stores())]
    store: String,
    /// Make git ignore the helpers that are configured before this one
    #[arg(long)]
    only: bool,
    /// Restore git's configuration; the store stays
    #[arg(long, conflicts_with_all = ["store", "only", "check"])]
    undo: bool,
    /// Change nothing; show which helpers git asks, and whether Keyward answers
    #[arg(long, conflicts_with_all = ["store", "only", "global", "local"])]
    check: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

pub(super) fn run(session: &Session, arguments: &Arguments) -> Outcome {
    let &Arguments { local, ref store, only, undo, check, json, .. } = arguments;
    if check {
        return check::run(json);
    }
    let git = Git::find()?;
    let keyward = session.keyward()?;
    let (environment, places) = (keyward.config().environment(), keyward.config().places());
    places.check_owner()?;
    let file = match local {
        true => ConfigFile::local(&git)?,
        false => ConfigFile::global(environment, places)?,
    };
    let setup = Setup::begin(&git, &file, &places.state.join("git"))?;
    if undo {
        return report_undone(&file, &setup.undo()?, json);
    }
    let call = Call::new(&this_program(environment)?, store);
    setup.check()?;
    let made = make_store(&keyward, store, json)?;
    let change = setup.add(&call, only)?;
    report(&file, &change, store, made, json)?;
    if environment.get("GIT_CONFIG_GLOBAL").is_some() && !local {
        print_message("note: git reads this file only if GIT_CONFIG_GLOBAL names it");
    }
    advise(&git)
}

/// Returns the path of this program, if git's configuration can contain it.
fn this_program(environment: &Environment) -> Outcome<String> {
    let path = path_of_program(environment)?.into_os_string().into_string();
    path.ok().filter(|path| !path.chars().any(char::is_control)).ok_or_else(|| {
        Error::invalid(
            "setup",
            "the path of this program has characters that git's configuration cannot contain",
        )
        .into()
    })
}

/// Makes the store unless it exists, and returns whether it made it.
fn make_store(keyward: &Keyward, store: &str, json: bool) -> Outcome<bool> {
    match keyward.config().find_store(&keyward.config().store_called(store)?)? {
        Some(file) if file.deleting => Err(Error::new(ErrorKind::Conflict, "setup")
            .because(format!("the store `{}` is being removed", file.name))
            .hint(format!("Finish the removal with `keyward rm {}`", file.name))
            .into()),
        Some(_) => Ok(false),
        None => {
            let file = keyward.init_store(&NewStore::named(store)?)?;
            if !json {
                init::report(keyward, &file)?;
            }
            Ok(true)
        }
    }
}

fn report(file: &ConfigFile, change: &Change, store: &str, made: bool, json: bool) -> Outcome {
    if json {
        let mut report = as_json(file, change);
        report["store"] = json!(store);
        report["made"] = json!(made);
        return print(&report.to_string());
    }
    match change.before == change.after {
        true => print(&format!("{} already calls Keyward.", shown_path(file))),
        false => show(file, change),
    }
}

fn report_undone(file: &ConfigFile, change: &Change, json: bool) -> Outcome {
    let changed = change.before != change.after;
    if json {
        let mut report = as_json(file, change);
        report["restored"] = json!(change.restored);
        return print(&report.to_string());
    }
    if !changed {
        return print(&format!("There is nothing to undo in {}.", shown_path(file)));
    }
    show(file, change)?;
    print(match change.restored {
        true => "The file has its previous content again.",
        false => "The file was changed after the setup: the other changes stay.",
    })
}

fn as_json(file: &ConfigFile, change: &Change) -> serde_json::Value {
    let list =
        |helpers: &[Helper]| helpers.iter().map(|helper| helper.shown.clone()).collect::<Vec<_>>();
    json!({
        "file": file.path().display().to_string(),
        "changed": change.before != change.after,
        "before": list(&change.before),
        "after": list(&change.after),
    })
}

/// Prints the helpers of the file; `-` marks those that were removed, `+` those that were added.
fn show(file: &ConfigFile, change: &Change) -> Outcome {
    print(&format!("{}:", shown_path(file)))?;
    let line = |mark, helper: &Helper| {
        print(
            escape_if_terminal(&format!("{mark} credential.helper = {}", helper.shown)).trim_end(),
        )
    };
    let mut removed = change.before.iter().filter(|helper| !change.after.contains(helper));
    removed.try_for_each(|helper| line('-', helper))?;
    for helper in &change.after {
        line(if change.before.contains(helper) { ' ' } else { '+' }, helper)?;
    }
    Ok(())
}

/// Prints notes about the helpers that git asks first, and about git's version.
fn advise(git: &Git) -> Outcome {
    let configured = git.configured()?;
    let asked = helpers_for(&configured, None);
    let first = asked.iter().position(|found| found.helper.keyward.is_some());
    let others: Vec<_> =
        asked[..first.unwrap_or(0)].iter().map(|found| &*found.helper.shown).collect();
    if !others.is_empty() {
        print_message(&format!(
            "note: git asks these first: {}\n  hint: --only makes git ask Keyward alone",
            others.join(", ")
        ));
    }
    if first.is_none() {
        print_message("note: git does not ask Keyward here; `keyward setup git --check` says more");
    }
    if !git.knows_authtype() {
        print_message(&format!(
            "note: git {} passes on only usernames and passwords; other authentication schemes need git 2.46",
            git.version
        ));
    }
    Ok(())
}

fn shown_path(file: &ConfigFile) -> String {
    escape_if_terminal(&file.path().display().to_string())
}
