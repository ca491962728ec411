//! One question for all processes of a user that need the same answer at the same time.
//!
//! The process that gets a lock asks. The others connect to its socket and wait there. It passes the
//! answer on to each of them, so the answer is never in a file. If the process dies, the operating
//! system releases the lock and closes the connections, and one of the others asks.

use std::fs;
use std::io::{self, Write};
use std::mem;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use keyward_core::{Error, ErrorKind, LockMode, Result, Secret, SecretWriter};
use keyward_fs::PrivateDir;

/// The longest value, in bytes.
const MAX_VALUE: usize = 1 << 20;

/// How long to wait for a process that has the lock and does not listen yet, before the next attempt.
const PAUSE: Duration = Duration::from_millis(10);

/// How long a process that waits may take to read the answer.
const PATIENCE: Duration = Duration::from_secs(1);

/// What a message begins with. Another version of Keyward may use another message.
const ANSWERED: &[u8] = b"keyward-answer-1\n";
const NO_ANSWER: &[u8] = b"keyward-no-answer-1\n";

/// Asks, or waits until another process has asked for the same, and returns the same number of values.
/// `key` names what is asked for, in letters and digits. `waits` is called when it begins to wait.
///
/// # Errors
/// Those of `ask`. If the other process got no answer, this one asks no second time: it is
/// [`Locked`](ErrorKind::Locked).
pub(crate) fn ask_once(
    folder: &Path,
    key: &str,
    count: usize,
    waits: impl Fn(),
    ask: impl FnOnce() -> Result<Vec<Secret>>,
) -> Result<Vec<Secret>> {
    // Without a place to meet, each process asks for itself.
    let Ok(dir) = PrivateDir::create(folder) else { return ask() };
    let socket = dir.path().join(format!("{key}.socket"));
    let mut has_waited = false;
    loop {
        match dir.lock(key, LockMode::Exclusive, Duration::ZERO) {
            Ok(_lock) => return ask_for_all(&socket, ask),
            Err(error) if error.kind() == ErrorKind::Locked => {}
            Err(_) => return ask(),
        }
        let Some(stream) = connect(&socket) else {
            thread::sleep(PAUSE);
            continue;
        };
        if !mem::replace(&mut has_waited, true) {
            waits();
        }
        if let Some(answer) = receive(stream, count) {
            return answer;
        }
    }
}

/// Asks, and passes the answer on. The caller holds the lock.
fn ask_for_all(socket: &Path, ask: impl FnOnce() -> Result<Vec<Secret>>) -> Result<Vec<Secret>> {
    // A process that died has left it.
    drop(fs::remove_file(socket));
    // If the path is too long for a socket, the others wait for the lock.
    let Ok(listener) = UnixListener::bind(socket) else { return ask() };
    let listening = Listening { listener, path: socket.to_owned() };
    let answer = ask();
    let message = match &answer {
        Ok(values) => encoded(values),
        Err(_) => Secret::from(NO_ANSWER),
    };
    listening.pass_on(&message);
    answer
}

/// A socket to which the waiting processes connect. The kernel keeps the connections until they are
/// accepted.
struct Listening {
    listener: UnixListener,
    path: PathBuf,
}

impl Listening {
    fn pass_on(self, message: &Secret) {
        drop(fs::remove_file(&self.path));
        if self.listener.set_nonblocking(true).is_err() {
            return;
        }
        while let Ok((mut stream, _)) = self.listener.accept() {
            // A process that does not read it asks for itself.
            drop(send(&mut stream, message));
        }
    }
}

fn send(stream: &mut UnixStream, message: &Secret) -> io::Result<()> {
    if !is_same_user(stream) {
        return Ok(());
    }
    stream.set_nonblocking(false)?;
    stream.set_write_timeout(Some(PATIENCE))?;
    stream.write_all(message.expose())
}

fn connect(socket: &Path) -> Option<UnixStream> {
    UnixStream::connect(socket).ok().filter(is_same_user)
}

/// Waits for the answer that another process gets. `None` if that process sends none.
fn receive(stream: UnixStream, count: usize) -> Option<Result<Vec<Secret>>> {
    let limit = ANSWERED.len() + count * (MAX_VALUE + size_of::<u32>());
    let message = Secret::read_from(stream, limit).ok()?;
    if message.expose() == NO_ANSWER {
        let why = "another process asked for it and got no answer";
        return Some(Err(Error::new(ErrorKind::Locked, "resolve").because(why)));
    }
    let values = decoded(message.expose())?;
    (values.len() == count).then_some(Ok(values))
}

/// Whether the process at the other end runs as this user. The folder of the socket admits no other
/// one, except root.
#[cfg(target_os = "linux")]
fn is_same_user(stream: &UnixStream) -> bool {
    let peer = rustix::net::sockopt::socket_peercred(stream);
    peer.is_ok_and(|peer| peer.uid == rustix::process::geteuid())
}

#[cfg(not(target_os = "linux"))]
fn is_same_user(_: &UnixStream) -> bool {
    true
}

/// Returns the values, each after its length.
fn encoded(values: &[Secret]) -> Secret {
    let mut message = SecretWriter::new();
    let mut add = |bytes: &[u8]| message.write_all(bytes).expect("it has no limit");
    add(ANSWERED);
    for value in values {
        add(&u32::try_from(value.len()).unwrap_or(u32::MAX).to_be_bytes());
        add(value.expose());
    }
    message.finish()
}

/// Returns the values of a message; `None` if it is another one, or incomplete.
fn decoded(message: &[u8]) -> Option<Vec<Secret>> {
    let mut rest = message.strip_prefix(ANSWERED)?;
    let mut values = Vec::new();
    while let Some((length, after)) = rest.split_first_chunk() {
        let length = usize::try_from(u32::from_be_bytes(*length)).ok()?;
        let (value, after) = after.split_at_checked(length)?;
        values.push(Secret::new(value.to_vec()));
        rest = after;
    }
    rest.is_empty().then_some(values)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::sync::{Barrier, mpsc};

    use proptest::prelude::*;

    use super::*;

    fn folder() -> tempfile::TempDir {
        tempfile::tempdir().unwrap()
    }

    fn secrets(values: &[&str]) -> Vec<Secret> {
        values.iter().map(|value| Secret::from(*value)).collect()
    }

    /// Lets many ask for the same, and answers the only question when all others wait.
    fn ask_with_many(
        folder: &Path,
        answer: &(dyn Fn() -> Result<Vec<Secret>> + Sync),
    ) -> Vec<Result<Vec<Secret>>> {
        const MANY: usize = 16;
        let asked = AtomicUsize::new(0);
        let all_wait = Barrier::new(MANY);
        let ask = || {
            asked.fetch_add(1, Ordering::SeqCst);
            all_wait.wait();
            answer()
        };
        let waits = || {
            all_wait.wait();
        };
        let one = || ask_once(folder, "key", 2, waits, ask);
        let answers = thread::scope(|scope| {
            let threads: Vec<_> = (0..MANY).map(|_| scope.spawn(one)).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        assert_eq!(asked.into_inner(), 1);
        answers
    }

    #[test]
    fn one_asks_and_all_get_the_answer() {
        let folder = folder();
        let place = folder.path().join("prompts");
        for found in ask_with_many(&place, &|| Ok(secrets(&["ann", "s3cret"]))) {
            assert_eq!(found.unwrap(), secrets(&["ann", "s3cret"]));
        }
        // No file has ever had the answer; only the empty file of the lock stays.
        let left: Vec<_> =
            fs::read_dir(&place).unwrap().map(|it| it.unwrap().file_name()).collect();
        assert_eq!(left, [".locks"]);
    }

    #[test]
    fn without_an_answer_the_others_are_not_asked_again() {
        let folder = folder();
        let closed = || Err(Error::new(ErrorKind::Locked, "prompt"));
        for found in ask_with_many(&folder.path().join("prompts"), &closed) {
            assert_eq!(found.unwrap_err().kind(), ErrorKind::Locked);
        }
    }

    #[test]
    fn if_the_one_that_asks_dies_the_next_one_asks() {
        let folder = folder();
        let dir = PrivateDir::create(&folder.path().join("prompts")).unwrap();
        let lock = dir.lock("key", LockMode::Exclusive, Duration::ZERO).unwrap();
        let socket = dir.path().join("key.socket");
        let listener = UnixListener::bind(&socket).unwrap();
        let (waits, waiting) = mpsc::channel();
        thread::scope(|scope| {
            let next = scope.spawn(|| {
                let waits = || waits.send(()).unwrap();
                ask_once(dir.path(), "key", 1, waits, || Ok(secrets(&["typed"])))
            });
            waiting.recv().unwrap();
            // The socket stays, as after a signal.
            drop((lock, listener));
            assert_eq!(next.join().unwrap().unwrap(), secrets(&["typed"]));
        });
        assert!(!socket.exists());
    }

    #[test]
    fn what_cannot_be_shared_is_asked_for() {
        let folder = folder();
        fs::File::create(folder.path().join("file")).unwrap();
        for place in ["file/prompts", &"long".repeat(40)] {
            let place = folder.path().join(place);
            let asked = ask_once(&place, "key", 1, || {}, || Ok(secrets(&["typed"])));
            assert_eq!(asked.unwrap(), secrets(&["typed"]));
        }
    }

    #[test]
    fn an_incomplete_message_is_none() {
        let message = encoded(&secrets(&["ann", "", "s3cret"]));
        assert_eq!(decoded(message.expose()), Some(secrets(&["ann", "", "s3cret"])));
        for end in 0..message.len() {
            let part = decoded(&message.expose()[..end]);
            assert!(part.is_none_or(|values| values.len() < 3), "{end}");
        }
    }

    proptest! {
        #[test]
        fn any_message_is_read_or_refused(bytes in any::<Vec<u8>>()) {
            let _ = decoded(&[ANSWERED, &bytes].concat());
        }
    }
}
