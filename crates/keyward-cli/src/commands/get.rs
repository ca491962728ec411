use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use clap::{ArgMatches, Command};
use keyward::Credentials;
use keyward_core::{EntryId, Error, Secret, SecretWriter};
use zeroize::Zeroizing;

use super::{Entry, Session, missing};
use crate::arguments::{self, switch};
use crate::output::{print_secret, shown};
use crate::stop::{Outcome, usage};

pub(super) const ENTRY: Entry = Entry {
    name: "get",
    about: "Print a username or a password, or check that the entry exists",
    example: "keyward get work -p\nkeyward get work && echo there",
    arguments,
    run,
};

fn arguments(command: Command) -> Command {
    arguments::entry(command.arg(arguments::store()))
        .arg(switch("username", "Print the username").short('n'))
        .arg(switch("password", "Print the password").short('p'))
        .arg(switch(
            "raw",
            "Print the bytes of the password, or with -n of the username, without a newline",
        ))
        .arg(arguments::json().help(
            "Print JSON; it contains the username only with -n, and the password only with -p",
        ))
}

fn run(session: &Session, matches: &ArgMatches) -> Outcome {
    let (username, password) = (matches.get_flag("username"), matches.get_flag("password"));
    if matches.get_flag("raw") && username && password {
        return Err(usage("--raw prints one value: leave out -n or -p"));
    }
    let (store, id) = session.entry(matches)?;
    let Some(credentials) = store.get(&id)? else { return Err(missing(&id, &store)) };
    if matches.get_flag("json") {
        return print_secret(&json(&id, &credentials, username, password)?, true);
    }
    if matches.get_flag("raw") {
        let name = Secret::from(credentials.username.as_str());
        return print_secret(if username { &name } else { &credentials.password }, false);
    }
    if username {
        crate::output::print(&shown(&credentials.username))?;
    }
    if password {
        print_secret(&credentials.password, true)?;
    }
    Ok(())
}

/// Returns JSON with `user`, `name`, `kind`, and the values that were requested. A password that is
/// not UTF-8 is in `password_base64`. All memory that contains the password is wiped.
fn json(
    id: &EntryId,
    credentials: &Credentials,
    username: bool,
    password: bool,
) -> Outcome<Secret> {
    let mut object = BTreeMap::from([("user", id.user()), ("kind", keyward::USER_PASSWORD)]);
    object.extend(id.name().map(|name| ("name", name)));
    if username {
        object.insert("username", &credentials.username);
    }
    let encoded;
    if password {
        match credentials.password.expose_str() {
            Some(text) => object.insert("password", text),
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
