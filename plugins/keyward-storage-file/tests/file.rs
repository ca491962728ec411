//! The storage, used and killed by several processes.

use keyward_storage_file::File;

keyward_testkit::processes_suite! {
    File,
    |scratch| Values::new().with("root", Value::Text(scratch.path("store"))),
}
