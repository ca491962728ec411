//! The providers that come with Keyward: those of DataLad whose authenticator Keyward has.

use crate::provider::Provider;

/// The names and the texts of the files.
const FILES: &[(&str, &str)] = &[
    ("crawdad", include_str!("packaged/crawdad.toml")),
    ("figshare", include_str!("packaged/figshare.toml")),
    ("openfmri", include_str!("packaged/openfmri.toml")),
];

/// Returns the providers that come with Keyward.
pub fn packaged() -> impl Iterator<Item = Provider> {
    let parse = |(name, text): &(&str, &str)| {
        Provider::parse(name, text, name).expect("a test parses each of them")
    };
    FILES.iter().map(parse)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use keyward_origin::Target;

    use super::*;

    /// A URL that each provider matches, and those that it must not match.
    const CASES: &[(&str, &str, &[&str])] = &[
        (
            "crawdad",
            "https://uk.crawdad.org/download/a.zip",
            &[
                "https://evilcrawdad.org/",
                "https://crawdad.org.evil.example/",
                "http://crawdad.org/",
            ],
        ),
        (
            "figshare",
            "https://api.figshare.com/v2/articles/1",
            &["https://figshare.com/", "https://api.figshare.com.evil.example/"],
        ),
        (
            "openfmri",
            "https://openfmri.org/dataset/ds000001/",
            &["https://xopenfmri.org/", "https://evil.example/?openfmri.org"],
        ),
    ];

    #[test]
    fn each_file_is_one_and_matches_its_server_only() {
        let names: BTreeSet<_> = packaged().map(|provider| provider.name).collect();
        assert_eq!(names, CASES.iter().map(|(name, ..)| (*name).to_owned()).collect());
        for (name, good, bad) in CASES {
            let provider = packaged().find(|provider| provider.name == *name).unwrap();
            assert!(provider.matches(&Target::parse(good).unwrap()), "{good}");
            for bad in *bad {
                let matching = |it: &Provider| it.matches(&Target::parse(bad).unwrap());
                assert!(!packaged().any(|provider| matching(&provider)), "{name} {bad}");
            }
        }
    }
}
