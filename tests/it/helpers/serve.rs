//! `keyward serve`, which ends with the test.

use std::fs::File;

use super::home::Home;
use super::nginx::Server;
use super::program::keyward;

/// Starts it with a configuration in the home. Its log goes to the file `log` there.
pub(crate) fn start(home: &Home, config: &str, log: &str) -> Server {
    let program = keyward().with_file_name("keyward-serve");
    let log = File::create(home.path(log)).unwrap();
    Server::start(program.to_str().unwrap(), home.folder(), |command| {
        command.args(["--config", config]).current_dir(home.folder()).stderr(log);
    })
}
