//! The connection of a client.

use std::collections::HashMap;
use std::io::Result;
use std::process;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use keyward_core::Secret;
use tokio::io::{AsyncWriteExt, ReadHalf, WriteHalf, split};
use tokio::task::JoinSet;

use super::accepted::{Cookie, Key};
use super::answer::{Answer, greeting};
use super::command::{Begin, Command, MAJOR, Wrong};
use super::exchange::{Exchange, Outcome, Waiting, mechanisms};
use super::line::MAX_LINE;
use crate::listen::{Connection, Service, Stop, Stream};
use crate::mail::lines::Lines;
use crate::mail::login::Decider;
use crate::server::Server;

/// The most logins at once on a connection: as many as Dovecot's login process has users.
const MAX_LOGINS: usize = 1024;

/// Identifies connections within this process.
static CONNECTIONS: AtomicU32 = AtomicU32::new(1);

/// Serves a client until the connection ends.
pub(crate) async fn serve(server: &Arc<Server>, connection: Connection, mut stop: Stop) {
    let Some(bouncer) = server.state().config.mail.dovecot.as_ref().map(|it| it.bouncer.clone())
    else {
        return;
    };
    let (from, to) = split(connection.stream);
    let Ok(cookie) = Cookie::random() else { return };
    let client = Client {
        server,
        bouncer,
        to,
        cookie,
        process: None,
        logins: HashMap::new(),
        work: JoinSet::new(),
    };
    // A broken connection concerns the client alone.
    let _ = client.run(Lines::new(from, MAX_LINE), &mut stop).await;
}

struct Client<'a> {
    server: &'a Arc<Server>,
    bouncer: String,
    to: WriteHalf<Stream>,
    cookie: Cookie,
    /// The process id of the client, which it says first.
    process: Option<u32>,
    logins: HashMap<u32, Progress>,
    work: JoinSet<(u32, Outcome)>,
}

/// Where a login is.
enum Progress {
    /// A step is being taken.
    Working,
    /// The client gave the login up while a step was being taken.
    Cancelled,
    /// The user must answer.
    Waiting(Box<Waiting>),
}

/// Why a connection ends.
enum End {
    /// The client broke the rules of the protocol.
    Protocol,
    Connection,
}

impl From<std::io::Error> for End {
    fn from(_: std::io::Error) -> Self {
        Self::Connection
    }
}

impl Client<'_> {
    async fn run(
        mut self,
        mut lines: Lines<ReadHalf<Stream>>,
        stop: &mut Stop,
    ) -> std::result::Result<(), End> {
        self.greet().await?;
        // By then, the client must have said who it is.
        let end = tokio::time::Instant::now() + self.server.limits().idle;
        loop {
            let patience = async {
                match self.process {
                    None => tokio::time::sleep_until(end).await,
                    Some(_) => std::future::pending().await,
                }
            };
            tokio::select! {
                line = lines.next() => match line? {
                    None => return Ok(()),
                    Some(line) => self.obey(&line).await?,
                },
                Some(done) = self.work.join_next() => {
                    let Ok((id, outcome)) = done else { return Err(End::Connection) };
                    self.conclude(id, outcome).await?;
                }
                () = patience => return Ok(()),
                () = stop.wait() => break,
            }
        }
        while let Some(Ok((id, outcome))) = self.work.join_next().await {
            self.conclude(id, outcome).await?;
        }
        Ok(())
    }

    async fn greet(&mut self) -> std::result::Result<(), End> {
        let state = self.server.state();
        let bouncer = state.bouncer(&self.bouncer).map_err(|_| End::Connection)?;
        let connection = CONNECTIONS.fetch_add(1, Ordering::Relaxed);
        let mechanisms = mechanisms(bouncer);
        if mechanisms.is_empty() {
            let fields: [(&str, &dyn std::fmt::Display); 1] = [("bouncer", &self.bouncer)];
            self.server.log.error("no mechanism of SASL can be offered", &fields);
            return Err(End::Connection);
        }
        let text = greeting(process::id(), connection, self.cookie, mechanisms.into_iter());
        Ok(self.send(&text).await?)
    }

    async fn obey(&mut self, line: &Secret) -> std::result::Result<(), End> {
        match Command::parse(line.expose()) {
            Err(Wrong::Line) => Err(End::Protocol),
            Err(Wrong::Login(id)) => {
                self.logins.remove(&id);
                Ok(self.say(id, &Answer::Refused).await?)
            }
            Ok(Command::Version(MAJOR) | Command::Unknown) => Ok(()),
            Ok(Command::Version(_)) => Err(End::Protocol),
            Ok(Command::Process(process)) => {
                self.process = Some(process);
                Ok(())
            }
            Ok(Command::Begin(begin)) => self.begin(*begin).await,
            Ok(Command::Continue { id, answer }) => self.go_on(id, answer).await,
            Ok(Command::Cancel(id)) => {
                if let Some(Progress::Working) = self.logins.remove(&id) {
                    self.logins.insert(id, Progress::Cancelled);
                }
                Ok(())
            }
        }
    }

    async fn begin(&mut self, begin: Begin) -> std::result::Result<(), End> {
        let id = begin.id;
        if self.process.is_none() || self.logins.contains_key(&id) {
            return Err(End::Protocol);
        }
        let decider = Decider::new(self.server, Service::Dovecot, &self.bouncer);
        let (Ok(decider), true) = (decider, self.logins.len() < MAX_LOGINS) else {
            return Ok(self.say(id, &Answer::Failed).await?);
        };
        let exchange = Exchange::new(decider, &begin);
        self.work(id, move || exchange.begin(&begin.mechanism, begin.initial.as_ref()));
        Ok(())
    }

    async fn go_on(&mut self, id: u32, answer: Secret) -> std::result::Result<(), End> {
        match self.logins.remove(&id) {
            Some(Progress::Waiting(waiting)) => {
                self.work(id, move || waiting.go_on(&answer));
                Ok(())
            }
            Some(Progress::Working | Progress::Cancelled) => Err(End::Protocol),
            None => Ok(self.say(id, &Answer::Refused).await?),
        }
    }

    /// Takes a step where it may block.
    fn work(&mut self, id: u32, step: impl FnOnce() -> Outcome + Send + 'static) {
        self.logins.insert(id, Progress::Working);
        let pool = self.server.pool.clone();
        self.work.spawn(async move {
            let outcome = pool.run(move || Ok(step())).await;
            let failed = Outcome { answer: Answer::Failed, waiting: None, has_master: false };
            (id, outcome.unwrap_or(failed))
        });
    }

    /// Tells the client what a step led to.
    async fn conclude(&mut self, id: u32, outcome: Outcome) -> Result<()> {
        if let Some(Progress::Cancelled) = self.logins.remove(&id) {
            return Ok(());
        }
        let mut answer = outcome.answer;
        if let Some(waiting) = outcome.waiting {
            self.logins.insert(id, Progress::Waiting(Box::new(waiting)));
        }
        if let (Answer::Accepted(identity, _), Some(process), true) =
            (&answer, self.process, outcome.has_master)
        {
            let key = Key { cookie: self.cookie, process, login: id };
            if !self.server.accepted.add(key, identity.clone()) {
                answer = Answer::Failed;
            }
        }
        self.say(id, &answer).await
    }

    async fn say(&mut self, id: u32, answer: &Answer) -> Result<()> {
        self.send(&answer.line(id)).await
    }

    /// Sends a text. A client that does not read is cut off.
    async fn send(&mut self, text: &Secret) -> Result<()> {
        let idle = self.server.limits().idle;
        match tokio::time::timeout(idle, self.to.write_all(text.expose())).await {
            Ok(result) => result,
            Err(_) => Err(std::io::ErrorKind::TimedOut.into()),
        }
    }
}
