//! Tests of a storage that several processes use at once, some of which are killed.
//!
//! [`processes_suite!`](crate::processes_suite) makes a module with one `#[test]` for each case. The
//! other processes are the same test program, which is told to run only the test `child` of that
//! module.

mod cases;
mod child;
mod one_file;

use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use keyward_core::{Backend, EntryId, Expect, Host, Put, Storage, Values};

use crate::{Scratch, TestHost};

pub use cases::*;
pub use child::run_child;
pub use one_file::*;

/// Tests a storage that several processes can use:
/// `processes_suite!(Sqlite, |scratch| Values::new()…)`, with `host = |scratch| …` if it needs secrets.
///
/// The closures are called in each process. What all of them must find, such as the port of a server
/// that the first one starts, they keep in the scratch folder.
///
/// `files = ["store/store.db"]`, relative to the scratch folder, adds the cases for a storage that keeps
/// all entries in one file, the first of these; all of them must be private. `check = |scratch| …`
/// examines what killed writers leave.
#[macro_export]
macro_rules! processes_suite {
    ($backend:ty, $values:expr $(, files = $files:expr)? $(, check = $check:expr)? $(,)?) => {
        $crate::processes_suite!(
            $backend, $values, host = |_| $crate::TestHost::new()
            $(, files = $files)? $(, check = $check)?
        );
    };
    (
        $backend:ty, $values:expr, host = $host:expr
        $(, files = $files:expr)? $(, check = $check:expr)? $(,)?
    ) => {
        mod processes_suite {
            #[allow(unused_imports)]
            use super::*;
            #[allow(unused_imports)]
            use $crate::prelude::*;

            fn open(scratch: &$crate::Scratch) -> ::std::boxed::Box<dyn $crate::core::Storage> {
                $crate::processes::open::<$backend>(scratch, $values, $host)
            }

            fn processes() -> $crate::processes::Processes {
                $crate::processes::Processes::new(open, concat!(module_path!(), "::child"))
            }

            /// What the other processes do; nothing in this one.
            #[test]
            fn child() {
                $crate::processes::run_child(open);
            }

            $crate::processes_suite!(
                @cases
                a_killed_writer_loses_nothing_it_acknowledged,
                a_killed_bulk_is_done_or_not,
                processes_lose_no_increment,
                one_of_many_first_puts_wins,
                a_lock_ends_with_its_killed_holder,
            );

            $(
                #[test]
                fn what_killed_writers_leave_is_sound() {
                    let processes = processes();
                    $crate::processes::a_killed_writer_loses_nothing_it_acknowledged(&processes);
                    $crate::processes::a_killed_bulk_is_done_or_not(&processes);
                    let check: fn(&$crate::Scratch) = $check;
                    check(processes.scratch());
                }
            )?

            $(
                #[test]
                fn reading_a_missing_store_makes_nothing() {
                    $crate::processes::reading_a_missing_store_makes_nothing(&processes(), &$files);
                }

                #[test]
                fn destroy_leaves_a_link_and_names_it() {
                    let log = |scratch: &$crate::Scratch| {
                        $crate::processes::logged::<$backend>(scratch, $values)
                    };
                    $crate::processes::destroy_leaves_a_link_and_names_it(&processes(), &$files, log);
                }

                #[test]
                fn files_are_private_under_any_umask() {
                    $crate::processes::files_are_private_under_any_umask(&processes(), &$files);
                }
            )?
        }
    };
    (@cases $($case:ident,)*) => {
        $(
            #[test]
            fn $case() {
                $crate::processes::$case(&processes());
            }
        )*
    };
}

/// A storage under test, in a new folder.
#[derive(Debug)]
pub struct Processes {
    scratch: Scratch,
    open: fn(&Scratch) -> Box<dyn Storage>,
    /// The name of the test that is the child.
    child: &'static str,
}

impl Processes {
    /// Makes the subject of one case: `open` opens the storage, and `child` is the path of a test that
    /// calls [`run_child`] with the same function.
    ///
    /// # Panics
    /// If the path does not begin with the name of a crate.
    pub fn new(open: fn(&Scratch) -> Box<dyn Storage>, child: &'static str) -> Self {
        let (_crate, child) = child.split_once("::").unwrap();
        Self { scratch: Scratch::new(), open, child }
    }

    /// The folder that the storage may use.
    pub fn scratch(&self) -> &Scratch {
        &self.scratch
    }

    fn open(&self) -> Box<dyn Storage> {
        (self.open)(&self.scratch)
    }

    /// The command that does a job in another process.
    fn command(&self, job: child::Job) -> Command {
        self.command_of(&std::env::current_exe().unwrap(), job)
    }

    /// The same, where `program` is a copy of this one.
    fn command_of(&self, program: &Path, job: child::Job) -> Command {
        let mut command = Command::new(program);
        command.args([self.child, "--exact", "--nocapture", "--test-threads=1"]);
        command.env(child::FOLDER, self.scratch.folder()).env(child::JOB, job.name());
        command
    }
}

impl Drop for Processes {
    /// Removes the entries: a server would keep them.
    fn drop(&mut self) {
        if !std::thread::panicking() {
            let _ = self.open().destroy();
        }
    }
}

/// Opens a backend for one of the processes.
///
/// # Panics
/// If it does not open.
pub fn open<B: Backend + Storage>(
    scratch: &Scratch,
    values: impl Fn(&Scratch) -> Values,
    host: impl Fn(&Scratch) -> TestHost,
) -> Box<dyn Storage> {
    // More than an operation ever waits for the other processes of a case.
    let host = host(scratch).within(Duration::from_secs(20));
    let host: Arc<dyn Host> = Arc::new(host);
    Box::new(crate::subject::open::<B>(&values(scratch), &host).unwrap())
}

fn any() -> Put {
    Put::expecting(Expect::Any)
}

fn entry(name: &str) -> EntryId {
    EntryId::new("ann", Some(name)).unwrap()
}
