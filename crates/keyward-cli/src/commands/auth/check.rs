use std::path::PathBuf;

use keyward::Keyward;
use keyward_config::Interaction;
use keyward_core::{
    Attempt, Error, ErrorKind, Presented, PresentedKind, Prompt, Question, Secret, printable,
};
use keyward_portal::{
    AuthArgs, AuthSpec, Cause, Chain, Challenge, IdentityRealm, Login, Portal, Progress, VISITOR,
    Visitor,
};
use serde_json::json;

use super::rehash::{Accepted, rehash};
use super::sign::sign;
use crate::output::{escaped, print, print_message};
use crate::password::PasswordSource;
use crate::session::Session;
use crate::stop::{Outcome, usage_error};

/// Check a user's password or another credential
///
/// Prints who it is. The exit code is 9 if the user is refused, and 7 if a checker is unavailable.
#[derive(clap::Parser)]
#[command(after_help = "Example:
  keyward auth check --auth htpasswd:/etc/users ann
  keyward auth check --auth htpasswd:/etc/users ann --rehash
  printf s3cret | keyward auth check --auth htpasswd:/etc/users ann --stdin
  printf TOKEN | keyward auth check --auth store:tokens --kind token --stdin
  keyward auth check --auth sshkey:/etc/keys/%u ann --sign-with ~/.ssh/id_ed25519")]
pub(in crate::commands) struct Arguments {
    #[command(flatten)]
    auth: AuthArgs,
    /// The user; tokens and anonymous access need none
    user: Option<String>,
    /// What is checked: password, token, anonymous, conversation or ssh-signature [default: a password,
    /// or with --sign-with ssh-signature]
    #[arg(long, value_name = "KIND")]
    kind: Option<String>,
    /// Read the one-time password from this file, if the policy needs one
    #[arg(long, value_name = "F")]
    code_file: Option<PathBuf>,
    /// Sign with this SSH key, or with the agent that has the key of this `.pub` file
    #[arg(long, value_name = "KEY")]
    sign_with: Option<PathBuf>,
    /// Check as for a client at this address
    #[arg(long, value_name = "ADDRESS")]
    address: Option<String>,
    /// Replace the hash of a right password by a better one, if it is weak: in a file of htpasswd or a store
    #[arg(long)]
    rehash: bool,
    #[command(flatten)]
    password: PasswordSource,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

impl Arguments {
    pub(super) fn run(mut self, session: &Session) -> Outcome {
        let Some((keyward, chain)) = super::chain::open(&mut self.auth, session)? else {
            return Ok(());
        };
        let presented = self.presented(&chain, session)?;
        let portal = Portal::new(IdentityRealm, chain, keyward.host())?.with_penalties(None);
        let mut attempt = Attempt::default().private();
        attempt.address = self.address.clone();
        let mut progress = portal.login(&presented, &attempt, &[VISITOR], ())?;
        loop {
            progress = match progress {
                Progress::LoggedIn(login) => {
                    let code = PresentedKind::ONE_TIME_PASSWORD;
                    let has_code = login.visitor().factors.iter().any(|it| it == code.name());
                    if self.code_file.is_some() && !has_code {
                        return Err(usage_error("no policy needs the code of --code-file"));
                    }
                    if self.rehash {
                        self.rehash(&portal, &login, &presented, &keyward, session)?;
                    }
                    return self.print(&login);
                }
                Progress::Refused(refusal) => return Err(refused(&refusal.cause).into()),
                Progress::Challenge(challenge) if challenge.missing.is_empty() => {
                    let answer = match &self.sign_with {
                        Some(key) => sign(key, &challenge.message)?,
                        None => question(&challenge, session)?,
                    };
                    portal.step(&challenge.session, &answer, &attempt, &[VISITOR], ())?
                }
                Progress::Challenge(challenge) => {
                    let code = self.code(&challenge, session)?;
                    portal.add_factor(&challenge.session, &code, &attempt, &[VISITOR], ())?
                }
            };
        }
    }

    /// Replaces the hash of the password at the checker that has accepted it.
    fn rehash(
        &self,
        portal: &Portal<IdentityRealm>,
        login: &Login<Visitor>,
        presented: &Presented,
        keyward: &Keyward,
        session: &Session,
    ) -> Outcome {
        let factors = &login.visitor().factors;
        let links = portal.chain().links().iter().zip(&self.auth.auth);
        let (Some(user), Some(password)) = (presented.user(), presented.field("password")) else {
            return Ok(());
        };
        // A checker and the kind that it has accepted follow each other.
        let has_accepted = |name: &str| {
            factors.windows(2).any(|pair| pair == [name, PresentedKind::PASSWORD.name()])
        };
        for (link, text) in links.filter(|(link, _)| has_accepted(&link.name)) {
            let spec = &AuthSpec::parse(text)?;
            rehash(&Accepted { link, spec, user, password }, keyward, session);
        }
        Ok(())
    }

    fn presented(&self, chain: &Chain, session: &Session) -> Outcome<Presented> {
        let kind = match &self.kind {
            Some(name) => PresentedKind::from_name(name)
                .ok_or_else(|| usage_error(format!("there is no kind `{}`", printable(name))))?,
            None if self.sign_with.is_some() => PresentedKind::SSH_SIGNATURE,
            None if chain.serves(&PresentedKind::PASSWORD) => PresentedKind::PASSWORD,
            None if chain.serves(&PresentedKind::CONVERSATION) => PresentedKind::CONVERSATION,
            None => return Err(usage_error("the checkers check no passwords: name a --kind")),
        };
        chain.check(std::slice::from_ref(&kind))?;
        let presented = Presented::new(kind.clone());
        let signs = kind == PresentedKind::SSH_SIGNATURE;
        if signs != self.sign_with.is_some() {
            return Err(usage_error(
                "the kind ssh-signature needs --sign-with, and no other kind does",
            ));
        }
        let needs_user =
            signs || [PresentedKind::PASSWORD, PresentedKind::CONVERSATION].contains(&kind);
        let presented = match &self.user {
            Some(user) => presented.named(user),
            None if needs_user => return Err(usage_error("a USER is needed")),
            None => presented,
        };
        match kind.name() {
            "password" => {
                let who = self.user.as_deref().map(printable);
                let what =
                    format!("Password of {}", who.map_or_else(String::new, |it| it.to_string()));
                Ok(presented.with("password", self.secret(&what, session)?))
            }
            "token" => Ok(presented.with("token", self.secret("Token", session)?)),
            "anonymous" | "conversation" | "ssh-signature" => Ok(presented),
            name => Err(usage_error(format!("`keyward auth check` cannot present {name}"))),
        }
    }

    fn secret(&self, what: &str, session: &Session) -> Outcome<Secret> {
        if self.password.is_given() {
            return self.password.read(&session.console, None);
        }
        Ok(session.console.prompt(&Prompt::new(what))?)
    }

    /// Returns the one-time password, if that is what is missing.
    fn code(&self, challenge: &Challenge, session: &Session) -> Outcome<Presented> {
        let code = match &self.code_file {
            Some(path) => PasswordSource::file(path).read(&session.console, None)?,
            None => {
                let what = format!("One-time password (missing: {})", challenge.missing.join(", "));
                session.console.prompt(&Prompt::new(&what))?
            }
        };
        Ok(Presented::new(PresentedKind::ONE_TIME_PASSWORD).with("code", code))
    }

    fn print(&self, login: &Login<Visitor>) -> Outcome {
        let visitor = login.visitor();
        let identity = visitor.identity.as_ref().map(|identity| identity.as_str());
        if self.json {
            let shown = json!({ "identity": identity, "factors": visitor.factors });
            return print(&shown.to_string());
        }
        print(&escaped(identity.unwrap_or("anonymous")))
    }
}

/// Asks what a checker asks.
fn question(challenge: &Challenge, session: &Session) -> Outcome<Secret> {
    let question = Question::from_challenge(&challenge.message);
    // Other kinds of credentials have challenges of other forms.
    let as_it_is = || Question::hidden(&String::from_utf8_lossy(challenge.message.expose()));
    let question = question.unwrap_or_else(as_it_is);
    question.told.iter().for_each(|line| print_message(line));
    let text = printable(question.text.trim_end().trim_end_matches(':')).to_string();
    Ok(session.console.prompt(&Prompt::new(&text))?)
}

/// The administrator learns the cause; a client of a server never does.
fn refused(cause: &Cause) -> Error {
    let why = match cause {
        Cause::UnknownUser => "no checker knows the user".to_owned(),
        Cause::Denied(denial) => format!("the user is known, but {}", denial.describe()),
        Cause::Malformed => "what was presented cannot be read".to_owned(),
        Cause::NotServed => "no checker can check this alone".to_owned(),
        Cause::OtherUser => "the factors belong to different users".to_owned(),
        other => format!("{other:?}"),
    };
    Error::new(ErrorKind::Unauthorized, "auth check").because(format!("refused: {why}"))
}
