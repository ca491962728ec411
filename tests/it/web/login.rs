//! The login page behind nginx, as the page of the documentation says, and in a browser.

use std::net::TcpStream;
use std::process::Command;

use super::backend::{Backend, REACHED};
use super::client::{Answer, HOST, ask};
use super::proxies::start_nginx;
use super::site::{Ports, block};
use crate::helpers::home::{Home, clean_environment};
use crate::helpers::nginx::{Server, free_ports};
use crate::helpers::serve;
use crate::helpers::waiting::wait_until;

struct Login {
    home: Home,
    ports: Ports,
    /// The secret of ann's one-time codes, in base32.
    seed: String,
    _backend: Backend,
    _servers: [Server; 2],
}

impl Login {
    /// Starts a site that wants a password and a one-time code.
    fn start() -> Self {
        let home = Home::new();
        let backend = Backend::start();
        let [proxy, serve, login] = free_ports();
        let ports = Ports { proxy, serve, backend: backend.port };
        let at = |text: String| text.replace("127.0.0.1:9081", &format!("127.0.0.1:{login}"));
        home.keyward("init people --option key.from=file").run().ends(0);
        let added = home.keyward("auth add ann --store people --totp --stdin").input("open sesame");
        let uri = added.run().ends(0).into_text();
        let seed = uri.split_once("secret=").unwrap().1.split('&').next().unwrap().to_owned();
        let config = block(&home, "serve.toml", ports)
            .replace("schemes = [\"basic\"]", "schemes = [\"cookie\"]")
            .replace(
                &format!("auth = [\"htpasswd:{}/users\"]", home.folder().display()),
                "auth = [\"store:people\"]\npolicy = \"password and one-time-password\"\n",
            );
        let more = at(block(&home, "login.toml", ports));
        let rpc = format!("[rpc]\nlisten = [\"unix:{}/rpc.sock\"]\n", home.folder().display());
        home.write("serve.toml", format!("{config}{more}{rpc}"));
        home.keyward("serve --config serve.toml --check").run().ends(0);
        let nginx = block(&home, "nginx.conf", ports)
            .replace("auth_request /keyward;", "auth_request /keyward; error_page 401 = @login;")
            .replace(
                "  location = /keyward {",
                &(at(block(&home, "login.conf", ports)) + "  location = /keyward {"),
            );
        let serving = serve::start(&home, "serve.toml", "serve.log");
        let proxying = start_nginx(&home, &nginx);
        for port in [login, serve, proxy] {
            let what = format!("port {port} (see {})", home.folder().display());
            wait_until(&what, || TcpStream::connect(("127.0.0.1", port)).is_ok());
        }
        Self { home, ports, seed, _backend: backend, _servers: [serving, proxying] }
    }

    fn get(&self, target: &str, headers: &[&str]) -> Answer {
        ask(self.ports.proxy, "GET", target, headers, "")
    }

    fn post(&self, form: &str) -> Answer {
        let length = format!("Content-Length: {}", form.len());
        let origin = format!("Origin: http://{HOST}");
        let kind = "Content-Type: application/x-www-form-urlencoded";
        ask(self.ports.proxy, "POST", "/keyward/login", &[&length, &origin, kind], form)
    }

    fn code(&self) -> String {
        let code = self.home.program("oathtool").args(["--totp", "-b", &self.seed]).run().ends(0);
        code.text().trim().to_owned()
    }

    /// Shows a page in a browser with a window of this size, and returns the picture.
    fn picture(&self, target: &str, size: &str) -> Vec<u8> {
        let picture = self.home.path("picture.png");
        let _ = std::fs::remove_file(&picture);
        let mut browser = Command::new("chromium-headless-shell");
        clean_environment(&mut browser, self.home.folder());
        browser.args(["--no-sandbox", "--disable-gpu", "--hide-scrollbars"]);
        browser.arg(format!("--user-data-dir={}", self.home.path("profile").display()));
        browser.arg(format!("--host-resolver-rules=MAP {HOST} 127.0.0.1:{}", self.ports.proxy));
        browser.arg(format!("--window-size={size}"));
        browser.arg(format!("--screenshot={}", picture.display()));
        let output = browser.arg(format!("http://{HOST}{target}")).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        std::fs::read(&picture).unwrap_or_else(|_| panic!("{said}"))
    }
}

fn header<'a>(answer: &'a Answer, name: &str) -> &'a str {
    let line = answer.head.lines().find_map(|line| line.strip_prefix(&format!("{name}: ")));
    line.unwrap_or_else(|| panic!("no {name} in {}", answer.head))
}

#[test]
fn a_browser_logs_in_behind_nginx_with_a_password_and_a_code() {
    let site = Login::start();
    let sent = site.get("/admin/x?a=1&b=2", &[]);
    assert_eq!((sent.status, sent.body.contains(REACHED)), (302, false), "{}", sent.head);
    let place = header(&sent, "location");
    assert!(place.ends_with("/keyward/login?to=/admin/x?a=1&b=2"), "{place}");
    let page = site.get("/keyward/login?to=/admin/x?a=1&b=2", &[]);
    assert!(page.body.contains("value=\"/admin/x?a=1&#38;b=2\""), "{}", page.body);
    assert_eq!(site.get("/keyward/style.css", &[]).status, 200);
    let to = "to=%2Fadmin%2Fx%3Fa%3D1%26b%3D2";
    let wrong = site.post(&format!("user=ann&password=wrong&{to}"));
    assert_eq!(wrong.status, 403, "{}", wrong.body);
    let second = site.post(&format!("user=ann&password=open+sesame&{to}"));
    assert_eq!(second.status, 200, "{}", second.body);
    assert!(second.body.contains("one-time-code") && !second.head.contains("set-cookie"));
    let session = second.body.split_once("name=\"session\" value=\"").unwrap().1;
    let session = session.split_once('"').unwrap().0;
    let form = format!("session={session}&code={}&{to}", site.code());
    let entered = site.post(&form);
    assert_eq!(entered.status, 303, "{}", entered.body);
    assert!(header(&entered, "location").ends_with("/admin/x?a=1&b=2"));
    let cookie = format!("Cookie: {}", entered.cookie.as_ref().unwrap());
    let inside = site.get("/admin/x", &[&cookie]);
    assert_eq!(inside.status, 200, "{}", inside.head);
    assert!(
        inside.body.contains(REACHED) && inside.body.to_lowercase().contains("remote-user: ann")
    );
    // The code and the session work once.
    assert_eq!(site.post(&form).status, 403);
    let revoke = "keycards revoke office --user ann --socket rpc.sock";
    site.home.keyward(revoke).run().ends(0).says("revoked 1 keycard");
    assert_eq!(site.get("/admin/x", &[&cookie]).status, 302);
}

#[test]
fn the_page_is_shown_by_a_browser_on_a_phone_and_on_a_desk() {
    let site = Login::start();
    for (size, width) in [("390,844", 390_u32), ("1280,800", 1280)] {
        let picture = site.picture("/admin/x", size);
        assert!(picture.starts_with(b"\x89PNG"));
        assert_eq!(picture[16..20], width.to_be_bytes());
        // A page without the form is far smaller: the picture is not empty.
        assert!(picture.len() > 4_000, "{} bytes", picture.len());
    }
}
