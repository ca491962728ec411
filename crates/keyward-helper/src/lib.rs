//! The protocols in which other tools ask for credentials, as functions over bytes.
//!
//! There is one module per tool, and its type that implements [`Call`]. A caller passes what the
//! tool wrote, the [accounts](keyward_accounts) that a source of records keeps, and the time, and
//! gets the reply. Nothing here reads input, prints or reads a clock. Bytes from outside have
//! limits, are read completely or refused, and are never quoted in an error.
//!
//! Use this crate to answer another tool's requests out of Keyward.
//!
//! # Examples
//! ```
//! # use keyward_core::{Change, EntryId, Error, Page, Query, Record, Result, Source, Timestamp};
//! # #[derive(Debug)]
//! # struct Empty;
//! # impl Source for Empty {
//! #     fn get(&self, _: &EntryId) -> Result<Record> { Err(Error::not_found("get")) }
//! #     fn contains(&self, _: &EntryId) -> Result<bool> { Ok(false) }
//! #     fn update(
//! #         &self, _: &EntryId, _: &mut dyn FnMut(Option<Record>) -> Result<Change>,
//! #     ) -> Result<()> { Ok(()) }
//! #     fn list(&self, _: &Query<'_>) -> Result<Page> { Ok(Page::default()) }
//! # }
//! # let source = Empty;
//! # let now = Timestamp::from_unix(0);
//! use keyward_accounts::Accounts;
//! use keyward_helper::{Call, Sources, git::Action};
//!
//! let call = Action::Get;
//! let request = call.parse(b"protocol=https\nhost=example.com\n\n")?;
//! let accounts = Accounts::new(&source, "ann");
//! let answer = call.answer(&request, &Sources::new(&accounts), now)?;
//! assert!(answer.reply.is_empty(), "the source has no credential, so git gets none");
//! # Ok::<(), keyward_core::Error>(())
//! ```

mod call;
pub mod git;

pub use call::{Answer, Call, Confirm, Given, Provided, Renew, Sources};
