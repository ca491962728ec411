//! Where an s3:// URL leads.

use super::*;

fn sent(url: &str, endpoint: Option<&str>, region: Option<&str>) -> String {
    let place = Place { endpoint: endpoint.map(str::to_owned), region: region.map(str::to_owned) };
    let object = match Object::parse(url) {
        Ok(object) => object.unwrap(),
        Err(error) => return error.message().to_owned(),
    };
    object
        .url_at(&place)
        .map_or_else(|error| error.message().to_owned(), |target| target.to_string())
}

/// D1 of DataLad: how its URLs are read.
#[test]
fn a_bucket_is_a_host_of_aws_or_a_path_of_another_service() {
    for (url, endpoint, region, expected) in [
        ("s3://b-1/a", None, None, "https://b-1.s3.amazonaws.com/a"),
        ("S3://b-1/a", None, None, "https://b-1.s3.amazonaws.com/a"),
        ("s3://b-1/a", None, Some("eu-west-1"), "https://b-1.s3.eu-west-1.amazonaws.com/a"),
        ("s3://b-1/a", None, Some("cn-north-1"), "https://b-1.s3.cn-north-1.amazonaws.com.cn/a"),
        ("s3://b.c.d/a", None, None, "https://s3.amazonaws.com/b.c.d/a"),
        ("s3://NDAR_Central_1/a", None, None, "https://s3.amazonaws.com/NDAR_Central_1/a"),
        ("s3://b-1/a", Some("http://127.0.0.1:9"), Some("x"), "http://127.0.0.1:9/b-1/a"),
        ("s3://b-1/a?versionId=x.1", None, None, "https://b-1.s3.amazonaws.com/a?versionId=x.1"),
    ] {
        assert_eq!(sent(url, endpoint, region), expected, "{url}");
    }
    // Which bucket a provider is for depends on capital letters, so such a bucket has no origin.
    assert!(Object::parse("s3://NDAR_Central_1/a").unwrap().unwrap().target().is_none());
    assert!(Object::parse("https://b-1/a").unwrap().is_none());
}

/// ex_aws CVE-2026-59698: a key was normalized, so it became another one.
#[test]
fn a_key_stays_as_it_is() {
    for (key, expected) in [
        ("a//b", "a//b"),
        ("/a", "/a"),
        ("a/", "a/"),
        ("a+b", "a%2Bb"),
        ("a%20b", "a%20b"),
        ("a=b@c*d", "a%3Db%40c%2Ad"),
        ("a%2fb", "a/b"),
        ("a%252Fb", "a%252Fb"),
        ("a%3fb%23c", "a%3Fb%23c"),
        ("%c3%bc", "%C3%BC"),
        ("a...b/...", "a...b/..."),
        ("~-_.", "~-_."),
        ("a%00b", "a%00b"),
    ] {
        assert_eq!(
            sent(&format!("s3://b-1/{key}"), Some("https://x"), None),
            format!("https://x/b-1/{expected}")
        );
    }
    for key in ["..", "a/../b", "a/./b", "%2e%2E/b", "a/..%2fb", "a%2F..%2Fb"] {
        let why = sent(&format!("s3://b-1/{key}"), None, None);
        assert!(why.contains("segment `.` or `..`"), "{key}: {why}");
    }
    for (rest, expected) in [
        ("a%", "%25"),
        ("a%zz", "%25"),
        ("a#b", "%23"),
        ("%ff", "UTF-8"),
        ("", "no object"),
        ("?versionId=x", "no object"),
        ("a?versionId=", "versionId"),
        ("a?versionId=x&acl", "versionId"),
        ("a?uploads", "versionId"),
        ("a?X-Amz-Signature=x", "versionId"),
        ("a b", "blank"),
    ] {
        let why = sent(&format!("s3://b-1/{rest}"), None, None);
        assert!(why.contains(expected), "{rest}: {why}");
    }
}

/// ex_aws CVE-2026-63582 and CVE-2026-120720, AWS SDK for .NET CVE-2026-22611 and that for Go: a
/// bucket or a region became the host that got the request.
#[test]
fn a_bucket_or_a_region_never_becomes_another_host() {
    for bucket in [
        "evil.example#",
        "evil.example?",
        "a@evil.example",
        "evil.example:443",
        "ab",
        "-abc",
        "abc-",
        ".abc",
        "a..b",
        "a%2fb",
        "",
        "abc\\evil",
    ] {
        let why = sent(&format!("s3://{bucket}/a"), None, None);
        assert!(!why.contains("://"), "{bucket}: {why}");
    }
    assert!(!sent(&format!("s3://{}/a", "a".repeat(64)), None, None).contains("://"));
    assert!(!sent(&format!("s3://abc/{}", "a".repeat(1 << 20)), None, None).contains("://"));
    for region in ["evil.example/", "a.b", "x@evil.example", "a/b", "", "-", "A", "é"] {
        assert!(!sent("s3://abc/a", None, Some(region)).contains("://"), "{region}");
    }
    for endpoint in [
        "https://a@evil.example",
        "evil.example",
        "https://x/path",
        "file:///etc",
        "ftp://x",
        "s3://abc",
    ] {
        assert!(!sent("s3://abc/a", Some(endpoint), None).contains("//abc"), "{endpoint}");
        assert!(!sent("s3://abc/a", Some(endpoint), None).contains("/abc/"), "{endpoint}");
    }
}
