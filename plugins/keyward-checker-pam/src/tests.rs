use keyward_plugin::{ErrorKind, Options as _, Value, Values};
use keyward_testkit::TestHost;

use super::*;

fn open(service: &str) -> Result<Pam> {
    let values = Values::new().with("service", Value::Text(service.into()));
    let values = values.complete(Options::TABLE).unwrap();
    let host: Arc<dyn Host> = Arc::new(TestHost::new());
    Pam::open(Options::read(&values)?, &host)
}

#[test]
fn a_service_is_the_name_of_a_file() {
    for good in ["login", "keyward-1.0"] {
        assert!(open(good).is_ok(), "{good:?}");
    }
    for bad in ["", ".", "..", "../login", "/etc/passwd", "a b", "a\0"] {
        assert_eq!(open(bad).unwrap_err().kind(), ErrorKind::Invalid, "{bad:?}");
    }
}

#[test]
fn pam_is_not_asked_about_what_it_cannot_have() {
    let long = "x".repeat(257);
    for name in ["", "a\0b", "a\nb", "\u{1b}[2J", &long] {
        assert!(!is_name(name), "{name:?}");
    }
    assert!(is_name("ann") && is_name(&long[1..]) && is_name("corp\\ann@example.com"));
    let is = |bytes: &[u8]| is_answer(&Secret::from(bytes));
    assert!(is(b"") && is(&[b'x'; 511]) && is(b"a\xff\n"));
    assert!(!is(b"\0") && !is(b"a\0b") && !is(&[b'x'; 512]));
}
