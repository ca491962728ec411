//! git, asking one helper or the other.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use keyward_accounts::Accounts;
use keyward_origin::Location;

use super::cold::process;
use super::fill::{entry, fill};
use super::home::BenchHome;
use super::peers::{PASSWORD, Session, write};
use super::program::Program;
use super::race::{Table, race};
use super::{Plan, Result};

/// Entries beside which a look-up must not take longer.
const MANY: usize = 100_000;

/// Where Debian's package has the source of git's helper for the Secret Service.
const LIBSECRET: &str = "/usr/share/doc/git/contrib/credential/libsecret";

pub(super) fn measure(plan: &Plan) -> Result<Vec<Table>> {
    let home = BenchHome::new(&plan.program)?;
    let rounds = plan.rounds.div_ceil(2);
    let many = plan.entries.min(MANY);
    keep(&home, "one", 0)?;
    keep(&home, "many", many)?;
    let git = Git::new(&home)?;
    // Every helper is called as `keyward setup git` has git call Keyward, so that shells are not compared.
    let keyward =
        |store: &str| format!("!exec {} helper git --store {store}", plan.program.display());
    let [one, among_many] = [keyward("one"), keyward("many")];
    let file = home.below("plaintext");
    let plaintext = format!("!exec git credential-store --file {}", file.display());
    write(&file, &format!("https://ann:{}@example.com\n", PASSWORD.replace(' ', "%20")))?;

    let fill = race(
        "`git credential fill`",
        rounds,
        vec![
            process("by `git-credential-store`, not encrypted", git.fill(&plaintext)?),
            process("**by `keyward helper git`**", git.fill(&one)?).within(1.5),
        ],
    )?;
    let session = Session::start(&home)?;
    let libsecret = build_libsecret(&home)?;
    let git = Git { session: Some(session), ..git };
    git.approve(libsecret.to_str().ok_or("the scratch folder's name is UTF-8")?)?;
    let get = |program: Program| program.args(&["get"]).input(&git.question);
    let [ours, theirs] = [
        home.program(&["helper", "git", "--store", "one"]),
        git.in_session(Program::new(&libsecret, &[]).env("HOME", home.path())),
    ]
    .map(get);
    for helper in [&ours, &theirs] {
        if !helper.output()?.0.contains(PASSWORD) {
            return Err(format!("{helper:?} does not give the password").into());
        }
    }
    let beside_libsecret = race(
        "git's helper alone, beside the one for the Secret Service",
        rounds,
        vec![
            process("`git-credential-libsecret get`", theirs),
            process("**`keyward helper git get`**", ours),
        ],
    )?;
    let libsecret = format!("!exec {}", libsecret.display());
    let fill_libsecret = race(
        "`git credential fill` beside the Secret Service",
        rounds,
        vec![
            process("by `git-credential-libsecret`", git.fill(&libsecret)?),
            process("**by `keyward helper git`**", git.fill(&one)?),
        ],
    )?;
    let scale = race(
        format!("`git credential fill` among {many} entries"),
        rounds,
        vec![
            process("an empty store but for the account", git.fill(&one)?),
            process(format!("**{many} other entries**"), git.fill(&among_many)?).within(1.25),
        ],
    )?;
    Ok(vec![fill, beside_libsecret, fill_libsecret, scale])
}

/// A store with one account, and so many entries of other people.
fn keep(home: &BenchHome, name: &str, others: usize) -> Result {
    let store = home.store(name, "file")?;
    fill(home, &store, (0..others).map(entry))?;
    let user = store.entry(None, None)?;
    let location = Location::parse("https://ann@example.com")?;
    Accounts::new(&*store, user.user()).keep(&location, store.now(), &|record| {
        keyward::Credentials::new("ann", PASSWORD).write(record)
    })?;
    Ok(())
}

/// git, with one helper at a time and nothing else in its configuration.
struct Git<'a> {
    home: &'a BenchHome,
    question: PathBuf,
    session: Option<Session>,
}

impl<'a> Git<'a> {
    fn new(home: &'a BenchHome) -> Result<Self> {
        let question = home.below("git-question");
        write(&question, "protocol=https\nhost=example.com\n\n")?;
        Ok(Self { home, question, session: None })
    }

    /// `git credential fill`, which this helper answers.
    fn fill(&self, helper: &str) -> Result<Program> {
        let fill = self.git(helper, "fill")?.input(&self.question);
        if fill.output()?.0.contains(PASSWORD) {
            Ok(fill)
        } else {
            Err(format!("`{helper}` does not give the password").into())
        }
    }

    /// Has this helper keep the account.
    fn approve(&self, helper: &str) -> Result {
        let account = self.home.below("git-account");
        let text = format!("protocol=https\nhost=example.com\nusername=ann\npassword={PASSWORD}\n");
        write(&account, &text)?;
        self.git(helper, "approve")?.input(&account).output().map(drop)
    }

    fn git(&self, helper: &str, action: &str) -> Result<Program> {
        let helper = format!("credential.helper={helper}");
        let git = self.home.other("git", &["-c", "credential.helper=", "-c", &helper])?;
        let git = git.args(&["credential", action]).env("GIT_CONFIG_NOSYSTEM", "1");
        Ok(self.in_session(git.env("GIT_TERMINAL_PROMPT", "0")))
    }

    fn in_session(&self, program: Program) -> Program {
        match &self.session {
            Some(session) => program.env("DBUS_SESSION_BUS_ADDRESS", session.bus()),
            None => program,
        }
    }
}

/// Builds git's helper for the Secret Service, which Debian has as source alone.
fn build_libsecret(home: &BenchHome) -> Result<PathBuf> {
    let folder = home.below("libsecret");
    fs::create_dir(&folder)?;
    for file in fs::read_dir(LIBSECRET)? {
        let file = file?;
        fs::copy(file.path(), folder.join(file.file_name()))?;
    }
    let output = Command::new("make").arg("-C").arg(&folder).output()?;
    let built = folder.join("git-credential-libsecret");
    if !Path::new(&built).exists() {
        return Err(String::from_utf8_lossy(&output.stderr).into_owned().into());
    }
    Ok(built)
}
