//! Rows C1 to C13 and G1 to G11: what DataLad and DataLad-next do when they download.

mod table;

use std::sync::Mutex;
use std::time::{Duration, SystemTime};

use crate::fetch::site::{Site, home, home_for, store_password};
use crate::helpers::home::Home;
use crate::oauth::scripted::{Received, Scripted};

/// Fetches a path of the site with these options.
fn fetch(home: &Home, site: &Site, path: &str) -> crate::helpers::invocation::Finished {
    home.keyward(&format!("fetch {}{path}", site.url)).run()
}

#[test]
fn c1_a_file_goes_where_it_should_and_replaces_none_unless_that_is_wanted() {
    let site = Site::start();
    let home = home(&site, "");
    fetch(&home, &site, "/data.csv").ends(0).prints("data.csv: 3 bytes\n");
    fetch(&home, &site, "/data.csv").ends(2).says("--force");
    home.write("data.csv", "old");
    fetch(&home, &site, "/data.csv --force").ends(0);
    assert_eq!(home.read("data.csv"), ",1\n");
    home.write("folder/inside/x", "");
    fetch(&home, &site, "/data.csv --output folder/inside").ends(0);
    assert_eq!(home.read("folder/inside/data.csv"), ",1\n");
    fetch(&home, &site, "/data.csv --output other.csv").ends(0);
    assert_eq!(home.read("other.csv"), ",1\n");
    fetch(&home, &site, "/").ends(2).says("does not end with a name");
    assert!(home.files().keys().all(|path| !path.to_string_lossy().contains("keyward-part")));
}

/// A server whose sessions are good for one request each.
fn forgetful() -> Scripted {
    let session = Mutex::new((0, false));
    Scripted::start(move |request: &Received| {
        let mut session = session.lock().unwrap();
        if request.path == "/login" {
            *session = (session.0 + 1, true);
            return (format!("200 OK\r\nSet-Cookie: session={}; Path=/", session.0), String::new());
        }
        let is_good = request.cookie == format!("session={}", session.0) && session.1;
        session.1 = false;
        match is_good {
            true => ("200 OK".into(), "data\n".into()),
            false => ("200 OK".into(), "<p>Please log in</p>".into()),
        }
    })
}

#[test]
fn c6_a_cookie_that_is_outdated_leads_to_a_new_login() {
    let server = forgetful();
    for authenticator in [
        format!("name = 'basic'\nlogin = '{}/login'", server.url),
        format!("name = 'html-form'\nurl = '{}/login'\nfields = ['p={{password}}']", server.url),
    ] {
        let lines = format!(
            "credentials = ['site']\n[[authenticators]]\n{authenticator}\nfailure = ['Please log in']\n"
        );
        let home = home_for(&server.url, &lines);
        store_password(&home, &server.url, "canary-password");
        let before = server.received().len();
        let url = format!("{}/data", server.url);
        home.keyward(&format!("fetch {url} {url} --output -")).run().ends(0).prints("data\ndata\n");
        let paths: Vec<_> = server.received().into_iter().map(|request| request.path).collect();
        assert_eq!(paths[before..], ["/login", "/data", "/data", "/login", "/data"]);
    }
}

#[test]
fn c8_a_login_page_is_recognised_in_any_bytes() {
    let site = Site::start();
    site.write("files/token/page.bin", b"\xff\xfe\0<p>Please log in</p>\xc3");
    site.write("files/token/data.bin", b"\xff\xfe\0\xc3(");
    let lines = "auth = 'required'\ncredentials = ['site']\n[[authenticators]]\nname = 'bearer'\n\
                 failure = ['Please log in']\n";
    let home = home(&site, lines);
    let line = format!("set s --name site --kind token --stdin --bind {}", site.url);
    home.keyward(&line).input("canary-token").run().ends(0);
    fetch(&home, &site, "/token/page.bin").ends(9).says("login page");
    fetch(&home, &site, "/token/data.bin").ends(0);
    assert_eq!(std::fs::read(home.path("data.bin")).unwrap(), b"\xff\xfe\0\xc3(");
}

#[test]
fn c9_a_token_is_sent_as_the_server_wants_it() {
    let site = Site::start();
    for (authenticator, code) in
        [("'bearer'", 0), ("'token'", 9), ("'token'\nprefix = 'Bearer'", 0), ("'auto'", 0)]
    {
        let lines = format!("credentials = ['site']\n[[authenticators]]\nname = {authenticator}\n");
        let home = home(&site, &lines);
        let line = format!("set s --name site --kind token --stdin --bind {}", site.url);
        home.keyward(&line).input("canary-token").run().ends(0);
        fetch(&home, &site, "/token/data.csv --output -").ends(code);
    }
    assert!(site.heard().iter().any(|line| line.contains(" 401 Token canary-token")));
}

#[test]
fn c12_a_file_has_the_time_of_the_server() {
    let site = Site::start();
    let home = home(&site, "");
    let url = format!("{}/data.csv", site.url);
    let head = home.program("curl").args(["-sSI", &url]).run().ends(0).into_text();
    let line = head.lines().find_map(|line| line.strip_prefix("Last-Modified: ")).unwrap();
    fetch(&home, &site, "/data.csv").ends(0);
    let modified = home.path("data.csv").metadata().unwrap().modified().unwrap();
    let seconds = modified.duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs();
    let shown = home.program("date").args(["-u", "-d", line.trim(), "+%s"]).run().into_text();
    assert_eq!(shown.trim(), seconds.to_string());
}

#[test]
fn c13_too_many_requests_is_no_question_for_a_credential() {
    let count = Mutex::new(0);
    let server = Scripted::start(move |_: &Received| {
        let mut count = count.lock().unwrap();
        *count += 1;
        match *count {
            1 => ("429 Too Many Requests\r\nRetry-After: 1".into(), String::new()),
            _ => ("200 OK".into(), "data\n".into()),
        }
    });
    let home = home_for(&server.url, "credentials = ['site']\n");
    let started = SystemTime::now();
    home.keyward(&format!("fetch {}/data", server.url)).run().ends(0);
    assert!(started.elapsed().unwrap() >= Duration::from_secs(1));
    assert_eq!(server.received().len(), 2);
}

#[test]
fn g1_several_hashes_are_calculated_in_one_download() {
    let site = Site::start();
    let home = home(&site, "");
    let shown = fetch(&home, &site, "/data.csv --hash sha256 --hash sha1 --hash sha512").ends(0);
    for (name, program) in [("sha256", "sha256sum"), ("sha1", "sha1sum"), ("sha512", "sha512sum")] {
        let expected = home.program(program).arg("data.csv").run().ends(0).into_text();
        let expected = format!("{name}: {}\n", expected.split(' ').next().unwrap());
        assert!(shown.text().contains(&expected), "{expected}");
    }
    assert_eq!(site.heard().len(), 1);
}

#[test]
fn g2_a_credential_with_the_realm_of_the_server_is_used_and_one_without_is_not() {
    let site = Site::start();
    let home = Home::with_store("--option key.from=file");
    let set = |password: &str, options: &str| {
        let line = format!("set s ann --name other --stdin {options}");
        home.keyward(&line).input(password).run().ends(0);
    };
    let bind = format!("--bind {}", site.url);
    set("canary-password", &bind);
    fetch(&home, &site, "/private/data.csv --output -").ends(9).says("401");
    assert!(site.heard().iter().all(|line| !line.contains("Basic")));
    set("canary-password", "--label realm=another");
    fetch(&home, &site, "/private/data.csv --output -").ends(9);
    for realm in ["site".to_owned(), format!("{}/site", site.url)] {
        set("canary-password", &format!("--label realm={realm}"));
        fetch(&home, &site, "/private/data.csv --output -").ends(0).prints("private,1\n");
    }
    // The realm of another server says nothing about this one.
    let other = format!("--bind {} --unbind {} --label realm=site", site.other, site.url);
    home.keyward(&format!("set s --name other {other}")).run().ends(0);
    let before = site.heard().len();
    fetch(&home, &site, "/private/data.csv --output -").ends(9);
    assert!(site.heard()[before..].iter().all(|line| !line.contains("Basic")));
}

#[test]
fn g4_a_credential_that_is_named_counts_in_place_of_that_of_the_realm() {
    let site = Site::start();
    let home = Home::with_store("--option key.from=file");
    for (name, password, realm) in
        [("of-realm", "wrong", " --label realm=site"), ("named", "canary-password", "")]
    {
        let line = format!("set s ann --name {name} --stdin --bind {}{realm}", site.url);
        home.keyward(&line).input(password).run().ends(0);
    }
    fetch(&home, &site, "/private/data.csv --output -").ends(9).says("(`of-realm`)");
    fetch(&home, &site, "/private/data.csv --output - --credential named").ends(0);
}

#[test]
fn g9_the_status_of_an_absent_file_is_shown() {
    let site = Site::start();
    fetch(&home(&site, ""), &site, "/absent").ends(3).says("404");
}

#[test]
fn g11_a_compressed_file_stays_compressed() {
    let site = Site::start();
    let home = home(&site, "");
    home.write("data.txt", "some data ".repeat(1000));
    home.program("gzip").args(["-k", "data.txt"]).run().ends(0);
    let packed = std::fs::read(home.path("data.txt.gz")).unwrap();
    site.write("files/data.txt.gz", &packed);
    fetch(&home, &site, "/data.txt.gz --force").ends(0);
    assert_eq!(std::fs::read(home.path("data.txt.gz")).unwrap(), packed);
}
