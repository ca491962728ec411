use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt::{self, Debug};

use crate::{Error, ErrorKind, Result, Secret, Timestamp};

/// Learns from what a client presented who the client is: the server's side of a login.
///
/// # Contract
/// A checker works in one of two ways, or in both:
/// - It **hands over verifiers**: [`stores`](Self::stores) names their forms, and
///   [`account`](Self::account) returns those of a user. The caller checks passwords, SCRAM, Digest,
///   one-time passwords and tokens with them, and does for an unknown user what it would do for a
///   known one. A checker that reads a file or a store does this.
/// - It **checks by itself**: [`accepts`](Self::accepts) names the kinds of credentials, and
///   [`check`](Self::check) decides. A checker that asks another system does this.
///
/// The caller prepares the name of the user before it calls, keeps everything that lasts longer than
/// a call, and counts failures. A checker prepares nothing and remembers nothing about clients.
///
/// # Errors
/// An error means that the checker cannot tell, because a file cannot be read or a server cannot be
/// reached. It is never returned because a user is unknown or a password is wrong: those are
/// [`Round::Unknown`] and [`Round::Wrong`].
///
/// # Security
/// - An empty password is [`Round::Wrong`] for every user.
/// - [`check`](Self::check) takes as long for an unknown user as for a known one, as far as the
///   checker can tell the two apart.
/// - Secrets are compared in constant time. No error and no log entry contains one.
#[expect(clippy::missing_errors_doc, reason = "the trait's own page says it for all of them")]
pub trait Checker: Debug + Send + Sync {
    /// The kinds of credentials that it checks by itself.
    fn accepts(&self) -> &[PresentedKind] {
        &[]
    }

    /// The forms of the verifiers that it hands over.
    fn stores(&self) -> &[VerifierForm] {
        &[]
    }

    /// Checks a credential of one of the kinds in [`accepts`](Self::accepts).
    fn check(&self, presented: &Presented, _: &Attempt) -> Result<Round> {
        Err(presented.unsupported())
    }

    /// Goes on after [`Round::Challenge`] with the client's answer.
    ///
    /// The caller calls it at most once for each challenge, with the `pending` of that challenge.
    fn resume(&self, _pending: &Secret, _answer: &Secret, _: &Attempt) -> Result<Round> {
        Err(Error::new(ErrorKind::Unsupported, "resume").because("the checker has no challenges"))
    }

    /// Returns the verifiers of this form that a user has; `None` if the user is unknown.
    ///
    /// A known user who has no verifier of this form has an account without verifiers.
    fn account(&self, _user: &str, _: VerifierForm) -> Result<Option<Account>> {
        Ok(None)
    }

    /// Returns the verifier of a user whom the number `pick` selects, to be imitated for an unknown
    /// user: the caller takes from it only the scheme, the cost and the sizes. `None` if there are
    /// no users with a verifier of this form.
    ///
    /// The same number selects the same user until the users change. If all numbers are equally
    /// likely, so are all users.
    fn example(&self, _pick: u64, _: VerifierForm) -> Result<Option<Verifier>> {
        Ok(None)
    }
}

/// A kind of credential, by its name.
///
/// The kinds of Keyward have constants; the name of any other kind contains a dot, as in
/// `example.badge`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PresentedKind(Cow<'static, str>);

macro_rules! kinds {
    ($($(#[$doc:meta])* $NAME:ident = $name:literal,)+) => {
        impl PresentedKind {
            $($(#[$doc])* pub const $NAME: Self = Self(Cow::Borrowed($name));)+

            /// The kinds of Keyward.
            pub const ALL: &[Self] = &[$(Self::$NAME),+];
        }
    };
}

kinds! {
    /// A user and a password, as in HTTP Basic, SASL PLAIN and a login form. Field `password`.
    PASSWORD = "password",
    /// The mechanism SCRAM-SHA-256, with or without channel binding (RFC 5802, RFC 7677).
    SCRAM_SHA_256 = "scram-sha-256",
    /// The mechanism SCRAM-SHA-1 (RFC 5802).
    SCRAM_SHA_1 = "scram-sha-1",
    /// An HTTP Digest response (RFC 7616).
    DIGEST = "digest",
    /// An opaque or bearer token (RFC 6750). Field `token`.
    TOKEN = "token",
    /// A signature with an SSH key or certificate. Fields `key`, `signature`, `data`.
    SSH_SIGNATURE = "ssh-signature",
    /// A certificate that the client proved to own in TLS. Field `certificate`, in DER form.
    CLIENT_CERTIFICATE = "client-certificate",
    /// A one-time password (RFC 4226, RFC 6238) or a recovery code. Field `code`.
    ONE_TIME_PASSWORD = "one-time-password",
    /// Nothing: the client asks for anonymous access.
    ANONYMOUS = "anonymous",
    /// Nothing that proves who the client is: what surrounds its request. A checker of this kind, such
    /// as one for addresses or times, is a condition. Fields `host`, `method` and `path`, if there are
    /// any, and `argument.NAME` for an argument of the request.
    CIRCUMSTANCES = "circumstances",
    /// Answers to the questions of the server, as in PAM. A challenge is a
    /// [`Question`](crate::Question), and the answer is its answer.
    CONVERSATION = "conversation",
    /// The mechanism CRAM-MD5 (RFC 2195).
    CRAM_MD5 = "cram-md5",
    /// The command APOP of POP3 (RFC 1939).
    APOP = "apop",
    /// The challenge of Twisted's Perspective Broker.
    PB = "pb",
}

impl PresentedKind {
    /// Returns the kind of this name; `None` if it is not the name of a kind of Keyward and could
    /// become one later, because it contains no dot.
    pub fn from_name(name: &str) -> Option<Self> {
        let known = Self::ALL.iter().find(|kind| kind.name() == name);
        known.cloned().or_else(|| name.contains('.').then(|| Self(Cow::Owned(name.to_owned()))))
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for PresentedKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// What a client presented to prove who it is.
///
/// It has one kind or several, in order of preference: a third party's kind can also be a password.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Presented {
    kinds: Vec<PresentedKind>,
    user: Option<String>,
    fields: BTreeMap<String, Secret>,
}

impl Presented {
    /// Makes a credential of this kind, without user and fields.
    pub fn new(kind: PresentedKind) -> Self {
        Self { kinds: vec![kind], user: None, fields: BTreeMap::new() }
    }

    /// Makes a user's password.
    pub fn password(user: impl Into<String>, password: impl Into<Secret>) -> Self {
        Self::new(PresentedKind::PASSWORD).named(user).with("password", password)
    }

    /// Makes the request for anonymous access.
    pub fn anonymous() -> Self {
        Self::new(PresentedKind::ANONYMOUS)
    }

    /// Adds a kind that it also is.
    #[must_use]
    pub fn also(mut self, kind: PresentedKind) -> Self {
        self.kinds.push(kind);
        self
    }

    /// Makes the circumstances of an attempt, which prove nothing about who the client is.
    pub fn circumstances(attempt: &Attempt) -> Self {
        let presented = Self::new(PresentedKind::CIRCUMSTANCES);
        let details = attempt.details.iter();
        details.fold(presented, |presented, (name, value)| presented.with(name, value.as_str()))
    }

    /// Sets the name of the user.
    #[must_use]
    pub fn named(mut self, user: impl Into<String>) -> Self {
        self.user = Some(user.into());
        self
    }

    /// Sets a field.
    #[must_use]
    pub fn with(mut self, name: impl Into<String>, value: impl Into<Secret>) -> Self {
        self.fields.insert(name.into(), value.into());
        self
    }

    /// The kind that is preferred.
    pub fn kind(&self) -> &PresentedKind {
        &self.kinds[0]
    }

    /// All its kinds, in order of preference.
    pub fn kinds(&self) -> &[PresentedKind] {
        &self.kinds
    }

    /// Whether it is of this kind.
    pub fn is(&self, kind: &PresentedKind) -> bool {
        self.kinds.contains(kind)
    }

    /// The error of a checker that does not check credentials of this kind:
    /// [`Unsupported`](ErrorKind::Unsupported).
    pub fn unsupported(&self) -> Error {
        let why = format!("the checker does not check credentials of the kind {}", self.kind());
        Error::new(ErrorKind::Unsupported, "check").because(why)
    }

    /// The name of the user.
    pub fn user(&self) -> Option<&str> {
        self.user.as_deref()
    }

    /// Returns a field.
    pub fn field(&self, name: &str) -> Option<&Secret> {
        self.fields.get(name)
    }

    /// Iterates over the fields.
    pub fn fields(&self) -> impl Iterator<Item = (&str, &Secret)> {
        self.fields.iter().map(|(name, value)| (name.as_str(), value))
    }
}

/// The circumstances of a login.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Attempt {
    /// The address of the client, as text. It is the address of the connection, or the one that a
    /// trusted proxy gave.
    pub address: Option<String>,
    /// Whether only the client and the server can read what they send.
    pub private: bool,
    /// The service that the client wants to use, such as `imap`.
    pub service: Option<String>,
    /// What else is known of the request: `host`, `method`, `path`, and `argument.NAME`. Checkers of
    /// the kind [`CIRCUMSTANCES`](PresentedKind::CIRCUMSTANCES) get it as fields; no other checker
    /// gets it.
    pub details: BTreeMap<String, String>,
}

impl Attempt {
    /// Makes the attempt of a client at this address.
    pub fn from_address(address: impl Into<String>) -> Self {
        Self { address: Some(address.into()), ..Self::default() }
    }

    /// Says that only the client and the server can read the connection.
    #[must_use]
    pub fn private(mut self) -> Self {
        self.private = true;
        self
    }

    /// Adds what else is known of the request.
    #[must_use]
    pub fn with_detail(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.details.insert(name.into(), value.into());
        self
    }

    /// Names the service.
    #[must_use]
    pub fn to(mut self, service: impl Into<String>) -> Self {
        self.service = Some(service.into());
        self
    }
}

/// Who a client is: a name in its canonical form, never empty.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Identity(String);

impl Identity {
    /// The longest name, in bytes.
    pub const MAX: usize = 1024;

    /// Makes the identity of this name.
    ///
    /// # Errors
    /// [`Invalid`](ErrorKind::Invalid) if the name is empty, too long, or contains a control
    /// character.
    pub fn new(name: impl Into<String>) -> Result<Self> {
        let name = name.into();
        if name.is_empty() || name.len() > Self::MAX || name.contains(char::is_control) {
            let why = "an identity is a text of 1 to 1024 bytes without control characters";
            return Err(Error::invalid("identity", why));
        }
        Ok(Self(name))
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// What a checker says.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Round {
    /// The client is who it says it is.
    Accepted {
        /// Who that is; `None` for an anonymous client.
        identity: Option<Identity>,
        /// The last message of the mechanism for the client, if it has one.
        last: Option<Secret>,
        /// Until when it holds, such as the end of a token or of a time window; `None` if the checker
        /// sets no end.
        until: Option<Timestamp>,
    },
    /// The client must answer this first.
    Challenge {
        /// What the checker must remember until then. The caller keeps it, and never sends it.
        pending: Secret,
        /// What the client gets.
        challenge: Secret,
    },
    /// There is no such user here. The next checker may know the user.
    Unknown,
    /// The user is known here and is not let in. No other checker is asked.
    Wrong {
        /// Why, for the log. The client is not told.
        why: Denial,
        /// The last message of the mechanism for the client, if it has one.
        last: Option<Secret>,
    },
}

impl Round {
    /// Makes the answer for a user who was recognized.
    pub fn accepted(identity: Identity) -> Self {
        Self::Accepted { identity: Some(identity), last: None, until: None }
    }

    /// Makes the answer for a user who is not let in.
    pub fn wrong(why: Denial) -> Self {
        Self::Wrong { why, last: None }
    }
}

/// Why a known user is not let in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Denial {
    /// The password, code, key, token or answer is not right.
    Secret,
    /// What was presented cannot be read.
    Malformed,
    /// The account is disabled or locked.
    Disabled,
    /// The account, the key or the token has expired.
    Expired,
    /// The password must be changed first.
    PasswordChangeDue,
    /// It was used before and can be used once only.
    Replayed,
    /// It is not valid from this address, at this time or for this service.
    Restricted,
}

impl Denial {
    /// Says it in a few words, for the log.
    pub const fn describe(self) -> &'static str {
        match self {
            Self::Secret => "the secret is wrong",
            Self::Malformed => "what was presented cannot be read",
            Self::Disabled => "the account is disabled",
            Self::Expired => "the account or what was presented has expired",
            Self::PasswordChangeDue => "the password must be changed first",
            Self::Replayed => "it was used before",
            Self::Restricted => "it is not valid here and now",
        }
    }
}

/// The form of a stored verifier.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum VerifierForm {
    /// The password itself.
    Plaintext,
    /// A hash of the password in the form of crypt(3) or PHC, or with a prefix such as `{SSHA}`.
    PasswordHash,
    /// `SCRAM-SHA-256$ITERATIONS:SALT$STORED-KEY:SERVER-KEY` (RFC 5803), with base64.
    ScramSha256,
    /// The same with `SCRAM-SHA-1`.
    ScramSha1,
    /// The hash A1 of HTTP Digest (RFC 7616): `ALGORITHM:REALM:HEX`.
    Ha1,
    /// The MD5 of the password, in hexadecimal, for [`PresentedKind::PB`].
    Md5,
    /// The secret of a generator of one-time passwords: an `otpauth` URI.
    OneTimePassword,
    /// The SHA-256 of a recovery code that is valid once, in hexadecimal.
    RecoveryCode,
    /// The SHA-256 of a token, in hexadecimal.
    Token,
    /// The SHA-256 of a certificate in DER form, in hexadecimal.
    Certificate,
}

impl VerifierForm {
    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Plaintext => "plaintext",
            Self::PasswordHash => "password-hash",
            Self::ScramSha256 => "scram-sha-256",
            Self::ScramSha1 => "scram-sha-1",
            Self::Ha1 => "ha1",
            Self::Md5 => "md5",
            Self::OneTimePassword => "one-time-password",
            Self::RecoveryCode => "recovery-code",
            Self::Token => "token",
            Self::Certificate => "certificate",
        }
    }
}

/// What a server keeps of a user's secret, to recognize it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verifier {
    /// Its form.
    pub form: VerifierForm,
    /// Its value, written as the form says.
    pub value: Secret,
}

impl Verifier {
    /// Makes a verifier.
    pub fn new(form: VerifierForm, value: impl Into<Secret>) -> Self {
        Self { form, value: value.into() }
    }
}

/// A user of a checker that hands over verifiers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// Who the user is, if one of the verifiers matches.
    pub identity: Identity,
    /// The verifiers; one of them must match.
    pub verifiers: Vec<Verifier>,
    /// Why the user is not let in whatever is presented, if that is so.
    pub denied: Option<Denial>,
}

impl Account {
    /// Makes the account of a user who is let in with any of these verifiers.
    pub fn new(identity: Identity, verifiers: Vec<Verifier>) -> Self {
        Self { identity, verifiers, denied: None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kind_without_a_dot_belongs_to_keyward() {
        for kind in PresentedKind::ALL {
            assert_eq!(PresentedKind::from_name(kind.name()).as_ref(), Some(kind));
            assert!(!kind.name().contains('.'));
        }
        assert_eq!(PresentedKind::from_name("badge"), None);
        assert_eq!(PresentedKind::from_name("example.badge").unwrap().name(), "example.badge");
    }

    #[test]
    fn a_credential_can_have_several_kinds() {
        let badge = PresentedKind::from_name("example.badge").unwrap();
        let presented = Presented::new(badge.clone())
            .also(PresentedKind::PASSWORD)
            .named("ann")
            .with("password", "x");
        assert_eq!(presented.kind(), &badge);
        assert!(presented.is(&PresentedKind::PASSWORD) && !presented.is(&PresentedKind::TOKEN));
        assert!(!format!("{presented:?}").contains('x'.to_string().repeat(2).as_str()));
    }

    #[test]
    fn an_identity_is_never_empty() {
        assert!(Identity::new("").is_err());
        assert!(Identity::new("a\nb").is_err());
        assert!(Identity::new("x".repeat(1025)).is_err());
        assert_eq!(Identity::new("ann").unwrap().as_str(), "ann");
    }
}
