//! The sources of `resolve` that belong to other programs.

mod git;
