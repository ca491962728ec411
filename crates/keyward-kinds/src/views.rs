//! The typed views of the built-in kinds.

use keyward_core::{Error, Result, Secret, Timestamp};

use crate::otp::{OneTimeCode, OtpAuth};
use crate::view::view;
use crate::{fields, names};

view! {
    /// A username and a password.
    ///
    /// # Examples
    /// ```
    /// use keyward_core::{Field, Record};
    /// use keyward_kinds::UserPassword;
    ///
    /// let ann = UserPassword::new("ann", "s3cret");
    /// assert!(!format!("{ann:?}").contains("s3cret"));
    ///
    /// let old = Record::from(&UserPassword::new("ann", "old")).with("team", Field::open("red"));
    /// let record = ann.write(old)?;
    /// assert_eq!(UserPassword::try_from(&record)?, ann);
    /// assert!(record.field("team").is_some());
    /// # Ok::<(), keyward_core::Error>(())
    /// ```
    UserPassword: names::USER_PASSWORD, fields::PASSWORD {
        /// The username. It need not be the name of a user of the operating system.
        username: String = fields::USERNAME,
        /// The password.
        password: Secret = fields::PASSWORD,
    }
}

impl UserPassword {
    /// Makes it from a username and a password.
    pub fn new(username: impl Into<String>, password: impl Into<Secret>) -> Self {
        Self { username: username.into(), password: password.into() }
    }
}

view! {
    /// A token.
    Token: names::TOKEN, fields::TOKEN {
        /// The account that the token is for.
        username: Option<String> = fields::USERNAME,
        /// The token.
        token: Secret = fields::TOKEN,
    }
}

view! {
    /// A key of a web service.
    ApiKey: names::API_KEY, fields::KEY {
        /// The public name of the key.
        key_id: Option<String> = fields::KEY_ID,
        /// The key.
        key: Secret = fields::KEY,
    }
}

view! {
    /// A client of an OAuth 2.0 server, and its tokens. The expiry of the access token is that of its
    /// field, or of the record.
    OAuth2: names::OAUTH2, fields::ACCESS_TOKEN {
        /// The URL of the server.
        issuer: Option<String> = fields::ISSUER,
        /// The URL of the page that asks the user.
        authorization_url: Option<String> = fields::AUTHORIZATION_URL,
        /// The URL that issues tokens.
        token_url: Option<String> = fields::TOKEN_URL,
        /// The URL that issues device codes.
        device_url: Option<String> = fields::DEVICE_URL,
        /// The URL that revokes tokens.
        revocation_url: Option<String> = fields::REVOCATION_URL,
        /// The URL that says what a token is good for.
        introspection_url: Option<String> = fields::INTROSPECTION_URL,
        /// Whether an answer in a browser must name the server: `required`.
        callback_issuer: Option<String> = fields::CALLBACK_ISSUER,
        /// How the client gets tokens without a refresh token.
        grant: Option<String> = fields::GRANT,
        /// The name of the client.
        client_id: String = fields::CLIENT_ID,
        /// The secret of the client.
        client_secret: Option<Secret> = fields::CLIENT_SECRET,
        /// How the client shows who it is.
        client_authentication: Option<String> = fields::CLIENT_AUTHENTICATION,
        /// The key that signs assertions, in PEM form.
        private_key: Option<Secret> = fields::PRIVATE_KEY,
        /// The name of that key.
        key_id: Option<String> = fields::KEY_ID,
        /// Whom assertions name as their reader, if not the server.
        assertion_audience: Option<String> = fields::ASSERTION_AUDIENCE,
        /// How requests for tokens are written.
        request_format: Option<String> = fields::REQUEST_FORMAT,
        /// More parameters of requests, as in a URL.
        parameters: Option<String> = fields::PARAMETERS,
        /// The account that the tokens are for.
        username: Option<String> = fields::USERNAME,
        /// The scopes, with a blank between them.
        scope: Option<String> = fields::SCOPE,
        /// The scopes that the server granted.
        granted_scope: Option<String> = fields::GRANTED_SCOPE,
        /// The service that should accept the token.
        audience: Option<String> = fields::AUDIENCE,
        /// The URI of the service that should accept the token.
        resource: Option<String> = fields::RESOURCE,
        /// The access token.
        access_token: Option<Secret> = fields::ACCESS_TOKEN,
        /// How the access token is sent, such as `Bearer`.
        token_type: Option<String> = fields::TOKEN_TYPE,
        /// How git sends the access token: `basic`, as a password, or `bearer`.
        git_scheme: Option<String> = fields::GIT_SCHEME,
        /// The token that gets the next one.
        refresh_token: Option<Secret> = fields::REFRESH_TOKEN,
        /// The identity token.
        id_token: Option<Secret> = fields::ID_TOKEN,
        /// The token to exchange (RFC 8693).
        subject_token: Option<Secret> = fields::SUBJECT_TOKEN,
        /// What that is: a URI, or the end of one such as `jwt`.
        subject_token_type: Option<String> = fields::SUBJECT_TOKEN_TYPE,
        /// The token of who acts for its subject.
        actor_token: Option<Secret> = fields::ACTOR_TOKEN,
        /// What that is.
        actor_token_type: Option<String> = fields::ACTOR_TOKEN_TYPE,
        /// What it is exchanged for.
        requested_token_type: Option<String> = fields::REQUESTED_TOKEN_TYPE,
        /// A developer's token, which gets access tokens.
        developer_token: Option<Secret> = fields::DEVELOPER_TOKEN,
        /// The URL that takes a developer's token.
        developer_token_url: Option<String> = fields::DEVELOPER_TOKEN_URL,
        /// A digest of what the tokens were issued for.
        issued_for: Option<String> = fields::ISSUED_FOR,
        /// What is known about the next refresh.
        refresh_state: Option<String> = fields::REFRESH_STATE,
    }
}

view! {
    /// An access key of AWS.
    Aws: names::AWS, fields::SECRET_ACCESS_KEY {
        /// The public part of the key.
        access_key_id: String = fields::ACCESS_KEY_ID,
        /// The secret part of the key.
        secret_access_key: Secret = fields::SECRET_ACCESS_KEY,
        /// The session token of a temporary key.
        session_token: Option<Secret> = fields::SESSION_TOKEN,
    }
}

view! {
    /// An access key of a storage that speaks S3.
    S3: names::S3, fields::SECRET_ACCESS_KEY {
        /// The public part of the key.
        access_key_id: String = fields::ACCESS_KEY_ID,
        /// The secret part of the key.
        secret_access_key: Secret = fields::SECRET_ACCESS_KEY,
        /// The session token of a temporary key.
        session_token: Option<Secret> = fields::SESSION_TOKEN,
        /// The URL of the service.
        endpoint: Option<String> = fields::ENDPOINT,
        /// The region.
        region: Option<String> = fields::REGION,
    }
}

view! {
    /// A public and a private key.
    KeyPair: names::KEY_PAIR, fields::PRIVATE_KEY {
        /// The public key.
        public_key: Option<String> = fields::PUBLIC_KEY,
        /// The private key.
        private_key: Secret = fields::PRIVATE_KEY,
        /// The passphrase of the private key.
        passphrase: Option<Secret> = fields::PASSPHRASE,
    }
}

view! {
    /// A private key for SSH.
    SshKey: names::SSH_KEY, fields::PRIVATE_KEY {
        /// The account to log in to.
        username: Option<String> = fields::USERNAME,
        /// The public key.
        public_key: Option<String> = fields::PUBLIC_KEY,
        /// The private key.
        private_key: Secret = fields::PRIVATE_KEY,
        /// The passphrase of the private key.
        passphrase: Option<Secret> = fields::PASSPHRASE,
        /// The certificate of the key.
        certificate: Option<String> = fields::CERTIFICATE,
    }
}

view! {
    /// A certificate that authenticates a TLS client.
    ClientCertificate: names::CLIENT_CERTIFICATE, fields::PRIVATE_KEY {
        /// The certificate and its chain, in PEM.
        certificate: String = fields::CERTIFICATE,
        /// The private key, in PEM.
        private_key: Secret = fields::PRIVATE_KEY,
        /// The passphrase of the private key.
        passphrase: Option<Secret> = fields::PASSPHRASE,
    }
}

view! {
    /// The secret of one-time passwords.
    ///
    /// # Examples
    /// ```
    /// use keyward_core::Timestamp;
    /// use keyward_kinds::Totp;
    ///
    /// let uri = "otpauth://totp/Acme:ann?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=Acme";
    /// let now = Timestamp::from_unix(59);
    /// let code = Totp { uri: uri.into() }.code(now)?;
    /// assert_eq!(code.code.expose(), b"287082");
    /// assert_eq!(code.expires, Timestamp::from_unix(60));
    /// # Ok::<(), keyward_core::Error>(())
    /// ```
    Totp: names::TOTP, fields::URI {
        /// The URI, `otpauth://totp/…`.
        uri: Secret = fields::URI,
    }
}

impl Totp {
    /// Returns the one-time password at this time (RFC 6238).
    ///
    /// # Errors
    /// [`Invalid`](keyward_core::ErrorKind::Invalid) if the URI is not valid.
    pub fn code(&self, now: Timestamp) -> Result<OneTimeCode> {
        let wrong = |why| Error::invalid("get", format!("the field `{}` {why}", fields::URI));
        Ok(OtpAuth::parse_timed(&self.uri).map_err(wrong)?.code(now))
    }
}

view! {
    /// A secret text.
    Note: names::NOTE, fields::TEXT {
        /// The text.
        text: Secret = fields::TEXT,
    }
}

view! {
    /// A secret file.
    File: names::FILE, fields::CONTENT {
        /// The name of the file, without a folder.
        file_name: Option<String> = fields::FILE_NAME,
        /// The content.
        content: Secret = fields::CONTENT,
    }
}

view! {
    /// The value of an HTTP `Authorization` header.
    HttpAuthorization: names::HTTP_AUTHORIZATION, fields::CREDENTIAL {
        /// The account.
        username: Option<String> = fields::USERNAME,
        /// How it authenticates, such as `Bearer`.
        scheme: String = fields::SCHEME,
        /// What follows the scheme.
        credential: Secret = fields::CREDENTIAL,
        /// The token that gets the next one.
        refresh_token: Option<Secret> = fields::REFRESH_TOKEN,
    }
}
