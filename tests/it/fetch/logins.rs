//! Logins that give cookies: a page with Basic on nginx, a form on Apache.

use super::apache::Apache;
use super::site::{Site, home, home_for, store_password};
use crate::helpers::home::Home;

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

/// A home in which a provider of DataLad for `url_re` is imported, with the password of the site.
fn imported(url: &str, path: &str, authenticator: &str) -> Home {
    let home = Home::with_store("--option key.from=file");
    let url_re = url.replace('.', "\\.");
    let text = format!(
        "[provider:site]\nurl_re = {url_re}{path}\nauthentication_type = {authenticator}\n\
         credential = site\n[credential:site]\ntype = user_password\n"
    );
    home.write("site.cfg", text);
    home.keyward("provider import site.cfg").run().ends(0);
    store_password(&home, url, "canary-password");
    home
}

/// Row C5: what DataLad calls `html_form` and `http_auth`.
#[test]
fn c5_logins_that_are_imported_from_datalad_work() {
    let apache = start();
    let form = format!(
        "html_form\nhtml_form_url = {0}/dologin\nhtml_form_tagid = x\n\
         html_form_fields = httpd_username={{user}}\n  httpd_password={{password}}\n\
         html_form_success_re = Welcome\nhtml_form_failure_re = Please log in",
        apache.url
    );
    let home = imported(&apache.url, "/private/.*", &form);
    let url = format!("{}/private/data.csv", apache.url);
    home.keyward(&format!("fetch {url} --output -")).run().ends(0).prints("private,1\n");
    let site = Site::start();
    let login = format!("http_auth\nhttp_auth_url = {}/login\nhttp_auth_failure_re = x", site.url);
    let home = imported(&site.url, "/session/.*", &login);
    let url = format!("{}/session/data.csv", site.url);
    home.keyward(&format!("fetch {url} --output -")).run().ends(0).prints("session,1\n");
    assert!(site.heard()[0].contains("/login 204 Basic "));
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
