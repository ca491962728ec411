//! If the store cannot be read, git stops at once: it does not prompt, and asks no other helper. If
//! the store does not exist, git continues as if it were empty.

use std::fmt::Arguments;
use std::fs;
use std::os::unix::fs::PermissionsExt;

use keyward::{Environment, Interaction, Keyward, NewStore, Secret};
use keyward_accounts::Accounts;
use keyward_core::{Level, Prompt, SecretRef, Value, Values};
use keyward_helper::Sources;
use keyward_helper::git::{self, Request};

use super::client::{Client, KEYWARD};
use super::server::GitServer;
use crate::helpers::home::Home;
use crate::helpers::home::files;
use crate::helpers::secret_service::Session;

#[test]
fn a_store_that_does_not_exist_knows_nothing() {
    let git_server = GitServer::start();
    let someone = Someone::in_home(Home::in_memory(), &git_server);
    someone.tries(0);
    someone.0.agrees_with("missing", "There is no such store.");
}

#[test]
fn git_stops_at_a_missing_key() {
    let git_server = GitServer::start();
    let home = Home::in_memory();
    home.init("git", "file", "aes-gcm");
    let someone = Someone::in_home(home, &git_server);
    someone.is_known();
    fs::remove_dir_all(someone.0.path(".local/state/keyward/keys")).unwrap();
    someone.tries(128);
    let id = someone.0.home.store_folder();
    someone.0.names(id.file_name().unwrap().display(), "STORE-ID");
    someone.0.agrees_with("keyless", "The store's key is gone.");
}

#[test]
fn git_stops_at_an_altered_record() {
    let git_server = GitServer::start();
    let home = Home::in_memory();
    home.init("git", "file", "aes-gcm");
    let someone = Someone::in_home(home, &git_server);
    someone.is_known();
    for (path, mut content) in files(&someone.0.home.store_folder()) {
        if let Some(last) = content.last_mut().filter(|_| !path.ends_with("keyset")) {
            *last ^= 1;
            fs::write(path, content).unwrap();
        }
    }
    someone.tries(128);
    someone.0.agrees_with("altered", "A record was altered.");
}

#[test]
fn git_stops_if_others_can_write_the_configuration() {
    let git_server = GitServer::start();
    let home = Home::in_memory();
    home.init("git", "file", "aes-gcm");
    let someone = Someone::in_home(home, &git_server);
    someone.is_known();
    let file = someone.0.path(".config/keyward/stores/git.toml");
    fs::set_permissions(file, fs::Permissions::from_mode(0o666)).unwrap();
    someone.tries(128);
    someone.0.agrees_with("unsafe", "Others can write the file that describes the store.");
}

#[test]
fn git_stops_at_a_locked_keyring() {
    let git_server = GitServer::start();
    let session = Session::unlocked();
    let home = Home::in_memory().with("DBUS_SESSION_BUS_ADDRESS", &session.bus);
    home.run_ok(&["init", "git", "--storage", "file", "--option", "key.from=keyring"]);
    let someone = Someone::in_home(home, &git_server);
    someone.is_known();
    session.lock();
    someone.tries(128);
    someone.0.agrees_with("locked", "The keyring that the store's key is in is locked.");
}

#[test]
fn git_stops_at_a_passphrase_without_a_terminal() {
    let git_server = GitServer::start();
    let home = Home::in_memory();
    let keyward = Keyward::with(Environment::new([("HOME", home.folder())]), Passphrase).unwrap();
    let memory = Values::new().with("memory_kib", Value::Number(8192));
    let key = Some(SecretRef { from: "passphrase".into(), options: memory });
    let store = NewStore { key, storage: Some("file".into()), ..NewStore::named("git").unwrap() };
    keyward.init_store(&store).unwrap();

    let someone = Someone::in_home(home, &git_server);
    let store = keyward.store("git").unwrap();
    let entry = store.entry(None, None).unwrap();
    let request = Request::parse(someone.alice().as_bytes()).unwrap();
    let accounts = Accounts::new(&*store, entry.user());
    git::store(&request, &Sources::new(&accounts), store.now()).unwrap();
    someone.tries(128);
    someone.0.agrees_with("passphrase", "Nobody can be asked for the store's passphrase.");
    // The same if git may prompt, but there is no terminal.
    let call = someone.0.call(&["ls-remote", &someone.url()]).env_remove("GIT_TERMINAL_PROMPT");
    call.run().ends(128).says("there is no terminal").says("told us to quit");
}

/// A user with a second helper, which has the password. Git must not ask it after Keyward failed.
struct Someone<'a>(Client<'a>, &'a GitServer);

const NEXT: &str =
    "#!/bin/sh\n[ $1 = get ] || exit 0\nprintf '%s\\n' username=alice password=canary-alice\n";

impl<'a> Someone<'a> {
    fn in_home(home: Home, git_server: &'a GitServer) -> Self {
        let client = Client::in_home(home, Some(git_server));
        client.write_program("next", NEXT);
        client.has_helpers(&[KEYWARD, "~/tap next ~/next"]);
        Self(client, git_server)
    }

    fn url(&self) -> String {
        self.1.http("git.example/repo.git")
    }

    /// Returns Alice's credential in git's format.
    fn alice(&self) -> String {
        let url = self.url();
        format!("url={url}\nusername=alice\npassword=canary-alice\n")
    }

    fn is_known(&self) {
        self.0.credential("approve", &self.alice()).ends(0).says_nothing();
    }

    /// Has git ask for Alice's credential, store it and erase it.
    fn tries(&self, code: i32) {
        self.0.git(&["ls-remote", "--quiet", &self.url()]).ends(code);
        self.0.credential("approve", &self.alice());
        self.0.credential("reject", &self.alice());
    }
}

/// A user who answers the prompts for a passphrase only while the store is made.
#[derive(Debug)]
struct Passphrase;

impl Interaction for Passphrase {
    fn prompt(&self, _: &Prompt<'_>) -> keyward::Result<Secret> {
        Ok(Secret::from("canary-passphrase"))
    }

    fn log(&self, _: Level, _: Arguments<'_>) {}
}
