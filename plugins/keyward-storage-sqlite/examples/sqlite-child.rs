//! One of several processes that use a store at the same time. The tests start it and kill it.

use keyward_storage_sqlite as _;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    keyward_testkit::processes::run_child("sqlite", &arguments)
}
