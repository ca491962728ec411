//! Stores of several backends: combinations, crashes, races, tampering, hostile files and names.

pub(crate) mod combinations;
mod concurrency;
mod deadlines;
mod endless_listing;
mod entry_lock_failures;
mod entry_locks;
mod failed_system_calls;
mod foreign_storage;
mod hostile_names;
mod keyring;
mod killed_writer;
mod kinds;
mod lost_responses;
mod network;
mod old_homes;
mod old_stores;
mod power_loss;
mod read_only_disk;
mod rewrap;
mod rotation;
mod scale;
mod size_limits;
mod system_store;
mod tampering;
mod unsafe_places;
pub(crate) mod vectors;
