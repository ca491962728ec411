use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, OnceLock};

use keyward_core::{Backend, Host, Options, Result, Values};

use crate::{Scratch, TestHost};

/// A test of one part of a role's contract. It panics if the backend breaks it.
pub type Case<T> = fn(&Subject<T>);

type Open<T> = dyn Fn(&Arc<dyn Host>) -> Result<Box<T>> + Send + Sync;

/// A backend under test, which a case can open as often as it needs.
///
/// Every case gets a new one. The function that opens the backend decides whether it is linked, a
/// shared library or a child process.
pub struct Subject<T: ?Sized> {
    open: Box<Open<T>>,
    host: Arc<TestHost>,
    scratch: Scratch,
    values: Values,
    passed_over: OnceLock<&'static str>,
    clean_up: Option<fn(&T)>,
}

impl<T: ?Sized> Subject<T> {
    /// Makes a subject of what `open` opens, each time at the same place in `scratch`.
    pub fn new(
        scratch: Scratch,
        host: TestHost,
        open: impl Fn(&Arc<dyn Host>) -> Result<Box<T>> + Send + Sync + 'static,
    ) -> Self {
        let passed_over = OnceLock::new();
        let (open, host, values) = (Box::new(open), Arc::new(host), Values::new());
        Self { open, host, scratch, values, passed_over, clean_up: None }
    }

    /// Returns the same, which is opened with these values.
    #[must_use]
    pub fn with_values(mut self, values: Values) -> Self {
        self.values = values;
        self
    }

    /// Returns the same, which opens the backend at the end and calls this.
    pub(crate) fn cleaned_up_by(mut self, clean_up: Option<fn(&T)>) -> Self {
        self.clean_up = clean_up;
        self
    }

    /// Opens the backend.
    ///
    /// # Panics
    /// If it does not open.
    pub fn open(&self) -> Box<T> {
        self.try_open().unwrap_or_else(|error| panic!("the backend does not open: {error:?}"))
    }

    /// Opens the backend.
    ///
    /// # Errors
    /// The backend's own.
    pub(crate) fn try_open(&self) -> Result<Box<T>> {
        let host: Arc<dyn Host> = self.host.clone();
        (self.open)(&host)
    }

    /// Opens the backend with a host that has no secrets, variables and answers.
    ///
    /// # Errors
    /// The backend's own, if it needs one of them when it opens.
    pub fn open_alone(&self) -> Result<Box<T>> {
        let host: Arc<dyn Host> = Arc::new(TestHost::new());
        (self.open)(&host)
    }

    /// Opens the backend with another host.
    ///
    /// # Errors
    /// The backend's own.
    pub(crate) fn open_for(&self, host: &Arc<dyn Host>) -> Result<Box<T>> {
        (self.open)(host)
    }

    /// The values with which the backend is opened, if they are known.
    pub fn values(&self) -> &Values {
        &self.values
    }

    /// The host that the backend uses.
    pub fn host(&self) -> &TestHost {
        &self.host
    }

    /// Why a case did not apply to the backend, if it did not.
    pub fn passed_over(&self) -> Option<&'static str> {
        self.passed_over.get().copied()
    }

    /// Marks the case as not applicable to the backend.
    pub(crate) fn pass_over(&self, why: &'static str) {
        self.passed_over.get_or_init(|| why);
    }

    /// The folder that the backend may use.
    pub fn scratch(&self) -> &Scratch {
        &self.scratch
    }
}

impl<T: ?Sized> Drop for Subject<T> {
    fn drop(&mut self) {
        if let Some(clean_up) = self.clean_up {
            // It may fail or panic, as the case itself may have.
            let host: Arc<dyn Host> = self.host.clone();
            let _ = catch_unwind(AssertUnwindSafe(|| {
                self.host.set_remaining(None);
                (self.open)(&host).map(|opened| clean_up(&opened))
            }));
        }
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
