//! The repository: layers, pages, packages.

mod architecture;
mod authenticators;
mod dist;
mod docs;
mod kinds;
mod packages;
mod readme;
mod roles;
