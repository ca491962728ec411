//! Which provider counts for a URL, and what a conversation does.

use keyward_origin::Target;

use crate::{Auth, Level, OriginPattern, PathPattern, Provider, Providers};

fn provider(name: &str, origin: &str, path: Option<&str>) -> Provider {
    let path = path.map(|path| format!("path = '{path}'\n")).unwrap_or_default();
    let text = format!("version = 1\norigins = [\"{origin}\"]\n{path}");
    Provider::parse(name, &text, "x.toml").unwrap()
}

fn target(url: &str) -> Target {
    Target::parse(url).unwrap()
}

#[test]
fn a_pattern_matches_no_other_origin() {
    let matches = |pattern: &str, url: &str| {
        OriginPattern::parse(pattern).unwrap().matches(target(url).origin())
    };
    for (pattern, url) in [
        ("https://x.example", "https://X.example:443/a"),
        ("https://*.x.example", "https://a.x.example"),
        ("https://*.x.example", "https://a.b.x.example"),
        ("https://*.x.example:8443", "https://a.x.example:8443"),
    ] {
        assert!(matches(pattern, url), "{pattern} {url}");
    }
    for (pattern, url) in [
        ("https://x.example", "http://x.example"),
        ("https://x.example", "https://x.example:8443"),
        ("https://x.example", "https://x.example.evil.example"),
        ("https://x.example", "https://ax.example"),
        ("https://*.x.example", "https://x.example"),
        ("https://*.x.example", "https://evilx.example"),
        ("https://*.x.example", "https://a.x.example.evil.example"),
        ("https://*.x.example", "http://a.x.example"),
        ("https://*.x.example", "https://a.x.example:8443"),
    ] {
        assert!(!matches(pattern, url), "{pattern} {url}");
    }
    for pattern in [
        "https://*.com",
        "https://*",
        "https://*.127.0.0.1",
        "https://a.*.x.example",
        "https://x.example/a",
        "x.example",
        "https://*.[::1]",
    ] {
        assert!(OriginPattern::parse(pattern).is_err(), "{pattern}");
    }
}

#[test]
fn a_path_must_match_from_its_first_to_its_last_character() {
    let matches = |pattern: &str, path: &str| PathPattern::new(pattern).unwrap().matches(path);
    assert!(matches("/a/.*", "/a/b"));
    assert!(!matches("/a", "/a/b"));
    assert!(!matches("/a|/b", "/x/a"));
    assert!(!matches("/a|/b", "/a/x"));
    for pattern in ["(", "a)|(b", "[", "a{100000}{100000}"] {
        assert!(PathPattern::new(pattern).is_err(), "{pattern}");
    }
    assert!(PathPattern::new(&"a".repeat(1 << 20)).is_err());
}

#[test]
fn the_one_that_says_more_counts() {
    let mut providers = Providers::default();
    for (level, name, origin, path) in [
        (Level::Packaged, "host", "https://a.x.example", None),
        (Level::User, "domain", "https://*.x.example", Some("/data/.*")),
        (Level::User, "wide", "https://*.example.org", None),
        (Level::User, "path", "https://a.x.example", Some("/data/.*")),
        (Level::User, "longer", "https://a.x.example", Some("/data/[a-z]+/z")),
        (Level::Project, "project", "https://a.x.example", Some("/data/private/.*")),
        (Level::System, "again", "https://a.x.example", Some("/data/.*")),
    ] {
        providers.add(level, provider(name, origin, path));
    }
    let found = |url: &str| {
        let found = providers.matching(&target(url));
        found.iter().map(|(_, provider)| provider.name.as_str()).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(found("https://a.x.example/"), "host");
    assert_eq!(found("https://a.x.example/data/b"), "path again host domain");
    assert_eq!(
        found("https://a.x.example/data/private/z"),
        "project longer path again host domain"
    );
    assert_eq!(found("https://a.x.example/data/b/z"), "longer path again host domain");
    assert_eq!(found("https://b.x.example/data/b"), "domain");
    assert_eq!(found("http://a.x.example/data/b"), "");
}

#[test]
fn the_name_of_a_credential_can_depend_on_the_path() {
    let text = "version = 1\norigins = ['https://x.example']\npath = '/(?<a>[^/]+)/(?<b>.*)'\n\
                credentials = ['x-{a}-{b}', 'x-{a}', 'x']\n";
    let provider = Provider::parse("x", text, "x.toml").unwrap();
    let names = provider.credentials_for(&target("https://x.example/p/q"));
    assert_eq!(names, ["x-p-q", "x-p", "x"]);
}

#[test]
fn a_wrong_file_is_an_error_with_its_place() {
    for (text, why) in [
        ("version = 1\norigins = ['https://x']\nurl_re = 'x'\n", "x.toml:3:1: unknown field"),
        ("version = 2\norigins = ['https://x']\n", "x.toml: this version"),
        ("version = 1\norigins = []\n", "x.toml: `origins` is empty"),
        ("version = 1\norigins = 'x'\n", "x.toml:2:11: invalid type"),
        ("version = 1\norigins = ['https://x']\nauth = 'maybe'\n", "x.toml:3:8: unknown variant"),
        (
            "version = 1\norigins = ['https://x']\ncredentials = ['{a}']\n",
            "x.toml: `path` has no group `a`",
        ),
        (
            "version = 1\norigins = ['https://x']\n[[authenticators]]\n",
            "x.toml: an authenticator has no `name`",
        ),
    ] {
        let error = Provider::parse("x", text, "x.toml").unwrap_err();
        assert!(error.message().starts_with(why), "{}", error.message());
    }
}

#[test]
fn a_login_that_no_server_asks_for_is_required_unless_the_file_says_otherwise() {
    let parse = |lines: &str| {
        let text = format!("version = 1\norigins = [\"https://x.example\"]\n{lines}");
        Provider::parse("x", &text, "x.toml").unwrap()
    };
    let form = "\n[[authenticators]]\nname = \"html-form\"\nfields = [\"p={password}\"]\n";
    for (auth, expected) in [("", Auth::Required), ("auth = \"optional\"\n", Auth::Optional)] {
        let provider = parse(&format!("{auth}{form}"));
        assert_eq!(provider.auth, expected);
        let again = Provider::parse("x", &provider.to_toml(), "x.toml").unwrap();
        assert_eq!(again.auth, expected);
    }
    assert_eq!(parse("").auth, Auth::Optional);
    let signed = parse("auth = 'optional'\n[[authenticators]]\nname = 'aws-sigv4'\n");
    assert_eq!([401, 403, 404].map(|status| signed.is_asked(status)), [true, true, false]);
    assert_eq!([401, 403].map(|status| parse("").is_asked(status)), [true, false]);
}

#[test]
fn a_hostile_pattern_and_ten_thousand_providers_cost_little() {
    let start = std::time::Instant::now();
    let long = "a".repeat(1 << 20);
    assert!(PathPattern::new(&long).is_err());
    assert!(Target::parse(&format!("https://x.example/{long}")).is_err());
    let slow = PathPattern::new("/(a|a|aa)*b").unwrap();
    assert!(!slow.matches(&format!("/{}", &long[..8000])));
    assert!(start.elapsed().as_millis() < 1000, "{:?}", start.elapsed());

    let mut providers = Providers::default();
    for at in 0..10_000 {
        let name = format!("p{at:05}");
        providers.add(Level::User, provider(&name, &format!("https://{name}.example"), None));
    }
    let target = target("https://p04711.example/a");
    let start = std::time::Instant::now();
    assert_eq!(providers.matching(&target)[0].1.name, "p04711");
    // Without optimization; with it, less than a tenth.
    assert!(start.elapsed().as_millis() < 100, "{:?}", start.elapsed());
}

#[test]
fn of_one_name_the_first_level_counts() {
    let mut providers = Providers::default();
    for (level, host) in [
        (Level::Packaged, "packaged"),
        (Level::User, "user"),
        (Level::System, "system"),
        (Level::Project, "project"),
    ] {
        providers.add(level, provider("x", &format!("https://{host}.example"), None));
    }
    assert_eq!(providers.iter().count(), 1);
    let (level, provider) = providers.get("x").unwrap();
    assert_eq!(
        (level, provider.origins[0].to_string()),
        (Level::User, "https://user.example".into())
    );
}
