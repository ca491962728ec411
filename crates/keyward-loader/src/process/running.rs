//! The running programs, and the backends that they provide.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use keyward_core::{
    Door, Error, ErrorKind, Factory, Host, Info, OptionSpec, Registration, Result, Role, Values,
};
use keyward_plugin::json;

use super::Command;
use super::client::Client;
use super::confined::Confined;
use super::instance::Instance;
use keyward_wire::cbor::{Malformed, Map};
use keyward_wire::manifest::{Announced, has_twice};
use keyward_wire::message::hello::Hello;

/// How many times one program is started in the life of this process.
pub(super) const MAX_STARTS: u32 = 8;

static PROGRAMS: Mutex<Vec<Known>> = Mutex::new(Vec::new());

/// A program and the backends that it provided at its first start.
type Known = (Arc<Running>, Vec<Registration>);

/// A program that was registered, and the child that runs it now.
#[derive(Debug)]
pub(super) struct Running {
    command: Command,
    /// Never freed, because a registration names it.
    hello: &'static Hello,
    current: Mutex<Current>,
}

#[derive(Debug)]
struct Current {
    client: Arc<Client>,
    starts: u32,
}

/// Returns the backends of a program. It starts the program unless it runs. `factory` makes what opens
/// a backend in its role.
pub(super) fn run(command: &Command, factory: fn(Opener) -> Factory) -> Result<Vec<Registration>> {
    let mut programs = programs();
    if let Some((_, known)) = programs.iter().find(|(running, _)| running.command == *command) {
        return Ok(known.clone());
    }
    let (client, hello) = Client::start(command)?;
    let current = Mutex::new(Current { client: Arc::new(client), starts: 1 });
    let hello: &'static Hello = Box::leak(Box::new(hello));
    let running = Arc::new(Running { command: command.clone(), hello, current });
    running.check()?;
    let known: Vec<_> = hello.backends.iter().map(|each| running.register(each, factory)).collect();
    programs.push((running, known.clone()));
    Ok(known)
}

/// Ends all running programs.
pub(super) fn finish() {
    let client = |(running, _): Known| running.current().client.clone();
    let clients: Vec<_> = programs().drain(..).map(client).collect();
    // It asks all of them before it waits for one, so that they end at the same time.
    clients.iter().for_each(|client| client.dismiss());
    clients.iter().for_each(|client| client.finish());
}

impl Running {
    /// Returns the child: the running one, or a new one if it has ended.
    fn client(&self) -> Result<Arc<Client>> {
        let mut current = self.current();
        if !current.client.is_over() {
            return Ok(current.client.clone());
        }
        let refused = |kind, why: &str| {
            let why = format!("the program {} {why}", self.command.name());
            Err(Error::new(kind, "open").because(why))
        };
        if current.starts == MAX_STARTS {
            return refused(ErrorKind::Unavailable, "died too often to be started again");
        }
        self.command.verify_again()?;
        current.starts += 1;
        let (client, hello) = Client::start(&self.command)?;
        if hello != *self.hello {
            client.finish();
            return refused(ErrorKind::Refused, "has changed its answer to `hello`");
        }
        current.client = Arc::new(client);
        Ok(current.client.clone())
    }

    /// Refuses a program that provides two backends with the same role and name.
    fn check(&self) -> Result<()> {
        if !has_twice(&self.hello.backends) {
            return Ok(());
        }
        let why = format!("the program {} provides a backend twice", self.command.name());
        Err(Error::new(ErrorKind::Refused, "run").because(why))
    }

    fn register(
        self: &Arc<Self>,
        backend: &'static Announced,
        factory: fn(Opener) -> Factory,
    ) -> Registration {
        let options = backend.options();
        let opener = Opener { running: Arc::clone(self), backend, options };
        Registration {
            info: Info::new(&backend.name, &backend.help),
            options,
            package: &self.hello.package,
            version: self.hello.version.as_deref().unwrap_or_default(),
            door: Door::Run,
            factory: factory(opener),
        }
    }

    fn current(&self) -> MutexGuard<'_, Current> {
        self.current.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Opens one backend of a program.
#[derive(Debug)]
pub(crate) struct Opener {
    running: Arc<Running>,
    backend: &'static Announced,
    options: &'static [OptionSpec],
}

impl Opener {
    /// The role in which it opens the backend.
    pub(crate) fn role(&self) -> Role {
        self.backend.role
    }

    /// Opens an instance, and reads the child's description of it.
    pub(crate) fn open<T>(
        &self,
        values: &Values,
        host: &Arc<dyn Host>,
        read: impl FnOnce(&Map<'_>) -> Result<T, Malformed>,
    ) -> Result<(Instance, T)> {
        let values = values.clone().complete(self.options)?;
        let options = json::values_to_json(&values);
        let options = std::str::from_utf8(&options).expect("JSON is text");
        let name = &self.backend.name;
        let visible = self.running.command.environment.iter().map(|(name, _)| name.as_str());
        let host: Arc<dyn Host> = Arc::new(Confined::new(host, name, &values, visible));
        let instance = Instance::new(self.running.client()?, name, host);
        let said = instance.call(
            "open",
            |fields| {
                fields.put("role", self.role().name()).put("name", name.as_str());
                fields.put("options", options);
            },
            read,
        )?;
        Ok((instance, said))
    }
}

fn programs() -> MutexGuard<'static, Vec<Known>> {
    PROGRAMS.lock().unwrap_or_else(PoisonError::into_inner)
}
