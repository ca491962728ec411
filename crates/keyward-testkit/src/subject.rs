use std::fmt;
use std::sync::{Arc, OnceLock};

use keyward_core::{Backend, Host, Options, Result, Values};

use crate::{Scratch, TestHost};

/// One promise of a role, held against a backend. It panics if the promise is broken.
pub type Case<T> = fn(&Subject<T>);

type Open<T> = dyn Fn(&Arc<dyn Host>) -> Result<Box<T>> + Send + Sync;

/// A backend under test: a place that a case can open as often as it likes.
///
/// Every case gets a fresh one. Whether the backend was linked, loaded or runs as a process is
/// up to the function that opens it.
pub struct Subject<T: ?Sized> {
    open: Box<Open<T>>,
    host: Arc<TestHost>,
    scratch: Scratch,
    passed_over: OnceLock<&'static str>,
}

impl<T: ?Sized> Subject<T> {
    /// What `open` opens, each time at the same place in `scratch`.
    pub fn new(
        scratch: Scratch,
        host: TestHost,
        open: impl Fn(&Arc<dyn Host>) -> Result<Box<T>> + Send + Sync + 'static,
    ) -> Self {
        let passed_over = OnceLock::new();
        Self { open: Box::new(open), host: Arc::new(host), scratch, passed_over }
    }

    /// Opens it.
    ///
    /// # Panics
    /// If it does not open.
    pub fn open(&self) -> Box<T> {
        let host: Arc<dyn Host> = self.host.clone();
        (self.open)(&host).unwrap_or_else(|error| panic!("the backend does not open: {error:?}"))
    }

    /// Opens it with a host that knows nothing.
    ///
    /// # Errors
    /// The backend's own, if it asks right away.
    pub fn open_alone(&self) -> Result<Box<T>> {
        let host: Arc<dyn Host> = Arc::new(TestHost::new());
        (self.open)(&host)
    }

    /// The host it asks.
    pub fn host(&self) -> &TestHost {
        &self.host
    }

    /// Why there was nothing to hold the backend to, once a case has found that.
    pub fn passed_over(&self) -> Option<&'static str> {
        self.passed_over.get().copied()
    }

    /// There is nothing to hold the backend to.
    pub(crate) fn pass_over(&self, why: &'static str) {
        self.passed_over.get_or_init(|| why);
    }

    /// The folder it may use.
    pub fn scratch(&self) -> &Scratch {
        &self.scratch
    }
}

impl<T: ?Sized> fmt::Debug for Subject<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Subject").field("scratch", &self.scratch).finish_non_exhaustive()
    }
}

/// Opens a linked backend as the registry does.
pub(crate) fn open<B: Backend>(values: &Values, host: &Arc<dyn Host>) -> Result<B> {
    let values = values.clone().complete(B::Options::TABLE)?;
    B::open(B::Options::read(&values)?, host)
}
