//! Logins lose no tokens, and what others change meanwhile.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use super::scripted::{Received, Scripted};
use crate::helpers::home::Home;

/// A server that issues tokens with a number, and those of a device code only if the user has agreed.
struct Server {
    scripted: Scripted,
    has_agreed: Arc<AtomicBool>,
}

impl Server {
    fn start() -> Self {
        let has_agreed = Arc::new(AtomicBool::new(true));
        let (agreed, issued) = (Arc::clone(&has_agreed), AtomicUsize::new(0));
        let scripted = Scripted::start(move |request| {
            let (status, body) = match request.path.as_str() {
                "/d" => {
                    let code = r#"{"device_code":"d","user_code":"u","interval":1,"#;
                    ("200 OK", format!(r#"{code}"verification_uri":"http://127.0.0.1:1/"}}"#))
                }
                "/r" => ("200 OK", String::new()),
                _ if is_of_device(request) && !agreed.load(Ordering::SeqCst) => {
                    ("400 Bad Request", r#"{"error":"authorization_pending"}"#.into())
                }
                _ => {
                    let number = issued.fetch_add(1, Ordering::SeqCst) + 1;
                    let refresh = format!(r#""refresh_token":"r-{number}""#);
                    ("200 OK", format!(r#"{{"access_token":"a-{number}",{refresh}}}"#))
                }
            };
            (status.into(), body)
        });
        Self { scripted, has_agreed }
    }

    fn login(&self) -> String {
        let url = &self.scripted.url;
        let fields = format!("--field device_url={url}/d --field revocation_url={url}/r");
        format!("oauth login s --name api --device --client-id c --token-url {url}/t {fields}")
    }

    /// Logs in again. Before the user agrees, `meanwhile` runs. Returns the login's end.
    fn login_again(&self, home: &Home, code: i32, meanwhile: impl FnOnce()) {
        let asked = || self.scripted.received().iter().filter(|sent| is_of_device(sent)).count();
        let before = asked();
        self.has_agreed.store(false, Ordering::SeqCst);
        thread::scope(|scope| {
            let line = "oauth login s --name api --device --again";
            let login = scope.spawn(|| home.keyward(line).run().ends(code));
            let started = Instant::now();
            while asked() == before && started.elapsed() < Duration::from_secs(60) {
                thread::sleep(Duration::from_millis(20));
            }
            meanwhile();
            self.has_agreed.store(true, Ordering::SeqCst);
            drop(login.join().unwrap());
        });
    }

    /// The tokens that the server was told to forget.
    fn revoked(&self) -> Vec<String> {
        let received = self.scripted.received();
        let revoked = received.iter().filter(|sent| sent.path == "/r");
        revoked.map(|sent| sent.parameter("token").unwrap().to_owned()).collect()
    }
}

fn is_of_device(request: &Received) -> bool {
    request.path == "/t" && request.body.contains("device_code=d")
}

fn home() -> Home {
    Home::with_store("--option key.from=file")
}

#[test]
fn a_new_login_wins_over_a_refresh_meanwhile() {
    let (home, server) = (home(), Server::start());
    home.keyward(&server.login()).run().ends(0);
    server.login_again(&home, 0, || {
        home.keyward("oauth refresh s --name api").run().ends(0);
        home.keyward("oauth token s --name api").run().ends(0).prints("a-2\n");
    });
    home.keyward("oauth token s --name api").run().ends(0).prints("a-3\n");
    assert!(server.revoked().is_empty());
}

#[test]
fn a_new_login_of_an_entry_that_someone_removed_is_revoked() {
    let (home, server) = (home(), Server::start());
    home.keyward(&server.login()).run().ends(0);
    server.login_again(&home, 8, || drop(home.keyward("unset s --name api").run().ends(0)));
    assert_eq!(server.revoked(), ["r-2", "a-2"]);
    home.keyward("get s --name api").run().ends(3);
}

#[test]
fn a_login_keeps_the_labels_of_its_entry() {
    let (home, server) = (home(), Server::start());
    let record = r#"{"kind":"oauth2","fields":{"client_id":"c","access_token":"x"},"labels":{"team":"web"}}"#;
    home.keyward("set s --name api --json").input(record).run().ends(0);
    home.keyward(&server.login()).run().ends(0);
    let shown = home.keyward("get s --name api --json").run().ends(0).json().remove(0);
    assert_eq!(shown["labels"]["team"], "web");
}

#[test]
fn a_login_from_json_replaces_no_tokens_by_mistake() {
    let (home, server) = (home(), Server::start());
    home.keyward(&server.login()).run().ends(0);
    let line = format!("oauth login s --name api --token-url {}/t", server.scripted.url);
    let store = |more: &str, json: &str| {
        home.keyward(&format!("{line} --from-json - {more}")).input(json).run()
    };
    store("--force", r#"{"client_id":"c"}"#).ends(2).says("no token");
    let good = r#"{"client_id":"c","refresh_token":"other"}"#;
    store("", good).ends(2).says("--force");
    home.keyward("oauth token s --name api").run().ends(0).prints("a-1\n");
    store("--force", good).ends(0);
    home.keyward("get s --name api --field refresh_token").run().ends(0).prints("other\n");
}

#[test]
fn options_that_contradict_each_other_are_refused() {
    let (home, server) = (home(), Server::start());
    home.keyward(&server.login()).run().ends(0);
    let again = "oauth login s --name api --again";
    for more in ["--issuer https://other.example", "--provider github"] {
        home.keyward(&format!("{again} --device {more}")).run().ends(2).says("--again");
    }
    for more in [
        "--client-secret-file /dev/null",
        "--username ann --password-grant --password-file /dev/null",
    ] {
        home.keyward(&format!("{again} {more}")).run().ends(2).says("/dev/null");
    }
    let both = "--client-secret-file - --username ann --password-grant --password-file -";
    let ran = home.keyward(&format!("{again} {both}")).input("x").run();
    ran.ends(2).says("standard input");
}

#[test]
fn a_revocation_says_if_there_are_other_tokens_by_then() {
    let home = Arc::new(home());
    let other = Arc::clone(&home);
    let server = Scripted::start(move |request| {
        let body = match request.path.as_str() {
            "/r" if request.body.contains("access_token") => {
                let record = r#"{"kind":"oauth2","fields":{"client_id":"c","access_token":"new"}}"#;
                let line = "set s --name api --json";
                other.keyward(line).input(record).run().ends(0);
                ""
            }
            "/r" => "",
            _ => r#"{"access_token":"a-1","refresh_token":"r-1"}"#,
        };
        ("200 OK".into(), body.into())
    });
    let url = &server.url;
    let line = format!("--client-id c --token-url {url}/t --field revocation_url={url}/r");
    home.write("secret", "s3cret");
    let way = "--client-credentials --client-secret-file secret";
    home.keyward(&format!("oauth login s --name api {line} {way}")).run().ends(0);
    let ran = home.keyward("oauth revoke s --name api").run();
    ran.ends(8).says("meanwhile");
    home.keyward("get s --name api --field access_token").run().ends(0).prints("new\n");
}
