//! A POP3 server whose operator chooses who may log in: `pop3 --auth htpasswd:/etc/users`.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a program prints")]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::ExitCode;

use clap::Parser;
use keyward::Keyward;
use keyward_core::{Attempt, Presented, PresentedKind, Result};
use keyward_defaults as _;
use keyward_portal::{
    Admission, AuthArgs, Interface, Login, Portal, Progress, Realm, UsageError, Visitor,
};

/// Serve POP3 to the users that the checkers know
#[derive(Parser)]
struct Arguments {
    #[command(flatten)]
    auth: AuthArgs,
    /// Where to listen
    #[arg(long, default_value = "127.0.0.1:0")]
    listen: SocketAddr,
}

const MAILBOX: Interface = Interface("pop3-mailbox");

/// Each user has a mailbox with one message.
struct Mailboxes;

impl Realm for Mailboxes {
    type Avatar = Vec<String>;
    type Mind = ();

    fn avatar(&self, visitor: &Visitor, _: &[Interface], (): ()) -> Result<Admission<Vec<String>>> {
        let Some(user) = &visitor.identity else {
            return Ok(Admission::Denied("there is no mailbox for guests".into()));
        };
        let message = format!("Subject: Welcome\r\n\r\nHello {user}.\r\n");
        let name = user.to_string();
        Ok(Admission::until_logout(MAILBOX, vec![message], move || println!("{name} has left")))
    }
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let keyward = Keyward::open().expect("the configuration is valid");
    let supported = [PresentedKind::PASSWORD];
    match arguments.auth.help(keyward.registry(), &supported) {
        Ok(None) => {}
        Ok(Some(help)) => {
            print!("{help}");
            return ExitCode::SUCCESS;
        }
        Err(error) => return usage(&error),
    }
    let chain = match arguments.auth.chain(keyward.registry(), &keyward.host(), &supported) {
        Ok(chain) => chain,
        Err(error) => return usage(&error),
    };
    let portal = Portal::new(Mailboxes, chain, keyward.host()).expect("the checkers can work");
    let listener = TcpListener::bind(arguments.listen).expect("the address is free");
    println!("listening on {}", listener.local_addr().expect("it has an address"));
    std::thread::scope(|scope| {
        for connection in listener.incoming().flatten() {
            let portal = &portal;
            // A client that goes away ends its thread, and is logged out.
            scope.spawn(move || serve(portal, &connection));
        }
    });
    ExitCode::SUCCESS
}

fn usage(error: &UsageError) -> ExitCode {
    eprintln!("error: {error}");
    ExitCode::from(UsageError::EXIT_CODE)
}

fn serve(portal: &Portal<Mailboxes>, mut connection: &TcpStream) -> std::io::Result<()> {
    let attempt = Attempt::from_address(connection.peer_addr()?.ip().to_string());
    let mut lines = BufReader::new(connection.take(64 << 10)).lines();
    let (mut user, mut login) = (String::new(), None::<Login<Vec<String>>>);
    write!(connection, "+OK ready\r\n")?;
    while let Some(line) = lines.next().transpose()? {
        let (command, argument) = line.split_once(' ').unwrap_or((&line, ""));
        let answer = match (command.to_ascii_uppercase().as_str(), &login) {
            ("QUIT", _) => return write!(connection, "+OK bye\r\n"),
            ("USER", None) => {
                user = argument.to_owned();
                "+OK".into()
            }
            ("PASS", None) => {
                let presented = Presented::password(&user, argument);
                match portal.login(&presented, &attempt, &[MAILBOX], ()) {
                    Ok(Progress::LoggedIn(accepted)) => login = Some(accepted),
                    Ok(Progress::Refused(refusal)) => eprintln!("refused: {:?}", refusal.cause),
                    Ok(Progress::Challenge(_)) => {}
                    Err(error) => eprintln!("error: {error}"),
                }
                // Why it was refused is for the log alone.
                if login.is_some() { "+OK" } else { "-ERR" }.into()
            }
            ("STAT", Some(it)) => format!("+OK {} {}", it.avatar().len(), it.avatar()[0].len()),
            ("LIST", Some(it)) => format!("+OK\r\n1 {}\r\n.", it.avatar()[0].len()),
            ("RETR", Some(it)) => format!("+OK\r\n{}.", it.avatar()[0]),
            _ => "-ERR".into(),
        };
        write!(connection, "{answer}\r\n")?;
    }
    Ok(())
}
