//! The installed git.

use std::io::Write;
use std::process::{Command, Stdio};

use keyward_origin::{Login, from_parts};

/// Compares a login with what git reads from the same URL, if it has all that git would prompt for.
pub(crate) fn check(url: &str) -> bool {
    let Ok(Login { location, password: Some(password) }) = Login::parse(url) else { return false };
    let read = fill(url);
    let value = |key: &[u8]| {
        let line = read.split(|&byte| byte == b'\n').find_map(|line| line.strip_prefix(key));
        line.map(<[u8]>::to_vec)
    };
    let text = |key: &[u8]| value(key).map(|value| String::from_utf8(value).expect("UTF-8"));
    let (protocol, host) = (text(b"protocol="), text(b"host="));
    let origin = from_parts(&protocol.expect("a protocol"), &host.expect("a host"));
    assert_eq!(origin.as_ref().ok(), Some(location.origin()), "{url}");
    assert_eq!(text(b"username=").as_deref(), location.account(), "{url}");
    assert_eq!(text(b"path=").as_deref(), location.path(), "{url}");
    assert_eq!(value(b"password=").as_deref(), Some(password.expose()), "{url}");
    true
}

/// Returns what `git credential fill` reads from the URL, without a helper.
fn fill(url: &str) -> Vec<u8> {
    let mut git = Command::new("git");
    git.args(["-c", "credential.useHttpPath=true", "credential", "fill"]);
    git.env("GIT_CONFIG_NOSYSTEM", "1").env("GIT_CONFIG_GLOBAL", "/dev/null");
    git.env("GIT_TERMINAL_PROMPT", "0").stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut git = git.spawn().expect("git is installed");
    let mut input = git.stdin.take().expect("it is piped");
    input.write_all(format!("url={url}\n\n").as_bytes()).expect("git reads");
    drop(input);
    let output = git.wait_with_output().expect("git ends");
    assert!(output.status.success(), "git does not read {url}");
    output.stdout
}
