use std::io::Write as _;

use keyward_core::{Error, ErrorKind, Result, Secret, SecretWriter, Timestamp};

use super::lines::{MAX_LINE, is_one_line};

/// What a helper replies to git. The default is empty, which git takes for a miss.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reply {
    /// The scheme of an `Authorization` header, such as `Bearer`.
    pub authtype: Option<Secret>,
    /// What follows the scheme in the header.
    pub credential: Option<Secret>,
    /// The account's name.
    pub username: Option<Secret>,
    /// The password or access token.
    pub password: Option<Secret>,
    /// The token with which a later helper gets a new access token.
    pub oauth_refresh_token: Option<Secret>,
    /// When the password or the credential expires.
    pub password_expiry_utc: Option<Timestamp>,
    /// Whether no helper should store the credential.
    pub ephemeral: bool,
    /// What git sends back when it stores the credential. It is as secret as the credential.
    pub state: Option<Secret>,
    /// Whether git should stop, and ask neither another helper nor the user.
    pub quit: bool,
}

impl Reply {
    /// Returns the reply that tells git to stop: there may be a credential, but it cannot be read.
    pub fn quit() -> Self {
        Self { quit: true, ..Self::default() }
    }

    /// Returns the reply in git's format, in the order in which git writes.
    ///
    /// Capabilities come first: git accepts `authtype`, `ephemeral` and `state[]` only after them,
    /// and sends them again when it stores the credential.
    ///
    /// # Errors
    /// [`Unsupported`](ErrorKind::Unsupported) if a value contains a line break or another control
    /// character, or is too long for a line. Then nothing is written.
    pub fn encode(&self) -> Result<Secret> {
        let mut lines = Lines(SecretWriter::new());
        if self.authtype.is_some() || self.credential.is_some() || self.ephemeral {
            lines.add("capability[]", b"authtype")?;
        }
        if self.state.is_some() {
            lines.add("capability[]", b"state")?;
        }
        for (key, value) in [
            ("authtype", &self.authtype),
            ("credential", &self.credential),
            ("username", &self.username),
            ("password", &self.password),
            ("oauth_refresh_token", &self.oauth_refresh_token),
        ] {
            if let Some(value) = value {
                lines.add(key, value.expose())?;
            }
        }
        if self.ephemeral {
            lines.add("ephemeral", b"1")?;
        }
        if let Some(expiry) = self.password_expiry_utc {
            lines.add("password_expiry_utc", expiry.as_unix().to_string().as_bytes())?;
        }
        if let Some(state) = &self.state {
            lines.add("state[]", state.expose())?;
        }
        if self.quit {
            lines.add("quit", b"1")?;
        }
        Ok(lines.0.finish())
    }
}

struct Lines(SecretWriter);

impl Lines {
    fn add(&mut self, key: &str, value: &[u8]) -> Result<()> {
        let refused = |why: &str| {
            let why = format!("the {key} {why}, which git's protocol cannot carry");
            Err(Error::new(ErrorKind::Unsupported, "answer git").because(why))
        };
        if !is_one_line(value) {
            return refused("holds a line break or another control character");
        }
        if key.len() + value.len() + 2 > MAX_LINE {
            return refused("is too long");
        }
        for part in [key.as_bytes(), b"=", value, b"\n"] {
            self.0.write_all(part).map_err(|error| Error::io("answer git", error))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(reply: &Reply, expected: &str) {
        assert_eq!(reply.encode().unwrap().expose_str(), Some(expected));
    }

    #[test]
    fn a_miss_says_nothing() {
        check(&Reply::default(), "");
        check(&Reply::quit(), "quit=1\n");
    }

    #[test]
    fn attributes_are_in_gits_order() {
        let reply = Reply {
            authtype: Some("Bearer".into()),
            credential: Some("T".into()),
            username: Some("".into()),
            password: Some("p=w".into()),
            oauth_refresh_token: Some("R".into()),
            password_expiry_utc: Some(Timestamp::from_unix(9)),
            ephemeral: true,
            state: Some("keyward:S".into()),
            quit: false,
        };
        check(
            &reply,
            "capability[]=authtype\ncapability[]=state\nauthtype=Bearer\ncredential=T\nusername=\npassword=p=w\n\
             oauth_refresh_token=R\nephemeral=1\npassword_expiry_utc=9\nstate[]=keyward:S\n",
        );
    }

    #[test]
    fn a_value_that_does_not_fit_a_line_is_refused_unquoted() {
        for value in ["canary\nquit=1", "canary\r", "canary\u{2028}", "canary\0"] {
            let reply = Reply { password: Some(value.into()), ..Reply::default() };
            let error = reply.encode().unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Unsupported);
            assert!(!format!("{error} {error:?}").contains("canary"));
        }
        let long =
            |len: usize| Reply { password: Some(vec![b'x'; len].into()), ..Reply::default() };
        assert!(long(MAX_LINE - 10).encode().is_ok());
        assert!(long(MAX_LINE - 9).encode().is_err());
    }
}
