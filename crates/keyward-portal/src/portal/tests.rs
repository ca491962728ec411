mod conditions;
pub(crate) mod helpers;
mod logins;
mod policies;
mod rounds;
mod secrecy;
