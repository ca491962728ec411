use http::{Request, Response};
use keyward::{Keyward, Result, Secret};
use keyward_http::{Client, Http};

/// Returns an access token that is good. Ask again for each use.
pub fn token(keyward: &Keyward) -> Result<Secret> {
    keyward.token("api")
}

/// Sends a request with the token. If the server rejects it, the request is sent once more with
/// another one.
pub fn ask(keyward: &Keyward, request: Request<Secret>) -> Result<Response<Secret>> {
    let session = keyward.oauth_session("api")?;
    let client = Client::new(keyward.config().network()?);
    session.send(request, |request| client.send(request))
}
