//! `keyward stat`, `upload` and `delete` with nginx, and curl as the reference.

use std::fs;
use std::process::Command;

use super::site::{Site, home, provider, store_password};
use crate::helpers::home::Home;
use crate::helpers::prng::Prng;

/// `ann:canary-password`.
const HEADER: &str = "Basic YW5uOmNhbmFyeS1wYXNzd29yZA==";

fn start() -> (Site, Home) {
    let site = Site::start();
    let home = home(&site, "credentials = ['site']\n");
    store_password(&home, &site.url, "canary-password");
    (site, home)
}

fn curl(arguments: &[&str]) -> String {
    let mut curl = Command::new("curl");
    curl.args(["--silent", "--user", "ann:canary-password"]);
    let output = curl.args(arguments).output().expect("curl is installed");
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn stat_says_what_the_server_says_about_a_file() {
    let (site, home) = start();
    let url = format!("{}/private/data.csv", site.url);
    let run = home.keyward(&format!("stat {url} --json")).run().ends(0);
    let stat = &run.json()[0];
    assert_eq!((&stat["bytes"], &stat["credential"]), (&10.into(), &"site".into()));
    let curl = curl(&["--head", &url]);
    let tag = stat["tag"].as_str().unwrap();
    assert!(curl.contains(&format!("ETag: {tag}\r\n")), "{curl}");
    let lines = home.keyward(&format!("stat {url}")).run().ends(0);
    assert!(lines.text().starts_with(&format!("url: {url}\nbytes: 10\nmodified: 20")));
    assert!(lines.text().contains("\ntype: text/plain\n"), "{}", lines.text());
    home.keyward(&format!("stat {}/absent", site.url)).run().ends(3).says("404");
    home.keyward(&format!("stat {}/private/data.csv", site.other)).run().ends(9);
    // The second answer has the first one's error, and its own line.
    home.keyward(&format!("stat {}/absent {url}", site.url)).run().ends(3).says("404");
}

#[test]
fn a_file_is_uploaded_byte_for_byte() {
    let (site, home) = start();
    let mut prng = Prng(7);
    let content: Vec<u8> = (0..3 << 20).map(|_| prng.below(256) as u8).collect();
    let url = format!("{}/write/new", site.url);
    let by_curl = format!("{}/write/curl", site.url);
    for content in [content, Vec::new(), b"other".to_vec()] {
        let file = home.write("file", &content);
        let line = format!("{url}: {} bytes\n", content.len());
        home.keyward(&format!("upload file {url}")).run().ends(0).prints(line);
        curl(&["--upload-file", file.to_str().unwrap(), &by_curl]);
        let sent = fs::read(site.path("files/write/new")).unwrap();
        assert!(sent == content && sent == fs::read(site.path("files/write/curl")).unwrap());
    }
    let json = home.keyward(&format!("upload file {url} --json")).run().ends(0).json();
    assert_eq!((&json[0]["bytes"], &json[0]["credential"]), (&5.into(), &"site".into()));
    // The first request of each had no credential, and no file.
    let heard: Vec<_> =
        site.heard().into_iter().filter(|line| line.contains("/write/new")).collect();
    let has_credential: Vec<_> = heard.iter().map(|line| line.contains(HEADER)).collect();
    assert_eq!(has_credential, [false, true].repeat(4), "{heard:?}");
}

#[test]
fn a_file_is_deleted_once() {
    let (site, home) = start();
    let url = format!("{}/write/data.csv", site.url);
    home.keyward(&format!("delete {url}")).run().ends(5).says("--yes");
    assert!(site.path("files/write/data.csv").exists());
    home.keyward(&format!("delete {url} --yes")).run().ends(0).prints(format!("{url}: deleted\n"));
    assert!(!site.path("files/write/data.csv").exists());
    home.keyward(&format!("delete {url} --yes")).run().ends(3).says("404");
    let json = home.keyward(&format!("delete {url} --yes --json")).run().ends(3).text().to_owned();
    assert_eq!(json, "");
}

#[test]
fn a_server_does_not_decide_what_is_written_at_another_one() {
    let (site, home) = start();
    home.write("file", "new,1\n");
    let port = |url: &str| url.rsplit(':').next().unwrap().to_owned();
    let there = |site: &Site| {
        let heard = site.heard();
        let there = heard.into_iter().filter(|line| line.starts_with(&port(&site.other)));
        there.collect::<Vec<_>>()
    };
    let moved = format!("{}/write/moved/a", site.url);
    for line in [format!("upload file {moved}"), format!("delete {moved} --yes")] {
        home.keyward(&line).run().ends(4).says("name that URL");
    }
    // Also where the other server would get a credential.
    provider(&home, "other", &site.other, "auth = 'required'\ncredentials = ['other']\n");
    let line = format!("set s ann --name other --stdin --bind {}", site.other);
    home.keyward(&line).input("canary-password").run().ends(0);
    for line in [format!("upload file {moved}"), format!("delete {moved} --yes")] {
        home.keyward(&line).run().ends(4).says("name that URL");
    }
    home.keyward(&format!("upload file {}/write/moved/a", site.other)).run().ends(0);
    // 302 only says where something is. Nothing is sent to it.
    let found = format!("{}/write/found/a", site.url);
    home.keyward(&format!("upload file {found}")).run().ends(7).says("302");
    home.keyward(&format!("delete {found} --yes")).run().ends(7).says("302");
    let heard = there(&site);
    assert_eq!(heard.len(), 1, "{heard:?}");
    assert!(!site.path("files/write/found").exists());
}

#[test]
fn what_cannot_be_written_has_a_reason_and_an_exit_code() {
    let (site, home) = start();
    home.write("file", "new,1\n");
    let upload =
        |file: &str, path: &str| home.keyward(&format!("upload {file} {}{path}", site.url)).run();
    upload("file", "/data.csv").ends(2).says("405");
    upload("file", "/write/").ends(2).says("does not name a file");
    upload("file", "/write/absent/a").ends(7).says("500");
    upload(".", "/write/a").ends(2).says("not a regular file");
    upload("absent", "/write/a").ends(2).says("No such file");
    home.keyward(&format!("delete {}/write/ --yes", site.url)).run().ends(2);
    home.keyward("upload file http://127.0.0.1:1/a").run().ends(7);
    store_password(&home, &site.url, "wrong");
    upload("file", "/write/a").ends(9).says("does not accept the credential (`site`)");
    assert!(!site.path("files/write/a").exists());
}

/// A server that protects only what writes is asked twice; the second time it gets the file again.
#[test]
fn a_server_that_asks_only_for_uploads_gets_the_credential() {
    let (site, home) = start();
    home.write("file", vec![b'x'; 5 << 20]);
    let url = format!("{}/write/public/a", site.url);
    home.keyward(&format!("upload file {url}")).run().ends(0);
    assert_eq!(fs::read(site.path("files/write/public/a")).unwrap().len(), 5 << 20);
    let statuses: Vec<_> =
        site.heard().iter().map(|line| line[line.find('/').unwrap()..].to_owned()).collect();
    assert_eq!(statuses[0], "/write/public/a 404", "{statuses:?}");
    assert_eq!(statuses[1], "/write/public/a 401", "{statuses:?}");
    assert_eq!(statuses[2], format!("/write/public/a 201 {HEADER}"), "{statuses:?}");
}
