//! The repository: layers, pages, packages.

mod architecture;
mod backend_pages;
mod dist;
mod docs;
mod kinds;
mod packages;
mod readme;
mod roles;
