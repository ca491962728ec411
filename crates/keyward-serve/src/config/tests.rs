use super::*;

fn parse(text: &str) -> Result<Config> {
    Config::parse(&TomlFile::from_text(Path::new("serve.toml"), text))
}

const BOUNCER: &str = "[[bouncer]]\nname = 'office'\nauth = ['htpasswd:/etc/users']\n";

#[test]
fn a_file_is_read() {
    let text = format!(
        "version = 1\nlog = 'json'\nstatus = ['127.0.0.1:9081']\n[limits]\nthreads = 2\nstop = '1s'\n{BOUNCER}"
    );
    let config = parse(&text).unwrap();
    assert_eq!(config.log, Format::Json);
    assert_eq!(config.limits.threads, 2);
    assert_eq!(config.limits.stop, Duration::from_secs(1));
    assert_eq!(config.limits.connections, Limits::default().connections);
    assert_eq!(config.bouncers[0].realm, "office");
    assert_eq!(config.listeners().len(), 1);
}

#[test]
fn what_is_wrong_is_named_by_its_line_and_not_quoted() {
    for (text, line, says) in [
        ("log = 'json'", 1, "version"),
        ("version = 1\nlgo = 'json'", 2, "`lgo`"),
        ("version = 1\nlog = 'hunter2'", 2, "`log`"),
        ("version = 1\nlog = 3", 2, "takes text"),
        ("version = 1\nstatus = ['hunter2']", 2, "`status`"),
        ("version = 1\nstatus = '127.0.0.1:1'", 2, "takes a list"),
        ("version = 1\nstatus = ['0.0.0.0:9081']", 2, "`status`"),
        ("version = 1\n[limits]\nthreads = 0", 3, "`threads`"),
        ("version = 1\n[limits]\nstop = '5'", 3, "`stop`"),
        ("version = 1\n[[bouncer]]\nname = 'x'", 2, "`auth`"),
        ("version = 1\n[[bouncer]]\nauth = ['x']", 2, "`name`"),
        ("version = 1\n[[bouncer]]\nname = 'x'\nauth = ['y']\ndigest = ['hunter2']", 5, "`digest`"),
        ("version = 1\n[bouncer]\nname = 'x'", 2, "[[bouncer]]"),
        ("version = 1\n[[bouncer]]\nname = 'a'\nauth = ['x']\n[[bouncer]]\nname = 'a'", 6, "name"),
    ] {
        let error = parse(text).unwrap_err();
        let place = format!("serve.toml:{line}: ");
        assert!(error.message().starts_with(&place), "{text}\n{error}");
        assert!(error.message().contains(says), "{text}\n{error}");
        assert!(!error.to_string().contains("hunter2"), "{error}");
    }
    assert_eq!(
        parse("version = 1\nstatsu = []").unwrap_err().advice(),
        Some("Did you mean `status`?")
    );
}
