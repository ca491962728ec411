//! The example of a server, with curl as its client.

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, Stdio};

use crate::helpers::home::{Home, clean_environment};
use crate::helpers::program::example;

/// A running server, and what it printed.
struct Server {
    child: Child,
    lines: BufReader<std::process::ChildStdout>,
    address: String,
}

impl Server {
    fn start(home: &Home, auth: &str) -> Self {
        let mut command = Command::new(example("pop3"));
        clean_environment(&mut command, home.folder());
        let command = command.args(["--auth", auth]).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        lines.read_line(&mut line).unwrap();
        let address = line.trim().strip_prefix("listening on ").unwrap().to_owned();
        Self { child, lines, address }
    }

    fn get(&self, home: &Home, user: &str, password: &str) -> (Option<i32>, String) {
        let mut curl = Command::new("curl");
        clean_environment(&mut curl, home.folder());
        curl.args(["--max-time", "60", "--silent", "--user", &format!("{user}:{password}")]);
        let output = curl.arg(format!("pop3://{}/1", self.address)).output().unwrap();
        (output.status.code(), String::from_utf8(output.stdout).unwrap())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

const PASSWORD: &str = "test";

#[test]
fn the_example_is_a_server_of_pop3() {
    let home = Home::in_memory();
    let users =
        home.write("users", "ann:$2y$05$ZOCatK5lmiEHk94j42Uuh.LmQcDeT3Ndkd32Tv7Oq6l0nzp77sCv6\n");
    let mut server = Server::start(&home, &format!("htpasswd:{}", users.display()));
    let (code, message) = server.get(&home, "ann", PASSWORD);
    assert_eq!((code, message.as_str()), (Some(0), "Subject: Welcome\r\n\r\nHello ann.\r\n"));
    // The user is logged out when the connection ends.
    let mut line = String::new();
    server.lines.read_line(&mut line).unwrap();
    assert_eq!(line, "ann has left\n");
    // curl says 67 if a login is denied.
    for (user, password) in [("ann", "wrong"), ("bob", PASSWORD)] {
        assert_eq!(server.get(&home, user, password), (Some(67), String::new()));
    }
    server.child.kill().unwrap();
    let mut said = String::new();
    server.child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
    assert_eq!(said, "refused: Denied(Secret)\nrefused: UnknownUser\n");
}

#[test]
fn tw_56_a_usage_error_ends_a_server_with_64_and_help_with_0() {
    let home = Home::in_memory();
    let run = |arguments: &[&str]| {
        let mut command = Command::new(example("pop3"));
        clean_environment(&mut command, home.folder());
        let output = command.args(arguments).output().unwrap();
        let said = [output.stdout, output.stderr].concat();
        (output.status.code(), String::from_utf8(said).unwrap())
    };
    for (auth, why) in [
        ("htpaswd:x", "is not recognized"),
        ("totp:/x", "is not supported"),
        ("htpasswd", "cannot be used"),
    ] {
        let (code, said) = run(&["--auth", auth]);
        assert_eq!(code, Some(64), "{said}");
        assert!(said.contains(why), "{said}");
    }
    let (code, said) = run(&["--help-auth"]);
    assert_eq!(code, Some(0));
    assert!(said.contains("  htpasswd  FILE") && !said.contains("totp"), "{said}");
    let (code, said) = run(&["--help-auth-type", "totp"]);
    assert_eq!(code, Some(0));
    assert!(said.contains("WARNING"), "{said}");
}
