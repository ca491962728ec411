//! What pancloud's credentials do (rows C17 to C30 and F11 to F15), and what they do not do any more
//! (`b12_NN`: weaknesses; `b11_NNN`: complaints of its users, by their numbers).

mod complaints;
#[expect(unreachable_pub, reason = "the documentation shows the same text")]
mod example;
mod real;
mod server;
mod session;
mod table;
mod weaknesses;

use keyward_core::{Field, Record};
use keyward_resolver::Query;
use serde_json::json;

use super::{home, home_with_answers, questions};

#[test]
fn c17_a_client_has_its_tokens_and_a_developers_token() {
    let home = home();
    let fields = json!({
        "client_id": "id", "client_secret": "cs", "refresh_token": "rt", "access_token": "at",
        "developer_token": "dt", "developer_token_url": "https://x.example/request_token",
    });
    let record = json!({ "kind": "oauth2", "fields": fields }).to_string();
    home.keyward("set s --name pancloud --json").input(record).run().ends(0);
    let shown = home.keyward("get s --name pancloud --json --reveal").run().ends(0).json();
    assert_eq!(shown[0]["fields"], fields);
    let hidden = home.keyward("get s --name pancloud --json").run().ends(0).json();
    let open = json!({
        "client_id": "id", "developer_token_url": "https://x.example/request_token"
    });
    assert_eq!(hidden[0]["fields"], open);
}

#[test]
fn c18_one_source_gives_all_and_is_named() {
    let home = home();
    let stored =
        json!({ "kind": "oauth2", "fields": { "client_id": "stored", "access_token": "a" }});
    home.keyward("set s --name pancloud --json").input(stored.to_string()).run().ends(0);
    let sources = |variables: &[(&str, &str)], session: bool, argument: bool, merges: bool| {
        let variables = variables.iter();
        let environment =
            variables.fold(home.environment(), |all, (name, value)| all.with(name, *value));
        let keyward = keyward::Keyward::with(environment, keyward::Silent).unwrap();
        let mut resolver = keyward.resolver().unwrap();
        if merges {
            resolver = resolver.merging();
        }
        if session {
            resolver.set("pancloud", "client_id", "of the session");
        }
        let kinds = keyward.config().kinds();
        let kind = kinds.find("oauth2").unwrap();
        let mut query = Query::new("pancloud", None).unwrap().of_kind(kind).needing("access_token");
        if argument {
            query = query.with_value("client_id", "id").with_value("access_token", "a");
        }
        resolver
            .resolve(&query)
            .map(|found| found.sources)
            .map_err(|error| error.message().to_owned())
    };
    let variable = [("KEYWARD_CREDENTIAL_PANCLOUD_CLIENT_ID", "of the variable")];
    assert_eq!(sources(&[], false, false, false).unwrap(), ["default store"]);
    assert!(sources(&variable, false, false, false).unwrap_err().starts_with("environment: "));
    assert_eq!(sources(&variable, false, false, true).unwrap(), ["environment", "default store"]);
    assert!(sources(&variable, true, false, false).unwrap_err().starts_with("session: "));
    assert_eq!(sources(&variable, true, true, false).unwrap(), ["argument"]);
}

#[test]
fn c19_the_names_of_variables_have_a_prefix_and_those_without_are_optional() {
    let home = home();
    for (word, variable, code) in [
        ("pancloud", "PAN_ACCESS_TOKEN", 0),
        ("pancloud", "ACCESS_TOKEN", 3),
        ("pancloud-1.2", "ACCESS_TOKEN", 0),
        ("pancloud-1.2", "PAN_ACCESS_TOKEN", 3),
        ("environment", "PAN_ACCESS_TOKEN", 3),
    ] {
        let resolve = home.keyward("resolve pancloud").env("KEYWARD_RESOLVE_SOURCES", word);
        assert_eq!(resolve.env(variable, "t").run().code, code, "{word} {variable}");
    }
}

#[test]
fn c20_profiles_are_written_changed_selected_listed_and_removed() {
    let home = home();
    for profile in ["default", "lab"] {
        let record = json!({ "kind": "oauth2", "fields": {
            "client_id": profile, "access_token": format!("at of {profile}"), "refresh_token": "rt"
        }});
        let name = format!("pancloud-{profile}");
        let set = home.keyward("set s --json --name").arg(&name);
        set.input(record.to_string()).run().ends(0);
    }
    home.run_ok(&["config", "set", "profiles.lab.names", "{name}-lab"]);
    home.keyward("resolve pancloud --profile lab").run().ends(0).prints("at of lab\n");
    home.keyward("set s --name pancloud-lab --field client_id=new").run().ends(0);
    let field = |name: &str| format!("resolve pancloud --profile lab --field {name}");
    home.keyward(&field("client_id")).run().ends(0).prints("new\n");
    home.keyward(&field("refresh_token")).run().ends(0).prints("rt\n");
    let listed = home.keyward("list s --sort name --json").run().ends(0).json();
    let names: Vec<_> = listed.iter().map(|entry| entry["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["pancloud-default", "pancloud-lab"]);
    home.keyward("unset s --name pancloud-lab").run().ends(0);
    home.keyward("resolve pancloud --profile lab").run().ends(3);
}

#[test]
fn c28_a_credential_is_made_from_json_or_from_answers() {
    let home = home_with_answers();
    let record = r#"{"kind": "oauth2", "fields": {"client_id": "id", "client_secret": "cs"}}"#;
    home.keyward("set s --name json --json").input(record).run().ends(0);
    assert_eq!(questions(&home), "");
    let line = "set s --name asked --kind oauth2 --field client_id=id --secret client_secret \
                --secret refresh_token";
    home.keyward(line).run().ends(0);
    assert_eq!(questions(&home), "Client secret, Refresh token");
    home.keyward("get s --name asked --field refresh_token").run().ends(0).prints("typed\n");
    home.keyward("unset s --name asked").run().ends(0);
    home.keyward("rm s").run().ends(5).says("terminal");
    home.keyward("rm s --yes").run().ends(0);
}

#[test]
fn c29_debug_output_contains_no_secret() {
    let record = Record::new("oauth2")
        .with("client_id", Field::open("canary-id"))
        .with("client_secret", Field::secret("canary-secret"))
        .with("access_token", Field::secret("canary-token"));
    let view = keyward_kinds::OAuth2::try_from(&record).unwrap();
    let query = Query::new("x", None).unwrap().with_value("token", "canary-argument");
    for shown in [format!("{record:?}"), format!("{view:?}"), format!("{query:?}")] {
        for secret in ["canary-secret", "canary-token", "canary-argument"] {
            assert!(!shown.contains(secret), "{shown}");
        }
    }
}

#[test]
fn f12_a_value_of_the_environment_is_not_stored_unless_the_user_says_so() {
    let home = home().with("KEYWARD_RESOLVE_SOURCES", "environment,pancloud,datalad,stores");
    let home = home.with("PAN_CLIENT_ID", "id").with("PAN_ACCESS_TOKEN", "canary");
    let home = home.with("DATALAD_CREDENTIAL_x_token", "canary");
    let before = home.files();
    for name in ["pancloud", "x"] {
        let line = format!("resolve {name} --json --reveal");
        let found = home.keyward(&line).run().ends(0);
        let confirm = format!("resolve {name} --json --confirm");
        home.keyward(&confirm).input(found.text()).run().ends(0);
        home.keyward(&format!("resolve {name}")).run().ends(0).prints("canary\n");
    }
    home.keyward("import datalad s").run().ends(0);
    assert_eq!(home.run_ok(&["list", "s"]), "");
    assert_eq!(home.files(), before);
    let found = home.keyward("resolve x --json --reveal").run().ends(0);
    let record: serde_json::Value = serde_json::from_str(found.text()).unwrap();
    let record = json!({ "kind": record["kind"], "fields": record["fields"] });
    home.keyward("set s --name x --json").input(record.to_string()).run().ends(0);
    home.keyward("get s --name x --field token").run().ends(0).prints("canary\n");
}
