use keyward_origin::Target;
use keyward_provider::{Level, Providers};

use super::*;

fn gathered(files: &[&str]) -> Gathered {
    let inis = files
        .iter()
        .enumerate()
        .map(|(at, text)| Ini::parse(text.as_bytes(), &format!("{at}.cfg")));
    convert(inis.map(Result::unwrap).collect())
}

/// Returns what is wrong with the first provider, or with a section.
fn why(text: &str) -> String {
    let gathered = gathered(&[text]);
    let error = gathered.found.into_iter().find_map(|found| found.providers.err());
    error.or_else(|| gathered.failed.into_iter().next()).unwrap().message().to_owned()
}

const FILE: &str = "\
[provider:site]
url_re = https?://(www\\.)?site\\.example/private/.*
         https://data\\.site\\.example/%20x/
authentication_type = http_basic_auth
credential = site

[credential:site]
type = user_password
url = https://site.example/join
";

#[test]
fn each_authenticator_of_the_page_becomes_that_of_keyward() {
    for (theirs, ours) in [
        ("http_basic_auth", "basic"),
        ("http_digest_auth", "digest"),
        ("bearer_token", "bearer"),
        ("http_token", "token"),
    ] {
        let found = gathered(&[&FILE.replace("http_basic_auth", theirs)]).found.remove(0);
        let provider = found.providers.unwrap().remove(0);
        assert_eq!(provider.authenticators[0].name, ours, "{theirs}");
    }
}

/// What DataLad's own providers of this kind say, with other names.
#[test]
fn options_of_an_authenticator_are_translated() {
    for (lines, expected) in [
        (
            "html_form\nhtml_form_url = https://site.example/login\nhtml_form_tagid = form\n\
             html_form_fields = a={user}\n b={password}{{\n c=\n d=x y\n\
             html_form_session_cookies = .ASPXAUTH\nhtml_form_failure_re = (Bad|Worse)\n Please$\n\
             html_form_success_re = Good\n",
            "name = \"html-form\"\nfailure = [\"(Bad|Worse)\", 'Please\\n?$']\n\
             fields = [\"a={username}\", \"b={password}{{\", \"c=\", \"d=x y\"]\n\
             success = [\"Good\"]\nurl = \"https://site.example/login\"\n",
        ),
        (
            "http_auth\nhttp_auth_url = https://site.example/s\nhttp_auth_failure_re = Bad\n",
            "name = \"basic\"\nfailure = [\"Bad\"]\nlogin = \"https://site.example/s\"\n",
        ),
        ("http_auth\nhttp_auth_failure_re = Bad\n", "name = \"basic\"\nfailure = [\"Bad\"]\n"),
        ("xnat\n", "name = \"xnat\"\n"),
        ("bearer_token_anon\n", "name = \"registry-token\"\n"),
    ] {
        let gathered = gathered(&[&FILE.replace("http_basic_auth\n", lines)]);
        let provider = gathered.found.into_iter().next().unwrap().providers.unwrap().remove(0);
        let text = provider.to_toml();
        let (_, found) = text.split_once("[[authenticators]]\n").unwrap();
        assert_eq!(found, expected);
        assert_eq!(provider.credentials.is_empty(), lines.starts_with("bearer_token_anon"));
    }
}

#[test]
fn a_token_of_loris_becomes_a_login() {
    let text = FILE
        .replace("http_basic_auth\n", "loris-token\nloris-token_failure_re = Bad\n")
        .replace("= user_password", "= loris-token");
    for text in
        [text.clone(), text.replace("loris-token\nloris-token", "bearer_token\nbearer_token")]
    {
        let found = gathered(&[&text]).found.remove(0);
        assert_eq!(found.credential, Some(("site".into(), "user-password".into())));
        let text = found.providers.unwrap()[0].to_toml();
        let login =
            "name = \"loris\"\nfailure = [\"Bad\"]\nlogin = \"https://site.example/join\"\n";
        assert!(text.ends_with(login) && !text.contains("help"), "{text}");
    }
}

#[test]
fn a_file_becomes_providers() {
    let mut gathered = gathered(&[FILE]);
    let found = gathered.found.remove(0);
    let texts: Vec<_> =
        found.providers.unwrap().iter().map(|it| (it.name.clone(), it.to_toml())).collect();
    let rest =
        "auth = \"required\"\ncredentials = [\"site\"]\n\n[[authenticators]]\nname = \"basic\"\n";
    let help = "version = 1\nhelp = \"Get access at https://site.example/join\"\n";
    let expected = [
        (
            "site".to_owned(),
            format!(
                "{help}origins = [\"https://www.site.example\", \"https://site.example\"]\npath = \"/private/.*\"\n{rest}"
            ),
        ),
        (
            "site-2".to_owned(),
            format!("{help}origins = [\"https://data.site.example\"]\npath = \"/%20x/.*\"\n{rest}"),
        ),
    ];
    assert_eq!(texts, expected);
    assert_eq!(found.credential, Some(("site".into(), "user-password".into())));
    assert!(found.is_without_http && gathered.failed.is_empty());
}

#[test]
fn a_bucket_is_read_with_a_key_or_without_one() {
    let text = "[provider:s3]\nurl_re = s3://some-bucket/.*\nauthentication_type = aws-s3\n";
    let provider = gathered(&[text]).found.remove(0).providers.unwrap().remove(0);
    assert!(provider.to_toml().contains("auth = \"never\""), "{}", provider.to_toml());
    let key = "credential = key\naws-s3_host = s3.example.org\naws-s3_region = eu-west-1\n\
               [credential:key]\ntype = aws-s3\n";
    let found = gathered(&[&format!("{text}{key}")]).found.remove(0);
    assert_eq!(found.credential, Some(("key".into(), names::AWS.into())));
    let provider = found.providers.unwrap().remove(0);
    let expected = "origins = [\"s3://some-bucket\"]\ncredentials = [\"key\"]\n\n\
                    [[authenticators]]\nname = \"aws-sigv4\"\nendpoint = \"https://s3.example.org\"\n\
                    region = \"eu-west-1\"\n";
    assert!(provider.to_toml().contains(expected), "{}", provider.to_toml());
    let nda = text.replace("aws-s3\n", "nda-s3\ncredential = n\n[credential:n]\ntype = nda-s3\n");
    let provider = gathered(&[&nda]).found.remove(0).providers.unwrap().remove(0);
    assert_eq!(provider.authenticators[0].name, "nda");
    // A bucket with capital letters is no host.
    assert!(why(&text.replace("some-bucket", "Some_Bucket")).contains("Some_Bucket"));
}

#[test]
fn sections_of_several_files_are_merged_and_the_last_one_counts() {
    let later = "[provider:site]\nauthentication_type = bearer_token\ncredential = other\n\
                 [credential:other]\ntype = token\n";
    let found = gathered(&[FILE, later]).found.remove(0);
    let providers = found.providers.unwrap();
    assert_eq!(providers.len(), 2);
    assert_eq!(providers[0].authenticators[0].name, "bearer");
    assert_eq!(providers[0].credentials, ["other"]);
}

#[test]
fn what_cannot_be_used_has_a_reason_with_its_line() {
    let with = |from: &str, to: &str| why(&FILE.replace(from, to));
    for (why, expected) in [
        (with("http_basic_auth", "aws-s9"), "0.cfg:4: there is no authenticator `aws-s9`"),
        (
            with("http_basic_auth\n", "aws-s3\naws-s3_bucket = b\n"),
            "0.cfg:5: `aws-s3_bucket` has no counterpart in Keyward",
        ),
        (with("http_basic_auth", "html_form"), "0.cfg:4: `fields` is empty"),
        (
            with("http_basic_auth\n", "html_form\nhtml_form_fields = a\n"),
            "0.cfg:4: `fields` has `a`, which is not NAME=VALUE",
        ),
        (
            with("http_basic_auth\n", "html_form\nhtml_form_fields = a={user!r}\n"),
            "0.cfg:5: `a={user!r}` has braces around something else than a field",
        ),
        (
            with("http_basic_auth\n", "html_form\nhtml_form_x = a\n"),
            "0.cfg:5: `html_form_x` has no counterpart in Keyward",
        ),
        (
            with("http_basic_auth\n", "http_auth\nhttp_auth_success_re = a\n"),
            "0.cfg:4: `success` needs a `login`",
        ),
        (
            with("credential = site", "http_basic_auth_failure_re = ("),
            "0.cfg:5: found open group without closing ')'",
        ),
        (with("http_basic_auth", "magic"), "0.cfg:4: there is no authenticator `magic`"),
        (with("= user_password", "= psw"), "0.cfg:5: there is no usable [credential:site]"),
        (
            with("credential = site", "credential = other"),
            "0.cfg:5: there is no usable [credential:other]",
        ),
        (with("credential = site", "colour = red"), "0.cfg:5: a provider has no `colour`"),
        (
            with("credential = site", "http_basic_auth_success_re = x"),
            "0.cfg:5: `http_basic_auth_success_re` has no counterpart in Keyward",
        ),
        (
            with("authentication_type = http_basic_auth\n", ""),
            "0.cfg:1: `authentication_type` is missing",
        ),
        (
            with("https?://(www\\.)?", "https?://.*"),
            "0.cfg:2: `https?://.*site\\.example/private/.*`: it also names hosts that only end in the same way: write `\\.` after `.*`",
        ),
        (with("/%20x/", "/%(x)s/"), "0.cfg:2: there is no option `x` to insert"),
        (with("/%20x/", "/%(url_re)s/"), "0.cfg:2: the values insert each other"),
        (why("[credential:a]\ntype = psw\n"), "0.cfg:2: there is no type of credentials `psw`"),
        (why("[credential:a]\ntype = token\nx = y\n"), "0.cfg:3: a credential has no `x`"),
        (why("[other]\nx = y\n"), "0.cfg:1: [other] is neither a provider nor a credential"),
    ] {
        assert_eq!(why, expected);
    }
}

/// The cases of DataLad's expressions that match other hosts: none of them gets a credential, and each
/// host that is meant gets it.
#[test]
fn a_provider_matches_no_host_that_it_does_not_name() {
    let cases = include_str!("../../../../../tests/vectors/own/url_provider_confusion.json");
    let cases: serde_json::Value = serde_json::from_str(cases).unwrap();
    let (mut good, mut bad) = (0, 0);
    for case in cases["cases"].as_array().unwrap() {
        let Some(url_re) = case["url_re"].as_str() else { continue };
        let text =
            format!("[provider:x]\nurl_re = {url_re}\nauthentication_type = http_basic_auth\n");
        let found = gathered(&[&text]).found.remove(0);
        let mut providers = Providers::default();
        for provider in found.providers.into_iter().flatten() {
            providers.add(Level::User, provider);
        }
        let target = Target::parse(case["url"].as_str().unwrap());
        let matches = target.is_ok_and(|target| !providers.matching(&target).is_empty());
        let is_good = case["expect"] == "credential may be used";
        assert_eq!(matches, is_good, "{case}");
        *(if is_good { &mut good } else { &mut bad }) += 1;
    }
    assert_eq!((good, bad), (3, 8));
}

/// The same for hosts made by the rules of the cases, for each form of an expression.
#[test]
fn no_look_alike_of_a_host_is_matched() {
    for url_re in [
        r"https?://good\.example/.*",
        r"https?://good.example/.*",
        r"^https://good\.example/.*$",
        r"https?://(.*\.|)good\.example/.*",
        r"https?://(?P<m>\S+\.)?good\.example/.*",
        r"https://good\.example|https://other\.example/",
        r"https://good\.example.*",
    ] {
        let text =
            format!("[provider:x]\nurl_re = {url_re}\nauthentication_type = http_basic_auth\n");
        let providers = gathered(&[&text]).found.remove(0).providers.unwrap();
        let matches = |url: &str| {
            Target::parse(url).is_ok_and(|target| providers.iter().any(|it| it.matches(&target)))
        };
        for url in
            ["https://good.example/x", "https://GOOD.example:443/x", "https://ann@good.example/"]
        {
            assert!(matches(url), "{url_re} {url}");
        }
        for url in [
            "https://evil.example/good.example/",
            "https://evil.example/.good.example/",
            "https://evil.example?x.good.example/",
            "https://evil.example#.good.example/",
            "https://user@evil.example/.good.example/",
            "https://good.example@evil.example/",
            "https://good.example%2f@evil.example/",
            "https://good.example\\@evil.example/",
            "https://good.example.evil.example/",
            "https://good-example/",
            "https://goodXexample/",
            "https://evilgood.example/",
            "https://good.example:8443/",
            "https://good.example./",
            "http://good.example/",
            "ftp://good.example/",
            "https://go\u{200b}od.example/",
            "https://g\u{f6}\u{f6}d.example/",
            "https:/good.example/",
            "https://evil.example\t.good.example/",
        ] {
            assert!(!matches(url), "{url_re} {url}");
        }
    }
}
