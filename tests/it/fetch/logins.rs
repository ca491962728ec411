//! Logins that give cookies: a page with Basic on nginx, a form on Apache.

use super::apache::Apache;
use super::site::{Site, home, home_for, store_password};

#[test]
fn the_password_goes_to_the_login_and_its_cookie_to_the_files() {
    let site = Site::start();
    let lines = format!(
        "credentials = ['site']\n[[authenticators]]\nname = 'basic'\nlogin = '{}/login'\n",
        site.url
    );
    let home = home(&site, &lines);
    store_password(&home, &site.url, "canary-password");
    let url = format!("{}/session/data.csv", site.url);
    home.keyward(&format!("fetch {url} {url} --output -"))
        .run()
        .ends(0)
        .prints("session,1\nsession,1\n");
    let heard = site.heard();
    assert_eq!(heard.len(), 3, "{heard:?}");
    assert!(heard[0].contains("/login 204 Basic "), "{heard:?}");
    assert!(heard[1..].iter().all(|line| !line.contains("Basic")), "{heard:?}");
    store_password(&home, &site.url, "wrong");
    home.keyward(&format!("fetch {url}")).run().ends(9).says("the login at").says("401");
}

#[test]
fn a_login_on_another_server_does_not_get_the_password() {
    let site = Site::start();
    for (name, options) in [
        ("basic", format!("login = '{}/login'", site.other)),
        ("html-form", format!("url = '{}/login'\nfields = ['p={{password}}']", site.other)),
    ] {
        let lines =
            format!("credentials = ['site']\n[[authenticators]]\nname = '{name}'\n{options}\n");
        let home = home(&site, &lines);
        store_password(&home, &site.url, "canary-password");
        let url = format!("{}/session/data.csv", site.url);
        home.keyward(&format!("fetch {url}")).run().ends(4).says("not bound");
    }
    assert!(site.heard().is_empty());
}

fn form(apache: &Apache) -> String {
    format!(
        "credentials = ['site']
        [[authenticators]]
        name = 'html-form'
        url = '{0}/dologin'
        page = '{0}/login.html'
        fields = ['httpd_username={{username}}', 'httpd_password={{password}}']
        hidden = ['token']
        success = ['Welcome']
        failure = ['Please log in']
",
        apache.url
    )
}

fn start() -> Apache {
    Apache::start(
        &[
            ("files/private/data.csv", "private,1\n"),
            ("files/login.html", "<p>Please log in</p><form><input name=token value=x></form>"),
            ("files/welcome.html", "<p>Welcome</p>"),
            ("files/portal.csv", "<p>Please log in</p>"),
            ("people", "ann:{SHA}wCa8SCxS1gLvyQ+oHOEOQMVev9U=\n"),
        ],
        include_str!("form.conf"),
    )
}

#[test]
fn a_form_of_apache_is_filled_in() {
    let apache = start();
    let home = home_for(&apache.url, &form(&apache));
    store_password(&home, &apache.url, "canary-password");
    let url = format!("{}/private/data.csv", apache.url);
    home.keyward(&format!("fetch {url} {url} --output -"))
        .run()
        .ends(0)
        .prints("private,1\nprivate,1\n");
    let heard = apache.heard();
    let urls: Vec<_> = heard.iter().map(|line| line.split(' ').nth(1).unwrap()).collect();
    let file = "/private/data.csv";
    assert_eq!(urls, ["/login.html", "/dologin", "/welcome.html", file, file]);
    store_password(&home, &apache.url, "wrong");
    home.keyward(&format!("fetch {url}")).run().ends(9).says("the login at").says("has failed");
}

#[test]
fn a_login_page_in_place_of_the_file_is_recognised() {
    let apache = start();
    let home = home_for(&apache.url, &form(&apache));
    store_password(&home, &apache.url, "canary-password");
    let url = format!("{}/portal.csv", apache.url);
    home.keyward(&format!("fetch {url}")).run().ends(9).says("login page");
    assert!(!home.path("portal.csv").exists());
}
