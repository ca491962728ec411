//! Why a server refuses a bind.

use keyward_plugin::Denial;
use ldap3::LdapResult;

/// Returns what an answer says about the user; `None` if it says something else.
///
/// The codes are those of RFC 4511. Active Directory says more in the text, as in `data 533`.
pub(crate) fn denial(result: &LdapResult) -> Option<Denial> {
    match result.rc {
        49 => Some(of_active_directory(&result.text).unwrap_or(Denial::Secret)),
        // 32: the entry does not exist (any more). 48: it has no password. 34: it has no valid name.
        32 | 34 | 48 => Some(Denial::Secret),
        // 19: too many failures, and 53: the account is inactive, in 389 Directory Server.
        19 | 53 => Some(Denial::Disabled),
        50 => Some(Denial::Restricted),
        _ => None,
    }
}

fn of_active_directory(text: &str) -> Option<Denial> {
    let (_, rest) = text.split_once("AcceptSecurityContext error, data ")?;
    match rest.split(|c: char| !c.is_ascii_alphanumeric()).next()? {
        "533" | "775" => Some(Denial::Disabled),
        "532" | "701" => Some(Denial::Expired),
        "773" => Some(Denial::PasswordChangeDue),
        "530" | "531" => Some(Denial::Restricted),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_says_why() {
        let said = |rc, text: &str| {
            let (matched, text) = (String::new(), text.to_owned());
            denial(&LdapResult { rc, matched, text, refs: Vec::new(), ctrls: Vec::new() })
        };
        let directory = |data: &str| {
            let text =
                "80090308: LdapErr: DSID-0C090446, comment: AcceptSecurityContext error, data ";
            said(49, &format!("{text}{data}, v3839"))
        };
        assert_eq!(said(49, ""), Some(Denial::Secret));
        assert_eq!(directory("52e"), Some(Denial::Secret));
        assert_eq!(directory("533"), Some(Denial::Disabled));
        assert_eq!(directory("701"), Some(Denial::Expired));
        assert_eq!(directory("773"), Some(Denial::PasswordChangeDue));
        assert_eq!(directory("531"), Some(Denial::Restricted));
        assert_eq!(said(53, "Account inactivated"), Some(Denial::Disabled));
        for outage in [1, 2, 3, 8, 10, 11, 13, 51, 52, 80] {
            assert_eq!(said(outage, ""), None, "{outage}");
        }
    }
}
