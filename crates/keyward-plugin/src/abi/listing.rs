//! A list of entries, which the callee passes one by one to a function of the caller.

use std::ffi::c_void;
use std::ops::ControlFlow;
use std::panic::{AssertUnwindSafe, catch_unwind};

use keyward_core::{Cursor, EntryId, Error, ErrorKind, MAX_NAME, MAX_USER, Page, Result};

use super::caller::read;
use super::data::{Buffer, EntryName, EntrySink, Query, Slice};
use super::{STATUS_OK, STATUS_PANICKED};

/// The length of the longest cursor, in bytes.
const LONGEST_CURSOR: usize = 64 << 10;

/// Lists through `call`, which passes these pointers on.
///
/// # Errors
/// Those of `call`; [`Corrupt`](ErrorKind::Corrupt) for a page that is not valid.
///
/// # Safety
/// `call` must pass the pointers to a function that follows the contract.
pub unsafe fn receive_list(
    query: &keyward_core::Query<'_>,
    call: impl FnOnce(*const Query, *const EntrySink, *mut Buffer) -> Result<()>,
) -> Result<Page> {
    let asked = Query {
        size: size_of::<Query>() as u32,
        reserved: 0,
        user: Slice::maybe(query.user.map(str::as_bytes)),
        prefix: Slice::new(query.prefix.as_bytes()),
        cursor: Slice::maybe(query.cursor.as_ref().map(|cursor| cursor.0.as_slice())),
        limit: query.limit as u64,
    };
    let mut received = Received { entries: Vec::new(), limit: query.limit, failed: None };
    let sink = EntrySink { context: (&raw mut received).cast(), take: Some(take) };
    let mut next = Buffer::NULL;
    let listed = call(&raw const asked, &raw const sink, &raw mut next);
    let next = next.take(LONGEST_CURSOR);
    if let Some(failed) = received.failed {
        return Err(failed);
    }
    listed?;
    Ok(Page::new(received.entries, next?.map(|cursor| Cursor(cursor.into_bytes()))))
}

/// The entries that were passed so far.
struct Received {
    entries: Vec<EntryId>,
    limit: usize,
    failed: Option<Error>,
}

unsafe extern "C" fn take(context: *mut c_void, entry: EntryName) -> i32 {
    let work = || {
        // `receive_list` passed this pointer, and no other code uses it during the call.
        let received = &mut *context.cast::<Received>();
        let is_long = entry.user.length > MAX_USER || entry.name.length > MAX_NAME;
        let id = if is_long { Err(Error::corrupt("list")) } else { entry.id() };
        match id {
            Ok(id) if received.entries.len() < received.limit => {
                received.entries.push(id);
                return STATUS_OK;
            }
            Ok(_) => received.failed = Some(Error::corrupt("list").because("the page is too long")),
            Err(_) => {
                received.failed =
                    Some(Error::corrupt("list").because("it lists an entry that is not valid"))
            }
        }
        ErrorKind::Corrupt.code().into()
    };
    catch_unwind(AssertUnwindSafe(work)).unwrap_or(STATUS_PANICKED)
}

/// Passes a page of `list` to the caller. Returns the status of the caller's function.
///
/// # Errors
/// Those of `list`; [`Invalid`](ErrorKind::Invalid) for a query that is not valid.
///
/// # Safety
/// The pointers must come from a caller that follows the contract.
pub unsafe fn pass_list(
    query: *const Query,
    entries: *const EntrySink,
    next: *mut Buffer,
    list: impl FnOnce(&keyward_core::Query<'_>) -> Result<Page>,
) -> Result<i32> {
    let (query, entries) = (read(query)?, &*entries);
    let user = query.user.get().map(|_| query.user.text()).transpose()?;
    let cursor = query.cursor.get().map(|cursor| Cursor(cursor.to_vec()));
    let query = keyward_core::Query::default()
        .with_user(user)
        .with_prefix(query.prefix.text()?)
        .with_cursor(cursor)
        .with_limit(usize::try_from(query.limit).unwrap_or(usize::MAX));
    let page = list(&query)?;
    let take = entries
        .take
        .ok_or_else(|| Error::invalid("list", "there is no function to take the entries"))?;
    let passed =
        page.entries.iter().try_for_each(|id| match take(entries.context, EntryName::new(id)) {
            STATUS_OK => ControlFlow::Continue(()),
            status => ControlFlow::Break(status),
        });
    *next = page.next.map_or(Buffer::NULL, |cursor| Buffer::new(cursor.0));
    Ok(passed.break_value().unwrap_or(STATUS_OK))
}
