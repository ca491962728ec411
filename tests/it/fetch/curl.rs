//! The real curl, which gets the credential from Keyward, and readers of netrc files.

use std::os::unix::fs::PermissionsExt;

use super::site::{Site, home, home_for, provider, store_password};
use crate::helpers::home::Home;

/// `ann:canary-password`.
const HEADER: &str = "Basic YW5uOmNhbmFyeS1wYXNzd29yZA==";

/// Writes down how curl is called.
const SPY: &str = "#!/bin/sh\nprintf '%s\\n' \"$@\" >>\"$HOME/words\"\nexec /usr/bin/curl \"$@\"\n";

/// A home whose curl writes down its arguments.
fn spied(home: Home) -> Home {
    let spy = home.write("bin/curl", SPY);
    std::fs::set_permissions(spy, std::fs::Permissions::from_mode(0o755)).unwrap();
    let path = format!("{}:/usr/bin:/bin", home.path("bin").display());
    home.with("PATH", path)
}

#[test]
fn curl_gets_a_file_with_the_credential_which_is_not_among_its_arguments() {
    let site = Site::start();
    let home = spied(home(&site, "credentials = ['site']\n"));
    store_password(&home, &site.url, "canary-password");
    let url = format!("{}/private/data.csv", site.url);
    home.keyward(&format!("curl -- -fsS {url}")).run().ends(0).prints("private,1\n");
    home.keyward(&format!("curl -- -fsSo got --url {url}")).run().ends(0).prints("");
    assert_eq!(home.read("got"), "private,1\n");
    // A file that needs no credential, and a server without a provider.
    home.keyward(&format!("curl -- -fsS {}/data.csv", site.url)).run().ends(0).prints(",1\n");
    home.keyward(&format!("curl -- -fsS {}/data.csv", site.other)).run().ends(0).prints(",1\n");
    // curl's own exit code.
    home.keyward(&format!("curl -- -fsS {}/absent", site.url)).run().ends(22);
    let words = home.read("words");
    assert!(words.contains(&url) && !words.contains("canary"), "{words}");
    let (port, heard) = (site.other.rsplit(':').next().unwrap().to_owned(), site.heard());
    let with_password = |line: &&String| line.contains(HEADER);
    assert!(heard.iter().filter(with_password).count() >= 2);
    assert!(heard.iter().filter(with_password).all(|line| !line.starts_with(&port)));
}

#[test]
fn a_credential_is_noted_once_and_only_if_it_is_used() {
    let site = Site::start();
    let home = home(&site, "credentials = ['site']\n");
    home.run_ok(&["config", "set", "audit.file", "~/audit"]);
    let lines = || std::fs::read_to_string(home.path("audit")).unwrap_or_default().lines().count();
    let url = format!("{}/private/data.csv", site.url);
    store_password(&home, "https://elsewhere.example", "canary-password");
    for command in ["fetch", "curl -- -fsS", "netrc"] {
        home.keyward(&format!("{command} {url}")).run().ends(4);
        assert_eq!(lines(), 0, "{command}");
    }
    store_password(&home, &site.url, "canary-password");
    for (at, command) in ["fetch", "curl -- -fsS"].iter().enumerate() {
        home.keyward(&format!("{command} {url}")).run().ends(0);
        assert_eq!(lines(), at + 1, "{command}");
    }
    home.keyward(&format!("netrc {url}")).run().ends(2);
    assert_eq!(lines(), 2);
}

#[test]
fn curl_sends_a_token() {
    let site = Site::start();
    for authenticators in ["", "[[authenticators]]\nname = 'bearer'\n"] {
        let home = home(&site, &format!("credentials = ['site']\n{authenticators}"));
        let line = format!("set s --name site --kind token --stdin --bind {}", site.url);
        home.keyward(&line).input("canary-token").run().ends(0);
        let url = format!("{}/token/data.csv", site.url);
        home.keyward(&format!("curl -- -fsS {url}")).run().ends(0).prints("token,1\n");
    }
}

#[test]
fn a_redirect_of_curl_to_another_port_gets_no_credential() {
    let site = Site::start();
    let home = home(&site, "credentials = ['site']\n[[authenticators]]\nname = 'basic'\n");
    store_password(&home, &site.url, "canary-password");
    let url = format!("{}/moved/private/data.csv", site.url);
    home.keyward(&format!("curl -- -fsSL {url}")).run().ends(22);
    let (port, heard) = (site.other.rsplit(':').next().unwrap().to_owned(), site.heard());
    let there: Vec<_> = heard.iter().filter(|line| line.starts_with(&port)).collect();
    assert!(!there.is_empty() && there.iter().all(|line| !line.contains("Basic")), "{heard:?}");
    assert!(heard.iter().any(|line| line.contains(HEADER)), "{heard:?}");
    // curl would send this header on.
    let lines = "credentials = ['site']\n[[authenticators]]\nname = 'token'\nheader = 'X-Key'\n";
    provider(&home, "site", &site.url, lines);
    let line = format!("set s --name site --kind token --replace --stdin --bind {}", site.url);
    home.keyward(&line).input("canary-token").run().ends(0);
    home.keyward(&format!("curl -- -L {url}")).run().ends(2).says("X-Key");
}

#[test]
fn curl_does_not_start_if_the_credential_could_go_elsewhere() {
    let site = Site::start();
    let home = spied(home(&site, "credentials = ['site']\n"));
    store_password(&home, "https://elsewhere.example", "canary-password");
    let url = format!("{}/private/data.csv", site.url);
    home.keyward(&format!("curl -- {url}")).run().ends(4).says("may not be given");
    for words in [
        format!("--location-trusted {url}"),
        format!("-v {url}"),
        format!("-K file {url}"),
        format!("-k {url}"),
        format!("{url} --next {}", site.other),
        format!("{url} {}", site.other),
        format!("-u a:b {url}"),
        format!("-x -o {0}/evil {url}", site.other),
        format!("-x{} {url}", site.other),
        format!("--connect-to ::{} {url}", site.other.trim_start_matches("http://")),
        format!("--cacert ca.pem {url}"),
        format!("--request-target /x {url}"),
        format!("--follow {url}"),
        "-fsS".into(),
        "example.org".into(),
    ] {
        home.keyward(&format!("curl -- {words}")).run().ends(2);
    }
    assert!(!home.path("words").exists(), "curl was started");
    // What curl reads by itself does not count.
    store_password(&home, &site.url, "canary-password");
    home.write(".curlrc", "location-trusted\nverbose\n");
    let moved = format!("{}/moved/private/data.csv", site.url);
    home.keyward(&format!("curl -- -fsSL {moved}")).run().ends(22).says("401");
    assert!(site.heard().iter().all(|line| {
        !line.starts_with(site.other.rsplit(':').next().unwrap()) || !line.contains("Basic")
    }));
}

#[test]
fn curl_gets_no_pattern_of_urls_and_no_credential_that_a_provider_withholds() {
    let site = Site::start();
    let home = home(&site, "path = '/private/.*'\ncredentials = ['site']\n");
    store_password(&home, &site.url, "canary-password");
    provider(&home, "never", &site.url, "path = '/private/never/.*'\nauth = 'never'\n");
    let url = format!("{}/private/{{data.csv,never/data.csv}}", site.url);
    home.keyward(&format!("curl -- -fsS {url}")).run().ends(22);
    let never = format!("{}/private/never/data.csv", site.url);
    home.keyward(&format!("curl --credential site -- -fsS {never}")).run().ends(22);
    assert!(
        site.heard().iter().all(|line| !line.contains("never/")
            || !line.contains("Basic")
            || line.contains("{data"))
    );
    let both = format!("{0}/private/data.csv {0}/private/never/data.csv", site.url);
    home.keyward(&format!("curl -- -fsS {both}")).run().ends(2).says("different credentials");
}

#[test]
fn a_netrc_file_is_what_curl_and_python_read() {
    let site = Site::start();
    let port = site.url.rsplit(':').next().unwrap();
    let home = home_for("http://files.example", "credentials = ['site']\n");
    store_password(&home, "http://files.example", "canary-password");
    let url = "http://files.example/private/data.csv";
    let text = home.keyward(&format!("netrc {url}")).run().ends(0).into_text();
    assert_eq!(text, "machine files.example login ann password canary-password\n");
    let file = home.write("netrc", &text);
    let curl = home.program("curl").args(["-fsS", "--noproxy", "*", "--netrc-file"]).args([&file]);
    let to = format!("files.example:80:127.0.0.1:{port}");
    curl.args(["--connect-to", &to, url]).run().ends(0).prints("private,1\n");
    let script =
        "import netrc, sys; print(netrc.netrc(sys.argv[1]).authenticators('files.example'))";
    let python = home.program("python3").args(["-c", script]).args([&file]);
    python.run().ends(0).prints("('ann', '', 'canary-password')\n");
}

#[test]
fn what_readers_of_netrc_files_read_differently_is_refused() {
    let home = home_for("https://files.example", "credentials = ['site']\n");
    home.keyward("netrc https://files.example").run().ends(3);
    for password in ["two words", "quo\"te", "back\\slash", "#comment", "ümlaut"] {
        store_password(&home, "https://files.example", password);
        let run = home.keyward("netrc https://files.example").run().ends(2);
        run.says("contains a character").prints("");
    }
    store_password(&home, "https://files.example:8443", "canary");
    home.keyward("netrc https://files.example:8443 --credential site").run().ends(2).prints("");
    home.keyward("netrc https://bob@files.example").run().ends(4).prints("");
}
