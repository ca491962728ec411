//! The sources of `resolve` that belong to other programs.

mod datalad;
mod git;
mod pancloud;
