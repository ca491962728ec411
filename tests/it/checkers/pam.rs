//! The checker `pam` in the program `keyward`. The tests of its crate have all of its answers.

use std::os::unix::fs::PermissionsExt;

use crate::helpers::home::Home;
use crate::helpers::invocation::Invocation;
use crate::helpers::namespace::Namespace;
use crate::helpers::program::keyward;

/// `made-up-password`, as crypt(3) writes it.
const HASH: &str = "$6$madeupsalt$9lm4OUXcXQA.Pw4hDKZBZfw3ppV1eJCocm4j/mjGVLBUOdOhlC0unucSUaej7klw1Kvnd3wbBqaPfMpflsjJu1";

#[test]
fn keyward_starts_the_program_that_contains_it() {
    let home = Home::new();
    let users = [
        ("ann", "20000:0:99999:7:::"),
        ("expired", "20000:0:99999:7::1:"),
        ("due", "0:0:99999:7:::"),
    ];
    let line = |(name, _): (&str, &str)| format!("{name}:x:5000:5000::/nowhere:/bin/false\n");
    home.write("passwd", format!("root:x:0:0::/root:/bin/sh\n{}", users.map(line).concat()));
    let line = |(name, rest): (&str, &str)| format!("{name}:{HASH}:{rest}\n");
    let shadow = home.write("shadow", users.map(line).concat());
    std::fs::set_permissions(shadow, PermissionsExt::from_mode(0o600)).unwrap();
    home.write(
        "services/test",
        "auth required pam_unix.so nodelay\naccount required pam_unix.so\n",
    );
    let space = Namespace::new();
    for (own, system) in [("passwd", "passwd"), ("shadow", "shadow"), ("services", "pam.d")] {
        space.run(&format!("mount --bind {} /etc/{system}", home.path(own).display()));
    }
    let run = |user: &str, password: &str| {
        let command = Invocation::from(space.command(home.folder(), &keyward()));
        let words = ["auth", "check", "--stdin", "--auth", "pam:test", user];
        command.args(words).input(password).run()
    };
    run("ann", "made-up-password").ends(0).prints("ann\n");
    run("ann", "another").ends(9).says("the secret is wrong");
    run("expired", "made-up-password").ends(9).says("has expired");
    run("due", "made-up-password").ends(9).says("the password must be changed first");
    run("no-such-user", "made-up-password").ends(9).says("no checker knows the user");
}
