//! `s3://` URLs with SeaweedFS, a server of S3 that checks signatures. AWS's own library and curl are the
//! references.

use std::io::Write;
use std::net::TcpListener;
use std::process::{Command, Stdio};

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::json;

use super::site::{Site, provider};
use crate::helpers::home::Home;
use crate::helpers::nginx::Server;
use crate::helpers::program::installed_server;

const ID: &str = "AKIDANN";
const SECRET: &str = "canary-secret";

/// Keys that clients are known to change.
const KEYS: &[&str] = &[
    "a",
    "a b",
    "a+b",
    "a%b",
    "a%2Fb",
    "a%252Fb",
    "a=b",
    "a@b",
    "a*b",
    "a&b",
    "a?b",
    "a#b",
    "a'(b)!",
    "a,b;c:d",
    "a$b",
    "a~b",
    "a\"b",
    "a|b",
    "ü",
    "日本/語",
    "a/b.c",
    "a.../b",
    "versionId=1",
];

/// SeaweedFS with the buckets `bucket`, `public` and `old`.
struct Seaweed {
    _server: Server,
    _home: Home,
    url: String,
    versions: Vec<String>,
}

impl Seaweed {
    fn start() -> Self {
        let home = Home::in_memory();
        let actions = ["Admin", "Read", "Write", "List"];
        let identities = json!({ "identities": [
            { "name": "ann", "actions": actions, "credentials": [{ "accessKey": ID, "secretKey": SECRET }] },
            { "name": "anonymous", "actions": ["Read:public"] },
        ] });
        home.write("s3.json", identities.to_string());
        for _ in 0..5 {
            let ports: Vec<_> = [(); 8]
                .map(|()| TcpListener::bind("127.0.0.1:0").unwrap())
                .iter()
                .map(|listener| listener.local_addr().unwrap().port())
                .collect();
            let weed = installed_server("seaweedfs").join("bin/weed");
            let mut server = Server::start(weed.to_str().unwrap(), home.folder(), |command| {
                command.current_dir(home.folder()).args(["server", "-dir=.", "-ip=127.0.0.1"]);
                command.args(["-ip.bind=127.0.0.1", "-filer", "-s3", "-s3.config=s3.json"]);
                command.args(["-volume.max=100", "-master.volumeSizeLimitMB=16"]);
                command.args(["-s3.port.iceberg=0", "-s3.port.lance=0"]);
                for (at, part) in ["master", "volume", "filer", "s3"].iter().enumerate() {
                    command.arg(format!("-{part}.port={}", ports[2 * at]));
                    command.arg(format!("-{part}.port.grpc={}", ports[2 * at + 1]));
                }
            });
            let url = format!("http://127.0.0.1:{}", ports[6]);
            if let Some(versions) = server.answer(|| library("set-up", &url, KEYS)) {
                return Self { _server: server, _home: home, url, versions };
            }
        }
        panic!("SeaweedFS does not start");
    }

    /// A home with a provider for its buckets, and with an access key that is bound to it.
    fn home(&self, secret: &str, lines: &str) -> Home {
        let home = provided(&self.url, lines);
        store_key(&home, &self.url, secret);
        home
    }
}

/// Does something with AWS's library, if the server is ready.
fn library(action: &str, url: &str, keys: &[&str]) -> Option<Vec<String>> {
    let mut python = Command::new("/usr/bin/python3")
        .args(["-c", include_str!("../../servers/s3.py"), action, url, ID, SECRET])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    python.stdin.take().unwrap().write_all(json!(keys).to_string().as_bytes()).unwrap();
    serde_json::from_slice(&python.wait_with_output().unwrap().stdout).ok()
}

/// A home with a provider for the buckets at an endpoint.
fn provided(endpoint: &str, lines: &str) -> Home {
    let home = Home::with_store("--option key.from=file");
    let text = format!(
        "version = 1\norigins = ['s3://bucket', 's3://public', 's3://old', 's3://write', 's3://none']\n\
         {lines}\n[[authenticators]]\nname = 'aws-sigv4'\nendpoint = '{endpoint}'\n"
    );
    home.write(".config/keyward/providers/buckets.toml", text);
    home
}

fn store_key(home: &Home, origin: &str, secret: &str) {
    let line =
        format!("set s --name key --kind s3 --field access_key_id={ID} --stdin --bind {origin}");
    home.keyward(&line).input(secret).run().ends(0);
}

fn escaped(key: &str) -> String {
    utf8_percent_encode(key, NON_ALPHANUMERIC).to_string()
}

/// Row 7 and D1: what AWS's library wrote is read, and what it reads was written.
#[test]
fn objects_with_awkward_keys_are_the_same_for_awss_library() {
    let seaweed = Seaweed::start();
    let home = seaweed.home(SECRET, "credentials = ['key']");
    for key in KEYS {
        let url = format!("s3://bucket/{}", escaped(key));
        home.keyward(&format!("fetch {url} --output -")).run().ends(0).prints(*key);
        home.write("file", format!("new {key}"));
        home.keyward(&format!("upload file s3://bucket/up/{}", escaped(key))).run().ends(0);
    }
    let uploaded: Vec<_> = KEYS.iter().map(|key| format!("up/{key}")).collect();
    let uploaded: Vec<_> = uploaded.iter().map(String::as_str).collect();
    let found = library("get", &seaweed.url, &uploaded).expect("all objects are there");
    assert_eq!(found, KEYS.iter().map(|key| format!("new {key}")).collect::<Vec<_>>());
    // curl is the other reference.
    let content: Vec<u8> =
        (0..1_000_000_u32).map(|at| (at.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    let file = home.write("file", &content);
    home.keyward("upload file s3://bucket/big").run().ends(0);
    let by_curl = Command::new("curl")
        .args(["--silent", "--aws-sigv4", "aws:amz:us-east-1:s3", "--user"])
        .args([format!("{ID}:{SECRET}"), format!("{}/bucket/big", seaweed.url)])
        .output()
        .unwrap();
    assert!(by_curl.stdout == content);
    home.keyward("fetch s3://bucket/big --force").run().ends(0).prints("big: 1000000 bytes\n");
    assert!(std::fs::read(home.path("big")).unwrap() == std::fs::read(file).unwrap());
    let json = home.keyward("stat s3://bucket/big --json").run().ends(0).json();
    assert_eq!((&json[0]["bytes"], &json[0]["credential"]), (&1_000_000.into(), &"key".into()));
    home.keyward("delete s3://bucket/big --yes").run().ends(0);
    home.keyward("stat s3://bucket/big").run().ends(3);
}

/// D1: versions, missing objects, anonymous, denied.
#[test]
fn versions_missing_objects_and_what_everyone_may_read() {
    let seaweed = Seaweed::start();
    let home = seaweed.home(SECRET, "credentials = ['key']");
    for (version, content) in seaweed.versions.iter().zip(["one", "two"]) {
        let url = format!("s3://old/v?versionId={version}");
        home.keyward(&format!("fetch {url} --output -")).run().ends(0).prints(content);
        let json = home.keyward(&format!("stat {url} --json")).run().ends(0).json();
        assert_eq!(json[0]["version"], version.as_str());
    }
    home.keyward("fetch s3://old/v --output -").run().ends(0).prints("two");
    home.keyward("fetch s3://bucket/absent").run().ends(3).says("404");
    home.keyward("fetch s3://none/absent").run().ends(3).says("404");
    home.keyward("fetch s3://bucket/..").run().ends(2).says("`..`");
    let anonymous = provided(&seaweed.url, "auth = 'never'");
    anonymous.keyward("fetch s3://public/a --output -").run().ends(0).prints("for everyone");
    anonymous.keyward("fetch s3://bucket/a").run().ends(9).says("403");
    let either = seaweed.home(SECRET, "auth = 'optional'\ncredentials = ['key']");
    for (url, credential) in [("s3://public/a", json!(null)), ("s3://bucket/a", json!("key"))] {
        let json = either.keyward(&format!("stat {url} --json")).run().ends(0).json();
        assert_eq!(json[0]["credential"], credential, "{url}");
    }
    let wrong = seaweed.home("canary-wrong", "credentials = ['key']");
    wrong.keyward("fetch s3://bucket/a").run().ends(9).says("SignatureDoesNotMatch");
    let nothing = provided(&seaweed.url, "credentials = ['key']");
    nothing.keyward("fetch s3://bucket/a").run().ends(3).says("--name key --bind");
    // Without a provider, the credential says where the service is.
    let home = Home::with_store("--option key.from=file");
    store_key(&home, &seaweed.url, SECRET);
    home.keyward(&format!("set s --name key --field endpoint={}", seaweed.url)).run().ends(0);
    let line = "fetch s3://bucket/a --credential key --output -";
    home.keyward(line).run().ends(0).prints("a");
    let other = seaweed.url.replace("127.0.0.1", "localhost");
    home.keyward(&format!("set s --name key --field endpoint={other}")).run().ends(0);
    home.keyward(line).run().ends(4).says(&other);
}

/// One Rust tool signed for a foreign endpoint with the identity of its environment.
#[test]
fn the_identity_of_the_environment_signs_nothing() {
    let site = Site::start();
    for lines in ["auth = 'optional'", "auth = 'never'", "auth = 'optional'\ncredentials = ['key']"]
    {
        let home = provided(&site.url, lines)
            .with("AWS_ACCESS_KEY_ID", ID)
            .with("AWS_SECRET_ACCESS_KEY", SECRET)
            .with("AWS_SESSION_TOKEN", "canary-session");
        home.keyward("stat s3://write/data.csv").run();
    }
    let heard = site.heard().concat();
    assert!(heard.contains("/write/data.csv 401") && !heard.contains("AWS4"), "{heard}");
}

/// ex_aws CVE-2026-59697 and its kind: what was signed for one server follows a redirect to another.
#[test]
fn a_redirect_does_not_widen_what_gets_a_signature() {
    let site = Site::start();
    let home = provided(&site.url, "credentials = ['key']");
    store_key(&home, &site.url, SECRET);
    home.keyward("fetch s3://write/moved/data.csv").run().ends(3);
    home.write("file", "new");
    home.keyward("upload file s3://write/moved/new").run().ends(4).says("name that URL");
    let port = site.other.rsplit(':').next().unwrap();
    let heard = site.heard();
    let (there, here): (Vec<_>, Vec<_>) = heard.iter().partition(|line| line.starts_with(port));
    assert!(there.len() == 1 && there.iter().all(|line| !line.contains("AWS4")), "{there:?}");
    assert!(here.len() == 2 && here.iter().all(|line| line.contains("AWS4-HMAC")), "{here:?}");
    // A provider of the other server names the key, but it is not bound to that server.
    let lines = "credentials = ['key']\n[[authenticators]]\nname = 'aws-sigv4'\n";
    provider(&home, "other", &site.other, lines);
    home.keyward("fetch s3://write/moved/data.csv").run().ends(4).says("may not be given");
    assert!(!site.heard().iter().any(|line| line.starts_with(port) && line.contains("AWS4")));
}

/// The key goes only to the server to which it is bound, whatever names another one.
#[test]
fn a_key_that_is_not_bound_to_the_endpoint_is_not_used() {
    let site = Site::start();
    let home = provided(&site.other, "credentials = ['key']");
    store_key(&home, &site.url, SECRET);
    home.keyward("fetch s3://bucket/a").run().ends(4).says("may not be given");
    home.keyward("upload .config/keyward/providers/buckets.toml s3://bucket/a").run().ends(4);
    home.keyward("delete s3://bucket/a --yes").run().ends(4);
    assert!(site.heard().is_empty());
}

/// moto, which does not check signatures, but has buckets and versions as AWS has them.
#[test]
fn moto_has_the_same_objects_and_versions() {
    let folder = Home::in_memory();
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let url = format!("http://127.0.0.1:{port}");
    let mut server = Server::start("/usr/bin/python3", folder.folder(), |command| {
        command.env("PYTHONPATH", installed_server("moto"));
        command.args(["-m", "moto.server", "-H", "127.0.0.1", "-p", &port.to_string()]);
    });
    let versions = server.answer(|| library("set-up", &url, KEYS)).expect("moto starts");
    let home = provided(&url, "credentials = ['key']");
    store_key(&home, &url, SECRET);
    for key in KEYS {
        let object = format!("s3://bucket/{}", escaped(key));
        home.keyward(&format!("fetch {object} --output -")).run().ends(0).prints(*key);
        home.write("file", format!("new {key}"));
        home.keyward(&format!("upload file {object}")).run().ends(0);
    }
    let found = library("get", &url, KEYS).expect("all objects are there");
    assert_eq!(found, KEYS.iter().map(|key| format!("new {key}")).collect::<Vec<_>>());
    for (version, content) in versions.iter().zip(["one", "two"]) {
        let object = format!("s3://old/v?versionId={version}");
        home.keyward(&format!("fetch {object} --output -")).run().ends(0).prints(content);
    }
    home.keyward("delete s3://bucket/a --yes").run().ends(0);
    home.keyward("stat s3://bucket/a").run().ends(3);
}
