//! From `plugin new` to a store that works, for each role.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use xtask::root;

use super::AuthorHome;

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
