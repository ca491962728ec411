use std::sync::Arc;

use keyward_core::{
    Backend, Checker, Error, Host, Info, Options, PresentedKind, Registration, Registry, Result,
    Value, Values,
};
use keyward_plugin::options;
use keyward_testkit::TestHost;
use proptest::prelude::*;

use super::*;

options! {
    /// Where the badges are.
    pub struct BadgeOptions {
        /// The file of the badges.
        pub file: std::path::PathBuf,
        /// What separates the fields.
        pub delim: String = ":",
        /// Whether upper and lower case differ.
        pub case_sensitive: bool = true,
    }
}

#[derive(Debug)]
struct Badge;

impl Backend for Badge {
    const INFO: Info = Info::new("badge", "Accepts badges").serving(&["password"]);
    type Options = BadgeOptions;

    fn open(options: BadgeOptions, _: &Arc<dyn Host>) -> Result<Self> {
        if options.file.as_os_str() == "broken" {
            return Err(Error::invalid("badge", "the file is broken"));
        }
        Ok(Self)
    }
}

impl Checker for Badge {}

#[derive(Debug)]
struct Guest;

impl Backend for Guest {
    const INFO: Info = Info::new("guest", "Accepts guests").serving(&["anonymous"]);
    type Options = keyward_core::NoOptions;

    fn open(_: keyward_core::NoOptions, _: &Arc<dyn Host>) -> Result<Self> {
        Ok(Self)
    }
}

impl Checker for Guest {}

fn registry() -> Registry {
    let badge = Registration::checker::<Badge>("keyward-portal", "1.0.0");
    Registry::new([badge, Registration::checker::<Guest>("keyward-portal", "1.0.0")]).unwrap()
}

fn open(text: &str, supported: &[PresentedKind]) -> Result<Box<dyn Checker>, UsageError> {
    let host: Arc<dyn Host> = Arc::new(TestHost::new());
    AuthSpec::parse(text).unwrap().open(&registry(), &host, supported)
}

fn values(text: &str) -> Result<Values> {
    AuthSpec::parse(text)?.values(BadgeOptions::TABLE)
}

fn text(values: &Values, name: &str) -> String {
    match values.get(name) {
        Some(Value::Text(text)) => text.clone(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn tw_48_a_value_alone_is_that_of_the_first_option() {
    for (written, read) in [
        ("badge:/etc/badges", "/etc/badges"),
        ("badge:ldaps://example.org:636", "ldaps://example.org:636"),
        ("badge:a%3ab%25", "a:b%"),
        ("badge:file=a=b", "a=b"),
        ("badge:/a=b", "/a=b"),
        ("badge:%253a", "%3a"),
    ] {
        assert_eq!(text(&values(written).unwrap(), "file"), read, "{written}");
    }
}

#[test]
fn pairs_are_joined_by_colons() {
    let read = values("badge:file=/a%3ab:delim=%3a:case_sensitive=false").unwrap();
    assert_eq!((text(&read, "file").as_str(), text(&read, "delim").as_str()), ("/a:b", ":"));
    assert_eq!(read.get("case_sensitive"), Some(&Value::Flag(false)));
    let read = values("badge:/etc/badges:delim=,").unwrap();
    assert_eq!((text(&read, "file").as_str(), text(&read, "delim").as_str()), ("/etc/badges", ","));
}

#[test]
fn arguments_that_are_no_options_are_refused() {
    for wrong in [
        "badge:file=/a:other=b",
        "badge:/a:other=b",
        "badge:other=b",
        "badge:file=/a:/b",
        "badge:file=/a:file=/b",
        "badge:/a:file=/b",
        "badge:file=/a:case_sensitive=perhaps",
    ] {
        assert!(values(wrong).is_err(), "{wrong}");
    }
    assert!(AuthSpec::parse("guest:something").unwrap().values(&[]).is_err());
    assert!(AuthSpec::parse("").is_err() && AuthSpec::parse(":a").is_err());
}

#[test]
fn tw_46_56_60_the_three_usage_errors_differ() {
    let passwords = [PresentedKind::PASSWORD];
    assert!(open("badge:/etc/badges", &passwords).is_ok());
    let errors = ["bagde:/x", "guest", "badge", "badge:broken"].map(|text| {
        let error = open(text, &passwords).unwrap_err();
        assert_eq!(UsageError::EXIT_CODE, 64);
        error.to_string()
    });
    let begins = [
        "the type is not recognized: ",
        "the checker guest is not supported: ",
        "the checker badge cannot be used: ",
        "the checker badge cannot be used: ",
    ];
    for (error, begins) in errors.iter().zip(begins) {
        assert!(error.starts_with(begins), "{error}");
    }
    assert!(errors[3].contains("the file is broken"), "{}", errors[3]);
    assert!(open("badge:/etc/badges", &[]).is_err());
}

#[test]
fn tw_47_59_61_62_63_help_is_limited_to_what_the_server_supports() {
    let all = help(&registry(), PresentedKind::ALL);
    let rows: Vec<_> = all.lines().skip(3).collect();
    assert_eq!(rows[0], "  AuthType  ArgString format");
    assert_eq!(rows[2], "  badge     FILE[:delim=TEXT][:case_sensitive=true|false]");
    assert_eq!(rows[3], "  guest     no arguments");
    assert_eq!(rows.len(), 4);
    assert!(!help(&registry(), &[PresentedKind::PASSWORD]).contains("guest"));
    assert_eq!(help(&registry(), &[]).lines().count(), 5);
}

#[test]
fn tw_64_the_help_of_a_type_is_complete() {
    let passwords = [PresentedKind::PASSWORD];
    let badge = type_help(&registry(), "badge", &passwords).unwrap();
    for line in ["Accepts badges", "file", "delim", "(default: \":\")", "(required)"] {
        assert!(badge.contains(line), "{line} is not in {badge}");
    }
    assert!(!badge.contains("WARNING"));
    assert!(type_help(&registry(), "guest", &passwords).unwrap().contains("WARNING"));
    let error = type_help(&registry(), "other", &passwords).unwrap_err();
    assert!(matches!(error, UsageError::NotRecognized(_)));
}

proptest! {
    #[test]
    fn any_text_is_read_or_refused(text in "[a-z:=%3/]{0,40}|\\PC{0,40}") {
        if let Ok(spec) = AuthSpec::parse(&text) {
            let _ = spec.values(BadgeOptions::TABLE);
        }
    }

    #[test]
    fn an_escaped_value_is_read_as_it_was(file in "\\PC{1,20}") {
        let escaped = file.replace('%', "%25").replace(':', "%3a");
        let read = values(&format!("badge:file={escaped}")).unwrap();
        prop_assert_eq!(self::text(&read, "file"), file);
    }
}
