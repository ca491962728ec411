use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use keyward::Credentials;
use keyward_core::{EntryId, Error, Secret, SecretWriter};
use keyward_kinds::fields;
use zeroize::Zeroizing;

use super::{Run, missing_entry};
use crate::arguments::StoreAndEntry;
use crate::output::{escape_if_terminal, print, print_secret};
use crate::session::Session;
use crate::stop::{Outcome, usage_error};

/// Print a username or a password, or check that the entry exists
#[derive(clap::Parser)]
#[command(after_help = "Example:
  keyward get work -p
  keyward get work && echo there")]
pub(super) struct Arguments {
    #[command(flatten)]
    entry: StoreAndEntry,
    /// Print the username
    #[arg(short = 'n', long)]
    username: bool,
    /// Print the password
    #[arg(short, long)]
    password: bool,
    /// Print the bytes of the password, or with -n of the username, without a newline
    #[arg(long)]
    raw: bool,
    /// Print JSON; it contains the username only with -n, and the password only with -p
    #[arg(long)]
    json: bool,
}

impl Run for Arguments {
    fn run(self, session: &Session) -> Outcome {
        let Self { entry, username, password, raw, json } = self;
        if raw && username && password {
            return Err(usage_error("--raw prints one value: leave out -n or -p"));
        }
        let (store, id) = entry.open(session)?;
        let Some(credentials) = store.credentials(&id)? else {
            return Err(missing_entry(&id, &store));
        };
        if json {
            return print_secret(&as_json(&id, &credentials, username, password)?, true);
        }
        if raw {
            let name = Secret::from(credentials.username.as_str());
            return print_secret(if username { &name } else { &credentials.password }, false);
        }
        if username {
            print(&escape_if_terminal(&credentials.username))?;
        }
        if password {
            print_secret(&credentials.password, true)?;
        }
        Ok(())
    }
}

/// Returns JSON with `user`, `name`, `kind`, and the values that were requested. A password that is
/// not UTF-8 is in `password_base64`. All memory that contains the password is wiped.
fn as_json(
    id: &EntryId,
    credentials: &Credentials,
    username: bool,
    password: bool,
) -> Outcome<Secret> {
    let mut object = BTreeMap::from([("user", id.user()), ("kind", Credentials::KIND)]);
    object.extend(id.name().map(|name| ("name", name)));
    if username {
        object.insert(fields::USERNAME, &credentials.username);
    }
    let encoded;
    if password {
        match credentials.password.expose_str() {
            Some(text) => object.insert(fields::PASSWORD, text),
            None => {
                encoded = Zeroizing::new(STANDARD.encode(credentials.password.expose()));
                object.insert("password_base64", &encoded)
            }
        };
    }
    let mut written = SecretWriter::new();
    serde_json::to_writer(&mut written, &object)
        .map_err(|error| Error::io("encode", error.into()))?;
    Ok(written.finish())
}
