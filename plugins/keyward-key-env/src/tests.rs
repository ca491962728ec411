use keyward_plugin::{Options as _, Value, Values, encode_key};
use keyward_testkit::TestHost;

use super::*;

keyward_testkit::key_suite!(
    EnvKey,
    |_| named("WORK_KEY"),
    host = |_| TestHost::new().variable("WORK_KEY", encode_key(&[7; 32]))
);

fn named(name: &str) -> Values {
    Values::new().with("name", Value::Text(name.into()))
}

fn open(name: &str, host: TestHost) -> Result<EnvKey> {
    let host: Arc<dyn Host> = Arc::new(host);
    EnvKey::open(Options::read(&named(name))?, &host)
}

fn id() -> KeyId {
    KeyId::default()
}

#[test]
fn a_secret_is_the_unchanged_value() {
    let secret = b"\xff spaced \n".to_vec();
    let source = open("PASSWORD", TestHost::new().variable("PASSWORD", secret.clone())).unwrap();
    assert_eq!(source.load(&id(), &[]).unwrap().expose(), secret);
}

#[test]
fn a_value_that_is_not_a_key_is_refused() {
    let source = open("KEY", TestHost::new().variable("KEY", "canary")).unwrap();
    let error = source.create(&id()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NoKey);
    assert!(!format!("{error:?}").contains("canary"));
}

#[test]
fn a_variable_that_is_not_set_says_how_to_set_it() {
    for host in [TestHost::new(), TestHost::new().variable("KEY", "")] {
        let source = open("KEY", host).unwrap();
        let error = source.create(&id()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NoKey);
        assert!(error.advice().unwrap().contains("export KEY="));
        assert_eq!(source.load(&id(), &[]).unwrap_err().kind(), ErrorKind::NoKey);
    }
}

#[test]
fn other_text_than_a_variable_name_is_refused() {
    for name in ["", "A=B", "A\0"] {
        assert_eq!(open(name, TestHost::new()).unwrap_err().kind(), ErrorKind::Invalid);
    }
}
