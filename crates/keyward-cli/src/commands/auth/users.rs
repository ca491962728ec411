//! The commands that change and show files of users.

mod in_store;
mod stored;

use std::path::{Path, PathBuf};

use keyward_core::{Error, ErrorKind, Secret};
use keyward_portal::prepare_user;
use keyward_verifier::files::{self, Format, Row};
use keyward_verifier::{describe, files::Finding};
use serde_json::{Value, json};

use super::file;
use crate::candidates;
use crate::output::{Lines, escape_if_terminal, print_secret};
use crate::password::PasswordSource;
use crate::session::Session;
use crate::stop::{Outcome, Stop, usage_error};
use stored::SchemeArguments;

/// The file or the store.
#[derive(clap::Args)]
#[group(skip)]
struct Place {
    /// The file of users
    #[arg(long, value_name = "F", required_unless_present = "store")]
    file: Option<PathBuf>,
    /// How the file is written
    #[arg(long, value_enum, value_name = "X", default_value_t)]
    format: FileFormat,
    /// A Keyward store with the users, instead of a file
    #[arg(long, value_name = "S", conflicts_with_all = ["file", "format"], add = candidates::stores())]
    store: Option<String>,
}

impl Place {
    /// Returns the file.
    fn file(&self) -> &Path {
        self.file.as_deref().expect("without a store, there is a file")
    }
}

/// The formats of files.
#[derive(Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum)]
enum FileFormat {
    /// USER:HASH, for Apache and nginx
    #[default]
    Htpasswd,
    /// USER:REALM:HASH, for HTTP Digest
    Htdigest,
    /// The passwd-file of Dovecot
    Dovecot,
    /// USER:VERIFIER, with SCRAM verifiers
    Scram,
}

impl FileFormat {
    const fn format(self) -> Format {
        match self {
            Self::Htpasswd => Format::Htpasswd,
            Self::Htdigest => Format::Htdigest,
            Self::Dovecot => Format::Dovecot,
            Self::Scram => Format::Scram,
        }
    }
}

/// The user, and the realm of HTTP Digest.
#[derive(clap::Args)]
struct UserArguments {
    /// The name of the user
    user: String,
    #[command(flatten)]
    place: Place,
    /// The realm, in a file of htdigest; in a store, add a verifier for HTTP Digest in this realm
    #[arg(long, value_name = "R")]
    realm: Option<String>,
}

/// Add a user to a file or a store
#[derive(clap::Parser)]
#[command(
    after_help = "The file is made if it does not exist; then only you can read it. The password is hashed.

Example:
  keyward auth add ann --file .htpasswd
  printf s3cret | keyward auth add ann --file users --format scram --stdin
  keyward auth add ann --file .htdigest --format htdigest --realm Staff
  keyward auth add ann --store people --scram --totp"
)]
pub(in crate::commands) struct Add {
    #[command(flatten)]
    user: UserArguments,
    #[command(flatten)]
    scheme: SchemeArguments,
    /// In a store, add a verifier for SCRAM-SHA-256
    #[arg(long, requires = "store")]
    scram: bool,
    /// In a store, make the secret of one-time passwords, and print its URI
    #[arg(long, requires = "store")]
    totp: bool,
    /// In a store, make recovery codes, and print them
    #[arg(long, requires = "store")]
    recovery_codes: bool,
    #[command(flatten)]
    password: PasswordSource,
}

/// Change the password of a user in a file or a store
#[derive(clap::Parser)]
#[command(after_help = "Example:
  keyward auth passwd ann --file .htpasswd
  keyward auth passwd ann --file users --format dovecot --scheme argon2id
  keyward auth passwd ann --store people")]
pub(in crate::commands) struct Passwd {
    #[command(flatten)]
    user: UserArguments,
    #[command(flatten)]
    scheme: SchemeArguments,
    #[command(flatten)]
    password: PasswordSource,
}

/// Remove a user from a file or a store
#[derive(clap::Parser)]
#[command(after_help = "Without --realm, a user is removed from all realms of a file of htdigest.

Example:
  keyward auth remove ann --file .htpasswd")]
pub(in crate::commands) struct Remove {
    #[command(flatten)]
    user: UserArguments,
}

/// List the users of a file or a store
#[derive(clap::Parser)]
#[command(after_help = "Example:
  keyward auth list --file .htpasswd")]
pub(in crate::commands) struct List {
    #[command(flatten)]
    place: Place,
    /// Print one JSON object per line
    #[arg(long)]
    json: bool,
}

/// Find what is wrong or weak in a file or a store of users
#[derive(clap::Parser)]
#[command(
    after_help = "It finds empty names and passwords, users in several lines, comments that some programs take for users,
weak hashes, and lines that cannot be read. The exit code is 1 if it finds something.

Example:
  keyward auth lint --file /etc/apache2/htpasswd"
)]
pub(in crate::commands) struct Lint {
    #[command(flatten)]
    place: Place,
    /// Print one JSON object per line
    #[arg(long)]
    json: bool,
}

impl Add {
    pub(super) fn run(self, session: &Session) -> Outcome {
        if let Some(store) = &self.user.place.store {
            return in_store::add(store, &self, session);
        }
        for (option, is_given) in
            [("scram", self.scram), ("totp", self.totp), ("recovery-codes", self.recovery_codes)]
        {
            if is_given {
                return Err(usage_error(format!("--{option} is for stores: use --store")));
            }
        }
        write(&self.user, &self.scheme, &self.password, session, false)
    }
}

impl Passwd {
    pub(super) fn run(self, session: &Session) -> Outcome {
        if let Some(store) = &self.user.place.store {
            return in_store::passwd(store, &self, session);
        }
        write(&self.user, &self.scheme, &self.password, session, true)
    }
}

/// Prints a password that was generated: only its hash is kept.
fn show_generated(source: &PasswordSource, password: &Secret) -> Outcome {
    if source.is_generated() { print_secret(password, true) } else { Ok(()) }
}

/// Writes the line of a user, who is in the file already or is not.
fn write(
    arguments: &UserArguments,
    scheme: &SchemeArguments,
    source: &PasswordSource,
    session: &Session,
    exists: bool,
) -> Outcome {
    let format = arguments.place.format.format();
    let realm = arguments.realm.as_deref();
    let maker = scheme.maker(&format, realm)?;
    // A portal looks for this form of the name.
    let name = prepare_user(&arguments.user)
        .map_err(|malformed| Error::invalid("usage", malformed.to_string()))?;
    // What cannot be written is refused before the password is asked for.
    files::set(&Secret::default(), &format, &name, realm, &"x".into())?;
    let check = |content: &Secret| match is_in(content, &format, &name, realm) {
        found if found == exists => Ok(()),
        true => Err(Error::new(ErrorKind::Exists, "file of users")
            .because(format!("{name} is in the file already"))
            .hint(format!("keyward auth passwd {name} changes the password"))),
        false => Err(not_found(&name)),
    };
    match file::read(arguments.place.file()) {
        Ok(content) => check(&content)?,
        Err(stop) if exists => return Err(stop),
        Err(_) => {}
    }
    let password = source.read(&session.console, None)?;
    let stored = maker.make(&name, &password)?;
    file::change(arguments.place.file(), |content| {
        check(content)?;
        Ok(files::set(content, &format, &name, realm, &stored)?)
    })?;
    show_generated(source, &password)
}

/// Whether a user is in the file, also in a line that is broken otherwise.
fn is_in(content: &Secret, format: &Format, name: &str, realm: Option<&str>) -> bool {
    files::remove(content, format, name, realm).is_some()
}

fn not_found(name: &str) -> Error {
    Error::new(ErrorKind::NotFound, "file of users").because(format!("{name} is not in the file"))
}

impl Remove {
    pub(super) fn run(self, session: &Session) -> Outcome {
        let UserArguments { user, place, realm } = self.user;
        if let Some(store) = &place.store {
            return in_store::remove(store, &user, session);
        }
        let format = place.format.format();
        if realm.is_some() && format != Format::Htdigest {
            return Err(usage_error("--realm is for files of htdigest"));
        }
        file::read(place.file())?;
        // A name that another program wrote may have another form than the prepared one.
        let prepared = prepare_user(&user).unwrap_or_else(|_| user.clone());
        file::change(place.file(), |content| {
            let remove = |name: &str| files::remove(content, &format, name, realm.as_deref());
            remove(&user).or_else(|| remove(&prepared)).ok_or_else(|| not_found(&user).into())
        })
    }
}

impl List {
    pub(super) fn run(self, session: &Session) -> Outcome {
        if let Some(store) = &self.place.store {
            return in_store::list(store, self.json, session);
        }
        let content = file::read(self.place.file())?;
        let rows = files::list(content.expose(), &self.place.format.format());
        let mut lines = Lines::new();
        for row in &rows {
            lines.print(&match self.json {
                true => row_json(row).to_string(),
                false => escape_if_terminal(&row_text(row)),
            })?;
        }
        lines.end()
    }
}

fn status(row: &Row) -> &'static str {
    match (&row.stored, row.denied) {
        (Err(_), _) => "unusable",
        (Ok(_), Some(_)) => "disabled",
        (Ok(_), None) => "usable",
    }
}

fn row_json(row: &Row) -> Value {
    let mut object = json!({ "line": row.line, "user": row.user, "status": status(row) });
    if let Some(realm) = &row.realm {
        object["realm"] = json!(realm);
    }
    if let Ok(verifier) = &row.stored {
        object["scheme"] = json!(describe(verifier));
    }
    object
}

fn row_text(row: &Row) -> String {
    let mut text = row.user.clone();
    if let Some(realm) = &row.realm {
        text += &format!("\t{realm}");
    }
    match &row.stored {
        Ok(verifier) if row.denied.is_none() => text + &format!("\t{}", describe(verifier)),
        Ok(verifier) => text + &format!("\t{}\tdisabled", describe(verifier)),
        Err(why) => text + &format!("\tunusable: {why}"),
    }
}

impl Lint {
    pub(super) fn run(self, session: &Session) -> Outcome {
        if let Some(store) = &self.place.store {
            return in_store::lint(store, self.json, session);
        }
        let content = file::read(self.place.file())?;
        let findings = files::lint(content.expose(), &self.place.format.format());
        let mut lines = Lines::new();
        for finding in &findings {
            lines.print(&match self.json {
                true => finding_json(finding).to_string(),
                false => escape_if_terminal(&finding_text(finding)),
            })?;
        }
        lines.end()?;
        found(findings.len())
    }
}

/// Ends the linter.
fn found(count: usize) -> Outcome {
    match count {
        0 => Ok(()),
        _ => Err(Stop::Code(1, "error: the check found something wrong, see above".into())),
    }
}

fn finding_json(finding: &Finding) -> Value {
    json!({
        "line": finding.line,
        "user": finding.user,
        "problem": finding.problem.name(),
        "text": finding.problem.to_string(),
    })
}

fn finding_text(finding: &Finding) -> String {
    let Finding { line, user, problem } = finding;
    match user {
        Some(user) => format!("line {line}: {user}: {problem}"),
        None => format!("line {line}: {problem}"),
    }
}
