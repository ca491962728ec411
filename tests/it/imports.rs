//! `import` of credentials that become entries with names.

mod datalad;
mod pancloud;
