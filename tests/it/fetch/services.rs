//! Services of research data, each as a server that answers like the real one: LORIS gives tokens, XNAT
//! sessions, NDA keys of AWS (row C10).

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::site::{home_for, provider, store_password};
use crate::helpers::home::Home;
use crate::helpers::invocation::Finished;
use crate::oauth::scripted::{Received, Scripted};

/// `ann:canary-password`.
const BASIC: &str = "Basic YW5uOmNhbmFyeS1wYXNzd29yZA==";

/// A LORIS whose tokens are good for so many requests.
fn loris(uses: usize) -> Scripted {
    let (tokens, used) = (AtomicUsize::new(0), AtomicUsize::new(0));
    Scripted::start(move |request: &Received| {
        if request.path == "/api/v0.0.3/login" {
            let login: serde_json::Value = serde_json::from_str(&request.body).unwrap_or_default();
            let is_ann = login["username"] == "ann" && login["password"] == "canary-password";
            if request.method != "POST" || !is_ann {
                return ("401 Unauthorized".into(), "{\"error\":\"Unacceptable\"}".into());
            }
            used.store(0, Ordering::Relaxed);
            let number = tokens.fetch_add(1, Ordering::Relaxed) + 1;
            return ("200 OK".into(), format!("{{\"token\":\"canary-token.{number}\"}}"));
        }
        let number = tokens.load(Ordering::Relaxed);
        let is_good = request.authorization == format!("Bearer canary-token.{number}");
        match is_good && used.fetch_add(1, Ordering::Relaxed) < uses {
            true => ("200 OK".into(), "candidates\n".into()),
            false => ("401 Unauthorized".into(), "{\"error\":\"User not authenticated\"}".into()),
        }
    })
}

/// The lines of a provider whose authenticator has these.
fn lines(authenticator: &str) -> String {
    format!("credentials = ['site']\nauth = 'required'\n[[authenticators]]\n{authenticator}\n")
}

fn paths(server: &Scripted) -> Vec<String> {
    server.received().into_iter().map(|request| request.path).collect()
}

/// Fetches a file of a server twice, in one run.
fn twice(home: &Home, url: &str) -> Finished {
    home.keyward(&format!("fetch {url} {url} --output -")).run()
}

#[test]
fn c10_loris_gives_a_token_for_the_password_and_another_one_when_it_has_ended() {
    for (uses, logins) in [(usize::MAX, 1), (1, 2)] {
        let server = loris(uses);
        let login = format!("name = 'loris'\nlogin = '{}/api/v0.0.3/login'", server.url);
        let home = home_for(&server.url, &lines(&login));
        store_password(&home, &server.url, "canary-password");
        let url = format!("{}/api/v0.0.3/candidates", server.url);
        twice(&home, &url).ends(0).prints("candidates\ncandidates\n");
        let asked = paths(&server).iter().filter(|path| path.ends_with("/login")).count();
        assert_eq!(asked, logins);
        store_password(&home, &server.url, "wrong");
        let failed = home.keyward(&format!("fetch {url}")).run().ends(9);
        failed.says("is refused with status 401 (`site`)");
    }
}

#[test]
fn a_service_to_which_the_password_is_not_bound_does_not_get_it() {
    let (server, other) = (loris(9), loris(9));
    let login = format!("name = 'loris'\nlogin = '{}/api/v0.0.3/login'", other.url);
    let home = home_for(&server.url, &lines(&login));
    store_password(&home, &server.url, "canary-password");
    home.keyward(&format!("fetch {}/api/v0.0.3/candidates", server.url)).run().ends(4);
    assert!(paths(&other).is_empty());
}

/// Stores the password of `ann` as `login`, with the URL of a service.
fn store_login(home: &Home, origin: &str, login: &str, password: &str) {
    let line = format!("set s ann --name login --stdin --bind {origin} --label login={login}");
    home.keyward(&line).input(password).run().ends(0);
}

#[test]
fn c10_a_token_of_loris_can_be_a_record_of_its_own() {
    let server = loris(usize::MAX);
    let home = home_for(
        &server.url,
        "credentials = ['api']\nauth = 'required'\n[[authenticators]]\nname = 'bearer'\n",
    );
    home.keyward("set s ann --name login --stdin").input("canary-password").run().ends(0);
    let derive = "set s --name api --derive loris --from login";
    home.keyward(derive).run().ends(2).says("--label login=");
    let login = format!("{}/api/v0.0.3/login", server.url);
    home.keyward(&format!("set s --name login --label login={login}")).run().ends(0);
    home.keyward(derive).run().ends(4).says("not bound");
    store_login(&home, &server.url, &login, "canary-password");
    home.keyward(derive).run().ends(0);
    let url = format!("{}/api/v0.0.3/candidates", server.url);
    twice(&home, &url).ends(0).prints("candidates\ncandidates\n");
    home.keyward("resolve api").run().ends(0).prints("canary-token.1\n");
    store_login(&home, &server.url, &login, "wrong");
    home.keyward("resolve api").run().ends(9).says("is refused with status 401");
}

#[test]
fn xnat_gives_a_session_for_the_password() {
    let sessions = Arc::new(AtomicUsize::new(0));
    let number = Arc::clone(&sessions);
    let server = Scripted::start(move |request: &Received| {
        let refused = "401 Unauthorized\r\nWWW-Authenticate: Basic realm=\"XNAT Protected Area\"";
        if request.path == "/data/JSESSION" {
            if request.authorization != BASIC {
                return (refused.into(), String::new());
            }
            let id = format!("SESSION{}", number.fetch_add(1, Ordering::Relaxed) + 1);
            return (format!("200 OK\r\nSet-Cookie: JSESSIONID={id}; Path=/; HttpOnly"), id);
        }
        let is_known =
            request.cookie == format!("JSESSIONID=SESSION{}", number.load(Ordering::Relaxed));
        match is_known && request.authorization.is_empty() {
            true => ("200 OK".into(), "scan\n".into()),
            false => (refused.into(), String::new()),
        }
    });
    let home = home_for(&server.url, &lines("name = 'xnat'"));
    store_password(&home, &server.url, "canary-password");
    let url = format!("{}/data/archive/projects/p/scan", server.url);
    twice(&home, &url).ends(0).prints("scan\nscan\n");
    assert_eq!(sessions.load(Ordering::Relaxed), 1);
    store_password(&home, &server.url, "wrong");
    home.keyward(&format!("fetch {url}")).run().ends(9).says("is refused with status 401");
}

/// NDA's service, whose keys end after so many seconds.
fn nda(seconds: u64) -> Scripted {
    let count = AtomicUsize::new(0);
    Scripted::start(move |request: &Received| {
        if request.path.starts_with("/bucket/") {
            let number = count.load(Ordering::Relaxed);
            let scheme = format!("AWS4-HMAC-SHA256 Credential=AKIA{number}/");
            return match request.authorization.starts_with(&scheme) {
                true => ("200 OK".into(), "image\n".into()),
                false => ("403 Forbidden".into(), "<Code>InvalidAccessKeyId</Code>".into()),
            };
        }
        let soap = |inside: String| {
            format!(
                "<?xml version=\"1.0\"?><S:Envelope \
                 xmlns:S=\"http://schemas.xmlsoap.org/soap/envelope/\"><S:Body>{inside}\
                 </S:Body></S:Envelope>"
            )
        };
        // printf canary-password | sha1sum
        let hash = "<password>c026bc482c52d602efc90fa81ce10e40c55ebfd5</password>";
        if !request.body.contains("<name>ann</name>") || !request.body.contains(hash) {
            let why = "Invalid username and/or password";
            return (
                "500 Error".into(),
                soap(format!("<e><errorMessage>{why}</errorMessage></e>")),
            );
        }
        let number = count.fetch_add(1, Ordering::Relaxed) + 1;
        let now = jiff::Timestamp::now();
        let end = now + std::time::Duration::from_secs(seconds);
        let keys = format!(
            "<ns2:TokenElement xmlns:ns2=\"x\"><accessKey>AKIA{number}</accessKey>\
             <secretKey>canary-secret-{number}</secretKey><sessionToken>canary-session</sessionToken>\
             <expirationDate>{end}</expirationDate></ns2:TokenElement>"
        );
        ("200 OK".into(), soap(keys))
    })
}

#[test]
fn c10_a_file_of_nda_is_requested_with_a_key_that_the_password_gets() {
    for seconds in [3600, 1] {
        let server = nda(seconds);
        let login = format!("name = 'nda'\nlogin = '{}/DataManager/dataManager'", server.url);
        let home = home_for(&server.url, &lines(&login));
        store_password(&home, &server.url, "canary-password");
        let url = format!("{}/bucket/submission_1/image.nii", server.url);
        let run = twice(&home, &url);
        if seconds > 2 {
            run.ends(0).prints("image\nimage\n");
            assert_eq!(paths(&server).iter().filter(|it| it.starts_with("/Data")).count(), 1);
        } else {
            run.ends(9).says("has expired");
        }
        store_password(&home, &server.url, "wrong");
        home.keyward(&format!("fetch {url}")).run().ends(9).says("Invalid username");
    }
}

#[test]
fn c10_nda_gives_keys_of_aws_that_are_made_again_when_they_end() {
    for (seconds, numbers) in [(3600, ["1", "1"]), (4, ["2", "3"])] {
        let server = nda(seconds);
        let home = Home::with_store("--option key.from=file");
        let login = format!("{}/DataManager/dataManager", server.url);
        store_login(&home, &server.url, &login, "canary-password");
        home.keyward("set s --name keys --derive nda --from login").run().ends(0).says_nothing();
        for number in numbers {
            let found = home.keyward("resolve keys --json").run().ends(0).json();
            let text = found[0].to_string();
            assert!(text.contains("\"aws\"") && text.contains(&format!("AKIA{number}")), "{text}");
        }
        store_login(&home, &server.url, &login, "wrong");
        let failed = home.keyward("resolve keys").run().ends(9);
        failed.says("Invalid username and/or password");
    }
    let home = Home::with_store("--option key.from=file");
    store_login(&home, "http://127.0.0.1:1", "http://127.0.0.1:1/x", "canary-password");
    home.keyward("set s --name keys --derive nda --from login").run().ends(7);
    provider(&home, "unused", "https://x.example", "");
}
