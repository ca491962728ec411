//! `keyward auth check` with the checkers `sshkey` and `oauth`.

use std::fs;

use serde_json::{Value, json};

use crate::helpers::home::Home;
use crate::oauth::server::Oidc;

fn key(home: &Home, name: &str) {
    let arguments = ["-q", "-N", "", "-t", "ed25519", "-f", name];
    home.program("ssh-keygen").args(arguments).run().ends(0);
}

#[test]
fn an_ssh_key_logs_in() {
    let home = Home::new();
    key(&home, "ann.key");
    key(&home, "other.key");
    fs::create_dir(home.path("keys")).unwrap();
    let line = home.read("ann.key.pub");
    home.write("keys/ann", format!("from=\"192.0.2.0/24\" {line}"));
    let auth = format!("auth check --auth sshkey:{}/%u", home.path("keys").display());
    let check = |rest: &str| home.keyward(&format!("{auth} {rest}")).run();
    check("ann --sign-with ann.key --address 192.0.2.7").ends(0).prints("ann\n");
    let signed = check("ann --sign-with ann.key --address 192.0.2.7 --json").ends(0).json();
    assert_eq!(signed[0]["identity"], json!("ann"));
    check("ann --sign-with ann.key").ends(9).says("it is not valid here and now");
    check("ann --sign-with other.key --address 192.0.2.7").ends(9).says("the secret is wrong");
    check("eve --sign-with ann.key").ends(9).says("no checker knows the user");
    check("ann --sign-with no-such.key").ends(2).says("did not sign");
    check("--sign-with ann.key").ends(2).says("a USER is needed");
    check("ann --kind ssh-signature").ends(2).says("--sign-with");
    home.keyward("auth check --auth sshkey:/keys ann --sign-with ann.key").run().ends(2);
}

#[test]
fn a_token_logs_in() {
    let home = Home::new();
    let oidc = Oidc::start();
    let answer = home.program("curl").args(["-s", "-u", "backup:s3cret"]).args([
        "-d",
        "grant_type=client_credentials",
        "-d",
        "resource=urn:api:jwt",
        &format!("{}/token", oidc.issuer()),
    ]);
    let answer: Value = serde_json::from_str(answer.run().ends(0).text()).unwrap();
    let token = answer["access_token"].as_str().unwrap();
    let issuer = oidc.issuer().replace(':', "%3a");
    let check = |audience: &str, token: &str| {
        let auth = format!("oauth:issuer={issuer}:audience={audience}");
        home.keyward(&format!("auth check --auth {auth} --kind token --stdin")).input(token).run()
    };
    check("urn%3aapi%3ajwt", token).ends(0).prints("backup\n");
    check("urn%3aother%3ajwt", token).ends(9).says("it is not valid here and now");
    check("urn%3aapi%3ajwt", &token.replace('.', "")).ends(9);
    drop(oidc);
    check("urn%3aapi%3ajwt", token).ends(7);
}
