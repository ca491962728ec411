//! The table of a host, held by an instance until it is released.

use super::table::HostTable;

/// The table of a host. Dropping this value releases the host.
#[derive(Debug)]
pub(super) struct Held(*const HostTable);

// SAFETY: every thread may call a host's functions; that is their contract.
unsafe impl Send for Held {}
// SAFETY: as above.
unsafe impl Sync for Held {}

impl Held {
    /// Takes ownership of a host.
    ///
    /// # Safety
    /// The pointer must come from a host, and no other code may release it.
    pub(super) const unsafe fn new(table: *const HostTable) -> Self {
        Self(table)
    }

    pub(super) fn table(&self) -> &HostTable {
        // SAFETY: the host is valid until it is released, and that happens when this value is
        // dropped.
        unsafe { &*self.0 }
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        let (release, context) = (self.table().release, self.table().context);
        if let Some(release) = release {
            // SAFETY: the host is not used after this value.
            unsafe { release(context) };
        }
    }
}

/// Calls a function of the table, which was checked to be there when the host was taken.
macro_rules! ask {
    ($host:expr, $function:ident $(, $argument:expr)*) => {{
        let table = $host.table();
        let function = table.$function.expect("a host that lacks it is refused");
        // SAFETY: the table comes from a host, and all arguments are valid during the call.
        unsafe { function(table.context $(, $argument)*) }
    }};
}
pub(super) use ask;
