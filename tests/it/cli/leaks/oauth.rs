//! OAuth logins and tokens: no code, verifier, token or secret is in a message, in the arguments or
//! the environment of another program, or in a file.

use super::canary::Canary;
use super::children::traced;
use crate::helpers::home::Home;
use crate::helpers::invocation::Finished;
use crate::oauth::secretive::{Secrets, Server};
use crate::oauth::server::browser;

/// A home, a server, and all that only the two know.
struct Fixture {
    home: Home,
    server: Server,
    canaries: [Canary; 6],
}

impl Fixture {
    fn new() -> Self {
        let canaries = std::array::from_fn(|_| Canary::new());
        let [code, device, access, refresh, id, client] =
            canaries.each_ref().map(|canary: &Canary| canary.text.clone());
        let server = Server::start(Secrets { code, device, access, refresh, id });
        let home = Home::with_store("--option key.from=file").with("BROWSER", browser());
        home.write("secret", client);
        Self { home, server, canaries }
    }

    /// The arguments of a login at this token endpoint.
    fn login(&self, endpoint: &str, more: &str) -> String {
        let url = &self.server.url;
        let fields = ["device", "revocation", "introspection"]
            .map(|name| format!("--field {name}_url={url}/{name}"))
            .join(" ");
        format!(
            "oauth login s --name api --token-url {url}/{endpoint} --authorization-url {url}/authorize \
             {fields} --client-id cli --client-secret-file secret {more}"
        )
    }

    /// Runs a command with the highest verbosity under `strace`, which records every program that is
    /// started. It may print only the access token, on standard output.
    #[track_caller]
    fn runs(&self, line: &str) -> Finished {
        let ran = traced(&self.home, line).arg("-vv").env("RUST_BACKTRACE", "full").run();
        let trace = self.home.read("trace");
        self.are_kept(line, &(ran.err.clone() + &trace));
        if !line.starts_with("oauth token") {
            self.are_kept(line, ran.text());
        }
        assert!(!ran.err.contains("fault in keyward"), "{}", ran.err);
        ran
    }

    #[track_caller]
    fn are_kept(&self, line: &str, text: &str) {
        let verifiers = self.server.verifiers();
        let is_shown = self.canaries.iter().any(|canary| canary.is_in(text.as_bytes()))
            || verifiers.iter().any(|verifier| text.contains(verifier));
        assert!(!is_shown, "{line}: {text}");
    }
}

#[test]
fn logins_and_tokens_leak_nothing() {
    let fixture = Fixture::new();
    for way in ["--client-credentials", "--device", ""] {
        fixture.runs(&fixture.login("token", way)).ends(0);
        fixture.runs("oauth refresh s --name api").ends(0);
        for line in ["token", "token --json", "token --header"] {
            let ran = fixture.runs(&format!("oauth {line} s --name api")).ends(0);
            assert!(ran.text().contains(&fixture.canaries[2].text), "{line} must print it");
        }
        for line in ["status", "status --json", "status --check", "status --claims"] {
            fixture.runs(&format!("oauth {line} s --name api"));
        }
        fixture.runs("oauth revoke s --name api").ends(0);
        fixture.runs("oauth login s --name api --again").ends(0);
        fixture.runs("oauth logout s --name api").ends(0);
    }
    // With a browser, there was one login in the second round and two in the third.
    assert_eq!(fixture.server.verifiers().len(), 3);
    std::fs::remove_file(fixture.home.path("secret")).unwrap();
    for canary in &fixture.canaries {
        assert_eq!(canary.files(fixture.home.folder()), [] as [std::path::PathBuf; 0]);
    }
}

#[test]
fn a_server_that_repeats_what_it_got_makes_nothing_leak() {
    let fixture = Fixture::new();
    for endpoint in ["echo", "html", "redirect", "nowhere"] {
        for way in ["--client-credentials", "--device", ""] {
            let ran = fixture.runs(&fixture.login(endpoint, way));
            assert_ne!(ran.code, 0, "{endpoint}");
        }
        fixture.runs(&fixture.login("token", "")).ends(0);
        let url = &fixture.server.url;
        for name in ["token", "revocation", "introspection"] {
            let set = format!("set s --name api --field {name}_url={url}/{endpoint}");
            fixture.home.keyward(&set).run().ends(0);
        }
        for line in ["refresh", "status --check", "revoke", "logout"] {
            assert_ne!(fixture.runs(&format!("oauth {line} s --name api")).code, 0, "{line}");
        }
        fixture.home.keyward("oauth logout s --name api --local").run().ends(0);
    }
}

#[test]
fn a_server_that_tells_what_it_has_issued_makes_nothing_leak() {
    let fixture = Fixture::new();
    fixture.runs(&fixture.login("lapses", "")).ends(0);
    for name in ["revocation", "introspection"] {
        let set = format!("set s --name api --field {name}_url={}/tells", fixture.server.url);
        fixture.home.keyward(&set).run().ends(0);
    }
    for line in ["refresh", "status --check", "revoke", "logout"] {
        let ran = fixture.runs(&format!("oauth {line} s --name api"));
        assert!(ran.code != 0 && ran.err.contains("invalid_request"), "{line}: {}", ran.err);
    }
    fixture.runs("oauth status s --name api").ends(0);
}
