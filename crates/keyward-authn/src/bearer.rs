use std::io::Write;
use std::sync::Arc;

use keyward_plugin::{
    Additions, Authenticator, Backend, Error, Event, Host, Info, Record, RefusalCause, RequestHead,
    Result, Secret, SecretWriter, State, Step, options,
};

use crate::challenge::{challenges, wants};
use crate::credential;
use crate::pages::Pages;

options! {
    /// The pages of [`Bearer`].
    pub struct BearerOptions {
        /// Regular expressions of which a login page in place of a file matches one.
        pub failure: Vec<String>,
    }
}

/// A token in the header `Authorization` (RFC 6750).
#[derive(Clone, Debug, Default)]
pub struct Bearer {
    pages: Pages,
}

impl Backend for Bearer {
    const INFO: Info = Info::new("bearer", "A token in each request (RFC 6750)");
    type Options = BearerOptions;

    fn open(options: BearerOptions, _: &Arc<dyn Host>) -> Result<Self> {
        Ok(Self { pages: Pages::new(&[], &options.failure)? })
    }
}

impl Authenticator for Bearer {
    fn step(
        &self,
        _: &RequestHead,
        record: Option<&Record>,
        event: &Event<'_>,
        _: &mut State,
    ) -> Result<Step> {
        match event {
            Event::Challenged(answer) if !wants(answer, "bearer") => Ok(Step::refuse(
                RefusalCause::OtherScheme,
                format!(
                    "the server does not ask for a Bearer token, but for {}",
                    challenges(answer)
                ),
            )),
            Event::Answered(answer) => Ok(self.pages.judge(answer)),
            _ => send(record, "Authorization", "Bearer"),
        }
    }
}

options! {
    /// The header of [`Token`].
    pub struct TokenOptions {
        /// The name of the header.
        pub header: String = "Authorization",
        /// The word before the token; may be empty.
        pub prefix: String = "Token",
        /// Regular expressions of which a login page in place of a file matches one.
        pub failure: Vec<String>,
    }
}

/// A token in a header that the server chose.
#[derive(Clone, Debug)]
pub struct Token {
    header: String,
    prefix: String,
    pages: Pages,
}

impl Backend for Token {
    const INFO: Info = Info::new("token", "A token in a header of your choice, in each request");
    type Options = TokenOptions;

    fn open(options: TokenOptions, _: &Arc<dyn Host>) -> Result<Self> {
        let is_token =
            |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
        if options.header.is_empty() || !options.header.bytes().all(is_token) {
            return Err(Error::invalid("options", "`header` must be the name of a header"));
        }
        if RESERVED.iter().any(|name| options.header.eq_ignore_ascii_case(name)) {
            let why = "`header` is a header that says where the request goes or where it ends";
            return Err(Error::invalid("options", why));
        }
        if !options.prefix.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(Error::invalid("options", "`prefix` must be a word"));
        }
        let pages = Pages::new(&[], &options.failure)?;
        Ok(Self { header: options.header, prefix: options.prefix, pages })
    }
}

/// Headers that a token must not replace.
const RESERVED: &[&str] =
    &["connection", "content-length", "host", "te", "trailer", "transfer-encoding", "upgrade"];

impl Authenticator for Token {
    fn step(
        &self,
        _: &RequestHead,
        record: Option<&Record>,
        event: &Event<'_>,
        _: &mut State,
    ) -> Result<Step> {
        match event {
            Event::Answered(answer) => Ok(self.pages.judge(answer)),
            _ => send(record, &self.header, &self.prefix),
        }
    }
}

fn send(record: Option<&Record>, header: &str, prefix: &str) -> Result<Step> {
    let token = match credential::token(record) {
        Ok(token) => token,
        Err(step) => return Ok(step),
    };
    if !token.expose().iter().all(u8::is_ascii_graphic) {
        return Err(Error::invalid("authenticate", "a header cannot contain this token"));
    }
    Ok(Step::Send(Additions::header(header, prefixed(prefix, token))))
}

fn prefixed(prefix: &str, token: &Secret) -> Secret {
    let mut value = SecretWriter::new();
    let separator = if prefix.is_empty() { "" } else { " " };
    for part in [prefix.as_bytes(), separator.as_bytes(), token.expose()] {
        value.write_all(part).expect("memory can be written");
    }
    value.finish()
}
