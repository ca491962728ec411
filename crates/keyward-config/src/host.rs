use std::cell::RefCell;
use std::fmt::{Arguments, Debug};
use std::os::unix::ffi::OsStringExt;
use std::sync::Arc;
use std::time::Duration;

use keyward_core::{
    Error, ErrorKind, Host, Key, KeyId, Level, Loaded, Network, Prompt, Registry, Result, Role,
    Secret, SecretRef, Source, Stores, Timestamp,
};
use keyward_kinds::FieldSpec;

use crate::config::Config;
use crate::deadline;
use crate::expand::Expander;

/// The user of the program, if there is one: answers prompts and sees messages.
pub trait Interaction: Debug + Send + Sync {
    /// Prompts the user, without showing what is typed.
    ///
    /// # Errors
    /// [`Locked`](ErrorKind::Locked) if there is no user to prompt.
    fn prompt(&self, prompt: &Prompt<'_>) -> Result<Secret>;

    /// Asks the user for the values of these fields, which belong together. `purpose` says what
    /// they are for, in one or more lines.
    ///
    /// # Errors
    /// [`Locked`](ErrorKind::Locked) if there is no user, or no answer;
    /// [`Invalid`](ErrorKind::Invalid) for a value that the field cannot have.
    fn ask(&self, purpose: &str, fields: &[&FieldSpec]) -> Result<Vec<Secret>> {
        let ask = |field: &&FieldSpec| {
            let text = format!("{purpose}\n{}", field.prompt());
            let answer = self.prompt(&Prompt::new(&text).with_confirm(field.twice))?;
            field.check(&answer).map(|()| answer)
        };
        fields.iter().map(ask).collect()
    }

    /// Checks that there is a user to ask, before the work that only an answer needs.
    ///
    /// # Errors
    /// [`NotFound`](ErrorKind::NotFound) if there never is one, [`Locked`](ErrorKind::Locked) if
    /// there is none now.
    fn check_can_ask(&self) -> Result<()> {
        Ok(())
    }

    /// Shows a message to the user. It contains no secret.
    fn log(&self, level: Level, message: Arguments<'_>);
}

/// An [`Interaction`] without a user: it refuses prompts and drops messages. For applications
/// without a terminal.
#[derive(Clone, Copy, Debug)]
pub struct Silent;

impl Interaction for Silent {
    fn prompt(&self, prompt: &Prompt<'_>) -> Result<Secret> {
        Err(Error::new(ErrorKind::Locked, "prompt")
            .because(format!("a prompt is not possible here: {}", prompt.text.to_lowercase()))
            .hint("Give the store a key source that does not prompt, or run this on a terminal"))
    }

    fn check_can_ask(&self) -> Result<()> {
        Err(Error::not_found("prompt").because("this program does not ask"))
    }

    fn log(&self, _: Level, _: Arguments<'_>) {}
}

/// The [`Host`] of one store's backends.
#[derive(Clone, Debug)]
pub struct StoreHost {
    registry: Arc<Registry>,
    config: Arc<Config>,
    expander: Expander,
    interaction: Arc<dyn Interaction>,
    stores: Arc<dyn Stores>,
}

thread_local! {
    /// The secrets that this thread is resolving, outermost first.
    static ASKED: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) };
}

impl StoreHost {
    /// Returns a host for the backends of the store that `expander` knows. They get other stores from
    /// `stores`.
    pub fn new(
        registry: Arc<Registry>,
        config: Arc<Config>,
        expander: Expander,
        interaction: Arc<dyn Interaction>,
        stores: Arc<dyn Stores>,
    ) -> Self {
        Self { registry, config, expander, interaction, stores }
    }

    /// Returns what replaces `%…%` in the options of the store.
    pub fn expander(&self) -> &Expander {
        &self.expander
    }

    fn resolve(&self, reference: &SecretRef) -> Result<Loaded> {
        let registration = self.registry.find(Role::Key, &reference.from)?;
        let values = self.expander.values(&reference.options, registration.options, Error::from)?;
        let host: Arc<dyn Host> = Arc::new(self.clone());
        let source = registration.open_checked::<dyn Key>(&values, &host)?;
        source
            .load(&KeyId::default(), &[])
            .map_err(|error| error.not_a_miss().in_backend(&reference.from))
    }
}

/// Returns the time, for code that has no [`Host`].
pub fn now() -> Timestamp {
    #[expect(clippy::disallowed_methods, reason = "this is the clock that others ask")]
    Timestamp::from(std::time::SystemTime::now())
}

impl Host for StoreHost {
    fn secret(&self, reference: &SecretRef) -> Result<Loaded> {
        let this = format!("{reference:?}");
        let cycle = ASKED.with_borrow(|asked| asked.contains(&this));
        if cycle {
            return Err(Error::invalid(
                "secret",
                format!(
                    "the key source {} needs the same secret that it should return",
                    reference.from
                ),
            ));
        }
        ASKED.with_borrow_mut(|asked| asked.push(this));
        let secret = self.resolve(reference);
        ASKED.with_borrow_mut(Vec::pop);
        secret
    }

    fn prompt(&self, prompt: &Prompt<'_>) -> Result<Secret> {
        self.interaction.prompt(prompt)
    }

    fn variable(&self, name: &str) -> Option<Secret> {
        self.config.environment().get(name).map(|value| Secret::new(value.into_vec()))
    }

    fn now(&self) -> Timestamp {
        now()
    }

    fn log(&self, level: Level, message: Arguments<'_>) {
        self.interaction.log(level, message);
    }

    fn remaining(&self) -> Option<Duration> {
        deadline::remaining()
    }

    fn network(&self) -> Result<Network> {
        self.config.network()
    }

    fn source(&self, store: &str) -> Result<Arc<dyn Source>> {
        self.stores.open(store)
    }
}
