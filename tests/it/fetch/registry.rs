//! `registry-token` with Debian's docker-registry, which trusts the tokens of this test's server.

use std::fs;
use std::io::Write;
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};

use base64::Engine;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};
use keyward_core::{Network, Secret};
use keyward_http::{Client, Http};
use serde_json::json;
use sha2::{Digest, Sha256};

use super::secure::Secure;
use super::site::{home_for, store_password};
use crate::helpers::home::Home;
use crate::helpers::nginx::{Server, free_ports};
use crate::oauth::scripted::{Received, Scripted};

/// `ann:canary-password`.
const BASIC: &str = "Basic YW5uOmNhbmFyeS1wYXNzd29yZA==";

const SERVICE: &str = "registry of the test";

/// Makes tokens (JWT, RS256), whose certificate the registry knows.
#[derive(Clone)]
struct Signer {
    folder: std::path::PathBuf,
}

impl Signer {
    fn new(folder: &std::path::Path) -> Self {
        let made = Command::new("openssl")
            .args([
                "req",
                "-x509",
                "-newkey",
                "rsa:2048",
                "-nodes",
                "-days",
                "2",
                "-subj",
                "/CN=tokens",
            ])
            .args(["-keyout", "tokens.key", "-out", "tokens.pem"])
            .current_dir(folder)
            .output()
            .unwrap();
        assert!(made.status.success());
        Self { folder: folder.to_owned() }
    }

    /// Returns a token for these actions in a repository.
    fn token(&self, repository: &str, actions: &[&str]) -> String {
        let pem = fs::read_to_string(self.folder.join("tokens.pem")).unwrap();
        let der: String = pem.lines().filter(|line| !line.starts_with('-')).collect();
        let now = keyward_config::now().as_unix();
        let header = json!({ "typ": "JWT", "alg": "RS256", "x5c": [der] });
        let claims = json!({
            "iss": "tests", "sub": "", "aud": SERVICE, "jti": "1",
            "iat": now - 10, "nbf": now - 10, "exp": now + 300,
            "access": [{ "type": "repository", "name": repository, "actions": actions }],
        });
        let part = |value: &serde_json::Value| BASE64_URL_SAFE_NO_PAD.encode(value.to_string());
        let signed = format!("{}.{}", part(&header), part(&claims));
        let mut openssl = Command::new("openssl")
            .args(["dgst", "-sha256", "-sign", "tokens.key"])
            .current_dir(&self.folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        openssl.stdin.take().unwrap().write_all(signed.as_bytes()).unwrap();
        let signature = openssl.wait_with_output().unwrap().stdout;
        format!("{signed}.{}", BASE64_URL_SAFE_NO_PAD.encode(signature))
    }
}

/// A registry with two repositories, `public` and `private`, and the server of its tokens.
struct Registry {
    _registry: Server,
    tokens: Scripted,
    front: Secure,
    /// The paths of a blob in each repository.
    public: String,
    private: String,
}

impl Registry {
    /// Starts it. `realm` is the URL of the server of tokens; without it, it is that of the other site.
    fn start(realm: Option<&str>) -> Self {
        let [port] = free_ports();
        let keys = Arc::new(Mutex::new(None::<Signer>));
        let for_server = Arc::clone(&keys);
        let tokens = Scripted::start(move |request: &Received| {
            let signer = for_server.lock().unwrap().clone().unwrap();
            issue(request, &signer)
        });
        let front = Secure::start(
            &format!("location / {{ proxy_pass http://127.0.0.1:{port}; }}"),
            &format!("location / {{ proxy_pass {}; }}", tokens.url),
        );
        let folder = front.path("");
        let signer = Signer::new(&folder);
        *keys.lock().unwrap() = Some(signer.clone());
        let realm = realm.map_or(format!("{}/token", front.other), str::to_owned);
        let configuration = json!({
            "version": "0.1",
            "log": { "level": "error" },
            "storage": { "filesystem": { "rootdirectory": folder.join("blobs") } },
            "http": { "addr": format!("127.0.0.1:{port}") },
            "auth": { "token": {
                "realm": realm, "service": SERVICE, "issuer": "tests",
                "rootcertbundle": folder.join("tokens.pem"),
            } },
        });
        // JSON is YAML, too.
        fs::write(folder.join("registry.yml"), configuration.to_string()).unwrap();
        let mut registry = Server::start("docker-registry", &folder, |command| {
            command.args(["serve", "registry.yml"]).current_dir(&folder);
        });
        assert!(registry.listens(port), "docker-registry does not start");
        let push = |repository: &str| {
            let token = signer.token(repository, &["pull", "push"]);
            push(&format!("http://127.0.0.1:{port}"), repository, &token)
        };
        let (public, private) = (push("public"), push("private"));
        Self { _registry: registry, tokens, front, public, private }
    }

    /// A home with a provider for the registry, and a password for ann.
    fn home(&self, lines: &str) -> Home {
        let lines = format!("[[authenticators]]\nname = 'registry-token'\n{lines}");
        self.front.trusting(home_for(&self.front.url, &lines))
    }

    /// The scopes for which tokens were requested, and whether it was with a password.
    fn asked(&self) -> Vec<(String, bool)> {
        let asked = self.tokens.received().into_iter();
        asked.map(|it| (it.path, !it.authorization.is_empty())).collect()
    }
}

/// What the server of tokens answers: everyone may read what is public.
fn issue(request: &Received, signer: &Signer) -> (String, String) {
    let scope = request.path.split("scope=").nth(1).unwrap_or_default();
    let repository = if scope == "repository%3Apublic%3Apull" { "public" } else { "private" };
    let may = match (request.authorization.as_str(), repository) {
        ("", "public") | (BASIC, _) => true,
        ("", _) => false,
        _ => return ("401 Unauthorized".into(), "{}".into()),
    };
    let actions: &[&str] = if may { &["pull"] } else { &[] };
    let token = signer.token(repository, actions);
    ("200 OK".into(), json!({ "token": token, "expires_in": 300 }).to_string())
}

/// Stores a blob, and returns its path.
fn push(url: &str, repository: &str, token: &str) -> String {
    let content = format!("{repository},1\n");
    let client = Client::new(Network::default());
    let send = |method: &str, url: &str, body: &str| {
        let request = http::Request::builder().method(method).uri(url);
        let request = request.header("authorization", format!("Bearer {token}"));
        let request = request.header("content-type", "application/octet-stream");
        client.send(request.body(Secret::from(body)).unwrap()).unwrap()
    };
    let begun = send("POST", &format!("{url}/v2/{repository}/blobs/uploads/"), "");
    assert_eq!(begun.status(), 202, "{:?}", begun.body().expose_str());
    let location = begun.headers()["location"].to_str().unwrap();
    let digest = format!("sha256:{}", base16(&Sha256::digest(&content)));
    let put = send("PUT", &format!("{location}&digest={digest}"), &content);
    assert_eq!(put.status(), 201, "{:?}", put.body().expose_str());
    format!("/v2/{repository}/blobs/{digest}")
}

fn base16(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn everyone_gets_a_token_for_what_is_public() {
    let registry = Registry::start(None);
    let home = registry.home("");
    let url = |path: &str| format!("{}{path}", registry.front.url);
    let public = url(&registry.public);
    home.keyward(&format!("fetch {public} {public} --output -"))
        .run()
        .ends(0)
        .prints("public,1\npublic,1\n");
    // The scope is that of the challenge, and one token is enough for both.
    let path = "/token?service=registry+of+the+test&scope=repository%3Apublic%3Apull";
    assert_eq!(registry.asked(), [(path.to_owned(), false)]);
    let private = url(&registry.private);
    home.keyward(&format!("fetch {private} --output -")).run().ends(9);
    assert!(registry.asked().iter().all(|(_, with_password)| !with_password));
}

#[test]
fn a_password_gets_a_token_for_each_scope() {
    let registry = Registry::start(None);
    let home = registry.home("");
    let name = "provider copy site site";
    drop(home.keyward(name).run());
    let lines = "credentials = ['site']\n[[authenticators]]\nname = 'registry-token'\n";
    super::site::provider(&home, "site", &registry.front.url, lines);
    let url = |path: &str| format!("{}{path}", registry.front.url);
    let (public, private) = (url(&registry.public), url(&registry.private));
    store_password(&home, &registry.front.url, "canary-password");
    // The server of tokens is another one: another port.
    let line = format!("fetch {private} {public} {private} --output -");
    home.keyward(&line).run().ends(4).says("not bound");
    assert_eq!(registry.asked(), []);
    store_password(&home, &registry.front.other, "canary-password");
    home.keyward(&line).run().ends(0).prints("private,1\npublic,1\nprivate,1\n");
    let scopes: Vec<_> = registry
        .asked()
        .into_iter()
        .map(|(path, with_password)| {
            assert!(with_password);
            path.split("scope=").nth(1).unwrap().to_owned()
        })
        .collect();
    assert_eq!(scopes, ["repository%3Aprivate%3Apull", "repository%3Apublic%3Apull"]);
    // The password itself never goes to the registry.
    let heard = registry.front.heard();
    let port = registry.front.url.rsplit(':').next().unwrap();
    assert!(heard.iter().all(|line| !line.starts_with(port) || !line.contains("Basic")));
    store_password(&home, &registry.front.other, "wrong");
    home.keyward(&line).run().ends(9).says("the server of tokens answers with status 401");
}

#[test]
fn a_realm_on_another_site_is_not_asked_unless_the_provider_lists_it() {
    let registry = Registry::start(Some("https://auth.other.example/token"));
    let url = format!("{}{}", registry.front.url, registry.public);
    let home = registry.home("");
    let refused = home.keyward(&format!("fetch {url} --output -")).run().ends(9);
    refused.says("tokens are not requested from https://auth.other.example").says("another site");
    // A server that is listed is asked; there is none of this name.
    let home = registry.home("realms = ['https://auth.other.example']\n");
    home.keyward(&format!("fetch {url} --output -")).run().ends(7);
    assert_eq!(registry.asked(), []);
    let registry = Registry::start(Some("http://auth.localhost.example/token"));
    let url = format!("{}{}", registry.front.url, registry.public);
    let home = registry.home("realms = ['http://auth.localhost.example']\n");
    home.keyward(&format!("fetch {url} --output -")).run().ends(9).says("it is not https");
}

#[test]
fn the_certificate_of_the_tokens_is_one_of_the_registry() {
    // A token that another key has signed is not accepted: the registry really checks them.
    let registry = Registry::start(None);
    let other = Home::in_memory();
    let stranger = Signer::new(other.folder()).token("public", &["pull"]);
    let own = BASE64_STANDARD.encode("x");
    for token in [stranger, own] {
        let home = registry.front.trusting(home_for(
            &registry.front.url,
            "credentials = ['site']\nauth = 'required'\n[[authenticators]]\nname = 'bearer'\n",
        ));
        let line = format!("set s --name site --kind token --stdin --bind {}", registry.front.url);
        home.keyward(&line).input(token).run().ends(0);
        let url = format!("{}{}", registry.front.url, registry.public);
        home.keyward(&format!("fetch {url} --output -"))
            .run()
            .ends(9)
            .says("does not accept the credential");
    }
}
