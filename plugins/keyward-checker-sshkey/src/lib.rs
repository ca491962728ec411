//! Checker `sshkey`: the SSH keys of users, in files as `authorized_keys`, and certificates.
//!
//! It accepts [`SSH_SIGNATURE`](PresentedKind::SSH_SIGNATURE) in two ways:
//! - With the field `signature`, the server had something signed. Either it is a signature as in a
//!   login over SSH (RFC 4252 section 7), with the fields `key` and `data`; or the text that `ssh-keygen
//!   -Y sign` writes, with `data`. **`data` is what the server chose, and nothing that the client sent**:
//!   otherwise the signature can be used again.
//! - Without it, the client gets a challenge, signs its text with `ssh-keygen -Y sign -n NAMESPACE`, and
//!   answers with what that writes. The challenge is `NAMESPACE NONCE USER`.
//!
//! Keys are Ed25519, ECDSA with P-256 and P-384, RSA of 2048 to 8192 bits with SHA-2, and security keys
//! of the first two. All others are refused.
//!
//! # Security
//! - Everybody gets a challenge. The signature is verified before the user is looked up, so that this
//!   takes as long for a user who is unknown. A key that is not listed and a wrong signature are the
//!   same to the client.
//! - A line that is not understood is left out, and concerns no other line.
//! - `command=`, `restrict` and similar options are read and not enforced: what a user may do after
//!   the login is for the server. A certificate that must not be used without a command is refused.

mod address;
mod certificate;
mod key;
mod krl;
mod lines;
mod proof;
mod rules;
mod sshsig;
#[cfg(test)]
mod tests;
mod wire;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use keyward_plugin::fs::read_trusted_of;
use keyward_plugin::{
    Attempt, Backend, Checker, Denial, Error, ErrorKind, Host, Identity, Info, Presented,
    PresentedKind, Result, Round, Secret, hex, options, random,
};
use keyward_verifier::files::LiveFile;

use krl::Revoked;
use lines::Line;
use proof::Proof;
use rules::Rules;

keyward_plugin::register!(checker: SshKey);

/// What every namespace begins with, so that no signature made for something else can be used here,
/// and no signature made here for something else.
const NAMESPACE: &str = "keyward-auth@";

/// The most files.
const MAX_FILES: usize = 16;

/// The longest name of a user, in bytes.
const MAX_USER: usize = 128;

options! {
    /// Where the keys are.
    pub struct Options {
        /// The files with a user's keys, as `authorized_keys`; `%u` is the name of the user.
        pub file: Vec<String>,
        /// Whose keys they are, if the files are those of one user, without `%u`.
        pub user: Option<String>,
        /// The file with the keys of authorities. Their certificates are valid for all the names in them.
        pub ca: Option<PathBuf>,
        /// The file with keys and certificates that were revoked, from `ssh-keygen -k` or as text.
        pub krl: Option<PathBuf>,
        /// What challenges are signed for; begins with `keyward-auth@`.
        pub namespace: String = "keyward-auth@v1",
    }
}

/// The checker `sshkey`.
#[derive(Debug)]
pub struct SshKey {
    files: Vec<String>,
    user: Option<String>,
    authorities: Option<LiveFile<Vec<Line>>>,
    revoked: Option<LiveFile<Revoked>>,
    namespace: String,
    host: Arc<dyn Host>,
}

impl Backend for SshKey {
    const INFO: Info = Info::new("sshkey", "SSH keys and certificates, as in authorized_keys")
        .serving(&["ssh-signature"]);
    type Options = Options;

    fn open(options: Options, host: &Arc<dyn Host>) -> Result<Self> {
        options.check()?;
        let authorities =
            options.ca.map(|path| LiveFile::new(path, |content| Ok(lines::parse(content))));
        Ok(Self {
            files: options.file,
            user: options.user,
            authorities,
            revoked: options.krl.map(|path| LiveFile::new(path, Revoked::parse)),
            namespace: options.namespace,
            host: Arc::clone(host),
        })
    }
}

impl Options {
    fn check(&self) -> Result<()> {
        let invalid = |why: &str| Err(Error::invalid("options", why.to_owned()));
        if self.file.is_empty() && self.ca.is_none() {
            return invalid("neither `file` nor `ca` is given");
        }
        if self.file.len() > MAX_FILES || !self.file.iter().all(|it| Path::new(it).is_absolute()) {
            return invalid("`file` is a list of 1 to 16 absolute paths");
        }
        let has_user = |file: &String| file.contains("%u");
        let is_right = match self.user {
            Some(_) => !self.file.iter().any(has_user),
            None => self.file.iter().all(has_user),
        };
        if !is_right {
            return invalid("either each `file` contains %u, or `user` says whose keys they are");
        }
        let is_word = |text: &str| text.bytes().all(|byte| byte.is_ascii_graphic());
        match self.namespace.strip_prefix(NAMESPACE) {
            Some(rest) if !rest.is_empty() && rest.len() <= 255 && is_word(rest) => Ok(()),
            _ => invalid("`namespace` begins with keyward-auth@ and contains no blanks"),
        }
    }
}

impl Checker for SshKey {
    fn accepts(&self) -> &[PresentedKind] {
        &[PresentedKind::SSH_SIGNATURE]
    }

    fn check(&self, presented: &Presented, attempt: &Attempt) -> Result<Round> {
        if !presented.is(&PresentedKind::SSH_SIGNATURE) {
            return Err(presented.unsupported());
        }
        let Some(user) = presented.user().filter(|user| is_name(user)) else {
            return Ok(Round::Unknown);
        };
        let Some(signature) = presented.field("signature") else { return self.challenge(user) };
        let field = |name| presented.field(name).map(Secret::expose);
        let proof =
            Proof::of_fields(field("key"), signature.expose(), field("data"), |namespace| {
                namespace == self.namespace.as_bytes()
            });
        self.decide(user, proof, attempt)
    }

    fn resume(&self, pending: &Secret, answer: &Secret, attempt: &Attempt) -> Result<Round> {
        let Some(user) = pending.expose_str().and_then(|text| self.user_of(text)) else {
            return Ok(Round::wrong(Denial::Malformed));
        };
        let proof = Proof::of_sshsig(answer.expose(), pending.expose(), |namespace| {
            namespace == self.namespace.as_bytes()
        });
        self.decide(user, proof, attempt)
    }
}

impl SshKey {
    /// Makes a challenge. What it must remember is the text itself, with the name of the user.
    fn challenge(&self, user: &str) -> Result<Round> {
        let nonce = hex::encode(&random::<32>()?);
        let text = Secret::from(format!("{} {nonce} {user}", self.namespace));
        Ok(Round::Challenge { pending: text.clone(), challenge: text })
    }

    /// Returns the user whom a challenge was made for.
    fn user_of<'a>(&self, text: &'a str) -> Option<&'a str> {
        let rest = text.strip_prefix(&self.namespace)?.strip_prefix(' ')?;
        rest.split_once(' ').map(|(_, user)| user).filter(|user| is_name(user))
    }

    /// Decides after the signature was verified.
    fn decide(&self, user: &str, proof: Result<Proof, Denial>, attempt: &Attempt) -> Result<Round> {
        let now = self.host.now();
        let revoked = self.revoked.as_ref().map(|file| file.get(now)).transpose()?;
        let authorities = self.authorities.as_ref().map(|file| file.get(now)).transpose()?;
        let lines = self.lines(user)?;
        let rules = Rules { user, now, attempt, revoked: revoked.as_deref() };
        let vouched = authorities.and_then(|authorities| rules.vouched(&proof, &authorities));
        let found = match (vouched, lines) {
            (Some(found), _) => found,
            (None, Some(lines)) => rules.listed(&proof, &lines),
            // Without files, the authorities know all users.
            (None, None) if self.files.is_empty() => Err(proof.err().unwrap_or(Denial::Secret)),
            (None, None) => return Ok(Round::Unknown),
        };
        match found {
            Ok(()) => Ok(Round::accepted(Identity::new(user)?)),
            Err(why) => Ok(Round::wrong(why)),
        }
    }

    /// Returns the lines in the files of a user; `None` if the user has none.
    fn lines(&self, user: &str) -> Result<Option<Vec<Line>>> {
        if self.user.as_deref().is_some_and(|own| own != user) {
            return Ok(None);
        }
        let owner = uzers::get_user_by_name(user).map(|user| user.uid());
        let mut all = None;
        for file in &self.files {
            let path = PathBuf::from(file.replace("%u", user));
            match read_trusted_of(&path, owner, lines::MAX)? {
                Some(content) => {
                    all.get_or_insert_with(Vec::new).extend(lines::parse(&content));
                }
                None if self.user.is_some() => {
                    let why = format!("{} does not exist", path.display());
                    return Err(Error::new(ErrorKind::Unavailable, "read the keys").because(why));
                }
                None => {}
            }
        }
        Ok(all)
    }
}

/// How many lines of a file of keys can be used. The fuzz target calls it.
#[doc(hidden)]
pub fn count_usable_lines(content: &[u8]) -> usize {
    lines::parse(content).len()
}

/// Whether a user can have this name: it becomes part of a path.
fn is_name(user: &str) -> bool {
    let is_odd = |char: char| char == '/' || char.is_control() || char.is_whitespace();
    !user.is_empty() && user.len() <= MAX_USER && !user.starts_with('.') && !user.contains(is_odd)
}
