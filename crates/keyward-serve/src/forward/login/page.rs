//! The pages, as HTML.

use std::fmt::Write;
use std::time::Duration;

use hyper::StatusCode;
use hyper::header::{
    CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};

use crate::web::{self, Response};

/// A page.
pub(super) struct Page(String);

impl Page {
    /// Asks for a user and a password.
    pub(super) fn password(to: &str) -> Self {
        Self::asking(to, None)
    }

    /// Asks again, because something was wrong. It does not say what.
    pub(super) fn again(to: &str) -> Self {
        Self::asking(to, Some("The user, the password or the code is wrong."))
    }

    /// Asks again, later.
    pub(super) fn wait(to: &str, wait: Duration) -> Self {
        let minutes = wait.as_secs().div_ceil(60);
        let unit = if minutes == 1 { "minute" } else { "minutes" };
        let why = format!("There were too many failures. Try again in {minutes} {unit}.");
        Self::asking(to, Some(&why))
    }

    fn asking(to: &str, error: Option<&str>) -> Self {
        let error = error.map_or_else(String::new, alert);
        let to = escape(to);
        Self(format!(
            "<h1>Log in</h1>{error}<form method=\"post\" action=\"login\">\
             <input type=\"hidden\" name=\"to\" value=\"{to}\">\
             <label for=\"user\">User</label>\
             <input id=\"user\" name=\"user\" autocomplete=\"username\" autocapitalize=\"none\" \
             spellcheck=\"false\" required autofocus>\
             <label for=\"password\">Password</label>\
             <input id=\"password\" name=\"password\" type=\"password\" \
             autocomplete=\"current-password\" required>\
             <button type=\"submit\">Log in</button></form>"
        ))
    }

    /// Asks for a one-time code.
    pub(super) fn code(to: &str, session: &str) -> Self {
        let (to, session) = (escape(to), escape(session));
        Self(format!(
            "<h1>One more step</h1><form method=\"post\" action=\"login\">\
             <input type=\"hidden\" name=\"to\" value=\"{to}\">\
             <input type=\"hidden\" name=\"session\" value=\"{session}\">\
             <label for=\"code\">Code from your authenticator, or a recovery code</label>\
             <input id=\"code\" name=\"code\" autocomplete=\"one-time-code\" inputmode=\"numeric\" \
             required autofocus><button type=\"submit\">Go on</button></form>\
             <p><a href=\"login\">Start again</a></p>"
        ))
    }

    /// Asks whether to log out. A link alone would let other sites log a browser out.
    pub(super) fn logout() -> Self {
        Self(
            "<h1>Log out</h1><form method=\"post\" action=\"logout\">\
             <button type=\"submit\">Log out</button></form>"
                .into(),
        )
    }

    /// Says something.
    pub(super) fn notice(text: &str) -> Self {
        Self(format!("<h1>{}</h1><p><a href=\"login\">Log in</a></p>", escape(text)))
    }
}

fn alert(text: &str) -> String {
    format!("<p class=\"error\" role=\"alert\">{}</p>", escape(text))
}

/// Makes a page a response that runs no scripts, is not shown in frames, and sends forms to this site
/// only.
pub(super) fn show(status: StatusCode, page: &Page) -> Response {
    let html = format!(
        "<!DOCTYPE html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>Log in</title>\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\
         <link rel=\"stylesheet\" href=\"style.css\"></head><body><main>{}</main></body></html>\n",
        page.0
    );
    let mut response = web::with_body(status, html);
    for (name, value) in [
        (CONTENT_TYPE, "text/html; charset=utf-8"),
        (
            CONTENT_SECURITY_POLICY,
            "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; \
             frame-ancestors 'none'",
        ),
        (X_FRAME_OPTIONS, "DENY"),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (REFERRER_POLICY, "same-origin"),
    ] {
        web::set(&mut response, name, value);
    }
    response
}

/// The style of all pages.
pub(super) fn style() -> Response {
    let mut response = web::with_body(StatusCode::OK, include_str!("style.css"));
    web::set(&mut response, CONTENT_TYPE, "text/css; charset=utf-8");
    web::set(&mut response, X_CONTENT_TYPE_OPTIONS, "nosniff");
    response
}

fn escape(text: &str) -> String {
    let mut escaped = String::new();
    for letter in text.chars() {
        match letter {
            '&' | '<' | '>' | '"' | '\'' => {
                let _ = write!(escaped, "&#{};", u32::from(letter));
            }
            _ => escaped.push(letter),
        }
    }
    escaped
}
