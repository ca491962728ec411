//! Commands that change providers, imports from DataLad, and the providers of projects.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;

use keyward_loader::Digest;

use super::site::{Site, home, provider, store_password};
use crate::helpers::home::Home;

const FOLDER: &str = ".config/keyward/providers";

#[test]
fn a_provider_is_added_changed_and_removed() {
    let home = Home::with_store("--option key.from=file");
    let run = |line: &str| home.keyward(line).run();
    let add = "provider add site --url https://x.example/a.b/ --credential site --help-text it \
               --auth required --authenticator token --option prefix=Key";
    run(add).ends(0).says_nothing();
    let text = "version = 1\nhelp = \"it\"\norigins = [\"https://x.example\"]\npath = '/a\\.b/.*'\n\
                auth = \"required\"\ncredentials = [\"site\"]\n\n[[authenticators]]\nname = \"token\"\n\
                prefix = \"Key\"\n";
    assert_eq!(home.read(&format!("{FOLDER}/site.toml")), text);
    run(add).ends(2).says("exists");
    for (line, why) in [
        ("provider add b --url https://x.example/..", "`..`"),
        ("provider add b --origin https://*.com", "domain with a dot"),
        ("provider add b --origin https://x.example --path (", "regular expression"),
        ("provider add b --origin https://x.example --authenticator magic", "basic, bearer"),
        ("provider add b --origin https://x.example --authenticator token --option a=b", "`a`"),
        ("provider add b --origin https://x.example --credential {a}", "no group `a`"),
        ("provider add", "--url"),
    ] {
        let code = if line == "provider add" { 5 } else { 2 };
        run(line).ends(code).says(why);
    }
    // A name never leads out of the folder.
    run("provider add ../../evil --origin https://x.example").ends(0);
    assert!(home.path(format!("{FOLDER}/%2e.%2f..%2fevil.toml")).exists());
    run("provider remove ../../evil").ends(0);

    run("provider copy site other").ends(0);
    run("provider copy site other").ends(2).says("there is a provider `other`");
    run("provider rename other site").ends(2).says("there is a provider `site`");
    run("provider rename other third").ends(0);
    run("provider copy crawdad crawdad").ends(0);
    let listed = run("provider list").ends(0);
    let of_user = "crawdad\tuser\tcrawdad\nsite\tuser\tsite\nthird\tuser\tsite\n";
    let (of_user_too, rest) = listed.text().split_at(of_user.len());
    assert_eq!(of_user_too, of_user);
    assert!(rest.contains("openfmri\tpackaged\t\n") && !rest.contains("crawdad"), "{rest}");
    run("provider remove crawdad").ends(0);
    run("provider remove crawdad").ends(3).says("comes with Keyward").says("provider copy");
    run("provider edit crawdad").ends(3).says("comes with Keyward");
    run("provider remove absent").ends(3).says("no such provider");
    run("provider show third").ends(0);
}

#[test]
fn an_edited_provider_counts_only_if_it_is_valid() {
    let home = Home::with_store("--option key.from=file");
    home.keyward("provider add site --origin https://x.example").run().ends(0);
    let edit = |script: &str| {
        let editor = home.write("editor", format!("#!/bin/sh\n{script}\n"));
        fs::set_permissions(&editor, Permissions::from_mode(0o700)).unwrap();
        home.keyward("provider edit site").env("EDITOR", editor).run()
    };
    edit("true").ends(0).prints("Nothing was changed.\n");
    edit("echo \"credentials = ['a']\" >>\"$1\"").ends(0);
    assert!(home.read(&format!("{FOLDER}/site.toml")).ends_with("credentials = ['a']\n"));
    edit("echo 'url_re = 1' >>\"$1\"").ends(2).says(":4:1: unknown field").says("Your text is in");
    assert!(!home.read(&format!("{FOLDER}/site.toml")).contains("url_re"));
    home.keyward("provider check").run().ends(0);
}

const CFG: &str = "\
[provider:site]
url_re = SITE/private/.*
authentication_type = http_basic_auth
credential = site

[credential:site]
type = user_password

[provider:form]
url_re = https://form\\.example/
authentication_type = html_form
";

#[test]
fn a_provider_of_datalad_is_imported_and_used() {
    let site = Site::start();
    let home = Home::with_store("--option key.from=file");
    let url_re = site.url.replace('.', "\\.");
    home.write(".config/datalad/providers/site.cfg", CFG.replace("SITE", &url_re));
    let import = |options: &str| home.keyward(&format!("provider import{options}")).run().ends(6);
    import(" --dry-run").says("not everything was imported");
    assert!(!home.path(format!("{FOLDER}/site.toml")).exists());
    let found = import(" --json").json();
    assert_eq!((&found[0]["name"], &found[0]["result"]), (&"form".into(), &"refused".into()));
    let why = found[0]["why"].as_str().unwrap();
    assert!(why.ends_with("site.cfg:11: `fields` is empty"), "{why}");
    assert_eq!((&found[1]["name"], &found[1]["result"]), (&"site".into(), &"imported".into()));
    assert_eq!(
        (&found[1]["credential"], &found[1]["kind"]),
        (&"site".into(), &"user-password".into())
    );
    assert!(import("").text().contains("present: site\n"));
    provider(&home, "site", "https://own.example", "");
    assert!(import("").text().contains("refused: site: there is another provider `site`\n"));
    home.keyward("provider remove site").run().ends(0);
    import("");
    store_password(&home, &site.url, "canary-password");
    let url = format!("{}/private/data.csv", site.url);
    home.keyward(&format!("fetch {url} --output -")).run().ends(0).prints("private,1\n");
    assert_eq!(site.heard().len(), 1);
    home.keyward("provider import absent.cfg").run().ends(2).says("absent.cfg");
}

/// A clone in the home, with these providers.
fn clone(home: &Home, providers: &[(&str, String)]) {
    home.write("clone/.keyward.toml", "version = 1\n");
    for (name, text) in providers {
        home.write(
            &format!("clone/.keyward/providers/{name}.toml"),
            format!("version = 1\n{text}"),
        );
    }
}

#[test]
fn the_providers_of_a_project_count_once_it_is_trusted() {
    let site = Site::start();
    let home = Home::with_store("--option key.from=file");
    store_password(&home, &site.url, "canary-password");
    let text = format!("origins = ['{}']\ncredentials = ['site']\n", site.url);
    clone(&home, &[("data", text)]);
    let url = format!("{}/private/data.csv", site.url);
    let run = |line: &str| home.keyward(line).current_dir(&home.path("clone")).run();
    run(&format!("fetch {url} --output -")).ends(9).says("warning: ").says("not trusted");
    run("provider check").ends(4).says("it is not trusted");
    let shown = run("trust --yes").ends(0);
    let fact = format!("  provider   data: {}, credential site\n", site.url);
    assert!(shown.text().contains(&fact), "{}", shown.text());
    run(&format!("fetch {url} --output -")).ends(0).prints("private,1\n");
    let found = run(&format!("provider match {url} --json")).ends(0).json();
    assert_eq!(found[0]["level"], "project");
    // Elsewhere it does not count, and neither does a change of it.
    home.keyward(&format!("fetch {url} --output -")).run().ends(9);
    home.write(
        "clone/.keyward/providers/more.toml",
        "version = 1\norigins = ['https://x.example']\n",
    );
    run(&format!("fetch {url} --output -")).ends(9);
    run("provider check").ends(4).says("more.toml was added");
    // What cannot be read is not trusted.
    home.write("clone/.keyward/providers/more.toml", "version = 1\nurl_re = 'x'\n");
    run("trust --yes").ends(2).says("more.toml:2:1: unknown field");
}

/// What a project brings along that another program or another folder would read as configuration.
const HOSTILE: &[(&str, &str)] = &[
    (".keyward/config.toml", "version = 1\nprompt.askpass = 'PROGRAM'\naudit.file = 'RAN'\n"),
    (".keyward/stores/s.toml", "version = 1\nkey = { from = 'command', command = ['PROGRAM'] }\n"),
    (".keyward/credentials/site.toml", "kind = 'user-password'\npassword.command = ['PROGRAM']\n"),
    (".keyward/oauth/site.toml", "version = 1\ntoken_url = 'OTHER'\n"),
    (".keyward/plugins/evil", "#!/bin/sh\nexec PROGRAM\n"),
    (".config/keyward/config.toml", "version = 1\nprompt.askpass = 'PROGRAM'\n"),
    (".curlrc", "location-trusted\nproxy = OTHER\nverbose\n"),
    (".netrc", "machine 127.0.0.1 login ann password wrong\n"),
    (".gitconfig", "[credential]\nhelper = PROGRAM\n"),
    ("curl", "#!/bin/sh\nexec PROGRAM\n"),
    ("git", "#!/bin/sh\nexec PROGRAM\n"),
];

#[test]
fn nothing_runs_that_a_hostile_project_brings_along() {
    let site = Site::start();
    let home = home(&site, "credentials = ['site']\n");
    store_password(&home, &site.url, "canary-password");
    let program =
        home.write("clone/program", format!("#!/bin/sh\ntouch {}\n", home.path("ran").display()));
    let fill = |text: &str| {
        text.replace("PROGRAM", program.to_str().unwrap())
            .replace("RAN", home.path("ran").to_str().unwrap())
            .replace("OTHER", &site.other)
    };
    home.write("clone/.keyward.toml", "version = 1\n");
    for (name, text) in HOSTILE {
        home.write(&format!("clone/{name}"), fill(text));
    }
    for name in ["program", "curl", "git", ".keyward/plugins/evil"] {
        let mode = fs::Permissions::from_mode(0o755);
        fs::set_permissions(home.path("clone").join(name), mode).unwrap();
    }
    let url = format!("{}/private/data.csv", site.url);
    let run = |line: &str| home.keyward(line).current_dir(&home.path("clone")).run();
    for trusted in [false, true] {
        if trusted {
            drop(run("trust --yes"));
        }
        run(&format!("fetch {url} --output -")).ends(0).prints("private,1\n");
        run(&format!("curl -- -fsSL {url}")).ends(0).prints("private,1\n");
        run(&format!("fetch {}/private/data.csv --output -", site.other));
        run("get s --name site -p").ends(0).prints("canary-password\n");
        let asked = format!("protocol=http\nhost={}\n\n", site.url.trim_start_matches("http://"));
        let git = home.keyward("helper git get --store s").current_dir(&home.path("clone"));
        git.input(asked).run().ends(0);
        assert!(!home.path("ran").exists());
    }
    let port = site.other.rsplit(':').next().unwrap();
    let heard = site.heard();
    assert!(
        heard.iter().all(|line| !line.starts_with(port) || !line.contains("Basic")),
        "{heard:?}"
    );
}

#[test]
fn a_provider_does_by_default_what_its_authenticator_needs() {
    let home = Home::with_store("--option key.from=file");
    let form = "provider add form --url https://x.example/login --authenticator html-form \
                --option url=https://x.example/login --option fields=user={username} \
                --option fields=pass={password} --option failure=Bad";
    home.keyward(form).run().ends(0);
    let text = home.read(&format!("{FOLDER}/form.toml"));
    assert!(text.contains("fields = [\"user={username}\", \"pass={password}\"]"), "{text}");
    for (authenticator, auth) in [
        ("", "optional"),
        ("--authenticator aws-sigv4", "required"),
        ("--authenticator basic", "optional"),
    ] {
        home.keyward(&format!("provider add x --origin https://x.example {authenticator}"))
            .run()
            .ends(0);
        let shown = home.keyward("provider show x --json").run().ends(0).json();
        assert_eq!(shown[0]["auth"], auth, "{authenticator}");
        home.keyward("provider remove x").run().ends(0);
    }
    let shown = home.keyward("provider show form --json").run().ends(0).json();
    assert_eq!(shown[0]["auth"], "required");
    let twice = "provider add y --origin https://x.example --authenticator token \
                 --option prefix=a --option prefix=b";
    home.keyward(twice).run().ends(2).says("given twice");
}

#[test]
fn an_error_says_why_there_is_no_credential() {
    let site = Site::start();
    let home = home(&site, "credentials = ['site']\n[[authenticators]]\nname = 'bearer'\n");
    let url = format!("{}/token/data.csv", site.url);
    home.keyward(&format!("fetch {url}")).run().ends(3).says("--kind token --name site --bind");
    home.keyward("init t --option key.from=file").run().ends(0);
    for line in [format!("fetch {url}"), format!("curl --credential site -- {url}")] {
        home.keyward(&line).run().ends(3).says("there is no default store");
    }
    let run = home.keyward(&format!("curl -- -s {url}")).run().ends(0);
    run.says("curl gets no credential");
    home.keyward(&format!("fetch {}/absent", site.other))
        .run()
        .ends(3)
        .says("/absent: the status is 404");
    let unknown = format!("{}/token/data.csv", site.url.replace("127.0.0.1", "localhost"));
    home.keyward(&format!("fetch {unknown}")).run().ends(9).says("keyward provider add");
    home.keyward(&format!("fetch {url} --output absent/")).run().ends(2).says("not a folder");
}

#[test]
fn a_hostile_project_gets_no_credential() {
    let site = Site::start();
    let home = home(&site, "auth = 'required'\ncredentials = ['site']\n");
    store_password(&home, &site.url, "canary-password");
    let wide = "auth = 'required'\ncredentials = ['site', '{name}']\npath = '/(?<name>[^/]*).*'\n";
    clone(
        &home,
        &[
            ("foreign", format!("origins = ['{}']\n{wide}", site.other)),
            (
                "wide",
                format!(
                    "origins = ['https://*.example.org', '{}', '{}']\n{wide}",
                    site.other, site.url
                ),
            ),
            ("site", format!("origins = ['{}']\nauth = 'never'\n", site.url)),
        ],
    );
    let run = |line: &str| home.keyward(line).current_dir(&home.path("clone")).run();
    let try_all = || {
        for path in ["private/data.csv", "site/data.csv", "token/data.csv"] {
            let run = run(&format!("fetch {}/{path} --output -", site.other));
            assert!(!run.err.contains("canary") && !run.text().contains("canary"));
        }
    };
    try_all();
    run("trust --yes").ends(0);
    try_all();
    let port = site.other.rsplit(':').next().unwrap();
    let heard = site.heard();
    let there: Vec<_> = heard.iter().filter(|line| line.starts_with(port)).collect();
    assert!(!there.is_empty());
    assert!(there.iter().all(|line| !line.contains("Basic")), "{there:?}");
    // It does not replace the user's own provider of the same name.
    let url = format!("{}/private/data.csv", site.url);
    run(&format!("fetch {url} --output -")).ends(0).prints("private,1\n");
    let found = run("provider show site --json").ends(0).json();
    assert_eq!((&found[0]["level"], &found[0]["auth"]), (&"user".into(), &"required".into()));
}

/// A project names programs and plugins as authenticators: none of them is ever started.
#[test]
fn a_hostile_project_starts_no_program() {
    let site = Site::start();
    let home = Home::with_store("--option key.from=file");
    store_password(&home, &site.url, "canary-password");
    let program =
        home.write("clone/evil.program", "#!/bin/sh\ntouch ~/started ../started started\n");
    fs::set_permissions(&program, Permissions::from_mode(0o755)).unwrap();
    let digest = Digest::new(&fs::read(&program).unwrap()).to_string();
    let plugin = format!(
        "version = 1\ndoor = \"run\"\npath = \"{}\"\nsha256 = \"{digest}\"\n\
         backends = [\"authenticator evil.program\"]\n",
        program.display()
    );
    // A project has no plugins.
    home.write("clone/.keyward/plugins/evil.toml", &plugin);
    let named = |name: &str| {
        let (url, uses) = (&site.url, "auth = 'required'\ncredentials = ['site']");
        format!("origins = ['{url}']\n{uses}\n[[authenticators]]\nname = '{name}'\n")
    };
    let path = program.to_str().unwrap();
    clone(
        &home,
        &[("a", named("evil.program")), ("b", named("./evil.program")), ("c", named(path))],
    );
    let url = format!("{}/private/data.csv", site.url);
    let run = |line: &str| home.keyward(line).current_dir(&home.path("clone")).run();
    let try_all = || {
        run(&format!("fetch {url} --output -")).ends(9);
        run("provider list");
        run("provider check");
        run(&format!("provider match {url}"));
    };
    try_all();
    run("trust --yes").ends(0);
    try_all();
    run("provider check").ends(2).says("a.toml: there is no authenticator called `evil.program`");
    // A plugin that the user does not trust as it is does not start, either.
    home.write(".config/keyward/plugins/evil.toml", plugin.replace(&digest, &"0".repeat(64)));
    run(&format!("fetch {url} --output -")).ends(4);
    for folder in ["", "clone/", "clone/.keyward/"] {
        assert!(!home.path(format!("{folder}started")).exists());
    }
}
