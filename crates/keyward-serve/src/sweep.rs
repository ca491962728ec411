//! Removes keycards that have ended, so that their requesters are told.

use std::sync::Arc;
use std::time::Duration;

use crate::server::Server;

/// How long to wait between two sweeps.
const PAUSE: Duration = Duration::from_mins(1);

/// Sweeps all bouncers, again and again.
pub(crate) async fn sweep(server: Arc<Server>) {
    loop {
        tokio::time::sleep(PAUSE).await;
        let state = server.state();
        let swept = tokio::task::spawn_blocking(move || {
            let sweeps = state.bouncers.values().map(|bouncer| bouncer.keycards.sweep());
            sweeps.filter_map(Result::err).collect::<Vec<_>>()
        });
        for error in swept.await.unwrap_or_default() {
            server.log.warning("ended keycards could not be removed", &[("error", &error)]);
        }
    }
}
