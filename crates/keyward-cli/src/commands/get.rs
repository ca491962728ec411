use clap::{ArgMatches, Command};
use keyward::Credentials;
use keyward_core::{EntryId, Secret};
use serde_json::{Map, Value};

use super::{Entry, Session, missing};
use crate::arguments::{self, switch};
use crate::exit::{Outcome, usage};
use crate::output::{print_secret, shown};

pub(super) const ENTRY: Entry = Entry {
    name: "get",
    about: "Print a username or a password, or only say whether they are there",
    example: "keyward get work -p\nkeyward get work && echo there",
    arguments,
    run,
};

fn arguments(command: Command) -> Command {
    arguments::entry(command.arg(arguments::store()))
        .arg(switch("username", "Print the username").short('n'))
        .arg(switch("password", "Print the password").short('p'))
        .arg(switch("raw", "Print the bytes and no newline; the password unless -n is given"))
        .arg(arguments::json().help("Print JSON; username and password only if asked for"))
}

fn run(session: &Session, matches: &ArgMatches) -> Outcome {
    let (username, password) = (matches.get_flag("username"), matches.get_flag("password"));
    if matches.get_flag("raw") && username && password {
        return Err(usage("--raw prints one value: leave out -n or -p"));
    }
    let (store, id) = session.entry(matches)?;
    let Some(credentials) = store.get(&id)? else { return Err(missing(&id, &store)) };
    if matches.get_flag("json") {
        return print_secret(&json(&id, &credentials, username, password), true);
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

/// `user`, `name`, `kind`, and what was asked for. A password that is not text is in
/// `password_base64`.
fn json(id: &EntryId, credentials: &Credentials, username: bool, password: bool) -> Secret {
    let mut object = Map::new();
    let mut insert = |key: &str, value: &str| drop(object.insert(key.into(), Value::from(value)));
    insert("user", id.user());
    if let Some(name) = id.name() {
        insert("name", name);
    }
    insert("kind", keyward::USER_PASSWORD);
    if username {
        insert("username", &credentials.username);
    }
    if password {
        match credentials.password.expose_str() {
            Some(text) => insert("password", text),
            None => insert("password_base64", &base64(&credentials.password)),
        }
    }
    Secret::from(Value::Object(object).to_string())
}

fn base64(secret: &Secret) -> String {
    use base64::Engine;
    base64::engine::general_purpose::STANDARD.encode(secret.expose())
}
