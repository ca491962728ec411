//! Signs the challenge of a checker of SSH keys.

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use keyward_core::{Error, ErrorKind, Secret};

use crate::stop::Outcome;

/// The only namespaces that are signed for. A signature for another one could be used elsewhere: git
/// has the namespace `git`, and files have `file`.
const NAMESPACE: &str = "keyward-auth@";

/// The largest signature, in bytes.
const MAX: usize = 256 << 10;

/// Has `ssh-keygen` sign a challenge, whose first word is the namespace. It may ask for the passphrase
/// of the key.
pub(super) fn sign(key: &Path, challenge: &Secret) -> Outcome<Secret> {
    let text = challenge.expose_str().unwrap_or_default();
    let namespace = text.split(' ').next().filter(|word| word.starts_with(NAMESPACE));
    let Some(namespace) = namespace else {
        let why = "the checker wants something else signed than a login";
        return Err(Error::new(ErrorKind::Refused, "sign").because(why).into());
    };
    let mut command = Command::new("ssh-keygen");
    command.args(["-q", "-Y", "sign", "-n", namespace, "-f"]).arg(key);
    let failed = |error| Error::io("sign", error).because("`ssh-keygen` cannot be run");
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().map_err(failed)?;
    if let Some(mut input) = child.stdin.take() {
        // If it does not read, its exit status says why.
        drop(input.write_all(challenge.expose()));
    }
    let output = child.stdout.take().map(|output| Secret::read_from(output, MAX));
    let signature = output.transpose().map_err(failed)?.unwrap_or_default();
    if !child.wait().map_err(failed)?.success() {
        let why = format!("`ssh-keygen` did not sign with {}", key.display());
        return Err(Error::invalid("sign", why).into());
    }
    Ok(signature)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_but_a_login_is_signed() {
        for text in ["", "git tree", "file x", "keyward-auth", "\0keyward-auth@v1 x"] {
            assert!(sign(Path::new("/nonexistent"), &Secret::from(text)).is_err(), "{text:?}");
        }
    }
}
