use keyward::Credentials;
use keyward_accounts::Accounts;
use keyward_core::{Error, Result, Secret};
use keyward_origin::Location;

use super::Run;
use crate::arguments::StoreAndEntry;
use crate::password::PasswordSource;
use crate::session::Session;
use crate::stop::Outcome;

/// Store a username and a password
#[derive(clap::Parser)]
#[command(after_help = "Example:
  keyward set work ann
  printf s3cret | keyward set work ann --stdin
  keyward set git ann --origin https://example.com")]
pub(super) struct Arguments {
    #[command(flatten)]
    entry: StoreAndEntry,
    /// The username
    username: String,
    /// Store an account of this origin, such as https://example.com, for helpers to use
    #[arg(long, value_name = "URL", conflicts_with = "name")]
    origin: Option<String>,
    #[command(flatten)]
    password: PasswordSource,
}

impl Run for Arguments {
    fn run(self, session: &Session) -> Outcome {
        if let Some(origin) = &self.origin {
            return set_account(session, &self, origin);
        }
        let (store, id) = self.entry.open(session)?;
        let password = self.password.read(&session.console)?;
        store.set_credentials(&id, &Credentials::new(self.username, password))?;
        Ok(())
    }
}

fn set_account(session: &Session, arguments: &Arguments, origin: &str) -> Outcome {
    let username = arguments.username.as_str();
    let location = Location::new(keyward_origin::parse(origin)?, Some(username), None)?;
    let (store, user) = arguments.entry.owner.open(session)?;
    store.check_not_deleting()?;
    let password = arguments.password.read(&session.console)?;
    check_no_carriage_return(&password)?;
    let credentials = Credentials::new(username, password);
    Accounts::new(&*store, &user).keep(&location, store.now(), &|old| credentials.write(old))?;
    Ok(())
}

/// Refuses a password that ends with a carriage return. A line that ends with CR LF leaves one
/// after the shell has removed the LF, and git's protocol cannot carry it: git would fail each time
/// it asks for the password.
fn check_no_carriage_return(password: &Secret) -> Result<()> {
    if !password.expose().ends_with(b"\r") {
        return Ok(());
    }
    Err(Error::invalid("usage", "the password ends with a carriage return").hint(
        "Git's protocol cannot carry that; to store the password nevertheless, omit --origin",
    ))
}
