//! From `plugin new` to a store that works, for each role.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use xtask::root;

use super::AuthorHome;
use crate::helpers::nginx;

/// Makes a crate, runs its `ci.sh`, builds, checks and trusts it, and makes a store with it.
fn works(role: &str, choice: &str) {
    let author = AuthorHome::new();
    let dir = author.crate_of("two-words", role, "two-words");
    author.program("sh").arg(dir.join("ci.sh")).run().ends(0);

    let report = fs::read_to_string(dir.join("report.json")).unwrap();
    let report: serde_json::Value = serde_json::from_str(&report).unwrap();
    let package = format!("keyward-{role}-two-words");
    assert_eq!((&report["package"], &report["failed"]), (&package.clone().into(), &0.into()));
    assert_eq!(report["backends"][0]["role"], role);
    assert!(report["passed"].as_u64().unwrap() >= 8, "{report}");

    let library = format!("target/plugins/lib{}.so", package.replace('-', "_"));
    let trust = author.keyward("plugin trust --yes").arg(dir.join(library));
    trust.run().ends(0);
    author.keyward(&format!("init work {choice}")).run().ends(0);
    author.keyward("set work ann --stdin").input("s3cret").run().ends(0);
    author.keyward("get work -p").run().prints("s3cret\n").ends(0);
    author.keyward("store verify work").run().ends(0);
}

#[test]
fn a_new_serializer_works() {
    works("serializer", "--serializer two-words --option key.from=file");
}

#[test]
fn a_new_encryption_works() {
    works("encryption", "--encryption two-words --option key.from=file");
}

#[test]
fn a_new_key_source_works() {
    works("key", "--option key.from=two-words");
}

#[test]
fn a_new_storage_works() {
    works("storage", "--storage two-words --option key.from=file");
}

/// The service with which the template tests itself.
#[path = "../../../../crates/keyward-plugin-cli/templates/server.rs"]
mod server;

#[test]
fn a_new_storage_on_a_key_value_service_works() {
    let author = AuthorHome::new();
    let new = author.keyward("plugin new --role storage --template key-value bucket crate");
    new.arg("--keyward").arg(root()).run().ends(0);
    author.lock("crate");
    let dir = author.path("crate");
    let server = server::Server::start(None);
    let options = format!(r#"{{"url": "{}", "prefix": "%scratch%/"}}"#, server.url());
    author.program("sh").arg(dir.join("ci.sh")).env("OPTIONS", options).run().ends(0);
    let report = fs::read_to_string(dir.join("report.json")).unwrap();
    let report: serde_json::Value = serde_json::from_str(&report).unwrap();
    assert_eq!(report["failed"], 0);
    let library = dir.join("target/plugins/libkeyward_storage_bucket.so");
    author.keyward("plugin trust --yes").arg(library).run().ends(0);

    let server = server::Server::start(Some("a token"));
    let token = author.0.write("token", "a token\n");
    fs::set_permissions(token, fs::Permissions::from_mode(0o600)).unwrap();
    let options = [
        "key.from=file".to_owned(),
        format!("storage.url={}", server.url()),
        r#"storage.token={ from = "file", path = "~/token" }"#.to_owned(),
    ];
    let options = options.iter().flat_map(|option| ["--option", option.as_str()]);
    author.keyward("init work --storage bucket").args(options).run().ends(0);
    author.keyward("set work ann --stdin").input("s3cret").run().ends(0);
    author.keyward("get work -p").run().prints("s3cret\n").ends(0);
    author.keyward("store verify work").run().ends(0);
    author.keyward("store rotate work").run().ends(0);
    author.keyward("rm work --yes").run().ends(0);
}

/// All commands of `docs/writing-a-backend.md`, in their order.
#[test]
fn the_guide_leads_to_a_store() {
    let page = fs::read_to_string(root().join("docs/writing-a-backend.md")).unwrap();
    let mut script = String::new();
    for block in page.split("\n```sh\n").skip(1) {
        script += block.split("\n```\n").next().unwrap();
        script += "\n";
    }
    for step in ["new", "build", "check", "trust"] {
        assert!(script.contains(&format!("keyward plugin {step} ")), "{step}: {script}");
    }
    let author = AuthorHome::new();
    // The page names a folder for Keyward's source that exists only on a reader's machine.
    let source = root().to_str().unwrap();
    let script = script.replace("~/src/keyward", source);
    let script = script.replace("\ncargo test", &format!("\ncp {source}/Cargo.lock .\ncargo test"));
    let ran = author.program("sh").args(["-eu", "-c", &script]).run().ends(0);
    assert!(ran.text().ends_with("s3cret\n"), "{}", ran.text());
}

/// nginx with a login that gives a token for a key, and a file that needs the token.
const NGINX: &str = "daemon off;
master_process off;
pid %DIR%/nginx.pid;
error_log %DIR%/error.log;
events {}
http {
    log_format heard escape=none '$request_method $request_uri $status $http_x_key $http_x_token';
    access_log %DIR%/heard heard;
    client_body_temp_path %DIR%/body;
    fastcgi_temp_path %DIR%/fastcgi;
    proxy_temp_path %DIR%/proxy;
    scgi_temp_path %DIR%/scgi;
    uwsgi_temp_path %DIR%/uwsgi;
    server {
        listen 127.0.0.1:%PORT%;
        server_name mark.example;
        access_log off;
        location / {
            return 204;
        }
    }
    server {
        listen 127.0.0.1:%PORT% default_server;
        location = /login {
            if ($http_x_key != canary-key) {
                return 403;
            }
            return 200 canary-token;
        }
        location = /data.csv {
            if ($http_x_token != canary-token) {
                return 401;
            }
            return 200 private,1;
        }
    }
}
";

/// From `plugin new` to a file that a real server gives only for the token of the new authenticator,
/// which runs as a program.
#[test]
fn a_new_authenticator_works() {
    let author = AuthorHome::new();
    let dir = author.crate_of("crate", "authenticator", "example.token");
    author.program("sh").arg(dir.join("ci.sh")).run().ends(0);
    let report = fs::read_to_string(dir.join("report.json")).unwrap();
    let report: serde_json::Value = serde_json::from_str(&report).unwrap();
    assert_eq!(
        (&report["backends"][0]["role"], &report["failed"]),
        (&"authenticator".into(), &0.into())
    );
    assert!(report["passed"].as_u64().unwrap() >= 12, "{report}");

    // As a library, it has nothing that can be loaded.
    author.keyward("plugin build").current_dir(&dir).run().ends(0);
    let library = dir.join("target/plugins/libkeyward_authenticator_example_token.so");
    let refused = author.keyward("plugin trust --yes").arg(library).run().ends(7);
    refused.says("in a role that this program knows").says("linked or run");

    let program = dir.join("target/debug/keyward-authenticator-example-token");
    let use_it = "  keyward provider add NAME --url URL --authenticator example.token\n";
    let trusted = author.keyward("plugin trust --yes --name token").arg(&program).run().ends(0);
    assert!(trusted.text().ends_with(use_it), "{}", trusted.text());

    let home = &author.0;
    home.write("site/heard", "");
    let folder = home.path("site");
    let (_nginx, [port]) = nginx::start(&folder, |[port]| {
        NGINX.replace("%DIR%", folder.to_str().unwrap()).replace("%PORT%", &port.to_string())
    });
    let url = format!("http://127.0.0.1:{port}");
    let run = |line: &str| author.keyward(line).run();
    let add = format!("provider add site --origin {url} --credential site");
    run(&format!("{add} --authenticator example.token")).ends(2).says("`login`");
    let option = format!("--option login={url}/login");
    run(&format!("{add} --authenticator example.token {option}")).ends(0);
    run("init s --storage file --option key.from=file").ends(0);
    let set = format!("set s --name site --kind api-key --stdin --bind {url}");
    author.keyward(&set).input("wrong-key").run().ends(0);
    run(&format!("fetch {url}/data.csv --output -")).ends(9).says("the server refuses the key");
    author.keyward(&set).input("canary-key").run().ends(0);
    run(&format!("fetch {url}/data.csv --output -")).ends(0).prints("private,1");
    std::thread::sleep(std::time::Duration::from_millis(50));
    let heard = fs::read_to_string(home.path("site/heard")).unwrap();
    let heard: Vec<_> = heard.lines().map(str::trim).collect();
    let good =
        ["GET /data.csv 401", "POST /login 200 canary-key", "GET /data.csv 200  canary-token"];
    assert_eq!(heard[heard.len() - 3..], good, "{heard:?}");
    assert!(heard[..heard.len() - 3].iter().all(|line| !line.contains("canary")), "{heard:?}");

    // Without the plugin, the provider cannot be used, and says why.
    run("plugin forget --yes token").ends(0);
    run("provider check").ends(2).says("no authenticator called `example.token`");
}

/// From `plugin new` to a checker that runs as a program, and that its user trusts.
#[test]
fn a_new_checker_works() {
    let author = AuthorHome::new();
    let dir = author.crate_of("crate", "checker", "example.users");
    author.program("sh").arg(dir.join("ci.sh")).run().ends(0);
    let report = fs::read_to_string(dir.join("report.json")).unwrap();
    let report: serde_json::Value = serde_json::from_str(&report).unwrap();
    assert_eq!((&report["backends"][0]["role"], &report["failed"]), (&"checker".into(), &0.into()));
    assert!(report["passed"].as_u64().unwrap() >= 8, "{report}");

    // As a library, it has nothing that can be loaded.
    author.keyward("plugin build").current_dir(&dir).run().ends(0);
    let library = dir.join("target/plugins/libkeyward_checker_example_users.so");
    let refused = author.keyward("plugin trust --yes").arg(library).run().ends(7);
    refused.says("in a role that this program knows").says("linked or run");

    let program = dir.join("target/debug/keyward-checker-example-users");
    let trusted = author.keyward("plugin trust --yes --name users").arg(&program).run().ends(0);
    let use_it = "  keyward auth check --auth example.users USER\n";
    assert!(trusted.text().ends_with(use_it), "{}", trusted.text());
    let listed = author.keyward("backend list").run().ends(0);
    assert!(listed.text().contains("example.users"), "{}", listed.text());
}
