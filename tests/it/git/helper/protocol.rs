//! What a credential helper does according to git, by `git credential`, on every storage.
//!
//! Git tests its own helpers in the same way (`t/lib-credential.sh`). The storage `memory` is left
//! out, because it does not outlive a process.

use super::client::{Client, UNHEARD};
use super::expiry::{FAR, now, wait_until};
use crate::helpers::home::Home;
use crate::helpers::secret_service::Session;
use crate::store::combinations::STORAGES;

#[test]
fn on_files() {
    checks_the_protocol(Home::in_memory(), "file");
}

#[test]
fn on_sqlite() {
    checks_the_protocol(Home::in_memory(), "sqlite");
}

#[test]
fn on_redb() {
    checks_the_protocol(Home::in_memory(), "redb");
}

#[test]
fn on_the_keyring() {
    let session = Session::unlocked();
    checks_the_protocol(
        Home::in_memory().with("DBUS_SESSION_BUS_ADDRESS", &session.bus),
        "keyring",
    );
}

#[test]
fn on_every_storage() {
    assert_eq!(STORAGES, ["memory", "file", "sqlite", "redb", "keyring"]);
}

fn checks_the_protocol(home: Home, storage: &str) {
    home.init("git", storage, "aes-gcm");
    let client = Client::in_home(home, None);
    client.has_helpers(&[UNHEARD]);
    client.write_program("askpass", ASKPASS);
    for (number, case) in CASES.iter().enumerate() {
        let name = format!("host{number}.example");
        case(&Host { client: &client, protocol: "https", name });
    }
    client.home.run_ok(&["store", "verify", "git"]);
}

/// Answers git's prompts, so that the answers show that git prompted.
const ASKPASS: &str = "#!/bin/sh
case $1 in
Username*) echo asked-username ;;
*) echo asked-password ;;
esac
";

/// The host of one case, for which no credential is stored before.
struct Host<'a> {
    client: &'a Client<'a>,
    protocol: &'static str,
    name: String,
}

/// What git prints if it had to prompt for everything.
const ASKED: &str = "username=asked-username\npassword=asked-password\n";

impl Host<'_> {
    fn approve(&self, lines: &str) {
        self.credential("approve", lines);
    }

    fn reject(&self, lines: &str) {
        self.credential("reject", lines);
    }

    /// Checks what git fills in.
    #[track_caller]
    fn fills(&self, lines: &str, expected: &str) {
        let printed = self.credential("fill", lines);
        let given =
            |line: &&str| !["protocol", "host", "path"].iter().any(|key| line.starts_with(key));
        let given: Vec<_> = printed.lines().filter(given).collect();
        assert_eq!(given, expected.lines().collect::<Vec<_>>(), "{:.99}", lines);
    }

    fn credential(&self, operation: &str, lines: &str) -> String {
        let words: String = lines.split_whitespace().map(|word| format!("{word}\n")).collect();
        let input = format!("protocol={}\nhost={}\n{words}", self.protocol, self.name);
        let call = self.client.call(&["credential", operation]).input(input);
        call.run().ends(0).says_nothing().text().to_owned()
    }

    /// A host of another name.
    fn named(&self, name: String) -> Self {
        Self { name, ..*self }
    }

    /// The same host by another protocol.
    fn over(&self, protocol: &'static str) -> Self {
        Self { protocol, name: self.name.clone(), ..*self }
    }
}

const CASES: &[fn(&Host)] = &[
    knows_nothing_at_first,
    stores_and_gives,
    tells_protocols_apart,
    tells_hosts_apart,
    knows_a_host_in_any_spelling,
    tells_usernames_apart,
    tells_paths_apart,
    overwrites,
    forgets_a_host,
    keeps_several_users,
    keeps_what_another_password_is_rejected_for,
    forgets_a_user,
    knows_an_empty_username,
    forgets_all_that_match,
    is_not_confused_by_a_long_header,
    keeps_an_expiry,
    keeps_a_refresh_token,
    gives_tokens_to_those_who_can_use_them,
    keeps_the_username_of_a_token,
    forgets_what_is_ephemeral,
    forgets_in_time,
];

fn knows_nothing_at_first(host: &Host) {
    host.fills("", ASKED);
}

fn stores_and_gives(host: &Host) {
    host.approve("username=ann password=one");
    host.fills("", "username=ann\npassword=one");
    host.fills("username=ann", "username=ann\npassword=one");
}

fn tells_protocols_apart(host: &Host) {
    host.approve("username=ann password=one");
    host.over("http").fills("", ASKED);
    host.over("smtp").fills("", ASKED);
    host.over("http").approve("username=bob password=two");
    // For `git send-email`.
    host.over("smtp").approve("username=eve password=three");
    host.fills("", "username=ann\npassword=one");
    host.over("http").fills("", "username=bob\npassword=two");
    host.over("smtp").fills("", "username=eve\npassword=three");
}

fn tells_hosts_apart(host: &Host) {
    host.approve("username=ann password=one");
    for name in ["%.test", "x%", "www.%", "%:8443", "%.", "%.evil.test"] {
        host.named(name.replace('%', &host.name)).fills("", ASKED);
    }
}

fn knows_a_host_in_any_spelling(host: &Host) {
    host.approve("username=ann password=one");
    for name in [host.name.to_uppercase(), format!("{}:443", host.name)] {
        host.named(name).fills("", "username=ann\npassword=one");
    }
    host.named("xn--bcher-kva.example".to_owned()).approve("username=ann password=one");
    host.named("bücher.example".to_owned()).fills("", "username=ann\npassword=one");
}

fn tells_usernames_apart(host: &Host) {
    host.approve("username=ann password=one");
    host.fills("username=bob", "username=bob\npassword=asked-password");
    host.fills("username=ANN", "username=ANN\npassword=asked-password");
}

fn tells_paths_apart(host: &Host) {
    let by_path = ["config", "--global", "credential.useHttpPath"];
    host.client.prepare(&[&by_path[..], &["true"]].concat());
    host.approve("path=one.git username=ann password=one");
    host.fills("path=one.git", "username=ann\npassword=one");
    host.fills("path=two.git", ASKED);
    host.fills("path=one", ASKED);
    host.fills("path=one.git/more", ASKED);
    let whole = host.named(format!("whole.{}", host.name));
    whole.approve("username=ann password=one");
    whole.fills("path=one.git", ASKED);
    host.client.prepare(&[&by_path[..], &["false"]].concat());
}

fn overwrites(host: &Host) {
    host.approve("username=ann password=one");
    host.approve("username=ann password=two");
    host.fills("", "username=ann\npassword=two");
    host.reject("username=ann password=two");
    host.fills("", ASKED);
}

fn forgets_a_host(host: &Host) {
    host.approve("username=ann password=one");
    host.named(format!("other.{}", host.name)).approve("username=ann password=one");
    host.reject("");
    host.fills("", ASKED);
    host.named(format!("other.{}", host.name)).fills("", "username=ann\npassword=one");
    host.reject("");
}

fn keeps_several_users(host: &Host) {
    host.approve("username=ann password=one");
    host.approve("username=bob password=two");
    host.fills("username=ann", "username=ann\npassword=one");
    host.fills("username=bob", "username=bob\npassword=two");
}

fn keeps_what_another_password_is_rejected_for(host: &Host) {
    host.approve("username=ann password=one");
    host.reject("username=ann password=two");
    host.fills("", "username=ann\npassword=one");
}

fn forgets_a_user(host: &Host) {
    host.approve("username=ann password=one");
    host.approve("username=bob password=two");
    host.reject("username=ann");
    host.fills("username=ann", "username=ann\npassword=asked-password");
    host.fills("username=bob", "username=bob\npassword=two");
    host.fills("", "username=bob\npassword=two");
}

/// Some hosts identify the user by other means, and want an empty username.
fn knows_an_empty_username(host: &Host) {
    for password in ["", "one"] {
        host.approve(&format!("username= password={password}"));
        host.fills("", &format!("username=\npassword={password}"));
        host.fills("username=", &format!("username=\npassword={password}"));
    }
}

fn forgets_all_that_match(host: &Host) {
    host.approve("username=ann password=one");
    host.approve("username=bob password=two");
    host.reject("");
    host.fills("username=ann", "username=ann\npassword=asked-password");
    host.fills("username=bob", "username=bob\npassword=asked-password");
}

fn is_not_confused_by_a_long_header(host: &Host) {
    host.approve("username=ann password=one");
    let header = format!("wwwauth[]=Basic,realm={}", "x".repeat(20_000));
    host.fills(&header, "username=ann\npassword=one");
    host.fills(&"wwwauth[]=Basic ".repeat(200), "username=ann\npassword=one");
}

fn keeps_an_expiry(host: &Host) {
    let given = |expiry| format!("username=ann\npassword=one\npassword_expiry_utc={expiry}");
    for expiry in [FAR, FAR + 1] {
        host.approve(&format!("username=ann password=one password_expiry_utc={expiry}"));
        host.fills("", &given(expiry));
    }
    host.approve("username=ann password=one password_expiry_utc=1");
    host.fills("", &given(FAR + 1));
}

fn keeps_a_refresh_token(host: &Host) {
    host.approve("username=ann password=one oauth_refresh_token=token");
    host.fills("", "username=ann\npassword=one\noauth_refresh_token=token");
    host.reject("username=ann password=one");
    host.fills("", ASKED);
}

const CAPABILITY: &str = "capability[]=authtype";

fn gives_tokens_to_those_who_can_use_them(host: &Host) {
    host.approve(&format!("{CAPABILITY} authtype=Bearer credential=token"));
    let token = format!("{CAPABILITY}\nauthtype=Bearer\ncredential=token");
    host.fills(CAPABILITY, &token);
    host.fills("", ASKED);
    host.reject(&format!("{CAPABILITY} authtype=Bearer credential=other"));
    host.fills(CAPABILITY, &token);
    host.reject(&format!("{CAPABILITY} authtype=Bearer credential=token"));
    host.fills(CAPABILITY, ASKED);
}

fn keeps_the_username_of_a_token(host: &Host) {
    host.approve(&format!("{CAPABILITY} username=ann authtype=Bearer credential=token"));
    let token = format!("{CAPABILITY}\nauthtype=Bearer\ncredential=token\nusername=ann");
    host.fills(CAPABILITY, &token);
    host.fills(&format!("{CAPABILITY} username=ann"), &token);
}

fn forgets_what_is_ephemeral(host: &Host) {
    host.approve(&format!("{CAPABILITY} authtype=Bearer credential=token ephemeral=1"));
    host.fills(CAPABILITY, ASKED);
    host.approve(&format!("{CAPABILITY} username=ann password=one ephemeral=1"));
    host.fills(CAPABILITY, ASKED);
}

/// Git's own test waits until a daemon forgets the password; this one waits until it expires.
fn forgets_in_time(host: &Host) {
    let soon = now() + 2;
    host.approve(&format!("username=ann password=one password_expiry_utc={soon}"));
    let given = host.credential("fill", "");
    assert!(given.contains("password=one") || now() >= soon, "{given}");
    wait_until(soon);
    host.fills("", ASKED);
}
