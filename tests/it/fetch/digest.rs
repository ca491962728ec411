//! Digest with real servers: Apache, which knows MD5, and httpbin, which also knows SHA-256.

use super::apache::Apache;
use super::httpbin::Httpbin;
use super::site::{home_for, store_password};

/// As `htdigest` writes it for `canary-password`.
const PEOPLE: &str = "ann:a realm, with a comma:196a47ae524182c320a0853bb877b2dc\n";

fn start() -> Apache {
    Apache::start(
        &[("files/private/data.csv", "private,1\n"), ("people", PEOPLE)],
        r#"
        LoadModule auth_digest_module /usr/lib/apache2/modules/mod_auth_digest.so
        <Location /private/>
            AuthType Digest
            AuthName "a realm, with a comma"
            AuthDigestProvider file
            AuthUserFile people
            AuthDigestNonceLifetime 1
            Require valid-user
        </Location>
        "#,
    )
}

#[test]
fn apache_accepts_digest_and_does_not_get_the_password() {
    let apache = start();
    let url = format!("{}/private/data.csv?a=%22b%22&c=d,e", apache.url);
    for authenticators in ["", "[[authenticators]]\nname = 'digest'\n"] {
        let home = home_for(&apache.url, &format!("credentials = ['site']\n{authenticators}"));
        store_password(&home, &apache.url, "canary-password");
        home.keyward(&format!("fetch {url} --output -")).run().ends(0).prints("private,1\n");
        store_password(&home, &apache.url, "wrong");
        home.keyward(&format!("fetch {url} --output -")).run().ends(9).says("does not accept");
    }
    let heard = apache.heard();
    let statuses: Vec<_> = heard.iter().map(|line| &line[..3]).collect();
    assert_eq!(statuses, ["401", "200", "401", "401"].repeat(2));
    assert!(
        heard.iter().all(|line| !line.contains("canary") && !line.contains("Basic")),
        "{heard:?}"
    );
}

#[test]
fn curl_uses_digest_too() {
    let apache = start();
    let url = format!("{}/private/data.csv", apache.url);
    for authenticators in ["", "[[authenticators]]\nname = 'digest'\n"] {
        let home = home_for(&apache.url, &format!("credentials = ['site']\n{authenticators}"));
        store_password(&home, &apache.url, "canary-password");
        home.keyward(&format!("curl -- -fsS {url}")).run().ends(0).prints("private,1\n");
    }
    assert!(apache.heard().iter().all(|line| !line.contains("Basic")));
}

#[test]
fn an_old_nonce_of_apache_is_replaced() {
    let apache = start();
    let lines = "auth = 'required'\ncredentials = ['site']\n";
    let home = home_for(&apache.url, lines);
    store_password(&home, &apache.url, "canary-password");
    let keyward = home.library();
    let mut fetcher = keyward_fetch::Fetcher::new(&keyward).unwrap();
    let url = format!("{}/private/data.csv", apache.url);
    let mut get = || fetcher.open(&url).unwrap().head.status;
    assert_eq!([get(), get()], [200, 200]);
    std::thread::sleep(std::time::Duration::from_millis(2100));
    assert_eq!(get(), 200);
    let heard = apache.heard();
    let statuses: Vec<_> = heard.iter().map(|line| &line[..3]).collect();
    // The second request used the nonce that Apache had announced with the first answer.
    assert_eq!(statuses, ["401", "200", "200", "401", "200"], "{heard:?}");
}

#[test]
fn httpbin_accepts_each_algorithm_and_protection() {
    let httpbin = Httpbin::start();
    let home = home_for(&httpbin.url, "credentials = ['site']\n");
    store_password(&home, &httpbin.url, "canary-password");
    for protection in ["auth", "auth-int"] {
        for algorithm in ["MD5", "SHA-256"] {
            let path = format!("digest-auth/{protection}/ann/canary-password/{algorithm}/never");
            let url = format!("{}/{path}", httpbin.url);
            let run = home.keyward(&format!("fetch {url} --output -")).run().ends(0);
            assert_eq!(run.json()[0]["user"], "ann");
            let wrong = url.replace("canary-password", "other");
            home.keyward(&format!("fetch {wrong} --output -")).run().ends(9);
        }
    }
    let url = format!("{}/digest-auth/auth/ann/canary-password/SHA-512/never", httpbin.url);
    home.keyward(&format!("fetch {url} --output -")).run().ends(9).says("does not fit");
}
