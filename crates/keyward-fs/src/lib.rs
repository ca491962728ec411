//! Files for secrets: only their owner can reach them, a write is atomic, and what is written
//! survives a power cut.
//!
//! A backend stores its files in a [`PrivateDir`].

mod beneath;
mod content;
mod error;
mod folder;
mod in_memory;
mod owned_tree;
mod private_dir;
mod random;
mod report;
mod rules;
mod trusted;

#[cfg(test)]
mod tests;

pub use in_memory::open_in_memory;
pub use owned_tree::{OwnedTree, TreeLimits};
pub use private_dir::PrivateDir;
pub use private_dir::lock::FileLock;
pub use random::random;
pub use report::{not_enrolled, report_folder_stays, report_link_stays};
pub use rules::check_trusted;
pub use trusted::{
    check_trusted_folder, open_own, open_private, read_trusted, read_trusted_config,
    read_trusted_of,
};
