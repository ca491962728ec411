//! Catches the panic of a case, on any thread.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Mutex, PoisonError};

/// The longest message that is kept, in bytes.
const LONGEST: usize = 4 << 10;

static FIRST: Mutex<Option<String>> = Mutex::new(None);

/// Does `work`, and returns the text of the first panic if it panics. Only for work on test data:
/// elsewhere the text of a panic may contain a secret.
pub(crate) fn first_panic(work: impl FnOnce()) -> Option<String> {
    *FIRST.lock().unwrap_or_else(PoisonError::into_inner) = None;
    std::panic::set_hook(Box::new(|panic| {
        if !keyward_core::panic_is_caught() {
            let text = panic.payload_as_str().unwrap_or("it panics").to_owned();
            FIRST.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(text);
        }
    }));
    let ended = catch_unwind(AssertUnwindSafe(work));
    let mut text = FIRST.lock().unwrap_or_else(PoisonError::into_inner).take();
    if let Some(text) = &mut text {
        text.truncate(text.floor_char_boundary(LONGEST));
    }
    ended.is_err().then(|| text.unwrap_or_else(|| "it panics".to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_of_the_first_panic_is_returned() {
        assert_eq!(first_panic(|| {}), None);
        assert_eq!(first_panic(|| panic!("{}", "ö".repeat(LONGEST))).unwrap().len(), LONGEST);
        let threads = || {
            std::thread::scope(|scope| {
                scope.spawn(|| panic!("on a thread"));
            });
        };
        assert_eq!(first_panic(threads).as_deref(), Some("on a thread"));
    }
}
