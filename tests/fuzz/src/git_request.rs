use keyward_accounts::Accounts;
use keyward_core::{Origin, Timestamp};
use keyward_helper::Sources;
use keyward_helper::git::{Reply, Request, erase, get, store};
use keyward_origin::Location;

use crate::memory::Memory;

/// A credential that one request stores is returned to its own origin, unchanged and readable for
/// git, and to no other origin. It is removed when git rejects it.
pub fn git_request(bytes: &[u8]) {
    let Ok(request) = Request::parse(bytes) else { return };
    let memory = Memory::default();
    let accounts = Accounts::new(&memory, "me");
    let sources = Sources::new(&accounts);
    let now = Timestamp::from_unix(1);
    if store(&request, &sources, now).is_err() {
        return;
    }
    let asked = |request: &Request| get(request, &sources, now).expect("a read from memory");
    let reply = asked(&request);
    if let Some(password) = &reply.password {
        assert_eq!(Some(password), request.password.as_ref());
    }
    if let Some(credential) = &reply.credential {
        assert_eq!(Some(credential), request.credential.as_ref());
    }
    is_read_back(&reply);
    for other in others(&request) {
        assert_eq!(asked(&other), Reply::default(), "{other:?}");
    }
    let Reply { password, credential, .. } = reply;
    let refused = Request { password, credential, ..request };
    erase(&refused, &accounts, now).expect("a read from memory");
    assert_eq!(asked(&refused), Reply::default(), "{refused:?}");
}

/// A request that contains the reply's attributes has the same values.
fn is_read_back(reply: &Reply) {
    let Ok(said) = reply.encode() else { return };
    let heard = Request::parse(said.expose()).expect("a reply has the form of a request");
    assert_eq!(heard.password, reply.password);
    assert_eq!(heard.credential, reply.credential);
    assert_eq!(heard.oauth_refresh_token, reply.oauth_refresh_token);
    assert_eq!(heard.password_expiry_utc, reply.password_expiry_utc);
}

/// Makes the same request for another scheme, host and port.
fn others(request: &Request) -> Vec<Request> {
    let Some(location) = &request.location else { return Vec::new() };
    let Origin { scheme, host, port } = location.origin().clone();
    let origins = [
        Origin { scheme: format!("{scheme}x"), host: host.clone(), port },
        Origin { scheme: scheme.clone(), host: "other.example".into(), port },
        Origin { scheme, host, port: port ^ 2 },
    ];
    let is_other = |origin: &Origin| origin != location.origin();
    let at = |origin| Location::new(origin, location.account(), location.path()).ok();
    let locations = origins.into_iter().filter(is_other).filter_map(at);
    locations.map(|location| Request { location: Some(location), ..request.clone() }).collect()
}
