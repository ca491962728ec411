//! The checker with a real server: the npm package `oidc-provider`, which `cargo xtask test` installs.
#![expect(clippy::unwrap_used, reason = "a test that fails panics")]

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use keyward_checker_oauth::{OAuth, Options};
use keyward_plugin::{
    Attempt, Backend, Checker, Denial, Host, Identity, Presented, PresentedKind, Result, Round,
    SecretRef, Timestamp, Values,
};
use keyward_testkit::TestHost;
use ring::hmac;
use serde_json::{Value, json};

struct Oidc {
    server: Child,
    url: String,
}

impl Oidc {
    fn start() -> Self {
        let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap();
        let folder = target.join("servers/oidc");
        assert!(folder.join("node_modules").exists(), "`cargo xtask test` installs the server");
        let mut node = Command::new("node");
        node.arg("server.mjs").current_dir(folder).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut server = node.spawn().unwrap();
        let mut url = String::new();
        BufReader::new(server.stdout.take().unwrap()).read_line(&mut url).unwrap();
        assert!(url.starts_with("http://127.0.0.1:"), "the server did not start: {url:?}");
        Self { server, url: url.trim().to_owned() }
    }

    /// Gets a token for an audience, whose end says what form the token has.
    fn token(&self, audience: &str) -> String {
        let credentials = STANDARD.encode("backup:s3cret");
        let answer = ureq::post(format!("{}/token", self.url))
            .header("authorization", format!("Basic {credentials}"))
            .send_form([("grant_type", "client_credentials"), ("resource", audience)]);
        let answer = answer.unwrap().body_mut().read_to_string().unwrap();
        let answer: Value = serde_json::from_str(&answer).unwrap();
        answer["access_token"].as_str().unwrap().to_owned()
    }

    fn checker(&self, host: &Arc<TestHost>, change: impl FnOnce(&mut Options)) -> OAuth {
        let mut options = Options {
            issuer: Some(self.url.clone()),
            audience: vec!["urn:api:jwt".into()],
            any_audience: false,
            claim: "sub".into(),
            introspection: None,
            client_id: None,
            client_secret: None,
            cache: Duration::ZERO,
            timeout: Duration::from_secs(20),
        };
        change(&mut options);
        let host: Arc<dyn Host> = Arc::<TestHost>::clone(host);
        OAuth::open(options, &host).unwrap()
    }
}

impl Drop for Oidc {
    fn drop(&mut self) {
        drop(self.server.kill());
        drop(self.server.wait());
    }
}

fn present(checker: &OAuth, token: &str) -> Result<Round> {
    let presented = Presented::new(PresentedKind::TOKEN).with("token", token);
    checker.check(&presented, &Attempt::default())
}

fn accepted() -> Round {
    Round::accepted(Identity::new("backup").unwrap())
}

#[test]
fn tokens_with_a_signature() {
    let oidc = Oidc::start();
    let host = Arc::new(TestHost::new().on_system_time());
    let checker = oidc.checker(&host, |_| {});
    let token = oidc.token("urn:api:jwt");
    let wrong = Round::wrong(Denial::Secret);
    assert_eq!(present(&checker, &token).unwrap(), accepted());
    assert_eq!(
        present(&checker, &oidc.token("urn:other:jwt")).unwrap(),
        Round::wrong(Denial::Restricted)
    );
    // That is another form of token.
    assert_eq!(present(&checker, &oidc.token("urn:api:opaque")).unwrap(), Round::Unknown);

    let (signed, signature) = token.rsplit_once('.').unwrap();
    let (_, claims) = signed.split_once('.').unwrap();
    let mut altered = URL_SAFE_NO_PAD.decode(signature).unwrap();
    altered[20] ^= 1;
    let altered = format!("{signed}.{}", URL_SAFE_NO_PAD.encode(altered));
    assert_eq!(present(&checker, &altered).unwrap(), wrong);
    let changed = URL_SAFE_NO_PAD.decode(claims).unwrap();
    let changed = String::from_utf8(changed).unwrap().replace("backup", "root");
    let head = signed.split_once('.').unwrap().0;
    let changed = format!("{head}.{}.{signature}", URL_SAFE_NO_PAD.encode(changed));
    assert_eq!(present(&checker, &changed).unwrap(), wrong);

    let with_head = |head: &Value| format!("{}.{claims}", URL_SAFE_NO_PAD.encode(head.to_string()));
    for none in ["none", "None", "NONE"] {
        let bare = with_head(&json!({"alg": none}));
        assert_eq!(present(&checker, &format!("{bare}.")).unwrap(), wrong);
        assert_eq!(present(&checker, &format!("{bare}.{signature}")).unwrap(), wrong);
    }
    // The public key as a shared secret.
    let keys = ureq::get(format!("{}/jwks", oidc.url)).call().unwrap().body_mut().read_to_string();
    let keys: Value = serde_json::from_str(&keys.unwrap()).unwrap();
    let rsa = keys["keys"].as_array().unwrap().iter().find(|key| key["kty"] == "RSA").unwrap();
    for secret in
        [rsa.to_string().into_bytes(), URL_SAFE_NO_PAD.decode(rsa["n"].as_str().unwrap()).unwrap()]
    {
        let signed = with_head(&json!({"alg": "HS256", "kid": rsa["kid"]}));
        let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &secret), signed.as_bytes());
        let token = format!("{signed}.{}", URL_SAFE_NO_PAD.encode(tag));
        assert_eq!(present(&checker, &token).unwrap(), wrong);
    }
    let unknown = with_head(&json!({"alg": "RS256", "kid": "no-such-key"}));
    assert_eq!(present(&checker, &format!("{unknown}.{signature}")).unwrap(), wrong);

    let claims: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(claims).unwrap()).unwrap();
    let end = claims["exp"].as_u64().unwrap();
    let later = Arc::new(TestHost::new());
    later.set_now(Timestamp::from_unix(end + 60));
    let expired = present(&oidc.checker(&later, |_| {}), &token).unwrap();
    assert_eq!(expired, Round::wrong(Denial::Expired));
    drop(oidc);
    // The keys are known.
    assert_eq!(present(&checker, &token).unwrap(), accepted());
}

#[test]
fn the_server_is_asked() {
    let oidc = Oidc::start();
    let host = Arc::new(TestHost::new().on_system_time().secret("test", "s3cret"));
    let asking = |audience: &str| {
        oidc.checker(&host, |options| {
            options.issuer = None;
            options.introspection = Some(format!("{}/token/introspection", oidc.url));
            options.client_id = Some("backup".into());
            options.client_secret = Some(SecretRef { from: "test".into(), options: Values::new() });
            options.audience = vec![audience.into()];
            options.claim = "client_id".into();
        })
    };
    let checker = asking("urn:api:opaque");
    let token = oidc.token("urn:api:opaque");
    assert_eq!(present(&checker, &token).unwrap(), accepted());
    assert_eq!(present(&checker, &token[1..]).unwrap(), Round::Unknown);
    assert_eq!(present(&checker, "nonsense").unwrap(), Round::Unknown);
    let other = oidc.token("urn:other:opaque");
    assert_eq!(present(&checker, &other).unwrap(), Round::wrong(Denial::Restricted));
    drop(oidc);
    assert!(present(&checker, &token).is_err());
}
