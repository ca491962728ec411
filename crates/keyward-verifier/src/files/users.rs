use std::collections::{BTreeMap, BTreeSet};

use keyward_core::{Account, Denial, Error, Identity, Result, Verifier, VerifierForm};

use super::{Format, Line, MAX_FILE, lines, without_end};
use crate::Unusable;

/// The users of a file.
#[derive(Clone, Debug, Default)]
pub struct UserFile {
    users: BTreeMap<String, User>,
    verifiers: Vec<Verifier>,
    /// For each form, which verifiers have it.
    forms: BTreeMap<VerifierForm, Vec<usize>>,
}

/// A user of a file.
#[derive(Clone, Debug)]
pub struct User {
    /// The name as the file writes it; in lower case if the case has no meaning.
    pub name: String,
    /// The line in which the user is first.
    pub line: usize,
    /// Why the user is not let in, if that is so.
    pub denied: Option<Denial>,
    /// Why what is stored cannot be used, if that is so.
    pub unusable: Option<Unusable>,
    is_ambiguous: bool,
    realms: BTreeSet<Option<String>>,
    verifiers: Vec<usize>,
}

impl UserFile {
    /// Reads a file. Weak verifiers that [`Scheme::is_legacy`](crate::hash::Scheme::is_legacy) names, and
    /// the passwords themselves where a hash is usual, are read with `legacy` only.
    ///
    /// # Errors
    /// [`Invalid`](keyward_core::ErrorKind::Invalid) if it has more than [`MAX_FILE`] bytes.
    pub fn parse(content: &[u8], format: &Format, legacy: bool) -> Result<Self> {
        if content.len() > MAX_FILE {
            return Err(Error::invalid("read the users", "the file is larger than 16 MiB"));
        }
        let mut file = Self::default();
        for (line, bytes) in lines(content) {
            let Some(Line::Entry(entry)) = format.line(without_end(bytes)) else { continue };
            let verifier = format.verifier(&entry, legacy);
            let name = format.canonical(entry.name);
            let user = file.users.entry(name.clone()).or_insert_with(|| User::new(name, line));
            let realm = entry.realm.map(str::to_owned);
            if !user.realms.insert(realm) {
                // It cannot be known which line is meant.
                user.is_ambiguous = true;
                user.denied = Some(Denial::Disabled);
                user.verifiers.clear();
                continue;
            }
            user.denied = user.denied.or(format.denied(&entry));
            match verifier {
                Ok(_) if user.is_ambiguous => {}
                Ok(verifier) => {
                    user.verifiers.push(file.verifiers.len());
                    file.verifiers.push(verifier);
                }
                Err(why) => user.unusable = Some(why),
            }
        }
        file.find_forms();
        Ok(file)
    }

    /// Lists the verifiers of each form.
    fn find_forms(&mut self) {
        for user in self.users.values() {
            for at in &user.verifiers {
                self.forms.entry(self.verifiers[*at].form).or_default().push(*at);
            }
        }
    }

    /// Returns a user.
    pub fn user(&self, name: &str, format: &Format) -> Option<&User> {
        self.users.get(&format.canonical(name))
    }

    /// The users, in the order of their names.
    pub fn users(&self) -> impl Iterator<Item = &User> {
        self.users.values()
    }

    /// The verifiers of a user that have this form.
    pub fn verifiers(&self, user: &User, form: VerifierForm) -> Vec<Verifier> {
        let verifiers = user.verifiers.iter().filter_map(|at| self.verifiers.get(*at));
        verifiers.filter(|verifier| verifier.form == form).cloned().collect()
    }

    /// The account of a user, as [`Checker::account`](keyward_core::Checker::account) returns it.
    ///
    /// # Errors
    /// [`Invalid`](keyward_core::ErrorKind::Invalid) if the name cannot be an identity; no file has such a name.
    pub fn account(
        &self,
        name: &str,
        form: VerifierForm,
        format: &Format,
    ) -> Result<Option<Account>> {
        let Some(user) = self.user(name, format) else { return Ok(None) };
        let mut account = Account::new(Identity::new(&user.name)?, self.verifiers(user, form));
        account.denied = user.denied;
        Ok(Some(account))
    }

    /// The forms of the verifiers of a user.
    pub fn forms(&self, user: &User) -> Vec<VerifierForm> {
        let verifiers = user.verifiers.iter().filter_map(|at| self.verifiers.get(*at));
        verifiers.map(|verifier| verifier.form).collect()
    }

    /// The verifier of this form that the number selects, to be imitated for a user who is not in the
    /// file.
    pub fn example(&self, pick: u64, form: VerifierForm) -> Option<&Verifier> {
        let those = self.forms.get(&form)?;
        let at = usize::try_from(pick % those.len() as u64).ok()?;
        self.verifiers.get(those[at])
    }
}

impl User {
    fn new(name: String, line: usize) -> Self {
        Self {
            name,
            line,
            denied: None,
            unusable: None,
            is_ambiguous: false,
            realms: BTreeSet::new(),
            verifiers: Vec::new(),
        }
    }

    /// The realms for which the user has a line, in a file of `htdigest`.
    pub fn realms(&self) -> impl Iterator<Item = &str> {
        self.realms.iter().flatten().map(String::as_str)
    }
}
