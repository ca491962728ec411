//! Checker `memory`: users and passwords in memory, for tests and for small programs.
//!
//! A program that uses the library gives the pairs to [`Memory::new`]. In options there is only the
//! name of a file with lines `NAME:PASSWORD`, as in `memory:@FILE`: all users of a machine can read the
//! arguments of a program. The file is read once.

use std::path::Path;
use std::sync::Arc;

use keyward_plugin::fs::read_trusted;
use keyward_plugin::{
    Account, Backend, Checker, Error, ErrorKind, Host, Identity, Info, Result, Secret, Verifier,
    VerifierForm, options,
};
use keyward_verifier::files::{Format, Layout, MAX_FILE, UserFile};

keyward_plugin::register!(checker: Memory);

options! {
    /// Who the users are.
    pub struct Options {
        /// The character @ and the path of a file with lines NAME:PASSWORD; only its owner can write it.
        pub users: String,
    }
}

/// The checker `memory`.
#[derive(Debug)]
pub struct Memory {
    users: Vec<(Identity, Secret)>,
}

impl Memory {
    /// Makes a checker with these users and their passwords.
    ///
    /// # Errors
    /// [`Invalid`](ErrorKind::Invalid) if a name cannot be an [`Identity`], a password is empty, or a
    /// user is there twice.
    ///
    /// # Examples
    /// ```
    /// use keyward_checker_memory::Memory;
    ///
    /// let checker = Memory::new([("ann", "correct horse"), ("bob", "battery staple")])?;
    /// # Ok::<(), keyward_plugin::Error>(())
    /// ```
    pub fn new<N: Into<String>, P: Into<Secret>>(
        users: impl IntoIterator<Item = (N, P)>,
    ) -> Result<Self> {
        let mut pairs = Vec::new();
        for (name, password) in users {
            let (name, password) = (Identity::new(name)?, password.into());
            if password.is_empty() {
                return Err(Error::invalid("users", format!("the password of {name} is empty")));
            }
            pairs.push((name, password));
        }
        pairs.sort_by(|(one, _), (other, _)| one.cmp(other));
        match pairs.windows(2).find(|pair| pair[0].0 == pair[1].0) {
            Some(pair) => Err(Error::invalid("users", format!("{} is there twice", pair[0].0))),
            None => Ok(Self { users: pairs }),
        }
    }

    fn read(path: &Path) -> Result<Self> {
        let content = read_trusted(path, MAX_FILE)?.ok_or_else(|| {
            let why = format!("{} does not exist", path.display());
            Error::new(ErrorKind::Unavailable, "read the users").because(why)
        })?;
        let content = Secret::new(content);
        let format = Format::Fields(Layout::default());
        let file = UserFile::parse(content.expose(), &format, false)?;
        let mut pairs = Vec::new();
        for user in file.users().filter(|user| user.denied.is_none()) {
            for verifier in file.verifiers(user, VerifierForm::Plaintext) {
                pairs.push((user.name.clone(), verifier.value));
            }
        }
        Self::new(pairs)
    }
}

impl Backend for Memory {
    const INFO: Info = Info::new("memory", "Users and passwords in memory, for tests").serving(&[
        "password",
        "scram-sha-256",
        "scram-sha-1",
        "digest",
        "cram-md5",
        "apop",
        "pb",
    ]);
    type Options = Options;

    fn open(options: Options, _: &Arc<dyn Host>) -> Result<Self> {
        match options.users.strip_prefix('@') {
            Some(path) => Self::read(Path::new(path)),
            None => Err(Error::invalid("options", "`users` must be @ and the path of a file")
                .hint("others can read the arguments of a program, so passwords are in a file")),
        }
    }
}

impl Checker for Memory {
    fn stores(&self) -> &[VerifierForm] {
        &[VerifierForm::Plaintext]
    }

    fn account(&self, user: &str, form: VerifierForm) -> Result<Option<Account>> {
        let found = self.users.binary_search_by(|(name, _)| name.as_str().cmp(user)).ok();
        Ok(found.map(|at| {
            let (name, password) = &self.users[at];
            let verifiers =
                (form == VerifierForm::Plaintext).then(|| Verifier::new(form, password.clone()));
            Account::new(name.clone(), verifiers.into_iter().collect())
        }))
    }

    fn example(&self, pick: u64, form: VerifierForm) -> Result<Option<Verifier>> {
        if self.users.is_empty() || form != VerifierForm::Plaintext {
            return Ok(None);
        }
        let at = (pick % self.users.len() as u64) as usize;
        Ok(Some(Verifier::new(form, self.users[at].1.clone())))
    }
}

#[cfg(test)]
mod tests {
    use keyward_testkit::{Scratch, TestHost};

    use super::*;

    keyward_testkit::checker_suite!(
        Memory,
        |scratch| {
            let file = scratch.file("users", b"ann:secret-of-ann\nbob:secret-of-bob\n");
            Values::new().with("users", Value::Text(format!("@{file}")))
        },
        host = |_| {
            TestHost::new()
                .client(Client::new(Presented::password("ann", "secret-of-ann")))
                .client(Client::new(Presented::password("bob", "secret-of-bob")))
        },
    );

    fn passwords(checker: &Memory, user: &str) -> Vec<Secret> {
        let account = checker.account(user, VerifierForm::Plaintext).unwrap();
        account.into_iter().flat_map(|account| account.verifiers).map(|one| one.value).collect()
    }

    #[test]
    fn pairs_are_given_in_code_or_in_a_file() {
        let checker = Memory::new([("bob", "pass:word "), ("ann", "secret")]).unwrap();
        assert_eq!(passwords(&checker, "ann"), ["secret".into()]);
        assert_eq!(passwords(&checker, "carl"), []);
        let scratch = Scratch::new();
        let file = scratch.file("users", b"#x:y\nann:secret\nbob:pass:word \n:z\ncarl:\n");
        let host: Arc<dyn Host> = Arc::new(TestHost::new());
        let open = |users| Memory::open(Options { users }, &host);
        let read = open(format!("@{file}")).unwrap();
        assert_eq!(read.users, checker.users);
        assert_eq!(open("ann:secret".into()).unwrap_err().kind(), ErrorKind::Invalid);
        assert_eq!(open("@/missing".into()).unwrap_err().kind(), ErrorKind::Unavailable);
    }

    #[test]
    fn what_could_not_be_a_user_is_refused() {
        for pairs in [[("", "x"), ("a", "b")], [("a", ""), ("b", "c")], [("a", "x"), ("a", "y")]] {
            assert_eq!(Memory::new(pairs).unwrap_err().kind(), ErrorKind::Invalid);
        }
        let empty = Memory::new::<String, Secret>([]).unwrap();
        assert_eq!(empty.example(3, VerifierForm::Plaintext).unwrap(), None);
    }
}
