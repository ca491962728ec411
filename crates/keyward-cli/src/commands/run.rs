//! `keyward run`: starts a program with secrets in its environment, in files or in open file
//! descriptors.

mod child;
pub(super) mod files;
mod masked;
mod plan;
mod project;
pub(super) mod steering;
mod watch;

use std::ffi::OsString;
use std::path::PathBuf;

use keyward::Environment;

use super::Run;
use crate::arguments::Profile;
use crate::session::Session;
use crate::stop::Outcome;

use child::Child;
use masked::Masking;
use plan::Plan;

/// Run a program with secrets in its environment, in files or in open file descriptors
#[derive(clap::Parser)]
#[command(
    after_help = "A variable that is a reference, in the environment or in a file of --env-file, is replaced
by its value. The program does not start if a reference cannot be resolved. It gets none of
Keyward's own variables. On a terminal, `<hidden>` replaces the secrets that it prints.

Example:
  keyward run --env PGPASSWORD=keyward://work/database -- psql
  keyward run --env-file .env -- ./server
  keyward run --as aws=deploy -- aws s3 ls
  keyward run --project -- make test"
)]
pub(super) struct Arguments {
    /// Set a variable to the value of a reference
    #[arg(long, value_name = "VAR=REF")]
    env: Vec<String>,
    /// Set the variables of this file, whose values may be references
    #[arg(long, value_name = "FILE")]
    env_file: Vec<PathBuf>,
    /// Set a variable to the path of a file in memory that contains the value
    #[arg(long, value_name = "VAR=REF")]
    file: Vec<String>,
    /// Set a variable to the path of an open file descriptor from which the value can be read
    #[arg(long, value_name = "VAR=REF")]
    fd: Vec<String>,
    /// Set the variables that programs read for this kind, to the fields of a credential that the
    /// resolver finds by its name, or of a reference
    #[arg(long = "as", value_name = "KIND=NAME")]
    kinds: Vec<String>,
    /// Set the variables that the project in this folder declares, which you have to trust first
    #[arg(long)]
    project: bool,
    /// Let a file of --env-file, or the project, set this variable, which changes how programs run
    #[arg(long, value_name = "VAR")]
    allow: Vec<String>,
    /// Give the program no other variables than PATH, HOME, the language and the like
    #[arg(long)]
    clean: bool,
    /// Hide the secrets in the output, also where it does not go to a terminal
    #[arg(long, overrides_with = "no_mask")]
    mask: bool,
    /// Show the secrets in the output, also on a terminal
    #[arg(long)]
    no_mask: bool,
    #[command(flatten)]
    profile: Profile,
    /// The program and its arguments
    #[arg(required = true, trailing_var_arg = true, value_name = "CMD")]
    command: Vec<OsString>,
}

impl Run for Arguments {
    fn run(mut self, session: &Session) -> Outcome {
        let environment = Environment::current();
        let command = std::mem::take(&mut self.command);
        let program = command.first().map(|word| word.to_string_lossy().into_owned());
        let session = &session.giving_to(program.unwrap_or_default());
        let mut plan = Plan::new(&environment, &self)?;
        if self.project {
            plan.add_values(project::values(session, &self, &plan)?);
        }
        let masking = match (self.mask, self.no_mask) {
            (true, _) => Masking::Always,
            (_, true) => Masking::Never,
            _ => Masking::OnTerminals,
        };
        let resolved = plan.resolve(session, &self.profile)?;
        let child = Child::new(&environment, command, resolved, masking)?;
        child.run()
    }
}
