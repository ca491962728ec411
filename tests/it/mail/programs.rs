//! `testsaslauthd` of Cyrus SASL, and programs that `checkpassword` runs.

use super::server::{Mail, PASSWORD, USER};
use crate::helpers::invocation::Finished;

#[test]
fn cyrus_sasl_checks_passwords() {
    let mail = Mail::start(|text| text);
    let check = |user: &str, password: &str| {
        let program = mail.home.program("testsaslauthd").args(["-f", "run/saslauthd/mux"]);
        program.args(["-u", user, "-p", password, "-s", "imap", "-r", "example.org"]).run()
    };
    check(USER, PASSWORD).ends(0).prints("0: OK \"Success.\"\n");
    for (user, password) in [(USER, "wrong"), ("bob", PASSWORD)] {
        let said = check(user, password);
        assert!(said.text().contains("NO \"authentication failed\""), "{}", said.text());
    }
}

#[test]
fn checkpassword_runs_a_program() {
    let mail = Mail::start(|text| text);
    let check = |socket: &str, input: &str, program: &str| -> Finished {
        mail.home.write("input", input);
        let serve = crate::helpers::program::keyward().with_file_name("keyward-serve");
        let line =
            format!("exec {} checkpassword --socket {socket} {program} 3<input", serve.display(),);
        mail.home.program("sh").args(["-c", &line]).run()
    };
    let input = |user: &str, password: &str| format!("{user}\0{password}\0Y1\0");
    let socket = "run/dovecot.sock";
    let right = input(USER, PASSWORD);
    // The program gets the name, and not the password.
    let program = "sh -c 'echo \"hello $USER\"; ls /dev/fd/3 2>&1; exit 7'";
    let said = check(socket, &right, program).ends(7);
    assert!(said.text().starts_with("hello ann\n") && !said.text().contains("sesame"));
    for wrong in [input(USER, "wrong"), input("bob", PASSWORD)] {
        check(socket, &wrong, "echo in").ends(1).prints("");
    }
    for misused in ["", "ann", &format!("ann\0{}\0\0", "x".repeat(600)), &input("", "x")] {
        check(socket, misused, "echo in").ends(2).prints("");
    }
    check("run/none", &right, "echo in").ends(111).prints("");
    check(socket, &right, "./none").ends(111);
    std::fs::remove_file(mail.home.path("users")).unwrap();
    check(socket, &right, "echo in").ends(111).prints("").says("cannot decide");
}
