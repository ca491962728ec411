//! `client-certificate` at nginx, which asks for one (`ssl_verify_client`).

use super::secure::Secure;
use super::site::home_for;
use crate::helpers::home::Home;

const WANTED: &str = "ssl_verify_client on; ssl_client_certificate %DIR%/ca.pem; \
                      location = /moved { return 302 https://localhost:%OTHER%/data.csv; }";
const TAKEN: &str = "ssl_verify_client optional; ssl_client_certificate %DIR%/ca.pem;";

fn home(site: &Secure, files: [&str; 2]) -> Home {
    let lines = "credentials = ['site']\n[[authenticators]]\nname = 'client-certificate'\n";
    let home = site.trusting(home_for(&site.url, lines));
    let [chain, key] = files.map(|name| site.path(name).display().to_string());
    let line = format!("set s --name site --kind client-certificate --bind {}", site.url);
    let set = home.keyward(&line);
    let set = set.arg("--secret-file").arg(format!("certificate={chain}"));
    set.arg("--secret-file").arg(format!("private_key={key}")).run().ends(0);
    home
}

#[test]
fn a_file_is_downloaded_with_a_certificate_as_curl_does() {
    let site = Secure::start(WANTED, TAKEN);
    let home = home(&site, ["ann.pem", "ann.key"]);
    let url = format!("{}/data.csv", site.url);
    home.keyward(&format!("fetch {url} --output -")).run().ends(0).prints("secure,1\n");
    let path = |name: &str| site.path(name);
    let curl = home.program("curl").args(["-sS", "--cacert"]).arg(path("ca.pem"));
    let curl = curl.arg("--cert").arg(path("ann.pem")).arg("--key").arg(path("ann.key"));
    curl.arg(&url).run().ends(0).prints("secure,1\n");
    let heard = site.heard();
    assert_eq!(heard.len(), 2);
    assert!(heard.iter().all(|line| line.ends_with("CN=ann")), "{heard:?}");
}

#[test]
fn no_other_server_gets_the_certificate() {
    let site = Secure::start(WANTED, TAKEN);
    let home = home(&site, ["ann.pem", "ann.key"]);
    home.keyward(&format!("fetch {}/moved --output -", site.url))
        .run()
        .ends(0)
        .prints("secure,1\n");
    let heard = site.heard();
    assert!(heard[0].contains("/moved 302") && heard[0].ends_with("CN=ann"), "{heard:?}");
    assert!(heard[1].contains("/data.csv 200") && !heard[1].contains("CN="), "{heard:?}");
    // Without a provider, none is sent.
    home.keyward("provider remove site").run().ends(0);
    home.keyward(&format!("fetch {}/data.csv", site.url)).run().ends(7).says("400");
}

#[test]
fn a_certificate_that_the_server_does_not_know_is_refused() {
    let site = Secure::start(WANTED, TAKEN);
    // The authority of the site has not signed this one.
    crate::helpers::tls::make_unsigned_client(&site.path(""), "eve");
    let home = home(&site, ["eve.pem", "eve.key"]);
    let failed = home.keyward(&format!("fetch {}/data.csv", site.url)).run().ends(9);
    failed.says("refuses the certificate with status 400 (`site`)");
}
