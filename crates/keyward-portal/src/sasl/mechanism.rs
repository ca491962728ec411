use keyward_core::PresentedKind;

/// A mechanism of SASL.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Mechanism {
    /// SCRAM-SHA-256-PLUS (RFC 7677).
    ScramSha256Plus,
    /// SCRAM-SHA-1-PLUS (RFC 5802).
    ScramSha1Plus,
    /// EXTERNAL: the client's certificate (RFC 4422).
    External,
    /// SCRAM-SHA-256 (RFC 7677).
    ScramSha256,
    /// SCRAM-SHA-1 (RFC 5802).
    ScramSha1,
    /// OAUTHBEARER (RFC 7628).
    OauthBearer,
    /// PLAIN (RFC 4616).
    Plain,
    /// LOGIN, for clients that do not know PLAIN.
    Login,
    /// CRAM-MD5 (RFC 2195), only if the chain allows it.
    CramMd5,
    /// ANONYMOUS (RFC 4505).
    Anonymous,
}

impl Mechanism {
    /// All of them, the best first.
    pub const ALL: [Self; 10] = [
        Self::ScramSha256Plus,
        Self::ScramSha1Plus,
        Self::External,
        Self::ScramSha256,
        Self::ScramSha1,
        Self::OauthBearer,
        Self::Plain,
        Self::Login,
        Self::CramMd5,
        Self::Anonymous,
    ];

    /// The one with this name; the case does not matter.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|mechanism| mechanism.name().eq_ignore_ascii_case(name))
    }

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::ScramSha256Plus => "SCRAM-SHA-256-PLUS",
            Self::ScramSha1Plus => "SCRAM-SHA-1-PLUS",
            Self::External => "EXTERNAL",
            Self::ScramSha256 => "SCRAM-SHA-256",
            Self::ScramSha1 => "SCRAM-SHA-1",
            Self::OauthBearer => "OAUTHBEARER",
            Self::Plain => "PLAIN",
            Self::Login => "LOGIN",
            Self::CramMd5 => "CRAM-MD5",
            Self::Anonymous => "ANONYMOUS",
        }
    }

    /// The kind of credential that a client presents with it.
    pub fn kind(self) -> PresentedKind {
        match self {
            Self::ScramSha256Plus | Self::ScramSha256 => PresentedKind::SCRAM_SHA_256,
            Self::ScramSha1Plus | Self::ScramSha1 => PresentedKind::SCRAM_SHA_1,
            Self::External => PresentedKind::CLIENT_CERTIFICATE,
            Self::OauthBearer => PresentedKind::TOKEN,
            Self::Plain | Self::Login => PresentedKind::PASSWORD,
            Self::CramMd5 => PresentedKind::CRAM_MD5,
            Self::Anonymous => PresentedKind::ANONYMOUS,
        }
    }

    /// Whether it has channel binding.
    pub fn is_bound(self) -> bool {
        matches!(self, Self::ScramSha256Plus | Self::ScramSha1Plus)
    }

    /// Whether the client sends its secret itself.
    pub fn shows_secret(self) -> bool {
        matches!(self, Self::OauthBearer | Self::Plain | Self::Login)
    }
}
