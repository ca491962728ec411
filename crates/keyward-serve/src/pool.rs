//! Work that blocks, on a bounded number of threads.

use std::sync::Arc;
use std::time::Duration;

use keyward_core::{Error, ErrorKind, Result};
use tokio::sync::Semaphore;

/// Runs work that blocks: checkers read files, hash passwords and ask other servers.
///
/// At most a fixed number of works run or wait. Further ones are refused at once, so that a slow
/// checker cannot fill the memory with requests. The threads are those of tokio for blocking work.
#[derive(Clone, Debug)]
pub struct Pool {
    places: Arc<Semaphore>,
    patience: Duration,
}

/// How many works may wait for each thread.
const QUEUE: usize = 16;

impl Pool {
    /// Makes a pool for this many threads; `patience` is how long one work may take, with its waiting.
    pub fn new(threads: usize, patience: Duration) -> Self {
        Self { places: Arc::new(Semaphore::new(threads * QUEUE)), patience }
    }

    /// Runs the work on a thread where it may block.
    ///
    /// # Errors
    /// [`Unavailable`](ErrorKind::Unavailable) if too much work waits, if the work takes too long, or
    /// if it panics; otherwise the error of the work. Work that takes too long keeps its place until
    /// it ends.
    pub async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let place = Arc::clone(&self.places).try_acquire_owned();
        let Ok(place) = place else { return Err(unavailable("too much work waits")) };
        let patience = self.patience;
        let work = tokio::task::spawn_blocking(move || {
            let _place = place;
            keyward_config::within(patience, work)
        });
        match tokio::time::timeout(patience, work).await {
            Ok(Ok(result)) => result,
            Ok(Err(_)) => Err(unavailable("the work ended with a fault of this program")),
            Err(_) => Err(unavailable("the work takes too long")),
        }
    }
}

fn unavailable(why: &str) -> Error {
    Error::new(ErrorKind::Unavailable, "pool").because(why)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn work_beyond_the_limit_is_refused_and_not_queued() {
        let pool = Pool::new(1, Duration::from_secs(30));
        let (open, gate) = std::sync::mpsc::channel::<()>();
        let gate = Arc::new(std::sync::Mutex::new(gate));
        let mut works = Vec::new();
        for _ in 0..QUEUE {
            let (pool, gate) = (pool.clone(), Arc::clone(&gate));
            works.push(tokio::spawn(async move {
                pool.run(move || {
                    let _ = gate.lock().unwrap().recv();
                    Ok(())
                })
                .await
            }));
        }
        while pool.places.available_permits() > 0 {
            tokio::task::yield_now().await;
        }
        let error = pool.run(|| Ok(())).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unavailable);
        drop(open);
        for work in works {
            work.await.unwrap().unwrap();
        }
        assert!(pool.run(|| Ok(())).await.is_ok());
    }

    #[tokio::test]
    async fn a_panic_is_an_error() {
        let pool = Pool::new(1, Duration::from_secs(30));
        let error = pool.run::<()>(|| panic!("for this test")).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unavailable);
    }
}
