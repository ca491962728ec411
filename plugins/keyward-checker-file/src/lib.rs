//! Checker `file`: the users of a file of fields, with the options of Twisted's `FilePasswordDB`.
//!
//! It differs from Twisted where that would let in the wrong people: an empty name, an empty password and
//! a comment are never right, a password is taken as it is, with its colons and its blanks, and a user in
//! two lines is refused.

use std::path::PathBuf;
use std::sync::Arc;

use keyward_plugin::{
    Account, Backend, Checker, Error, Host, Info, Result, Verifier, VerifierForm, options,
};
use keyward_verifier::files::{Format, Layout, LiveUsers};

keyward_plugin::register!(checker: FileChecker);

options! {
    /// Where the users are.
    pub struct Options {
        /// The file; only its owner can write it.
        pub file: PathBuf,
        /// What separates fields.
        pub delim: String = ":",
        /// Which field is the name; the first is 0.
        pub user_field: u64 = 0,
        /// Which field is the password or its hash.
        pub password_field: u64 = 1,
        /// Whether names that differ only in case are different users.
        pub case_sensitive: bool = true,
        /// What the field contains: the password itself, or a hash or SCRAM verifier.
        #[choices("none", "auto")]
        pub hash: String = "none",
        /// Whether to accept DES crypt and passwords after `{PLAIN}` too, where there are hashes.
        pub legacy: bool = false,
        /// Whether to keep the users in memory until the file changes.
        pub cache: bool = true,
    }
}

/// The checker `file`.
#[derive(Debug)]
pub struct FileChecker {
    users: LiveUsers,
    forms: &'static [VerifierForm],
    host: Arc<dyn Host>,
}

const HASHED: &[VerifierForm] =
    &[VerifierForm::PasswordHash, VerifierForm::ScramSha256, VerifierForm::ScramSha1];

const HASHED_LEGACY: &[VerifierForm] = &[
    VerifierForm::PasswordHash,
    VerifierForm::ScramSha256,
    VerifierForm::ScramSha1,
    VerifierForm::Plaintext,
];

impl Backend for FileChecker {
    const INFO: Info =
        Info::new("file", "The users of a file of fields, as in Twisted's FilePasswordDB").serving(
            &["password", "scram-sha-256", "scram-sha-1", "digest", "cram-md5", "apop", "pb"],
        );
    type Options = Options;

    fn open(options: Options, host: &Arc<dyn Host>) -> Result<Self> {
        let forms = match (options.hash.as_str(), options.legacy) {
            ("none", _) => &[VerifierForm::Plaintext],
            (_, false) => HASHED,
            (_, true) => HASHED_LEGACY,
        };
        let format = Format::Fields(layout(&options)?);
        let users = match options.cache {
            true => LiveUsers::new(options.file, format, options.legacy),
            false => LiveUsers::new(options.file, format, options.legacy).read_each_time(),
        };
        Ok(Self { users, forms, host: Arc::clone(host) })
    }
}

fn layout(options: &Options) -> Result<Layout> {
    let field = |field: u64| u8::try_from(field).map(usize::from).ok();
    let fields = field(options.user_field).zip(field(options.password_field));
    let why = match fields {
        _ if options.delim.is_empty() => "`delim` is empty",
        None => "a field is a number from 0 to 255",
        Some((user, password)) if user == password => {
            "`user_field` and `password_field` are the same field"
        }
        Some((user_field, password_field)) => {
            return Ok(Layout {
                delimiter: options.delim.clone(),
                user_field,
                password_field,
                case_sensitive: options.case_sensitive,
                hashed: options.hash != "none",
            });
        }
    };
    Err(Error::invalid("options", why))
}

impl Checker for FileChecker {
    fn stores(&self) -> &[VerifierForm] {
        self.forms
    }

    fn account(&self, user: &str, form: VerifierForm) -> Result<Option<Account>> {
        self.users.account(user, form, self.host.now())
    }

    fn example(&self, pick: u64, form: VerifierForm) -> Result<Option<Verifier>> {
        self.users.example(pick, form, self.host.now())
    }
}

#[cfg(test)]
mod tests;
