//! The providers that come with Keyward: those of DataLad, each with what it says as facts.

use crate::provider::Provider;

/// The names and the texts of the files.
const FILES: &[(&str, &str)] = &[
    ("balsa", include_str!("packaged/balsa.toml")),
    ("crawdad", include_str!("packaged/crawdad.toml")),
    ("crcns", include_str!("packaged/crcns.toml")),
    ("crcns-nersc", include_str!("packaged/crcns-nersc.toml")),
    ("dockerio", include_str!("packaged/dockerio.toml")),
    ("figshare", include_str!("packaged/figshare.toml")),
    ("hcp-http", include_str!("packaged/hcp-http.toml")),
    ("hcp-s3", include_str!("packaged/hcp-s3.toml")),
    ("indi-s3", include_str!("packaged/indi-s3.toml")),
    ("kaggle", include_str!("packaged/kaggle.toml")),
    ("loris-demo", include_str!("packaged/loris-demo.toml")),
    ("nitrc-frs", include_str!("packaged/nitrc-frs.toml")),
    ("nitrc-frs-2", include_str!("packaged/nitrc-frs-2.toml")),
    ("nitrc-ir", include_str!("packaged/nitrc-ir.toml")),
    ("nsidc", include_str!("packaged/nsidc.toml")),
    ("openfmri", include_str!("packaged/openfmri.toml")),
    ("openfmri-s3", include_str!("packaged/openfmri-s3.toml")),
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
            "balsa",
            "https://balsa.wustl.edu/file/show/x",
            &["https://wustl.edu/", "https://evil.example/balsa.wustl.edu/"],
        ),
        (
            "crcns",
            "https://crcns.org/data-sets/vc/a",
            &["http://crcns.org/", "https://x.crcns.org/", "https://evilcrcns.org/"],
        ),
        (
            "crcns-nersc",
            "https://portal.nersc.gov/project/crcns/download/a/b.tgz",
            &[
                "https://portal.nersc.gov/project/other/crcns/download/a",
                "https://portal.nersc.gov.evil.example/project/crcns/download/a",
            ],
        ),
        (
            "dockerio",
            "https://registry-1.docker.io/v2/library/busybox/manifests/latest",
            &[
                "https://registry-1.docker.io/v1/x",
                "https://registry-1.docker.io.evil.example/v2/x",
            ],
        ),
        (
            "hcp-http",
            "https://db.humanconnectome.org/data/archive/projects/HCP_1200",
            &["https://db.humanconnectome.org/app/", "https://humanconnectome.org/data/x"],
        ),
        (
            "hcp-s3",
            "s3://hcp-openaccess/HCP/1",
            &["s3://hcp-openaccess-evil/x", "s3://hcp/openaccess"],
        ),
        ("indi-s3", "s3://fcp-indi/data/x", &["s3://fcp-indi.evil/x", "s3://evil-fcp-indi/x"]),
        (
            "openfmri-s3",
            "s3://openneuro/ds000001/x",
            &["s3://openneuro.evil/x", "s3://other/openneuro"],
        ),
        (
            "kaggle",
            "https://www.kaggle.com/c/titanic/download/train.csv",
            &["https://evilkaggle.com/", "https://www.kaggle.com.evil.example/"],
        ),
        (
            "loris-demo",
            "https://demo.loris.ca/api/v0.0.2/candidates",
            &[
                "https://demo.loris.ca/api/v0x0y2/candidates",
                "https://loris.ca/api/v0.0.2/candidates",
            ],
        ),
        (
            "nitrc-frs",
            "https://www.nitrc.org/frs/downloadlink.php/7058",
            &[
                "https://www.nitrc.org/frs/downloadlink.php/1",
                "https://nitrc.org/frs/downloadlink.php/7058",
            ],
        ),
        (
            "nitrc-frs-2",
            "https://fcon_1000.projects.nitrc.org/indi/adhd200/index.html",
            &[
                "https://fcon_1000.projects.nitrc.org/indi/",
                "https://fconX1000.projects.nitrc.org/indi/adhd200/index.html",
            ],
        ),
        (
            "nitrc-ir",
            "https://www.nitrc.org/ir/data/projects/x",
            &["https://www.nitrc.org/irx", "https://evil.example/?https://www.nitrc.org/ir/"],
        ),
        (
            "nsidc",
            "https://n5eil01u.ecs.nsidc.org/a.hdf",
            &["https://nsidc.org/", "https://evilnsidc.org/", "https://x.nsidcXorg.example/"],
        ),
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
