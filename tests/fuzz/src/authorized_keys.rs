use keyward_checker_sshkey::{Options, SshKey, count_usable_lines};
use keyward_core::{Attempt, Backend, Checker, Presented, PresentedKind, Round};

use crate::host::Answers;

/// Each line of a file of keys concerns only itself.
pub fn authorized_keys(bytes: &[u8]) {
    let lines = bytes.split(|byte| *byte == b'\n');
    assert_eq!(lines.map(count_usable_lines).sum::<usize>(), count_usable_lines(bytes));
}

/// The first line is a key or a certificate as in a file; what follows is a signature, as bytes or as
/// text. No user has a file with keys, so all are unknown.
pub fn ssh_signature(bytes: &[u8]) {
    let at = bytes.iter().position(|byte| *byte == b'\n').unwrap_or(bytes.len());
    let (key, signature) = (&bytes[..at], bytes.get(at + 1..).unwrap_or_default());
    let options = Options {
        file: vec!["/nonexistent/%u".into()],
        user: None,
        ca: None,
        krl: None,
        namespace: "keyward-auth@v1".into(),
    };
    let checker = SshKey::open(options, &Answers::none()).expect("the options are right");
    let presented = Presented::new(PresentedKind::SSH_SIGNATURE).named("ann");
    let presented = presented.with("data", "data").with("signature", signature);
    for presented in [presented.clone(), presented.with("key", key)] {
        let round = checker.check(&presented, &Attempt::default()).expect("the checker can tell");
        assert_eq!(round, Round::Unknown);
    }
}
