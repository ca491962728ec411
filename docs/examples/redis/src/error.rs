//! Which kind of error an answer of the server is.

use keyward_plugin::{Error, ErrorKind};
use redis::{ErrorKind as Redis, RedisError, ServerErrorKind as Server};

/// Converts an error of the server or of the connection.
///
/// The message has the server's code and not its text, which may quote what it was sent.
pub(crate) fn failed(operation: &'static str, error: &RedisError) -> Error {
    let code = code(error).unwrap_or_default();
    let kind = kind(error.kind(), &code);
    let failed = Error::new(kind, operation);
    match (error.kind(), kind) {
        (_, ErrorKind::Unauthorized) => failed
            .because("the server does not accept the user or the password")
            .hint("Check the options `user` and `password`"),
        (_, ErrorKind::Unsupported) => failed
            .because("the server is part of a cluster, and another server has the key")
            .hint("Use the cluster through a proxy, or a server that is not part of one"),
        (Redis::Io, _) if error.is_timeout() => failed.because("the server did not answer in time"),
        // What rustls and the system say; neither quotes what was sent.
        (Redis::Io, _) => failed.because(format!("the connection failed: {error}")),
        _ if code.is_empty() => failed.because("the server does not answer as Redis does"),
        _ => failed.because(format!("the server answered {code}")),
    }
}

/// The first word of an error that the server answered, also to one of several commands.
fn code(error: &RedisError) -> Option<String> {
    let errors = error.clone().into_server_errors();
    let first = errors.as_ref().and_then(|errors| errors.first()).map(|(_, error)| error.code());
    first.or(error.code()).map(str::to_owned)
}

fn kind(kind: Redis, code: &str) -> ErrorKind {
    match (kind, code) {
        (Redis::AuthenticationFailed, _) | (_, "NOAUTH" | "WRONGPASS") => ErrorKind::Unauthorized,
        // An access control list, or a server that only accepts its own machine.
        (_, "NOPERM" | "DENIED") => ErrorKind::Refused,
        (_, "OOM") => ErrorKind::Full,
        // Another program's value is where an entry belongs.
        (_, "WRONGTYPE") => ErrorKind::Corrupt,
        (Redis::Server(Server::Moved | Server::Ask | Server::CrossSlot), _) => {
            ErrorKind::Unsupported
        }
        (Redis::InvalidClientConfig, _) => ErrorKind::Invalid,
        // LOADING, BUSY, READONLY, CLUSTERDOWN, MASTERDOWN, MISCONF, NOREPLICAS, TRYAGAIN, too many
        // clients; no connection, no answer in time, TLS that does not verify.
        _ => ErrorKind::Unavailable,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_answer_has_its_kind() {
        for (answer, expected) in [
            ("NOAUTH Authentication required.", ErrorKind::Unauthorized),
            ("WRONGPASS invalid username-password pair", ErrorKind::Unauthorized),
            ("NOPERM this user has no permissions", ErrorKind::Refused),
            ("DENIED Redis is running in protected mode", ErrorKind::Refused),
            ("OOM command not allowed", ErrorKind::Full),
            ("WRONGTYPE Operation against a key", ErrorKind::Corrupt),
            ("MOVED 3999 127.0.0.1:6381", ErrorKind::Unsupported),
            ("CROSSSLOT Keys in request", ErrorKind::Unsupported),
            ("LOADING Redis is loading the dataset in memory", ErrorKind::Unavailable),
            ("BUSY Redis is busy running a script", ErrorKind::Unavailable),
            ("READONLY You can't write against a read only replica.", ErrorKind::Unavailable),
            ("MISCONF Redis is configured to save RDB snapshots", ErrorKind::Unavailable),
            ("ERR max number of clients reached", ErrorKind::Unavailable),
        ] {
            let line = format!("-{answer}\r\n");
            let value = redis::parse_redis_value(line.as_bytes()).unwrap();
            let error = value.extract_error().unwrap_err();
            let error = failed("get", &error);
            assert_eq!(error.kind(), expected, "{answer}");
            assert!(
                !error.message().contains("user-name") && !error.message().contains("Operation")
            );
        }
    }
}
