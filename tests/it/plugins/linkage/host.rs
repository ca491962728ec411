//! A library calls its host through a table, and gets every answer of the host.

use std::fmt::Arguments;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use keyward_core::{
    EntryId, Error, ErrorKind, Host, Key, KeyId, Level, Loaded, Network, Prompt, Result, Secret,
    SecretRef, Storage, Timestamp, Values,
};
use keyward_loader::{load, verify_library};
use keyward_testkit::{Scratch, TestHost};

use super::backends::{PASSPHRASE, REFERENCED_PASSPHRASE};
use super::c::built;
use super::child_process::running;
use super::{linked, loaded, pin};

/// A host that answers with the question, or panics at every call.
#[derive(Debug, Default)]
struct Echo {
    panics: bool,
    remaining: Option<Duration>,
    log: Mutex<Vec<(Level, String)>>,
}

impl Echo {
    fn is_asked(&self) {
        assert!(!self.panics, "the host panics");
    }
}

impl Host for Echo {
    fn secret(&self, reference: &SecretRef) -> Result<Loaded> {
        self.is_asked();
        match &*reference.from {
            "vault" => Ok(Secret::from("the vault's").into()),
            "lease" => Ok(Loaded::new(Secret::from("a lease"), Some(Timestamp::from_unix(23)))),
            _ => Err(Error::new(ErrorKind::NoKey, "secret").because("it is not here")),
        }
    }

    fn prompt(&self, prompt: &Prompt<'_>) -> Result<Secret> {
        self.is_asked();
        let twice = if prompt.confirm { " Again?" } else { "" };
        Ok(Secret::from(format!("{}{twice}", prompt.text).as_str()))
    }

    fn variable(&self, name: &str) -> Option<Secret> {
        self.is_asked();
        (name == "V").then(|| Secret::from("a value"))
    }

    fn now(&self) -> Timestamp {
        self.is_asked();
        Timestamp::from_unix(1_767_225_600)
    }

    fn log(&self, level: Level, message: Arguments<'_>) {
        self.is_asked();
        self.log.lock().unwrap().push((level, message.to_string()));
    }

    fn remaining(&self) -> Option<Duration> {
        self.is_asked();
        self.remaining
    }

    fn network(&self) -> Result<Network> {
        self.is_asked();
        let mut network = Network::default();
        network.root_files = vec!["/a.pem".into(), "/b.pem".into()];
        network.root_folders = vec!["/certs".into()];
        network.https_proxy = Some("http://ann:s3cret@proxy".into());
        network.no_proxy = "localhost".into();
        Ok(network)
    }
}

/// Returns the answers that a storage in C got from this host.
fn heard(host: &Arc<Echo>) -> String {
    let scratch = Scratch::new();
    let library = built(&scratch, "curious.c", &[]);
    let backends = load(verify_library(&pin(library), &[]).unwrap()).unwrap();
    let asked: Arc<dyn Host> = host.clone();
    let storage = backends[0].open::<dyn Storage>(&Values::new(), &asked).unwrap();
    let blob = storage.get(&EntryId::new("ann", None).unwrap()).unwrap().blob;
    String::from_utf8(blob).unwrap()
}

#[test]
fn a_library_hears_what_its_host_says() {
    let host = Arc::new(Echo { remaining: Some(Duration::from_secs(20)), ..Echo::default() });
    let said = "secret: 0, 'the vault's'
secret: 0, 'a lease'
expires: 23
secret: 7, nothing
because: 0, 'it is not here'
secret: 2, nothing
because: 0, 'the options are not a JSON object of the expected form'
prompt: 0, 'Which?'
prompt: 0, 'Which? Again?'
variable: 0, 'a value'
variable: 0, nothing
now: 1767225600
remaining: 20000
root files: 0, '/a.pem
/b.pem'
root folders: 0, '/certs'
https proxy: 0, 'http://ann:s3cret@proxy'
http proxy: 0, nothing
all proxy: 0, nothing
no proxy: 0, 'localhost'
";
    assert_eq!(heard(&host), said);
    let logged = [(Level::Warning, "careful\\n".into()), (Level::Debug, "later".into())];
    assert_eq!(*host.log.lock().unwrap(), logged);
    assert!(heard(&Arc::default()).contains("\nremaining: for ever\n"));
}

/// A panic must not unwind through the library's frames.
#[test]
fn a_panic_of_the_host_stays_with_the_host() {
    let host = Arc::new(Echo { panics: true, ..Echo::default() });
    let said = "secret: 100, nothing
secret: 100, nothing
secret: 100, nothing
secret: 2, nothing
because: 0, 'the options are not a JSON object of the expected form'
prompt: 100, nothing
prompt: 100, nothing
variable: 0, nothing
variable: 0, nothing
now: 0
remaining: for ever
root files: 100, nothing
root folders: 100, nothing
https proxy: 100, nothing
http proxy: 100, nothing
all proxy: 100, nothing
no proxy: 100, nothing
";
    assert_eq!(heard(&host), said);
}

/// It does not count as a panic of the backend, whose instance could then not be used again.
#[test]
fn a_backend_in_rust_outlives_its_hosts_panic() {
    let host: Arc<dyn Host> = Arc::new(Echo { panics: true, ..Echo::default() });
    let values = (PASSPHRASE.values)(&Scratch::new());
    let source = loaded(&linked(PASSPHRASE)).open::<dyn Key>(&values, &host).unwrap();
    for _ in 0..2 {
        let error = source.create(&KeyId::default()).unwrap_err();
        assert_eq!((error.kind(), error.message()), (ErrorKind::Other, "it panicked"));
    }
}

/// From the host to the backend, which passes the secret on, and back.
#[test]
fn the_expiry_of_a_secret_passes_each_door_in_both_directions() {
    let expires = Timestamp::from_unix(1_800_000_000);
    let host: Arc<dyn Host> =
        Arc::new(TestHost::new().expiring_secret("vault", "correct horse", expires));
    let values = (REFERENCED_PASSPHRASE.values)(&Scratch::new());
    let linked = linked(REFERENCED_PASSPHRASE);
    for registration in [loaded(&linked), running(REFERENCED_PASSPHRASE), linked] {
        let source = registration.open::<dyn Key>(&values, &host).unwrap();
        let found = source.load(&KeyId::default(), &[]).unwrap();
        assert_eq!(found, Loaded::new(Secret::from("correct horse"), Some(expires)));
    }
}
