//! The main job: a file that needs a credential is downloaded with it, which no other server gets.

use super::site::{Site, home, provider, store_password};
use crate::helpers::program::keyward;

/// `ann:canary-password`.
const HEADER: &str = "Basic YW5uOmNhbmFyeS1wYXNzd29yZA==";

#[test]
fn a_file_that_needs_a_password_is_downloaded() {
    let site = Site::start();
    let home = home(&site, "credentials = ['site']\n");
    store_password(&home, &site.url, "canary-password");
    let url = format!("{}/private/data.csv", site.url);
    home.keyward(&format!("fetch {url}")).run().ends(0).prints("data.csv: 10 bytes\n");
    assert_eq!(home.read("data.csv"), "private,1\n");
    home.keyward(&format!("fetch {url} --output -")).run().ends(0).prints("private,1\n");
    home.keyward(&format!("fetch {url}")).run().ends(2).says("--force");
    let json = home.keyward(&format!("fetch {url} --force --json")).run().ends(0).json();
    assert_eq!((&json[0]["credential"], &json[0]["bytes"]), (&"site".into(), &10.into()));
    // The first request of each had no credential.
    let requests: Vec<_> = site.heard().iter().map(|line| line.contains(HEADER)).collect();
    assert_eq!(requests, [false, true].repeat(3));
}

#[test]
fn a_file_that_everyone_may_read_is_downloaded_without_a_credential() {
    let site = Site::start();
    let home = home(&site, "credentials = ['site']\n");
    let url = format!("{}/data.csv", site.url);
    home.keyward(&format!("fetch {url} --output -")).run().ends(0).prints(",1\n");
    // Without a provider, too.
    let url = format!("{}/data.csv", site.other);
    home.keyward(&format!("fetch {url} --output -")).run().ends(0).prints(",1\n");
}

#[test]
fn a_token_is_sent_with_the_first_request_if_the_provider_says_so() {
    let site = Site::start();
    let home = home(
        &site,
        "auth = 'required'\ncredentials = ['site']\n[[authenticators]]\nname = 'bearer'\n",
    );
    let line = format!("set s --name site --kind token --stdin --bind {}", site.url);
    home.keyward(&line).input("canary-token").run().ends(0);
    let url = format!("{}/token/data.csv", site.url);
    home.keyward(&format!("fetch {url} --output -")).run().ends(0).prints("token,1\n");
    assert_eq!(site.heard().len(), 1);
}

#[test]
fn a_redirect_to_another_server_does_not_get_the_credential() {
    let site = Site::start();
    let home = home(&site, "auth = 'required'\ncredentials = ['site']\n");
    store_password(&home, &site.url, "canary-password");
    let url = format!("{}/moved/private/data.csv", site.url);
    home.keyward(&format!("fetch {url}")).run().ends(9).says("401");
    // A provider of the other server names the credential, but it is not bound to that server.
    provider(&home, "other", &site.other, "credentials = ['site']\n");
    home.keyward(&format!("fetch {url}")).run().ends(4).says("may not be given");
    let port = site.other.rsplit(':').next().unwrap();
    let heard = site.heard();
    let there: Vec<_> = heard.iter().filter(|line| line.starts_with(port)).collect();
    assert_eq!(there.len(), 2);
    assert!(there.iter().all(|line| !line.contains("Basic")), "{there:?}");
    assert!(heard.iter().any(|line| line.contains(HEADER)), "{heard:?}");
}

#[test]
fn a_credential_that_is_bound_to_no_server_is_not_sent() {
    let site = Site::start();
    let home = home(&site, "credentials = ['site']\n");
    home.keyward("set s ann --name site --stdin").input("canary-password").run().ends(0);
    let url = format!("{}/private/data.csv", site.url);
    let bind = format!("--bind {}", site.url);
    home.keyward(&format!("fetch {url}")).run().ends(4).says("not bound").says(&bind);
    home.keyward(&format!("set s ann --name site {bind}")).run().ends(0);
    home.keyward(&format!("fetch {url}")).run().ends(0);
    home.keyward(&format!("set s ann --name site --un{}", &bind[2..])).run().ends(0);
    home.keyward(&format!("fetch {url} --force")).run().ends(4);
}

#[test]
fn what_goes_wrong_has_a_reason_and_an_exit_code() {
    let site = Site::start();
    let home = home(&site, "credentials = ['site']\n");
    let fetch = |path: &str| home.keyward(&format!("fetch {}{path}", site.url)).run();
    fetch("/private/data.csv").ends(3).says("wants a credential").says("--name site --bind");
    store_password(&home, &site.url, "wrong");
    fetch("/private/data.csv").ends(9).says("does not accept the credential (`site`)");
    fetch("/token/data.csv").ends(9).says("does not fit");
    fetch("/absent").ends(3).says("404");
    fetch("/broken --retries 0").ends(7).says("500");
    fetch("/loop").ends(7).says("redirects without end");
    fetch("/").ends(2).says("--output");
    home.keyward("fetch http://127.0.0.1:1/x").run().ends(7);
    home.keyward("fetch https://x.example/../x").run().ends(2).says("`..`");
    home.keyward("fetch https://a:b@x.example/").run().ends(2).says("password");
    assert!(!home.path("data.csv").exists());
}

#[test]
fn another_user_of_the_url_does_not_get_the_password() {
    let site = Site::start();
    let home = home(&site, "credentials = ['site']\n");
    store_password(&home, &site.url, "canary-password");
    let url =
        |user: &str| format!("{}/private/data.csv", site.url.replace("//", &format!("//{user}@")));
    home.keyward(&format!("fetch {} --output -", url("bob"))).run().ends(4).says("another user");
    home.keyward(&format!("fetch {} --output -", url("ann"))).run().ends(0);
}

#[test]
fn a_broken_file_is_reported_and_breaks_no_other_one() {
    let site = Site::start();
    let home = home(&site, "credentials = ['site']\n");
    provider(&home, "broken", "https://x.example", "url_re = 'x'\n");
    store_password(&home, &site.url, "canary-password");
    home.keyward("provider check").run().ends(2).says("broken.toml:3:1: unknown field");
    let url = format!("{}/private/data.csv", site.url);
    home.keyward(&format!("fetch {url} --output -")).run().ends(0).prints("private,1\n");
    let found = home.keyward(&format!("provider match {url} --json")).run().ends(0).json();
    assert_eq!((&found[0]["name"], &found[0]["level"]), (&"site".into(), &"user".into()));
    home.keyward("provider match https://y.example/").run().ends(3);
    home.keyward("provider show site").run().ends(0);
    let listed = home.keyward("provider list").run().ends(2);
    assert_eq!(listed.text().lines().next(), Some("site\tuser\tsite"));
}

#[test]
fn a_large_file_needs_little_memory() {
    let site = Site::start();
    let home = home(&site, "credentials = ['site']\n");
    let file = std::fs::File::create(site.path("files/large")).unwrap();
    file.set_len(512 << 20).unwrap();
    let url = format!("{}/large", site.url);
    // In KiB: a quarter of the file.
    let script = "ulimit -v 131072 && exec \"$0\" fetch \"$1\" --output - | wc -c";
    let program = keyward().display().to_string();
    let run = home.program("sh").args(["-c", script, &program, &url]).run();
    run.ends(0).prints("536870912\n");
    let script = "ulimit -v 131072 && exec \"$0\" fetch \"$1\" --hash sha256 --quiet";
    home.program("sh").args(["-c", script, &program, &url]).run().ends(0);
}

#[test]
fn what_replaces_a_private_file_is_private_from_the_first_byte() {
    use std::os::unix::fs::PermissionsExt;

    let site = Site::start();
    let home = home(&site, "credentials = ['site']\n");
    site.write("files/half", &[b'x'; 1 << 20]);
    let url = format!("{}/half", site.url);
    let mode =
        |name: &str| std::fs::metadata(home.path(name)).unwrap().permissions().mode() & 0o7777;
    let set = |mode| {
        let path = home.write("half", "old");
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
    };
    set(0o600);
    home.keyward(&format!("fetch {url} --force --hash sha256=00")).run();
    home.keyward(&format!("fetch {url} --force")).run().ends(0);
    assert_eq!(mode("half"), 0o600);
    set(0o4711);
    home.keyward(&format!("fetch {url} --force")).run().ends(0);
    assert_eq!(mode("half"), 0o711);
    home.keyward(&format!("fetch {url} --output - --hash sha256")).run().ends(2).says("--hash");
}
