//! The program, from its start to its end.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use clap::Parser;
use keyward_config::{Environment, Places};
use keyward_core::{Error, Result};
use keyward_defaults as _;
use tokio::signal::unix::{SignalKind, signal};

use crate::accept::Listeners;
use crate::arguments::{Arguments, Command};
use crate::config::Config;
use crate::harden;
use crate::listen::Inherited;
use crate::log::{Format, Log};
use crate::notify::notify;
use crate::server::Server;
use crate::sweep::sweep;

/// Runs the program `keyward-serve`.
pub fn main() -> ExitCode {
    harden::process();
    let mut arguments = Arguments::parse();
    if let Some(Command::Checkpassword(it)) = arguments.command.take() {
        return it.run();
    }
    match run(arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let log = Log::new(Format::Text);
            match error.advice() {
                Some(hint) => log.error(&error.to_string(), &[("hint", &hint)]),
                None => log.error(&error.to_string(), &[]),
            }
            ExitCode::from(error.kind().code())
        }
    }
}

fn run(arguments: Arguments) -> Result<()> {
    let environment = Environment::current();
    let inherited = Inherited::from(&environment)?;
    let path = path(&arguments, &environment)?;
    let config = Config::read(&path)?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .max_blocking_threads(config.limits.threads + OWN_THREADS)
        .build()
        .map_err(|error| Error::io("serve", error))?;
    let server = Server::open(config, environment.clone())?;
    if arguments.check {
        return Ok(());
    }
    let result = runtime.block_on(serve(&server, &path, &environment, inherited));
    // A checker that hangs does not keep the process.
    runtime.shutdown_background();
    result
}

/// Threads for work that is not of the pool, such as reading the configuration again.
const OWN_THREADS: usize = 2;

fn path(arguments: &Arguments, environment: &Environment) -> Result<PathBuf> {
    match &arguments.config {
        Some(path) => std::path::absolute(path).map_err(|error| Error::io("config", error)),
        None => {
            let file = Places::find(environment)?.user_file(environment);
            Ok(file.with_file_name("serve.toml"))
        }
    }
}

async fn serve(
    server: &Arc<Server>,
    path: &std::path::Path,
    environment: &Environment,
    inherited: Inherited,
) -> Result<()> {
    let listen = |kind| signal(kind).map_err(|error| Error::io("serve", error));
    let mut terminate = listen(SignalKind::terminate())?;
    let mut interrupt = listen(SignalKind::interrupt())?;
    let mut hang_up = listen(SignalKind::hangup())?;
    let mut listeners = Listeners::open(server, inherited).await?;
    let sweeping = tokio::spawn(sweep(Arc::clone(server)));
    tell(server, environment, "READY=1");
    server.log.info("ready", &[]);
    loop {
        tokio::select! {
            _ = terminate.recv() => break,
            _ = interrupt.recv() => break,
            _ = hang_up.recv() => {
                tell(server, environment, "RELOADING=1");
                reload(server, &mut listeners, path).await;
                tell(server, environment, "READY=1");
            }
        }
    }
    tell(server, environment, "STOPPING=1");
    server.log.info("stopping", &[]);
    sweeping.abort();
    listeners.stop().await;
    server.wait_for_connections().await;
    Ok(())
}

async fn reload(server: &Arc<Server>, listeners: &mut Listeners, path: &std::path::Path) {
    let result = match Config::read(path) {
        Ok(config) => listeners.reload(server, config).await,
        Err(error) => Err(error),
    };
    match result {
        Ok(()) => server.log.info("the configuration was read again", &[]),
        Err(error) => {
            server.log.error(
                "the new configuration is wrong, and the old one stays",
                &[("error", &error)],
            );
        }
    }
}

fn tell(server: &Server, environment: &Environment, state: &str) {
    if let Err(error) = notify(environment, state) {
        server.log.warning("the service manager cannot be told", &[("error", &error)]);
    }
}
