use keyward_core::{Origin, Timestamp};
use keyward_helper::accounts::Accounts;
use keyward_helper::git::{Reply, Request, erase, get, store};
use keyward_origin::Location;

use crate::memory::Memory;

/// What one request stores is given to its own origin, as it was and so that git can read it, and
/// to no other; and it is forgotten once git refuses what it was given.
pub fn git_request(bytes: &[u8]) {
    let Ok(request) = Request::parse(bytes) else { return };
    let memory = Memory::default();
    let accounts = Accounts::new(&memory, "me");
    let now = Timestamp::from_unix(1);
    if store(&request, &accounts, now).is_err() {
        return;
    }
    let asked = |request: &Request| get(request, &accounts, now).expect("the memory is there");
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
    erase(&refused, &accounts, now).expect("the memory is there");
    assert_eq!(asked(&refused), Reply::default(), "{refused:?}");
}

/// What the reply says, a request in the same words says, too.
fn is_read_back(reply: &Reply) {
    let Ok(said) = reply.encode() else { return };
    let heard = Request::parse(said.expose()).expect("git's words are the same both ways");
    assert_eq!(heard.password, reply.password);
    assert_eq!(heard.credential, reply.credential);
    assert_eq!(heard.oauth_refresh_token, reply.oauth_refresh_token);
    assert_eq!(heard.password_expiry_utc, reply.password_expiry_utc);
}

/// The same request to another scheme, host and port.
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
