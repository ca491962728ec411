//! `keyward serve` and real mail servers, with the configurations of docs/mail-servers.md.

mod dovecot;
mod nginx;
mod postfix;
mod programs;
mod server;
mod sshd;
