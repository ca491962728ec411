//! The tables of the built-in kinds.

use std::time::Duration;

use crate::fields::*;
use crate::{FieldSpec, Format, Kind, Shape, names};

/// Returns all built-in kinds.
pub(crate) fn kinds() -> [Kind; 16] {
    [
        user_password(),
        token(),
        api_key(),
        oauth2(),
        aws(),
        s3(),
        key_pair(),
        ssh_key(),
        client_certificate(),
        totp(),
        note(),
        file(),
        Kind::new(names::GENERIC, "A secret with any other fields")
            .with_main(FieldSpec::secret(SECRET, "The secret").twice().with_shape(Shape::Bytes))
            .with_any_fields(),
        http_authorization(),
        verifiers(),
        accounts(),
    ]
}

fn user_password() -> Kind {
    Kind::new(names::USER_PASSWORD, "A username and a password")
        .with_field(FieldSpec::new(USERNAME, "The username").required())
        .with_main(
            // A password need not be text.
            FieldSpec::secret(PASSWORD, "The password").required().twice().with_shape(Shape::Bytes),
        )
        .with_field(refresh_token())
}

fn token() -> Kind {
    Kind::new(names::TOKEN, "A token, such as a personal access token")
        .with_field(FieldSpec::new(USERNAME, "The account that the token is for"))
        .with_main(FieldSpec::secret(TOKEN, "The token").required())
}

fn api_key() -> Kind {
    Kind::new(names::API_KEY, "A key of a web service")
        .with_field(FieldSpec::new(KEY_ID, "The public name of the key"))
        .with_main(FieldSpec::secret(KEY, "The key").required())
}

fn oauth2() -> Kind {
    let url = |name, help| FieldSpec::new(name, help).with_format(Format::Url);
    Kind::new(names::OAUTH2, "A client of an OAuth 2.0 server, and its tokens")
        .with_field(url(ISSUER, "The URL of the server"))
        .with_field(url(AUTHORIZATION_URL, "The URL of the page that asks the user"))
        .with_field(url(TOKEN_URL, "The URL that issues tokens"))
        .with_field(url(DEVICE_URL, "The URL that issues device codes"))
        .with_field(url(REVOCATION_URL, "The URL that revokes tokens"))
        .with_field(url(INTROSPECTION_URL, "The URL that says what a token is good for"))
        .with_field(
            FieldSpec::new(CALLBACK_ISSUER, "Whether an answer in a browser must name the server")
                .with_choices(["required"]),
        )
        .with_field(
            FieldSpec::new(GRANT, "How the client gets tokens without a refresh token")
                .with_choices([
                    "client_credentials",
                    "jwt_bearer",
                    "token_exchange",
                    "developer_token",
                ]),
        )
        .with_field(FieldSpec::new(CLIENT_ID, "The name of the client").required())
        .with_field(FieldSpec::secret(CLIENT_SECRET, "The secret of the client"))
        .with_field(
            FieldSpec::new(CLIENT_AUTHENTICATION, "How the client shows who it is").with_choices([
                "basic",
                "post",
                "private_key_jwt",
                "none",
            ]),
        )
        .with_field(
            FieldSpec::secret(PRIVATE_KEY, "The key that signs assertions, in PEM form")
                .with_shape(Shape::Text)
                .with_max(64 << 10),
        )
        .with_field(FieldSpec::new(KEY_ID, "The name of that key"))
        .with_field(FieldSpec::new(ASSERTION_AUDIENCE, "Whom assertions name as their reader"))
        .with_field(
            FieldSpec::new(REQUEST_FORMAT, "How requests for tokens are written")
                .with_choices(["form", "json"]),
        )
        .with_field(FieldSpec::new(PARAMETERS, "More parameters of requests, as in a URL"))
        .with_field(FieldSpec::new(USERNAME, "The account that the tokens are for"))
        .with_field(FieldSpec::new(SCOPE, "The scopes, with a blank between them"))
        .with_field(FieldSpec::new(GRANTED_SCOPE, "The scopes that the server granted"))
        .with_field(FieldSpec::new(AUDIENCE, "The service that should accept the token"))
        .with_field(FieldSpec::new(RESOURCE, "The URI of the service that should accept it"))
        .with_main(FieldSpec::secret(ACCESS_TOKEN, "The access token"))
        .with_field(FieldSpec::new(TOKEN_TYPE, "How the access token is sent, such as Bearer"))
        .with_field(
            FieldSpec::new(GIT_SCHEME, "How git sends the access token: as a password, or Bearer")
                .with_choices(["basic", "bearer"]),
        )
        .with_field(refresh_token())
        .with_field(FieldSpec::secret(ID_TOKEN, "The identity token"))
        .with_field(FieldSpec::secret(SUBJECT_TOKEN, "The token to exchange"))
        .with_field(FieldSpec::new(SUBJECT_TOKEN_TYPE, "What that is, such as jwt"))
        .with_field(FieldSpec::secret(ACTOR_TOKEN, "The token of who acts for its subject"))
        .with_field(FieldSpec::new(ACTOR_TOKEN_TYPE, "What that is, such as jwt"))
        .with_field(FieldSpec::new(REQUESTED_TOKEN_TYPE, "What it is exchanged for"))
        .with_field(FieldSpec::secret(DEVELOPER_TOKEN, "A developer's token, for access tokens"))
        .with_field(url(DEVELOPER_TOKEN_URL, "The URL that takes a developer's token"))
        .with_field(FieldSpec::new(ISSUED_FOR, "A digest of what the tokens were issued for"))
        .with_field(FieldSpec::new(REFRESH_STATE, "What is known about the next refresh"))
}

fn refresh_token() -> FieldSpec {
    FieldSpec::secret(REFRESH_TOKEN, "The token that gets the next one")
}

fn aws() -> Kind {
    access_key(names::AWS, "An access key of AWS, lasting or temporary")
}

fn s3() -> Kind {
    access_key(names::S3, "An access key of a storage that speaks S3")
        .with_field(
            FieldSpec::new(ENDPOINT, "The URL of the service")
                .with_format(Format::Url)
                .with_environment(["AWS_ENDPOINT_URL_S3"]),
        )
        .with_field(
            FieldSpec::new(REGION, "The region")
                .with_pattern("[a-z0-9-]*")
                .with_environment(["AWS_REGION", "AWS_DEFAULT_REGION"]),
        )
}

fn access_key(name: &str, help: &str) -> Kind {
    Kind::new(name, help)
        .with_field(
            FieldSpec::new(ACCESS_KEY_ID, "The public part of the key")
                .required()
                .with_pattern("[!-~]+")
                .with_environment(["AWS_ACCESS_KEY_ID"]),
        )
        .with_main(
            FieldSpec::secret(SECRET_ACCESS_KEY, "The secret part of the key")
                .required()
                .with_pattern("[!-~]+")
                .with_environment(["AWS_SECRET_ACCESS_KEY"]),
        )
        .with_field(
            FieldSpec::secret(SESSION_TOKEN, "The session token of a temporary key")
                .with_environment(["AWS_SESSION_TOKEN"]),
        )
        // A request that is signed just before the end would arrive after it.
        .with_expires_early(Duration::from_secs(2))
}

/// A text that starts with a line of PEM, such as a private key of any sort.
const PRIVATE_PEM: &str = r"\s*-----BEGIN ([A-Z0-9]+ )*PRIVATE KEY-----(?s:.*)";

fn private_key() -> FieldSpec {
    FieldSpec::secret(PRIVATE_KEY, "The private key")
        .required()
        .with_shape(Shape::Text)
        .with_max(64 << 10)
}

fn passphrase() -> FieldSpec {
    FieldSpec::secret(PASSPHRASE, "The passphrase of the private key")
}

fn key_pair() -> Kind {
    let public = FieldSpec::new(PUBLIC_KEY, "The public key");
    Kind::new(names::KEY_PAIR, "A public and a private key")
        .with_field(public.with_shape(Shape::Text).with_max(64 << 10))
        .with_main(private_key())
        .with_field(passphrase())
}

fn ssh_key() -> Kind {
    Kind::new(names::SSH_KEY, "A private key for SSH")
        .with_field(FieldSpec::new(USERNAME, "The account to log in to"))
        .with_field(FieldSpec::new(PUBLIC_KEY, "The public key, as in authorized_keys"))
        .with_main(private_key().with_pattern(PRIVATE_PEM))
        .with_field(passphrase())
        .with_field(FieldSpec::new(CERTIFICATE, "The certificate of the key, one line"))
}

fn client_certificate() -> Kind {
    Kind::new(names::CLIENT_CERTIFICATE, "A certificate that authenticates a TLS client")
        .with_field(
            FieldSpec::new(CERTIFICATE, "The certificate and its chain, in PEM")
                .required()
                .with_shape(Shape::Text)
                .with_pattern(r"\s*-----BEGIN CERTIFICATE-----(?s:.*)"),
        )
        .with_main(private_key().with_pattern(PRIVATE_PEM))
        .with_field(passphrase())
}

fn totp() -> Kind {
    Kind::new(names::TOTP, "The secret of one-time passwords (RFC 6238)").with_main(
        FieldSpec::secret(URI, "The URI: otpauth://totp/…")
            .required()
            .with_format(Format::OtpAuth)
            .with_max(4096),
    )
}

fn note() -> Kind {
    Kind::new(names::NOTE, "A secret text")
        .with_main(FieldSpec::secret(TEXT, "The text").required().with_shape(Shape::Text))
}

fn file() -> Kind {
    Kind::new(names::FILE, "A secret file")
        .with_field(
            FieldSpec::new(FILE_NAME, "The name of the file, without a folder")
                .with_pattern(r"[^/]+")
                .with_max(255),
        )
        .with_main(FieldSpec::secret(CONTENT, "The content").with_shape(Shape::Bytes))
}

fn http_authorization() -> Kind {
    Kind::new(names::HTTP_AUTHORIZATION, "The value of an HTTP Authorization header")
        .with_field(FieldSpec::new(USERNAME, "The account"))
        .with_field(
            FieldSpec::new(SCHEME, "How it authenticates, such as Bearer")
                .required()
                // A token of RFC 9110.
                .with_pattern("[!#$%&'*+.^_`|~0-9A-Za-z-]+"),
        )
        .with_main(FieldSpec::secret(CREDENTIAL, "What follows the scheme").required())
        .with_field(refresh_token())
}

fn verifiers() -> Kind {
    let lines =
        |name, help| FieldSpec::secret(name, help).with_shape(Shape::Text).with_max(64 << 10);
    Kind::new(names::VERIFIERS, "What a server keeps to recognize a user")
        .with_field(FieldSpec::new(USERNAME, "Who the user is, if not the user of the entry"))
        .with_main(FieldSpec::secret(PASSWORD_HASH, "The hash of the password"))
        .with_field(FieldSpec::secret(SCRAM_SHA_256, "The verifier for SCRAM-SHA-256 (RFC 5803)"))
        .with_field(FieldSpec::secret(SCRAM_SHA_1, "The verifier for SCRAM-SHA-1"))
        .with_field(lines(HA1, "The hashes A1 of HTTP Digest, as ALGORITHM:REALM:HEX"))
        .with_field(
            FieldSpec::secret(URI, "The secret of one-time passwords: otpauth://totp/…")
                .with_format(Format::OtpAuth)
                .with_max(4096),
        )
        .with_field(lines(RECOVERY_CODES, "The SHA-256 of recovery codes"))
        .with_field(lines(TOKENS, "The SHA-256 of tokens"))
        .with_field(lines(CERTIFICATES, "The SHA-256 of certificates in DER form"))
        .with_field(
            FieldSpec::new(AUTHORIZED_KEYS, "The SSH keys, as in authorized_keys")
                .with_shape(Shape::Text)
                .with_max(64 << 10),
        )
        .with_field(
            FieldSpec::new(DENIED, "Why the user is not let in")
                .with_choices(["disabled", "password-change-due"]),
        )
}

fn accounts() -> Kind {
    let table = Kind::new(names::ACCOUNTS, "The accounts of an origin, which Keyward lists")
        .with_field(FieldSpec::new(ACCOUNTS, "The accounts").with_shape(Shape::Text))
        .with_field(FieldSpec::new(DEFAULT, "The default account"));
    Kind { internal: true, ..table }
}
